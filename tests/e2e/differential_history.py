# SPDX-License-Identifier: Apache-2.0
"""Random histories: each step is drawn from what stands on the native side just then, so that most of them succeed."""
import fcntl
import os
import random
import stat
import struct

from differential_ops import NOW, OMIT
from harness import old_fuse
from people import GROUP, ONE, TWO, gid, gid_of, uid

NAMES = ("a", "b", "c", "d", "e", "f", "g.tmp", "h.lock", ".i.swp", "j~", "k.db", "n" * 255, "ü", b"\xff\xfe".decode(
    errors="surrogateescape"), "sp ace", "new\nline")
FOLDERS = ("p", "q", "r", "s")
MODES = (0o644, 0o600, 0o666, 0o755, 0o777, 0o000, 0o444, 0o4755, 0o2755, 0o2745, 0o6777, 0o640, 0o070)
if old_fuse():  # its kernel side takes privileges away before a write by itself, as whoever writes: INTERFACE.md
    MODES = tuple(mode & 0o777 for mode in MODES)
FOLDER_MODES = (0o755, 0o777, 0o1777, 0o2775, 0o700, 0o711, 0o3777, 0o555, 0o770)
XATTRS = ("user.a", "user.b", "trusted.t", "user.big", "security.capability", "user.ward2", "security.other", "nonsense")
WEIGHTS = {"mkdir": 6, "rmdir": 3, "mknod": 4, "bind": 1, "symlink": 3, "readlink": 1, "link": 5, "link_slot": 3, "unlink": 7,
           "rename": 12, "listdir": 2, "chmod": 6, "fchmod": 2, "chown": 6, "fchown": 2, "utimens": 5, "futimens": 2,
           "truncate": 5, "access": 2, "setxattr": 5, "fsetxattr": 2, "getxattr": 2, "fgetxattr": 1, "listxattr": 1,
           "removexattr": 2, "open": 26, "openat": 3, "close": 16, "dup_close": 3, "list_slot": 1, "pread": 5, "pwrite": 12,
           "write": 6, "read": 3, "lseek": 4, "ftruncate": 5, "fallocate": 6, "copy_range": 3, "sendfile": 2,
           "mapped_write": 4, "mapped_read": 2, "fsync": 2, "flock": 2, "range_lock": 2, "lstat": 2, "stat": 3, "fstat": 3,
           "content": 6, "umask": 1}


