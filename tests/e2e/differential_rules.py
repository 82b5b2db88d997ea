# SPDX-License-Identifier: Apache-2.0
"""What WardFS promises differently from a disk, so that differential histories don't ask for it.

Without `visibility = "write"` a file that is being written is seen by its writers' session only, and whoever has an older
version open keeps its bytes. `Sessions` knows from the native side which steps that makes incomparable; `Plain` is the rule
of paths that everybody sees at once: none.
"""
import os
import stat


class Plain:
    def allows(self, side, who, name, args):
        return True

    def done(self, side, who, name, args):
        pass

    def blind(self, info, slot=None):
        return False


class Sessions(Plain):
    def __init__(self):
        self.slots = {}  # slot -> [who opened it, inode, writes, keeps an old version]

    def writers(self, inode):
        return {who for who, of, writes, _ in self.slots.values() if of == inode and writes}

    def allows(self, side, who, name, args):
        if name == "close":
            return True
        for slot in handles(args):
            if slot in self.slots and (self.slots[slot][3] or self.slots[slot][0] != who):
                return False
        return all(self.writers(inode) <= {who} for inode in files(side, args))

    def done(self, side, who, name, args):
        if name == "close":
            self.slots.pop(args["slot"], None)
            return
        opens = name in ("open", "openat") and args["slot"] in side.slots and args["slot"] not in self.slots
        writes = name == "truncate" or name in ("open", "openat") and args["flags"] & (os.O_ACCMODE | os.O_TRUNC) != 0
        if writes:
            inodes = files(side, args)
            if opens:
                inodes.add(os.fstat(side.slots[args["slot"]]).st_ino)
            for mine in self.slots.values():  # whoever reads the version goes on reading it
                if mine[1] in inodes and not mine[2] and not self.writers(mine[1]):
                    mine[3] = True
        if opens:
            info = os.fstat(side.slots[args["slot"]])
            if stat.S_ISREG(info.st_mode):
                self.slots[args["slot"]] = [who, info.st_ino, args["flags"] & (os.O_ACCMODE | os.O_TRUNC) != 0, False]

    def blind(self, info, slot=None):
        if slot is not None and slot in self.slots and self.slots[slot][3]:
            return True
        return bool(self.writers(info.st_ino) - {"root"})


def handles(args):
    return [args[key] for key in ("slot", "source", "target", "folder") if isinstance(args.get(key), int)]


def files(side, args):
    """Inodes of the regular files that a step touches."""
    found = set()
    for key in ("path", "old", "new"):
        for look in (os.lstat, os.stat):
            try:
                info = look(side.path(args[key])) if key in args else None
            except OSError:
                continue
            if info and stat.S_ISREG(info.st_mode):
                found.add(info.st_ino)
    if "name" in args and args.get("folder") in side.slots:
        try:
            found.add(os.stat(args["name"], dir_fd=side.slots[args["folder"]]).st_ino)
        except OSError:
            pass
    for slot in handles(args):
        if slot in side.slots:
            info = os.fstat(side.slots[slot])
            if stat.S_ISREG(info.st_mode):
                found.add(info.st_ino)
    return found
