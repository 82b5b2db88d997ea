# SPDX-License-Identifier: Apache-2.0
"""Histories that go through POSIX family by family: each system call with each kind of file, each caller and each errno.

A family yields histories; a history is a list of steps (differential_run.py) on names below its own folder. What is right is
what the native disk answers. The files belong to `one`, who has GROUP as a supplementary group; `two` is everybody else.
"""
import fcntl
import itertools
import os
import stat

from differential_ops import NOW, OMIT
from people import GROUP, ONE, TWO, gid, gid_of, uid

KINDS = ("regular", "dir", "fifo", "block", "char", "socket", "symlink")
FORMATS = {"fifo": stat.S_IFIFO, "block": stat.S_IFBLK, "char": stat.S_IFCHR, "socket": stat.S_IFSOCK}
ACTORS = ("root", "one", "two")
RDONLY, WRONLY, RDWR = os.O_RDONLY, os.O_WRONLY, os.O_RDWR
LONGEST, TOO_LONG = "l" * 255, "l" * 256


def step(who, operation, **args):
    return who, operation, args


def make(kind, path, owner="one", mode=0o644):
    """Made by root and given away, so that it works anywhere."""
    if kind == "regular":
        steps = [step("root", "open", path=path, flags=os.O_CREAT | RDWR, mode=0o600, slot=7),
                 step("root", "pwrite", slot=7, seed=1, size=10, at=0), step("root", "close", slot=7)]
    elif kind == "dir":
        steps = [step("root", "mkdir", path=path, mode=0o755)]
    elif kind == "symlink":
        steps = [step("root", "symlink", target="nowhere", path=path)]
    else:
        steps = [step("root", "mknod", path=path, kind=FORMATS[kind], mode=0o600)]
    ids = {"root": (0, 0), "one": (uid(ONE), gid(ONE)), "two": (uid(TWO), gid(TWO)), "group": (uid(TWO), gid_of(GROUP))}[owner]
    steps.append(step("root", "chown", path=path, uid=ids[0], gid=ids[1], follow=False))
    if kind != "symlink":
        steps.append(step("root", "chmod", path=path, mode=mode))
    return steps


def remove(kind, path, who="root"):
    return step(who, "rmdir" if kind == "dir" else "unlink", path=path)


# ---- permission ----
def opening():
    """Every kind, mode bits, owner, group and other: open, access, truncate, list."""
    for kind in ("regular", "fifo", "char", "socket", "dir"):
        for owner in ("one", "group", "two"):
            history = []
            for mode in (0o000, 0o400, 0o200, 0o100, 0o600, 0o040, 0o020, 0o060, 0o004, 0o002, 0o006, 0o477, 0o747, 0o774,
                         0o277, 0o727, 0o772, 0o177, 0o717, 0o771, 0o077, 0o707, 0o770):
                history += make(kind, "f", owner, mode)
                for who in ACTORS:
                    for flags in (RDONLY, WRONLY, RDWR, RDONLY | os.O_TRUNC, WRONLY | os.O_CREAT):
                        history += [step(who, "open", path="f", flags=flags, mode=0o644, slot=0), step(who, "close", slot=0)]
                    history += [step(who, "access", path="f", mode=m) for m in (0, 1, 2, 4, 6, 7)]
                    history.append(step(who, "listdir" if kind == "dir" else "truncate", path="f",
                                        **({} if kind == "dir" else {"size": 3})))
                history.append(remove(kind, "f"))
            yield history


def searching():
    """A folder on the way that may not be searched, and one that may not be written."""
    for mode in (0o755, 0o711, 0o644, 0o600, 0o444, 0o222, 0o111, 0o070, 0o007, 0o000, 0o555, 0o777):
        for owner in ("one", "two"):
            yield (make("dir", "d", "root", 0o777) + make("regular", "d/f", owner, 0o666) + make("dir", "d/s", owner, 0o777) +
                   make("regular", "g", "two", 0o666) + [step("root", "chmod", path="d", mode=mode),
                                                        step("root", "chown", path="d", uid=uid(ONE), gid=gid(ONE), follow=True)] +
                   [s for who in ("one", "two") for s in all_calls(who, "d/f", "d/new", "g")] +
                   [step(who, "rmdir", path="d/s") for who in ("two", "one")])


