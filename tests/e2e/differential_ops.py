# SPDX-License-Identifier: Apache-2.0
"""The system calls that differential histories are made of, each as a function of one side.

A `Side` is one file system under comparison: its folder and what the history opened in it. An operation returns what must be
equal on both sides; an OSError is equal by its errno. Handles are numbered slots; an operation on an empty slot is skipped,
so that any part of a history is a history.
"""
import ctypes
import fcntl
import mmap
import os
import socket
import stat
import struct

AT_FDCWD, AT_SYMLINK_FOLLOW, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW = -100, 0x400, 0x1000, 0x100
NOW, OMIT = (1 << 30) - 1, (1 << 30) - 2  # UTIME_NOW, UTIME_OMIT
LIBC = ctypes.CDLL(None, use_errno=True)
F_OFD_SETLK = 37


class Skip(Exception):
    """The operation can't be done in this state."""


class Side:
    def __init__(self, base):
        self.base, self.slots = base, {}

    def path(self, name):
        return os.path.join(self.base, name) if name != "" else self.base

    def fd(self, slot):
        if slot not in self.slots:
            raise Skip
        return self.slots[slot]

    def close(self):
        for fd in self.slots.values():
            os.close(fd)
        self.slots = {}


def call(function, *args):
    done = getattr(LIBC, function)(*args)
    if done < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return done


def cstr(path):
    return os.fsencode(path)


def pattern(seed, size):
    """Bytes that tell where they came from."""
    return bytes((seed * 31 + i * 7 + (i >> 8)) & 0xff or 1 for i in range(size))


# ---- names ----
def mkdir(side, path, mode):
    os.mkdir(side.path(path), mode)


def rmdir(side, path):
    os.rmdir(side.path(path))


def mknod(side, path, kind, mode):
    device = os.makedev(1, 3) if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0
    os.mknod(side.path(path), kind | mode, device)


def bind(side, path):
    """A socket by bind(2), through a short name: socket paths end at 108 bytes."""
    fd = os.open(os.path.dirname(side.path(path)), os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(f"/proc/self/fd/{fd}/{os.path.basename(path)}"[:100])
    finally:
        os.close(fd)


def symlink(side, target, path):
    os.symlink(target, side.path(path))


def readlink(side, path):
    return os.readlink(side.path(path))


def link(side, old, new, follow):
    call("linkat", AT_FDCWD, cstr(side.path(old)), AT_FDCWD, cstr(side.path(new)), AT_SYMLINK_FOLLOW if follow else 0)


def link_slot(side, slot, new):
    call("linkat", AT_FDCWD, f"/proc/self/fd/{side.fd(slot)}".encode(), AT_FDCWD, cstr(side.path(new)), AT_SYMLINK_FOLLOW)


def unlink(side, path):
    os.unlink(side.path(path))


def rename(side, old, new, flags):
    call("renameat2", AT_FDCWD, cstr(side.path(old)), AT_FDCWD, cstr(side.path(new)), flags)


def listdir(side, path):
    return sorted(os.listdir(side.path(path)))


# ---- attributes ----
def chmod(side, path, mode):
    os.chmod(side.path(path), mode)


def fchmod(side, slot, mode):
    os.fchmod(side.fd(slot), mode)


def chown(side, path, uid, gid, follow):
    os.chown(side.path(path), uid, gid, follow_symlinks=follow)


def fchown(side, slot, uid, gid):
    os.fchown(side.fd(slot), uid, gid)


class Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def utimens(side, path, atime, mtime, follow):
    times = (Timespec * 2)(Timespec(*atime), Timespec(*mtime))
    call("utimensat", AT_FDCWD, cstr(side.path(path)), times, 0 if follow else AT_SYMLINK_NOFOLLOW)


def futimens(side, slot, atime, mtime):
    call("futimens", side.fd(slot), (Timespec * 2)(Timespec(*atime), Timespec(*mtime)))


def truncate(side, path, size):
    os.truncate(side.path(path), size)


def access(side, path, mode):
    return os.access(side.path(path), mode, effective_ids=True)


def setxattr(side, path, name, value, flags, follow):
    os.setxattr(side.path(path), name, value, flags, follow_symlinks=follow)


def fsetxattr(side, slot, name, value):
    os.setxattr(side.fd(slot), name, value)


def getxattr(side, path, name, follow):
    return os.getxattr(side.path(path), name, follow_symlinks=follow)


def fgetxattr(side, slot, name):
    return os.getxattr(side.fd(slot), name)


def listxattr(side, path, follow):
    return sorted(n for n in os.listxattr(side.path(path), follow_symlinks=follow) if not n.startswith("security.selinux"))


def removexattr(side, path, name, follow):
    os.removexattr(side.path(path), name, follow_symlinks=follow)


# ---- handles ----
def open_(side, path, flags, mode, slot):
    if slot in side.slots:
        raise Skip
    side.slots[slot] = os.open(side.path(path), flags | os.O_NONBLOCK, mode)
    return os.fstat(side.slots[slot]).st_size if stat.S_ISREG(os.fstat(side.slots[slot]).st_mode) else None


def openat(side, folder, name, flags, mode, slot):
    """Relative to an open folder, which may have lost its name."""
    if slot in side.slots:
        raise Skip
    side.slots[slot] = os.open(name, flags | os.O_NONBLOCK, mode, dir_fd=side.fd(folder))


def close(side, slot):
    os.close(side.slots.pop(slot) if slot in side.slots else side.fd(slot))


def dup_close(side, slot):
    """A close that isn't the last."""
    os.close(os.dup(side.fd(slot)))


def list_slot(side, slot):
    return sorted(os.listdir(side.fd(slot)))


# ---- bytes ----
def pread(side, slot, size, at):
    return os.pread(side.fd(slot), size, at)


def pwrite(side, slot, seed, size, at):
    return os.pwrite(side.fd(slot), pattern(seed, size), at)


def write(side, slot, seed, size):
    return os.write(side.fd(slot), pattern(seed, size)), os.lseek(side.fd(slot), 0, os.SEEK_CUR)


def read(side, slot, size):
    return os.read(side.fd(slot), size), os.lseek(side.fd(slot), 0, os.SEEK_CUR)


def lseek(side, slot, at, whence):
    """Where holes are is the disk's business; what lies behind the end isn't."""
    fd = side.fd(slot)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise Skip  # positions in a folder are the disk's own
    keep = os.lseek(fd, 0, os.SEEK_CUR)
    try:
        to = os.lseek(fd, at, whence)
    except OSError:
        if whence == os.SEEK_DATA and 0 <= at < os.fstat(fd).st_size:
            return "a hole to the end" if not os.pread(fd, 1 << 20, at).strip(b"\0") else "bytes missed"
        raise
    if whence in (os.SEEK_DATA, os.SEEK_HOLE):
        os.lseek(fd, keep, os.SEEK_SET)
        if whence == os.SEEK_DATA:
            skipped = os.pread(fd, to - at, at).strip(b"\0") if to > at else b""
            return "a hole to the end" if not os.pread(fd, 1 << 20, at).strip(b"\0") else skipped
        return to <= os.fstat(fd).st_size
    return to


def ftruncate(side, slot, size):
    os.ftruncate(side.fd(slot), size)


def fallocate(side, slot, mode, at, size):
    call("fallocate", side.fd(slot), mode, ctypes.c_long(at), ctypes.c_long(size))


def copy_range(side, source, target, size, source_at, target_at):
    return os.copy_file_range(side.fd(source), side.fd(target), size, source_at, target_at)


def sendfile(side, source, target, size, at):
    if os.path.samestat(os.fstat(side.fd(source)), os.fstat(side.fd(target))):
        raise Skip  # what it reads of what it wrote depends on how much goes through at once
    return os.sendfile(side.fd(target), side.fd(source), at, size), os.lseek(side.fd(target), 0, os.SEEK_CUR)


def mapped_write(side, slot, seed, size, at):
    """Through a shared mapping that is gone again afterwards."""
    fd = side.fd(slot)
    length = os.fstat(fd).st_size
    if at + size > length:
        raise Skip
    with mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as m:
        m[at:at + size] = pattern(seed, size)
        m.flush()


def mapped_read(side, slot):
    fd = side.fd(slot)
    if os.fstat(fd).st_size == 0:
        raise Skip
    with mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ) as m:
        return bytes(m)


