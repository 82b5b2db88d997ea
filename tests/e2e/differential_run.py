# SPDX-License-Identifier: Apache-2.0
"""Runs a history on two sides in lock-step and says where they part.

A step is (actor, operation, arguments). After each step the results must be equal and the same times must have moved; now and
then, and at the end, everything that can be seen from outside must be equal. `shrink` cuts a history that parts down to the
steps it needs.
"""
import errno
import hashlib
import os
import shutil
import stat
import tempfile

from differential_ops import OPERATIONS, Side, Skip, attributes
from people import GROUP, ONE, TWO, gid, gid_of, uid

ACTORS = ("root", "one", "two")


def first_refusal(name, args, native, ward):
    """Which of several errors comes first is nobody's promise. In front of FUSE the kernel looks for others before it asks
    the file system about permission."""
    if name in ("rename", "link", "link_slot", "unlink", "rmdir") and native in ("EACCES", "EPERM"):
        return ward in ("EACCES", "EPERM", "ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "ENOTEMPTY", "EINVAL",
                        "ENAMETOOLONG")
    if args.get("uid") == args.get("gid") == -1 and native == "EPERM":  # chown(-1, -1) of a set-uid file of others
        return ward is None
    if (native, ward) == ("EACCES", "ENAMETOOLONG"):
        return True
    return (name, native, ward) in (("mknod", "EACCES", "EPERM"), ("chown", "EPERM", "EACCES"),
                                    ("open", "ENOTDIR", "EACCES"), ("open", "EACCES", "EISDIR"),
                                    ("open", "EACCES", "ELOOP"))


class Parted(Exception):
    """The sides differ; the message says in what."""


class Actors:
    """Acts as another user within this process, with that user's supplementary groups and umask."""

    def __init__(self):
        self.ids = {"root": (0, 0, [0]), "one": (uid(ONE), gid(ONE), [gid(ONE), gid_of(GROUP)]),
                    "two": (uid(TWO), gid(TWO), [gid(TWO)])}
        self.masks = {"root": 0, "one": 0o022, "two": 0o027}

    def become(self, who):
        user, group, groups = self.ids[who]
        os.seteuid(0)
        os.setgroups(groups)
        os.setegid(group)
        os.seteuid(user)
        os.umask(self.masks[who])