def all_calls(who, there, fresh, other):
    """Each call with a path once: on something there, making something fresh, and between two places."""
    yield from (step(who, "lstat", path=there), step(who, "stat", path=there), step(who, "access", path=there, mode=4),
                step(who, "chmod", path=there, mode=0o666), step(who, "chown", path=there, uid=-1, gid=-1, follow=True),
                step(who, "chown", path=there, uid=-1, gid=-1, follow=False),
                step(who, "utimens", path=there, atime=(0, NOW), mtime=(0, NOW), follow=True),
                step(who, "truncate", path=there, size=5), step(who, "content", path=there), step(who, "readlink", path=there),
                step(who, "open", path=there, flags=RDWR, mode=0, slot=1), step(who, "close", slot=1),
                step(who, "getxattr", path=there, name="user.x", follow=True),
                step(who, "setxattr", path=there, name="user.x", value=who.encode(), flags=0, follow=True),
                step(who, "listxattr", path=there, follow=True), step(who, "listdir", path=there))
    for making in (step(who, "mkdir", path=fresh, mode=0o755), step(who, "symlink", target="x", path=fresh),
                   step(who, "mknod", path=fresh, kind=stat.S_IFIFO, mode=0o644), step(who, "bind", path=fresh),
                   step(who, "mknod", path=fresh, kind=stat.S_IFREG, mode=0o644),
                   step(who, "open", path=fresh, flags=os.O_CREAT | os.O_EXCL | RDWR, mode=0o644, slot=1),
                   step(who, "link", old=other, new=fresh, follow=False), step(who, "link", old=there, new=fresh, follow=False)):
        yield from (making, step(who, "close", slot=1), step("root", "unlink", path=fresh), step("root", "rmdir", path=fresh))
    yield from (step(who, "rename", old=there, new=fresh, flags=0), step(who, "rename", old=fresh, new=there, flags=1),
                step(who, "rename", old=other, new=fresh, flags=0), step("root", "rename", old=fresh, new=other, flags=0),
                step(who, "rename", old=there, new=other, flags=2), step(who, "rename", old=other, new=there, flags=2),
                step(who, "unlink", path=there))


# ---- names that don't work ----
def bad_paths():
    """ENOTDIR, ENOENT, ELOOP, ENAMETOOLONG, and the longest that do work."""
    setting = make("regular", "other", mode=0o666) + [step("root", "symlink", target="loop2", path="loop1"),
                                                      step("root", "symlink", target="loop1", path="loop2"),
                                                      step("root", "symlink", target="none/x", path="dangling")]
    for kind in KINDS:
        yield setting + make(kind, "k") + list(all_calls("root", "k/x", "k/y", "other"))
    for there, fresh in (("none/x", "none/y"), ("loop1", "loop2"), ("loop1/x", "loop2/y"), ("dangling", "dangling/x"),
                         (TOO_LONG, TOO_LONG), (TOO_LONG + "/x", TOO_LONG + "/y"), ("other/", "other/x"), ("other/.", "new/"),
                         ("", ""), (".", ".."), ("none", "none/"), ("./other", "././fresh")):
        yield setting + list(all_calls("root", there, fresh, "other"))
    for name in (LONGEST, "\udcff" * 255, "@", "a@@b", "@@a"):
        yield setting + make("regular", name, mode=0o666) + list(all_calls("one", name, LONGEST[1:] + "x", "other"))
    deep = ["/".join([LONGEST[:200]] * n) for n in range(1, 19)]  # together with the folder of the test: near PATH_MAX
    yield setting + [step("root", "mkdir", path=p, mode=0o777) for p in deep] + list(
        all_calls("root", deep[-1] + "/x", deep[-1] + "/y", "other"))
    chain = [step("root", "symlink", target="other", path="c0")]
    chain += [step("root", "symlink", target=f"c{i}", path=f"c{i + 1}") for i in range(45)]
    yield setting + chain + [step("root", call, path=f"c{i}") for i in (1, 38, 39, 40, 41) for call in ("stat", "content")]