def fsync(side, slot):
    os.fsync(side.fd(slot))


def flock(side, slot, kind):
    fcntl.flock(side.fd(slot), kind | fcntl.LOCK_NB)


def range_lock(side, slot, kind, at, size):
    """By open file description: two slots exclude each other, though one process holds both."""
    fcntl.fcntl(side.fd(slot), F_OFD_SETLK, struct.pack("hhqqi4x", kind, 0, at, size, 0))


# ---- looks ----
def attributes(s):
    """What must be equal of a stat; times only where somebody set them to what isn't now."""
    set_by_hand = [t for t in (s.st_mtime_ns,) if not 1_500_000_000 < t // 10**9 < 4_000_000_000]
    size = s.st_size if not stat.S_ISDIR(s.st_mode) else None
    return (stat.filemode(s.st_mode), s.st_uid, s.st_gid, s.st_nlink, size, s.st_rdev, set_by_hand)


def lstat(side, path):
    return attributes(os.lstat(side.path(path)))


def stat_(side, path):
    return attributes(os.stat(side.path(path)))


def fstat(side, slot):
    return attributes(os.fstat(side.fd(slot)))


def content(side, path):
    fd = os.open(side.path(path), os.O_RDONLY | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Skip
        return os.pread(fd, 1 << 24, 0)
    finally:
        os.close(fd)


OPERATIONS = {f.__name__.rstrip("_"): f for f in (
    mkdir, rmdir, mknod, bind, symlink, readlink, link, link_slot, unlink, rename, listdir, chmod, fchmod, chown, fchown,
    utimens, futimens, truncate, access, setxattr, fsetxattr, getxattr, fgetxattr, listxattr, removexattr, open_, openat, close,
    dup_close, list_slot, pread, pwrite, write, read, lseek, ftruncate, fallocate, copy_range, sendfile, mapped_write,
    mapped_read, fsync, flock, range_lock, lstat, stat_, fstat, content)}
