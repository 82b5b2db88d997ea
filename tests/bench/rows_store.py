# SPDX-License-Identifier: Apache-2.0
"""The store itself: how fast its log grows and is checked, and what many artifacts cost."""
import os

from contenders import Ward, run
from figures import Row, below, megabytes, rate
from rows_small import SMALL, until_published

PER_FOLDER = 1_000
ARTIFACT, ARTIFACTS = 1_000_000, 1_000  # as bench.h


def audit(arena):
    count, times = arena.sizes.records, {"append": [], "verify": []}
    for _ in range(arena.sizes.rounds):
        ward = Ward(arena.base, arena.program, arena.fresh("log")[0])
        ward.init()
        times["append"].append(arena.loop("append", ward.store, count) / count)
        started = arena.clock()
        out = run(arena.program, "audit", "verify", ward.store, "--key", ward.key)
        times["verify"].append((arena.clock() - started) / count)
        times.setdefault("index", []).append(arena.loop("index", ward.store) / count)
        times.setdefault("ask", []).append(arena.loop("ask", ward.store, ARTIFACT + 500, count // ARTIFACTS))
        if f"{count + 3} records, {count + 3} of them covered" not in out:
            raise RuntimeError(out)
    yield Row("audit-append", "audit record made and appended", {"ward": times["append"]},
              [below(5e-6, "≤ 5 µs, ≥ 200,000/s")], note=rate_of(times["append"]))
    yield Row("audit-verify", f"one of {count:,} records verified", {"ward": times["verify"]},
              [below(1e-6, "≥ 1,000,000/s")], note=rate_of(times["verify"]))


    yield Row("audit-index", "index of it, of a record", {"ward": times["index"]}, [], note=rate_of(times["index"]))
    yield Row("audit-ask", f"all records of one artifact, one in {ARTIFACTS:,} of {count:,}", {"ward": times["ask"]},
              [below(1, "≤ 1 s of 10,000,000")] if count >= 10_000_000 else [])


def rate_of(times):
    return rate(sorted(times)[len(times) // 2])


def scale(arena):
    """A store of a tenth, then of all artifacts: what grows, and how."""
    ward = arena.add(Ward(arena.base, arena.program, arena.fresh("scale")[0]))
    tenth, whole = max(arena.sizes.scale // 10, 1), arena.sizes.scale
    have, measured = 0, {}
    for share in (tenth, whole):
        have = fill(arena, ward, have, share)
        measured[share] = [remount(arena, ward, min(tenth, PER_FOLDER)) for _ in range(arena.sizes.rounds)]
    arena.drop(ward)
    for key, what, show, budget in (("mount", "`ward mount`, {0:,} artifacts", None, below(1, "≤ 1 s")),
                                    ("memory", "memory of the daemon then", megabytes, below(300, "≤ 300 MB")),
                                    ("memory-walked", "the kernel knowing every name", megabytes, below(300, "≤ 300 MB")),
                                    ("lookup", "`stat` of a name, the kernel knowing none", None, None)):
        times = {"ward": [m[key] for m in measured[whole]], f"{tenth:,} artifacts": [m[key] for m in measured[tenth]]}
        yield Row(key, what.format(whole), times, [budget] if budget and whole >= 1_000_000 else [], show=show)


def folder_of(ward, number):
    return ward.path("ranges", f"d{number:05}")


def fill(arena, ward, have, want):
    while have < want:
        folder = folder_of(ward, have // PER_FOLDER)
        more = min(PER_FOLDER, want - have)
        if have % PER_FOLDER:  # a folder that a smaller store filled in part
            folder += "b"
        os.mkdir(folder)
        arena.loop("saves", folder, more, SMALL, arena.fresh("scale")[1])
        have += more
    until_published(ward)
    return have


def remount(arena, ward, known):
    """`known`: how many files the first folder has for sure."""
    ward.stop()
    started = arena.clock()
    run(arena.program, "mount", ward.store, ward.folder)
    figures = {"mount": arena.clock() - started, "memory": memory(ward)}
    figures["lookup"] = arena.loop("stats", folder_of(ward, 0), known) / known
    for name in os.listdir(ward.path("ranges")):
        folder = ward.path("ranges", name)
        arena.loop("list", folder, len(os.listdir(folder)))
    figures["memory-walked"] = memory(ward)
    return figures


def memory(ward):
    with open(f"/proc/{ward.pid()}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1024