def existing():
    """What stands is in the way of everything that makes a name."""
    for kind in KINDS:
        history = make("regular", "other") + make(kind, "k", mode=0o777)
        for who in ACTORS:
            history += [step(who, "mkdir", path="k", mode=0o755), step(who, "mknod", path="k", kind=stat.S_IFIFO, mode=0o644),
                        step(who, "mknod", path="k", kind=stat.S_IFREG, mode=0o644), step(who, "bind", path="k"),
                        step(who, "symlink", target="x", path="k"), step(who, "link", old="other", new="k", follow=False),
                        step(who, "rename", old="other", new="k", flags=1),
                        step(who, "open", path="k", flags=os.O_CREAT | os.O_EXCL | RDWR, mode=0o644, slot=0),
                        step(who, "close", slot=0)]
        yield history


# ---- attributes ----
def modes():
    for kind in KINDS:
        for owner in ("one", "two", "group"):
            history = make(kind, "f", owner)
            for who in ACTORS:
                for mode in (0o111, 0o644, 0o4755, 0o2755, 0o2745, 0o1755, 0o6777, 0o7777, 0o000):
                    history += [step(who, "chmod", path="f", mode=mode), step(who, "lstat", path="f")]
            yield history + [step("root", "chmod", path="f", mode=0o644)] if kind != "symlink" else history


def owners():
    ids = (0, uid(ONE), uid(TWO), -1)
    groups = (0, gid(ONE), gid(TWO), gid_of(GROUP), -1)
    for kind in KINDS:
        for who in ACTORS:
            history = make(kind, "f")
            for mode in (0o644, 0o6555, 0o2745, 0o4111):
                for user in ids:
                    for group in groups:
                        if kind != "symlink":
                            history.append(step("root", "chmod", path="f", mode=mode))
                        history += [step(who, "chown", path="f", uid=user, gid=group, follow=kind != "symlink"),
                                    step("root", "lstat", path="f"),
                                    step("root", "chown", path="f", uid=uid(ONE), gid=gid(ONE), follow=False)]
            yield history
    yield make("regular", "f") + [step("root", "symlink", target="f", path="l"),
                                  step("root", "chown", path="l", uid=uid(TWO), gid=gid(TWO), follow=True),
                                  step("root", "chown", path="l", uid=uid(ONE), gid=gid(TWO), follow=False)]


def times():
    values = ((0, NOW), (0, OMIT), (1, 2), (-1, 999_999_999), (2**31, 0), (2**32, 5), (-2**31, 0), (0, 10**9), (0, -1))
    for kind in KINDS:
        for owner, mode in (("one", 0o644), ("two", 0o666), ("two", 0o644)):
            history = make(kind, "f", owner, mode)
            for who in ("one", "root"):
                history += [step(who, "utimens", path="f", atime=a, mtime=m, follow=False) for a in values for m in values]
            yield history


