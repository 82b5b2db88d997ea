# SPDX-License-Identifier: Apache-2.0
"""How the log grows: what a record costs, on the disk and in time, in logs of 10,000 records, ten times that, and so on
up to --records. It calls programs only, so that it says nothing of how the log is stored.
"""
import json
import os
import re
import statistics

from contenders import Ward, run
from figures import Row, below, megabytes, rate
from rows_store import ARTIFACTS, memory

SMALLEST = 10_000
OPEN = 65_536  # so many records at the end of a log at most have no index yet
YEAR, ASKED = 365, 90  # days: of the log, and of the questions
WHO = {  # questions of `ward log`: what, where, its words, the share of the records of these days that answer
    "who": ("`ward log PATH --action read --since 90d`", "models/f500", ["--action", "read"], 1 / 2 / ARTIFACTS),
    "who-user": ("`ward log --user user7 --since 90d`", "", ["--user", "user7"], 1 / 50),
    "who-refused": ("`ward log --outcome refused --since 90d`", "", ["--outcome", "refused"], 1 / 5_000),
    "who-nobody": ("`ward log --user` who did nothing", "", ["--user", "user77"], 0),
}
KINDS = ("append", "verify", "index", "ask", "compress", "ask-packed", "verify-packed", "bytes", "mount", *WHO, "memory",
         "memory-read")
NAMES = [f"growth-{what}" for what in KINDS]


def sizes(largest):
    """Powers of ten, then the largest; so that each artifact has as many records as the others."""
    largest = max(largest // (2 * ARTIFACTS), 1) * 2 * ARTIFACTS
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
    for key, (what, *_) in WHO.items():
        yield row(key, f"{what}, through the mount", [below(1, "≤ 1 s")] if large and key == "who" else ())
    yield row("memory", "memory of the daemon then", [below(300, "≤ 300 MB")] if large else (), show=megabytes)
    yield row("memory-read", "after all of `@@/audit` was read through the mount",
              [below(300, "≤ 300 MB")] if large else (), show=megabytes)


def measure(arena, size):
    ward = Ward(arena.base, arena.program, arena.fresh("growth")[0])
    artifact = make_artifacts(arena, ward)
    figures = {"append": arena.loop("append", ward.store, size) / size}
    figures["verify"] = verify(arena, ward, size)
    figures["index"] = arena.loop("index", ward.store) / size
    figures["ask"] = arena.loop("ask", ward.store, artifact, size // ARTIFACTS)
    figures["compress"] = arena.loop("compress", ward.store) / size
    figures["ask-packed"] = arena.loop("ask", ward.store, artifact, size // ARTIFACTS)
    figures["verify-packed"] = verify(arena, ward, size)
    figures["bytes"] = sum(disk_usage(os.path.join(ward.store, part)) for part in ("audit", "index")) / size
    figures.update(mounted(arena, ward, size))
    run("rm", "-r", ward.store)  # the larger ones need the room
    return figures


def make_artifacts(arena, ward):
    """Saves what the log is about; returns the number of the one that is asked about, for the loop `ask`."""
    arena.contenders[ward.name] = ward  # from here on there is something to unmount, whatever happens
    ward.start()
    folder = ward.path("models")
    os.mkdir(folder)
    arena.loop("saves", folder, ARTIFACTS, 16, 1)
    with open(folder + "/f500@@/info.json") as f:
        artifact = json.load(f)["artifact"]
    ward.stop()
    return artifact


def verify(arena, ward, size):
    started = arena.clock()
    out = run(arena.program, "audit", "verify", ward.store, "--key", ward.key)
    took = arena.clock() - started
    records, covered = map(int, re.search(r"(\d+) records, (\d+) of them covered", out).groups())
    if covered != records or records < size:
        raise RuntimeError(out)
    return took / size


def mounted(arena, ward, size):
    started = arena.clock()
    run(arena.program, "mount", ward.store, ward.folder)
    figures = {"mount": arena.clock() - started, "memory": memory(ward)}
    for key, (_, path, words, share) in WHO.items():
        started = arena.clock()
        lines = run(arena.program, "log", ward.path(path), "--format", "jsonl", "--since", f"{ASKED}d", *words).count("\n")
        figures[key] = arena.clock() - started
        expected = size * share * ASKED / YEAR
        if abs(lines - expected) > 0.2 * expected + 20:
            raise RuntimeError(f"{key}: {lines} records, {expected:.0f} expected")
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