class Generator:
    def __init__(self, seed, side):
        self.random = random.Random(seed)
        self.values = 0
        self.side = side
        self.names, self.weights = zip(*WEIGHTS.items())
        self.owners = [0, uid(ONE), uid(TWO), -1]
        self.groups = [0, gid(ONE), gid(TWO), gid_of(GROUP), -1]

    def next(self):
        name = self.random.choices(self.names, self.weights)[0]
        who = self.random.choices(("root", "one", "two"), (4, 3, 3))[0]
        return who, name, getattr(self, "draw_" + name, lambda: {"slot": self.slot()})()

    # ---- what stands ----
    def folder(self):
        at = ""
        while self.random.random() < 0.5:
            inner = [n for n in sorted(os.listdir(self.side.path(at))) if os.path.isdir(self.side.path(os.path.join(at, n)))
                     and not os.path.islink(self.side.path(os.path.join(at, n)))]
            if not inner or at.count("/") > 3:
                break
            at = os.path.join(at, self.random.choice(inner))
        return at

    def there(self):
        """A path that stands, mostly."""
        at = self.folder()
        names = sorted(os.listdir(self.side.path(at)))
        if not names or self.random.random() < 0.07:
            return self.fresh(at)
        return os.path.join(at, self.random.choice(names)) + ("/" if self.random.random() < 0.02 else "")

    def file(self):
        for _ in range(4):
            path = self.there()
            if os.path.isfile(self.side.path(path)):
                break
        return path

    def fresh(self, at=None):
        at = self.folder() if at is None else at
        name = self.random.choice(NAMES) if self.random.random() < 0.98 else "x" * 256
        return os.path.join(at, name)

    def slot(self, kind=stat.S_IFREG):
        fitting = [s for s, fd in sorted(self.side.slots.items()) if stat.S_IFMT(os.fstat(fd).st_mode) == kind]
        return self.random.choice(fitting) if fitting and self.random.random() < 0.97 else self.random.randrange(8)

    def size(self):
        return self.random.choice((0, 1, 3, 17, 100, 511, 4095, 4096, 4097, 10000, 65536, 70000))

    def seed(self):
        return self.random.randrange(256)

    # ---- names ----
    def draw_mkdir(self):
        return {"path": os.path.join(self.folder(), self.random.choice(FOLDERS)), "mode": self.random.choice(FOLDER_MODES)}

    def draw_rmdir(self):
        return {"path": self.folder() or self.there()}

    def draw_mknod(self):
        kind = self.random.choice((stat.S_IFREG, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK))
        return {"path": self.fresh(), "kind": kind, "mode": self.random.choice(MODES) & 0o777}

    def draw_bind(self):
        return {"path": self.fresh()}

    def draw_symlink(self):
        target = self.random.choice(("a", "b", "c", "../a", "p", "p/a", ".", "..", "nowhere", "d", "x" * 300, "x" * 3000))
        return {"target": target, "path": self.fresh()}

    def draw_readlink(self):
        return {"path": self.there()}

    def draw_link(self):
        return {"old": self.there(), "new": self.fresh(), "follow": self.random.random() < 0.3}

    def draw_link_slot(self):
        return {"slot": self.slot(), "new": self.fresh()}

    def draw_unlink(self):
        return {"path": self.there()}

    def draw_rename(self):
        new = self.there() if self.random.random() < 0.5 else self.fresh()
        if self.random.random() < 0.2:
            new = os.path.join(self.folder(), self.random.choice(FOLDERS))
        return {"old": self.there(), "new": new, "flags": self.random.choice((0, 0, 0, 0, 0, 1, 2, 2, 4, 3, 5))}

    def draw_listdir(self):
        return {"path": self.folder()}

    # ---- attributes ----
    def draw_chmod(self):
        path = self.there()
        folder = os.path.isdir(self.side.path(path))
        return {"path": path, "mode": self.random.choice(FOLDER_MODES if folder else MODES)}

    def draw_fchmod(self):
        return {"slot": self.slot(), "mode": self.random.choice(MODES)}

    def draw_chown(self):
        return {"path": self.there(), "uid": self.random.choice(self.owners), "gid": self.random.choice(self.groups),
                "follow": self.random.random() < 0.5}

    def draw_fchown(self):
        return {"slot": self.slot(), "uid": self.random.choice(self.owners), "gid": self.random.choice(self.groups)}

    def time(self):
        return self.random.choice(((0, NOW), (0, NOW), (0, OMIT), (0, 0), (1, 999_999_999), (-1, 5), (-2**31, 0), (2**31, 1),
                                   (2**32 + 7, 123_456_789), (0, 1_000_000_000), (10**9, 1)))

    def draw_utimens(self):
        return {"path": self.there(), "atime": self.time(), "mtime": self.time(), "follow": self.random.random() < 0.5}

    def draw_futimens(self):
        return {"slot": self.slot(), "atime": self.time(), "mtime": self.time()}

    def draw_truncate(self):
        return {"path": self.file(), "size": self.size() if self.random.random() < 0.97 else -1}

    def draw_access(self):
        return {"path": self.there(), "mode": self.random.randrange(8)}

    def xattr(self):
        name = self.random.choice(XATTRS)
        self.values += 1  # ext4 leaves the times alone when the value is the one that it has
        if name == "security.capability":
            return name, struct.pack("<5I", 0x02000001, self.values, 0, 0, 0)  # vfs_cap_data, revision 2
        if name == "user.big":
            return name, b"v" * self.random.choice((1000, 2500)) + b"%d" % self.values
        return name, b"%d\0\xff" % self.values

    def draw_setxattr(self):
        name, value = self.xattr()
        return {"path": self.there(), "name": name, "value": value, "flags": self.random.choice((0, 0, 1, 2)),
                "follow": self.random.random() < 0.6}

    def draw_fsetxattr(self):
        name, value = self.xattr()
        return {"slot": self.slot(), "name": name, "value": value}

    def draw_getxattr(self):
        return {"path": self.there(), "name": self.random.choice(XATTRS), "follow": self.random.random() < 0.6}

    draw_removexattr = draw_getxattr

    def draw_fgetxattr(self):
        return {"slot": self.slot(), "name": self.random.choice(XATTRS)}

    def draw_listxattr(self):
        return {"path": self.there(), "follow": self.random.random() < 0.6}

    # ---- handles ----
    def flags(self):
        flags = self.random.choice((os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR))
        for more, chance in ((os.O_CREAT, 0.5), (os.O_EXCL, 0.1), (os.O_TRUNC, 0.2), (os.O_APPEND, 0.15),
                             (os.O_NOFOLLOW, 0.1), (os.O_DIRECTORY, 0.04), (os.O_SYNC, 0.03)):
            if self.random.random() < chance:
                flags |= more
        return flags

    def empty_slot(self):
        free = [s for s in range(8) if s not in self.side.slots]
        return self.random.choice(free) if free else self.random.randrange(8)

    def draw_open(self):
        how = self.random.random()
        slot = self.empty_slot()
        if how < 0.1:
            return {"path": self.folder(), "flags": os.O_RDONLY | os.O_DIRECTORY, "mode": 0, "slot": slot}
        if how < 0.17 and not old_fuse():
            return {"path": self.folder(), "flags": os.O_TMPFILE | self.random.choice((os.O_RDWR, os.O_WRONLY)) |
                    self.random.choice((0, 0, os.O_EXCL)), "mode": self.random.choice(MODES), "slot": slot}
        path = self.file() if how < 0.75 else self.fresh() if how < 0.95 else self.there()
        return {"path": path, "flags": self.flags(), "mode": self.random.choice(MODES) & 0o7777, "slot": slot}

    def draw_openat(self):
        return {"folder": self.slot(stat.S_IFDIR), "name": self.random.choice(NAMES), "flags": self.flags(),
                "mode": self.random.choice(MODES), "slot": self.empty_slot()}

    def draw_close(self):
        return {"slot": self.random.choice(sorted(self.side.slots) or [0])}

    def draw_list_slot(self):
        return {"slot": self.slot(stat.S_IFDIR)}

    # ---- bytes ----
    def draw_pread(self):
        return {"slot": self.slot(), "size": self.size(), "at": self.size()}

    def draw_pwrite(self):
        return {"slot": self.slot(), "seed": self.seed(), "size": self.size(), "at": self.size()}

    def draw_write(self):
        return {"slot": self.slot(), "seed": self.seed(), "size": self.size()}

    def draw_read(self):
        return {"slot": self.slot(), "size": self.size()}

    def draw_lseek(self):
        whence = self.random.choice((os.SEEK_SET, os.SEEK_CUR, os.SEEK_END, os.SEEK_DATA, os.SEEK_HOLE))
        return {"slot": self.slot(), "at": self.size() if self.random.random() < 0.9 else -5, "whence": whence}

    def draw_ftruncate(self):
        return {"slot": self.slot(), "size": self.size()}

    def draw_fallocate(self):
        mode = self.random.choice((0, 0, 1, 3, 3, 0x10, 0x11, 2))  # FUSE refuses to collapse and to insert
        return {"slot": self.slot(), "mode": mode, "at": self.size(), "size": self.size()}

    def draw_copy_range(self):
        return {"source": self.slot(), "target": self.slot(), "size": self.size(), "source_at": self.size(),
                "target_at": self.size()}

    def draw_sendfile(self):
        return {"source": self.slot(), "target": self.slot(), "size": self.size(), "at": self.size()}

    def draw_mapped_write(self):
        return {"slot": self.slot(), "seed": self.seed(), "size": self.random.choice((1, 3, 100, 4096, 5000)),
                "at": self.random.choice((0, 1, 100, 4095, 4096))}

    def draw_flock(self):
        return {"slot": self.slot(), "kind": self.random.choice((fcntl.LOCK_SH, fcntl.LOCK_EX, fcntl.LOCK_UN))}

    def draw_range_lock(self):
        return {"slot": self.slot(), "kind": self.random.choice((fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK)),
                "at": self.size(), "size": self.size()}

    # ---- looks ----
    def draw_lstat(self):
        return {"path": self.there()}

    draw_stat = draw_lstat

    def draw_content(self):
        return {"path": self.file()}

    def draw_umask(self):
        return {"mask": self.random.choice((0, 0o022, 0o077, 0o002, 0o027))}