def privileges_end():
    """Whose writes take set-uid, set-gid and capabilities away."""
    acts = (lambda who: [step(who, "pwrite", slot=0, seed=3, size=5, at=0)], lambda who: [step(who, "ftruncate", slot=0, size=3)],
            lambda who: [step(who, "fallocate", slot=0, mode=0, at=0, size=50)], lambda who: [step(who, "truncate", path="f", size=2)],
            lambda who: [step(who, "open", path="f", flags=WRONLY | os.O_TRUNC, mode=0, slot=1), step(who, "close", slot=1)],
            lambda who: [step(who, "open", path="f", flags=WRONLY | os.O_APPEND, mode=0, slot=1),
                         step(who, "write", slot=1, seed=1, size=4), step(who, "close", slot=1)],
            lambda who: [step(who, "mapped_write", slot=0, seed=1, size=3, at=0)],
            lambda who: [step(who, "copy_range", source=2, target=0, size=5, source_at=0, target_at=0)])
    capabilities = ((1 | 2 << 24).to_bytes(4, "little") + n.to_bytes(4, "little") + bytes(12) for n in itertools.count(1))
    for mode in (0o6777, 0o2767, 0o4766, 0o666):
        for owner in ("one", "two", "group"):
            history = make("regular", "f", owner) + make("regular", "g", mode=0o666)
            history += [step("root", "open", path="f", flags=RDWR, mode=0, slot=0),
                        step("root", "open", path="g", flags=RDONLY, mode=0, slot=2)]
            for act in acts:
                for who in ACTORS:
                    history += [step("root", "chmod", path="f", mode=mode),
                                step("root", "setxattr", path="f", name="security.capability", value=next(capabilities), flags=0,
                                     follow=True)]
                    history += act(who) + [step("root", "lstat", path="f"),
                                           step("root", "getxattr", path="f", name="security.capability", follow=True)]
            yield history


def attributes_of_attributes():
    """Extended attributes: each kind, name space and caller."""
    for kind in KINDS:
        for mode in (0o644, 0o000, 0o222, 0o1777 if kind == "dir" else 0o666):
            history = make(kind, "f", mode=mode)
            for who in ("one", "two", "root"):
                for name in ("user.x", "trusted.x", "security.x", "system.x", "none", "user.", "user." + "n" * 250,
                             "user." + "n" * 251):
                    history += [step(who, call, path="f", follow=False, **{"name": name, **more}) for call, more in (
                        ("getxattr", {}), ("setxattr", {"value": who.encode(), "flags": 2}),
                        ("setxattr", {"value": b"1" + who.encode(), "flags": 1}),
                        ("setxattr", {"value": b"2" + who.encode(), "flags": 0}), ("getxattr", {}), ("removexattr", {}))]
                history.append(step(who, "listxattr", path="f", follow=False))
            yield history


# ---- names that come and go ----
def sticky():
    """Who may remove, rename and replace in a sticky folder: its owner, the file's, root."""
    for kind in KINDS:
        for folder in ("root", "one", "two"):
            for file in ("root", "one", "two"):
                history = make("dir", "s", folder, 0o1777) + make("dir", "d", "one", 0o777)
                for call in ("remove", "away", "within", "over", "exchange"):
                    history += make(kind, "s/f", file) + make(kind, "d/g", "one")
                    history.append({"remove": remove(kind, "s/f", "one"),
                                    "away": step("one", "rename", old="s/f", new="d/h", flags=0),
                                    "within": step("one", "rename", old="s/f", new="s/h", flags=0),
                                    "over": step("one", "rename", old="d/g", new="s/f", flags=0),
                                    "exchange": step("one", "rename", old="d/g", new="s/f", flags=2)}[call])
                    history += [step("root", call, path=p) for p in ("s/f", "s/h", "d/g", "d/h") for call in ("unlink", "rmdir")]
                yield history


def renames():
    """Each kind over each kind, with each flag; links, inode numbers and times come along by the comparison."""
    for source in (*KINDS, "linked", "full"):
        for target in (None, *KINDS, "linked", "full"):
            history = []
            for flags in (0, 1, 2, 4, 3):
                for kind, name in ((source, "a"), (target, "b")):
                    if kind:
                        history += make({"linked": "regular", "full": "dir"}.get(kind, kind), name)
                    if kind == "linked":
                        history.append(step("root", "link", old=name, new=name + "2", follow=False))
                    if kind == "full":
                        history += make("regular", name + "/inside")
                history += [step("root", "rename", old="a", new="b", flags=flags)]
                history += [step("root", call, path=p) for p in ("a/inside", "b/inside", "a", "b", "a2", "b2")
                            for call in ("lstat", "unlink", "rmdir")]
            yield history


