# SPDX-License-Identifier: Apache-2.0
"""How the log grows: what a record costs, on the disk and in time, in logs of 10,000 records, ten times that, and so on
up to --records. It calls programs only, so that it says nothing of how the log is stored.
"""
import os
import statistics

from contenders import Ward, run
from figures import Row, below, megabytes, rate
from rows_store import ARTIFACT, ARTIFACTS, memory

SMALLEST = 10_000
OPEN = 65_536  # so many records at the end of a log at most have no index yet
FIRST = 3  # records of `ward init`
KINDS = ("append", "verify", "index", "ask", "compress", "ask-packed", "verify-packed", "bytes", "mount", "memory", "memory-read")
NAMES = [f"growth-{what}" for what in KINDS]


def sizes(largest):
    """Powers of ten, then the largest; whole thousands, so that each artifact has as many records as the others."""
    largest = max(largest // ARTIFACTS, 1) * ARTIFACTS
    found, size = [], SMALLEST
    while size < largest:
        found.append(size)
        size *= 10
    return [*found, largest]


def growth(arena):
    every = sizes(arena.sizes.grown)
    measured = {size: [measure(arena, size) for _ in range(arena.sizes.rounds)] for size in every}
    *smaller, largest = every

    def row(key, what, budgets=(), show=None, per_second=False):
        times = {"ward": [m[key] for m in measured[largest]]}
        beside = [size for size in reversed(smaller) if key not in ("index", "compress") or size > OPEN]
        times.update({f"{size:,} records": [m[key] for m in measured[size]] for size in beside})
        note = rate(statistics.median(times["ward"])) if per_second else ""
        return Row(f"growth-{key}", what, times, budgets, show=show, note=note)

    large = largest >= 10_000_000
    yield row("append", f"a record appended, {largest:,} of them", [below(5e-6, "≤ 5 µs")], per_second=True)
    yield row("verify", "one verified", [below(1e-6, "≥ 1,000,000/s")] if largest >= 100_000 else (), per_second=True)
    yield row("index", "index of it, of a record", per_second=True)
    yield row("ask", f"all records of one artifact, one in {ARTIFACTS:,}", [below(1, "≤ 1 s")] if large else ())
    yield row("compress", "closed segments compressed, a record", per_second=True)
    yield row("ask-packed", "the same question then", [below(1, "≤ 1 s")] if large else ())
    yield row("verify-packed", "a compressed one verified", [below(1e-6, "≥ 1,000,000/s")] if largest >= 100_000 else (),
              per_second=True)
    yield row("bytes", "a record on the disk then, with tiles and index", show=in_bytes)
    yield row("mount", "`ward mount`", [below(1, "≤ 1 s")] if large else ())
    yield row("memory", "memory of the daemon then", [below(300, "≤ 300 MB")] if large else (), show=megabytes)
    yield row("memory-read", "after all of `@@/audit` was read through the mount",
              [below(300, "≤ 300 MB")] if large else (), show=megabytes)


def measure(arena, size):
    ward = Ward(arena.base, arena.program, arena.fresh("growth")[0])
    ward.init()
    figures = {"append": arena.loop("append", ward.store, size) / size}
    figures["verify"] = verify(arena, ward, size, FIRST)
    figures["index"] = arena.loop("index", ward.store) / size
    figures["ask"] = arena.loop("ask", ward.store, ARTIFACT + 500, size // ARTIFACTS)
    figures["compress"] = arena.loop("compress", ward.store) / size
    figures["ask-packed"] = arena.loop("ask", ward.store, ARTIFACT + 500, size // ARTIFACTS)
    figures["verify-packed"] = verify(arena, ward, size, FIRST + 1)  # the check before is a record too
    figures["bytes"] = sum(disk_usage(os.path.join(ward.store, part)) for part in ("audit", "index")) / size
    figures.update(mounted(arena, ward))
    run("rm", "-r", ward.store)  # the larger ones need the room
    return figures


def verify(arena, ward, size, more):
    started = arena.clock()
    out = run(arena.program, "audit", "verify", ward.store, "--key", ward.key)
    if f"{size + more} records, {size + more} of them covered" not in out:
        raise RuntimeError(out)
    return (arena.clock() - started) / size


def mounted(arena, ward):
    arena.contenders[ward.name] = ward  # from here on there is something to unmount, whatever happens
    started = arena.clock()
    run(arena.program, "mount", ward.store, ward.folder)
    figures = {"mount": arena.clock() - started, "memory": memory(ward)}
    read_all(ward.path("@@/audit"))
    figures["memory-read"] = memory(ward)
    arena.drop(ward)
    return figures


def read_all(folder):
    """The log's lines; not the entry bundles, which are the same once more."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb", buffering=0) as f:
                while f.read(1 << 20):
                    pass


def disk_usage(folder):
    """Blocks, as `du` counts them."""
    return 1024 * int(run("du", "-sk", folder).split()[0]) if os.path.exists(folder) else 0


def in_bytes(amount):
    return f"{amount:,.0f} B"
