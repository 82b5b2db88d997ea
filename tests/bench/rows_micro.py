# SPDX-License-Identifier: Apache-2.0
"""The inner loops of the audit log, by themselves: ward_micro, which is Google Benchmark's.

One row for each loop, at the largest log it was measured with; smaller ones stand beside it.
"""
import json
import os
import statistics

from contenders import run
from figures import Row, rate

LOOPS = {
    "line": "a record's line made",
    "parse": "a record's line read, strictly",
    "leaf": "a line's leaf hash",
    "tree": "tree, tiles and a signature per 10,000 records, of a record",
    "verify": "a line checked and hashed, as `audit verify` does",
    "ask": "all records of one artifact in 1,000 found",
    "append": "a record made and appended",
}
NAMES = [f"micro-{loop}" for loop in LOOPS]


def micro(arena):
    program = os.path.join(os.path.dirname(arena.program), "tests", "ward_micro")
    if not os.path.exists(program):
        raise RuntimeError("there is no ward_micro: scripts/setup bench installs libbenchmark-dev, then build again")
    out = run(program, "--benchmark_format=json", f"--benchmark_repetitions={arena.sizes.rounds}", *arena.sizes.micro,
              env={**os.environ, "TMPDIR": arena.base})
    yield from rows(json.loads(out)["benchmarks"])


def rows(measured):
    """measured: Google Benchmark's list of runs and aggregates."""
    times = {}  # of each loop, of each size ("" when it has none): seconds of each repetition
    for one in measured:
        if one.get("error_occurred"):
            raise RuntimeError(f"{one['name']}: {one['error_message']}")
        if one["run_type"] != "iteration":
            continue
        loop, *parameters = one["run_name"].split("/")
        size = next((f"{int(p.split(':')[1]):,} records" for p in parameters if p.startswith("records:")), "")
        times.setdefault(loop, {}).setdefault(size, []).append(1 / one["items_per_second"])
    for loop, what in LOOPS.items():
        *smaller, largest = times[loop]
        beside = {size: times[loop][size] for size in reversed(smaller)}
        yield Row(f"micro-{loop}", what + (f"; {largest}" if largest else ""), {"ward": times[loop][largest], **beside},
                  note=rate(statistics.median(times[loop][largest])))