def links():
    for kind in KINDS:
        for owner, mode in (("one", 0o644), ("two", 0o666), ("two", 0o644), ("two", 0o4666), ("two", 0o2676), ("root", 0o600)):
            history = make(kind, "f", owner, mode) + make("dir", "d", "root", 0o777)
            for who in ACTORS:
                history += [step(who, "link", old="f", new=f"d/{who}", follow=False), step(who, "lstat", path=f"d/{who}"),
                            step(who, "chmod", path=f"d/{who}", mode=0o640), step(who, "unlink", path=f"d/{who}"),
                            step("root", "lstat", path="f"), step("root", "unlink", path=f"d/{who}")]
            yield history


def making():
    """The owner, group and mode of what is new: umask, and a folder that hands its group down."""
    for folder_mode in (0o777, 0o2777, 0o3777):
        history = make("dir", "d", "group", folder_mode)
        for who in ACTORS:
            for mask in (0, 0o022, 0o077, 0o151, 0o777):
                history.append(step(who, "umask", mask=mask))
                for mode in (0o755, 0o644, 0o151, 0o2755, 0o6777, 0o1777):
                    history += [step(who, "mkdir", path="d/d", mode=mode),
                                step(who, "open", path="d/f", flags=os.O_CREAT | WRONLY, mode=mode, slot=0), step(who, "close", slot=0),
                                step(who, "mknod", path="d/p", kind=stat.S_IFIFO, mode=mode), step(who, "bind", path="d/s"),
                                step(who, "mknod", path="d/r", kind=stat.S_IFREG, mode=mode),
                                step(who, "symlink", target="x", path="d/l"),
                                step(who, "open", path="d", flags=os.O_TMPFILE | RDWR, mode=mode, slot=0),
                                step("root", "fstat", slot=0), step("root", "link_slot", slot=0, new="d/t"),
                                step(who, "close", slot=0)]
                    history += [step("root", "lstat", path="d/" + n) for n in "dfpsrlt"]
                    history += [step("root", "unlink", path="d/" + n) for n in "fpsrlt"] + [step("root", "rmdir", path="d/d")]
        yield history + [step(who, "umask", mask=0) for who in ACTORS]


def flags():
    """open(2) flags on each kind, on a link to it, and on nothing."""
    for kind in KINDS:
        history = make(kind, "k", mode=0o777)
        history += [step("root", "symlink", target=t, path=p) for t, p in (("k", "to-k"), ("none", "to-none"), ("loop", "loop"))]
        for path in ("k", "to-k", "to-none", "loop", "none", "k/", "."):
            for access in (RDONLY, WRONLY, RDWR):
                for more in (0, os.O_CREAT, os.O_CREAT | os.O_EXCL, os.O_TRUNC, os.O_APPEND, os.O_NOFOLLOW, os.O_DIRECTORY,
                             os.O_DIRECTORY | os.O_CREAT, os.O_NOFOLLOW | os.O_CREAT, os.O_CREAT | os.O_TRUNC, os.O_SYNC,
                             os.O_PATH, os.O_PATH | os.O_NOFOLLOW, os.O_TMPFILE):
                    history += [step("root", "open", path=path, flags=access | more, mode=0o600, slot=0),
                                step("root", "fstat", slot=0), step("root", "close", slot=0), step("root", "unlink", path="none")]
        yield history