class Pair:
    """Two fresh folders, native and on the mount, with the same history."""

    def __init__(self, native, mount, rules):
        self.actors = Actors()
        self.rules = rules
        self.tops = [tempfile.mkdtemp(dir=base) for base in (native, mount)]
        self.sides = tuple(Side(os.path.join(top, "in")) for top in self.tops)
        for top, side in zip(self.tops, self.sides):  # one folder more than histories know: links to ".." stay inside
            os.mkdir(side.base)
            os.chmod(top, 0o777)
            os.chmod(side.base, 0o777)

    def close(self):
        self.actors.become("root")
        for side in self.sides:
            side.close()
        for top in self.tops:
            shutil.rmtree(top, ignore_errors=True)

    def times(self, side, names, slots):
        """mtime and ctime of what a step may touch, as the actor may see them."""
        def look(function, at):
            try:
                s = function(at)
                if not stat.S_ISREG(s.st_mode) and not stat.S_ISDIR(s.st_mode) and function is os.fstat:
                    return None  # what goes through a FIFO moves no time in FUSE
                return s.st_mtime_ns, s.st_ctime_ns, s.st_ino
            except OSError:
                return None
        return ([look(os.lstat, side.path(n)) for n in names] +
                [look(os.fstat, side.slots[s]) if s in side.slots else None for s in slots])

    def step(self, who, name, args):
        """One operation on both sides. Returns the native outcome; raises Parted."""
        names = sorted({n for key, n in args.items() if key in ("path", "old", "new")} |
                       {os.path.dirname(n.rstrip("/")) for key, n in args.items() if key in ("path", "old", "new")})
        slots = [s for key, s in args.items() if key in ("slot", "source", "target", "folder") and isinstance(s, int)]
        if name == "umask":
            self.actors.masks[who] = args["mask"]
            return None
        if not self.rules.allows(self.sides[0], who, name, args):
            return "skipped"
        outcomes, moved = [], []
        self.actors.become(who)
        try:
            for side in self.sides:
                before = self.times(side, names, slots)
                try:
                    outcome = OPERATIONS[name](side, **args)
                except OSError as error:
                    outcome = errno.errorcode[error.errno]
                except Skip:
                    outcome = "skipped"
                after = self.times(side, names, slots)
                outcomes.append(outcome)
                # A time moved if what stands there is still the same and shows another time.
                moved.append([(n, b[2] == a[2] and (b[0] != a[0], b[1] != a[1]))
                              for n, b, a in zip(names + slots, before, after) if b and a])
        finally:
            self.actors.become("root")
        self.rules.done(self.sides[0], who, name, args)
        if outcomes[0] != outcomes[1] and not (isinstance(outcomes[0], str) and first_refusal(name, args, *outcomes)):
            raise Parted(f"native {short(outcomes[0])}, ward {short(outcomes[1])}")
        undone = name == "rename" and args["flags"] & 4 and isinstance(outcomes[0], str)  # ext4 makes the whiteout first
        if moved[0] != moved[1] and not undone:
            raise Parted(f"(mtime, ctime) moved: native {moved[0]}, ward {moved[1]}")
        return outcomes[0]

    def compare(self):
        """Everything below both folders."""
        hidden = set()  # whose bytes aren't looked at
        native, ward = (self.tree(side, hidden) for side in self.sides)
        if native == ward:
            return
        for name in sorted(native.keys() | ward.keys(), key=str):
            if native.get(name) != ward.get(name):
                raise Parted(f"state of {name}: native {short(native.get(name))}, ward {short(ward.get(name))}")

    def tree(self, side, hidden):
        found, inodes = {}, {}
        native = side is self.sides[0]

        def look(name):
            s = os.lstat(side.path(name))
            if native and self.rules.blind(s):
                hidden.add(name)
            facts = list(attributes(s))
            if name in hidden:
                facts[4] = facts[6] = None
            facts.append(inodes.setdefault(s.st_ino, name))  # hard links: the first name
            facts.append({n: os.getxattr(side.path(name), n, follow_symlinks=False)
                          for n in os.listxattr(side.path(name), follow_symlinks=False)})
            if stat.S_ISLNK(s.st_mode):
                facts.append(os.readlink(side.path(name)))
            if stat.S_ISREG(s.st_mode) and name not in hidden:
                with open(side.path(name), "rb") as f:
                    facts.append(hashlib.sha256(f.read()).hexdigest()[:16])
            found[name] = facts
            if stat.S_ISDIR(s.st_mode):
                with os.scandir(side.path(name)) as entries:
                    entries = sorted(entries, key=lambda e: e.name)
                for e in entries:
                    if e.inode() != os.lstat(e.path).st_ino:
                        found[("d_ino", name, e.name)] = (e.inode(), os.lstat(e.path).st_ino)
                    look(os.path.join(name, e.name))
        look("")
        for slot, fd in side.slots.items():
            s = os.fstat(fd)
            facts = list(attributes(s))
            if native and self.rules.blind(s, slot):
                hidden.add(slot)
            if slot in hidden:
                facts[4] = facts[6] = None
            found[("slot", slot)] = (facts, inodes.get(s.st_ino, "no name"))
        return found


def short(value):
    text = repr(value)
    return text if len(text) < 700 else text[:340] + f" … {len(text)} … " + text[-340:]


def kind_of(why):
    return why.split(":")[0].split(",")[0]


def replay(native, mount, history, rules, kind=None):
    """Runs a history in fresh folders. Returns (number of steps done, how they parted) or None. Parting in another way than
    `kind` doesn't count."""
    pair = Pair(native, mount, rules())
    at = 0
    try:
        for at, step in enumerate(history):
            pair.step(*step)
        pair.compare()
    except Parted as parted:
        return (at + 1, str(parted)) if kind in (None, kind_of(str(parted))) else None
    finally:
        pair.close()
    return None


def shrink(native, mount, history, rules, budget=150):
    """Fewer steps that still make the sides part, with how they do."""
    best, why = history, None
    first = replay(native, mount, history, rules)
    if first is None:
        return history, "it doesn't part when it is run again"
    best, why = history[:first[0]], first[1]
    size = max(len(best) // 2, 1)
    while budget > 0:
        cut = False
        at = 0
        while at < len(best) and budget > 0:
            budget -= 1
            candidate = best[:at] + best[at + size:]
            parted = replay(native, mount, candidate, rules, kind_of(why)) if candidate else None
            if parted:
                best, why, cut = candidate[:parted[0]], parted[1], True
            else:
                at += size
        if size == 1 and not cut:
            break
        size = max(size // 2, 1) if not cut or size > 1 else 1
    return best, why
