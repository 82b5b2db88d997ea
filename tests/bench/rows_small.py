# SPDX-License-Identifier: Apache-2.0
"""Many small files: saved, opened, listed, removed."""
import os
import time

from figures import Row, alternate, at_most, at_most_over, below, pick

SMALL = 4096


def small(arena):
    count = arena.sizes.files

    def measure(contender):
        def job():
            name, seed = arena.fresh("small")
            folder = contender.path(name)
            os.mkdir(folder)
            figures = {"small": arena.loop("saves", folder, count, SMALL, seed) / count}
            if contender.name == "ward":
                figures["lag"] = until_published(contender)
            arena.settle()
            return figures
        return job

    results = alternate({c.name: measure(c) for c in arena.file_systems()}, arena.sizes.rounds)
    yield Row("small", f"save of a new file of 4 KiB, {count:,} times", pick(results, "small"), [at_most(1, "gocryptfs")])
    yield Row("git-lag", "until git history has the last of these", pick(results, "lag"),
              [below(2, "≤ 2 s")])


def until_published(ward):
    started = time.monotonic()
    while ward.unpublished() > 0:
        if time.monotonic() - started > 600:
            raise RuntimeError("git history isn't up to date after ten minutes")
        time.sleep(0.02)
    return time.monotonic() - started


def opening(arena):
    """Against libfuse's own example: what deciding and recording add to an open."""
    count, rounds = arena.sizes.opened, arena.sizes.open_rounds
    jobs = {}
    for contender in arena.contenders.values():
        for name, path in ({"ward open": "open/opened", "ward ranges": "ranges/opened"} if contender.name == "ward" else
                           {contender.name: "opened"}).items():
            folder = contender.path(path)
            os.mkdir(folder)
            arena.loop("saves", folder, count, SMALL, arena.fresh("opened")[1])
            arena.loop("opens", folder, count, 1)
            jobs[name] = lambda folder=folder: arena.loop("opens", folder, count, rounds) / (count * rounds)
    arena.settle()
    times = alternate(jobs, arena.sizes.rounds)
    for depth, like in (("open", "passthrough_hp"), ("ranges", "passthrough_hp --nopassthrough")):
        mine = {n: t for n, t in times.items() if n == f"ward {depth}" or n == like or not n.startswith(("ward", "pass"))}
        yield Row(f"open-{depth}", "open and close", mine, [at_most_over(15, like)],
                  of=f"ward {depth}", in_microseconds=[like])


def folder(arena):
    count = arena.sizes.files

    def measure(contender):
        def job():
            at = contender.path(arena.fresh("folder")[0])
            os.mkdir(at)
            figures = {"create": arena.loop("saves", at, count, 0, 0)}
            for loop, key in (("list", "ls"), ("stats", "stat")):
                if arena.is_root:
                    arena.forget_names()
                    figures[key + "-cold"] = arena.loop(loop, at, count)
                figures[key + "-warm"] = min(arena.loop(loop, at, count) for _ in range(2))
            figures["unlink"] = arena.loop("unlinks", at, count)
            return {key: seconds / count for key, seconds in figures.items()}
        return job

    results = alternate({c.name: measure(c) for c in arena.file_systems()}, arena.sizes.rounds)
    for key, what in KINDS.items():
        times = pick(results, key)
        if "ward" in times:
            yield Row(key, what.format(count=count), times)


KINDS = {  # times are per file
    "create": "create and close an empty file, {count:,} in a folder",
    "ls-cold": "`ls -l` of these, the kernel knowing none",
    "ls-warm": "`ls -l` again",
    "stat-cold": "`stat` of each, the kernel knowing none",
    "stat-warm": "`stat` again",
    "unlink": "remove",
}