def sizes():
    """truncate, ftruncate and fallocate: lengths, holes, errnos."""
    for kind in ("regular", "dir", "fifo"):
        history = make(kind, "f") + [step("root", "open", path="f", flags=RDONLY if kind == "dir" else RDWR, mode=0, slot=0),
                                     step("root", "open", path="f", flags=RDONLY, mode=0, slot=1)]
        for size in (0, 5, 123, 4096, 70_000, 1, -1, 999_999_999_999_999, 2**63 - 1):
            for slot in (0, 1):
                history += [step("root", "truncate", path="f", size=size), step("root", "ftruncate", slot=slot, size=size),
                            step("root", "stat", path="f")]
                history += [step("root", "fallocate", slot=slot, mode=mode, at=at, size=length) for mode in (0, 1, 3, 0x10, 0x11)
                            for at, length in ((0, 0), (0, 10), (5, 5000), (-1, 5), (5, -1), (4096, 4096), (2**62, 2**62))
                            if length < 2**40 or mode != 3]
        yield history


def open_files():
    """What an open file is when its name went, moved or was replaced; what locks do."""
    for kind in ("regular", "dir"):
        for act in ("unlink", "rename", "replace", "rmdir"):
            history = make(kind, "f") + make(kind, "g") + [
                step("root", "open", path="f", flags=RDONLY if kind == "dir" else RDWR, mode=0, slot=0),
                {"unlink": step("root", "unlink", path="f"), "rmdir": step("root", "rmdir", path="f"),
                 "rename": step("root", "rename", old="f", new="h", flags=0),
                 "replace": step("root", "rename", old="g", new="f", flags=0)}[act]]
            history += [step("root", "fstat", slot=0), step("root", "pwrite", slot=0, seed=9, size=7, at=4),
                        step("root", "pread", slot=0, size=50, at=0), step("root", "fchmod", slot=0, mode=0o600),
                        step("root", "fchown", slot=0, uid=uid(TWO), gid=gid(TWO)),
                        step("root", "futimens", slot=0, atime=(5, 5), mtime=(6, 6)), step("root", "fstat", slot=0),
                        step("root", "fsetxattr", slot=0, name="user.x", value=b"1"), step("root", "fgetxattr", slot=0, name="user.x"),
                        step("root", "ftruncate", slot=0, size=3), step("root", "dup_close", slot=0),
                        step("root", "pread", slot=0, size=50, at=0), step("root", "fsync", slot=0),
                        step("root", "link_slot", slot=0, new="again"), step("root", "list_slot", slot=0),
                        step("root", "openat", folder=0, name="inside", flags=os.O_CREAT | RDWR, mode=0o600, slot=1),
                        step("root", "close", slot=1), step("root", "content", path="f"), step("root", "content", path="h"),
                        step("root", "close", slot=0), step("root", "content", path="f")]
            yield history
    shared, alone, none = fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN
    history = make("regular", "f") + [step("root", "open", path="f", flags=RDWR, mode=0, slot=s) for s in (0, 1)]
    for a in (shared, alone, none):
        for b in (shared, alone, none):
            history += [step("root", "flock", slot=0, kind=a), step("root", "flock", slot=1, kind=b),
                        step("root", "flock", slot=0, kind=none), step("root", "flock", slot=1, kind=none)]
    for a in (fcntl.F_RDLCK, fcntl.F_WRLCK):
        for b in (fcntl.F_RDLCK, fcntl.F_WRLCK):
            for at in (0, 5, 10, 15):
                history += [step("root", "range_lock", slot=0, kind=a, at=5, size=5),
                            step("root", "range_lock", slot=1, kind=b, at=at, size=5),
                            step("root", "range_lock", slot=0, kind=fcntl.F_UNLCK, at=0, size=0),
                            step("root", "range_lock", slot=1, kind=fcntl.F_UNLCK, at=0, size=0)]
    yield history


FAMILIES = (opening, searching, bad_paths, existing, modes, owners, times, privileges_end, attributes_of_attributes, sticky,
            renames, links, making, flags, sizes, open_files)
