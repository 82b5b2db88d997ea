# SPDX-License-Identifier: Apache-2.0
"""One large file: read in all ways at both audit depths, and saved."""
import os
import shutil

from contenders import run
from figures import Row, ahead, alternate, at_most, pick

DEPTHS = ("open", "ranges")


def big_files(arena):
    """{name: (contender, path)} of the same amount of bytes; WardFS has one for each depth."""
    files = {}
    for contender in arena.file_systems():
        names = {f"ward {d}": f"{d}/big" for d in DEPTHS} if contender.name == "ward" else {contender.name: "big"}
        for name, path in names.items():
            files[name] = contender, contender.path(path)
            if not os.path.exists(contender.path(path)):
                arena.loop("write", contender.path(path), arena.sizes.big, arena.fresh("big")[1])
    arena.settle()
    return files


def read(arena):
    files, count = big_files(arena), arena.sizes.random_reads

    def measure(contender, path):
        def job():
            stored = contender.stored(path)
            warm(arena, contender, path, stored)
            figures = {"read": arena.loop("read", path), "again": arena.loop("read", path)}
            figures["random"] = arena.loop("random", path, count) / count
            warm(arena, contender, path, stored)
            figures["mmap"] = arena.loop("map", path)
            arena.loop("forget", path)
            arena.loop("evict", *stored)
            figures["cold"] = arena.loop("read", path)
            return figures
        return job

    results = alternate({name: measure(*of) for name, of in files.items()}, arena.sizes.rounds)
    for key, what in KINDS.items():
        for depth in DEPTHS:
            times = {n: t for n, t in pick(results, key).items() if not n.startswith("ward") or n == f"ward {depth}"}
            text = what.format(size=amount(arena.sizes.big))
            yield Row(f"{key}-{depth}", text, times, BUDGETS.get((key, depth), ()), of=f"ward {depth}")


KINDS = {
    "read": "{size} in memory, first read",
    "again": "{size} in memory, read again",
    "random": "4 KiB anywhere in it",
    "mmap": "{size} in memory, mapped",
    "cold": "{size} from the disk",
}
HOT_RANGES = [at_most(2.5, "native"), *(ahead(3, name) for name in ("bindfs", "mergerfs", "gocryptfs"))]
BUDGETS = {
    ("read", "open"): [at_most(1.1, "native")],
    ("again", "open"): [at_most(1.1, "native")],
    ("mmap", "open"): [at_most(1.1, "native")],
    ("read", "ranges"): HOT_RANGES,
    ("again", "ranges"): HOT_RANGES,
    ("cold", "ranges"): [at_most(1.1, "native")],
}


def warm(arena, contender, path, stored):
    """The bytes are in the page cache of the disk's file system, and nothing in that of the mount."""
    if stored != [path]:
        arena.loop("forget", path)
    for each in stored:
        arena.loop("read", each)


def amount(size):
    return f"{size >> 30} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"


def save(arena):
    size = arena.sizes.big
    native, ward = arena.contenders["native"], arena.contenders["ward"]
    hot = native.path("hot")
    arena.loop("write", hot, size, arena.fresh("hot")[1])

    def openssl():
        arena.loop("read", hot)
        return timed(arena, ["openssl", "dgst", "-sha256", hot])

    def write(contender, folder=""):
        def job():
            name, seed = arena.fresh("save")
            path = contender.path(folder, name)
            took = arena.loop("write", path, size, seed)
            if contender is ward and os.getxattr(path, "user.ward.version") != b"1":
                raise RuntimeError(f"{path} was closed and has no version")
            arena.settle()
            os.unlink(path)
            return took
        return job

    jobs = {"openssl dgst": openssl, "native": write(native), "ward": write(ward, "ranges")}
    for tool, prepare, commands in TOOLS:
        if shutil.which(tool):
            jobs[tool] = into_repository(arena, native.path(tool), prepare, commands)
        else:
            arena.missing.append(tool)
    times = alternate(jobs, arena.sizes.rounds)
    yield Row("save", f"{amount(size)} saved", times,
              [at_most(1.35, "openssl dgst"), ahead(3, "git-lfs"), ahead(3, "git-annex")])


GIT = ["git", "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
TOOLS = [
    ("git-lfs", [["git", "lfs", "install", "--local"], ["git", "lfs", "track", "save-*"]],
     [[*GIT, "add", "{file}"], [*GIT, "commit", "-q", "-m", "{file}"]]),
    ("git-annex", [[*GIT, "annex", "init", "-q"]], [[*GIT, "annex", "add", "-q", "{file}"]]),
]


def into_repository(arena, folder, prepare, commands):
    """What the tool does with a file that lies in its working tree already."""
    os.makedirs(folder)
    run("git", "init", "-q", cwd=folder)
    for command in prepare:
        run(*command, cwd=folder)

    def job():
        name, seed = arena.fresh("save")
        arena.loop("write", os.path.join(folder, name), arena.sizes.big, seed)
        took = sum(timed(arena, [word.format(file=name) for word in command], folder) for command in commands)
        arena.settle()
        return took
    return job


def timed(arena, command, folder=None):
    started = arena.clock()
    run(*command, cwd=folder)
    return arena.clock() - started
