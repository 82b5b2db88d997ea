# SPDX-License-Identifier: Apache-2.0
"""rename(2) and renameat2(2) as on a disk: every kind over every kind, flags, loops, open files.

Goal: the whole matrix with its errno. Method: each pair of kinds is tried in a fresh folder and compared with the rule of
POSIX; runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import ctypes
import errno as e
import os
import time

from cases import PosixCase
from harness import main, read, write

AT_FDCWD, NOREPLACE, EXCHANGE = -100, 1, 2
LIBC = ctypes.CDLL(None, use_errno=True)


def renameat2(old, new, flags):
    if LIBC.renameat2(AT_FDCWD, os.fsencode(old), AT_FDCWD, os.fsencode(new), flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), old)


def make(kind, path, content):
    if kind == "file":
        write(path, content)
    elif kind == "symlink":
        os.symlink(content, path)
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        os.mkdir(path)
        if kind == "full":
            write(path + "/inside", content)


def look(path):
    """What stands at a path, comparable."""
    if os.path.islink(path):
        return ("symlink", os.readlink(path))
    if os.path.isdir(path):
        return ("folder", sorted(os.listdir(path)))
    if os.path.isfile(path):
        return ("file", read(path))
    return ("fifo",) if os.path.lexists(path) else None


KINDS = ("file", "symlink", "fifo", "folder", "full")


class Rename(PosixCase):
    def test_matrix(self):
        for source in KINDS:
            for target in (None, *KINDS):
                with self.subTest(source=source, target=target):
                    d = self.p(f"{source}-{target}")
                    os.mkdir(d)
                    a, b = d + "/a", d + "/b"
                    make(source, a, "from")
                    if target:
                        make(target, b, "to")
                    was, stood, inode = look(a), look(b), os.lstat(a).st_ino
                    due = None
                    if target and source in ("folder", "full"):
                        due = {"folder": None, "full": (e.ENOTEMPTY, e.EEXIST)}.get(target, (e.ENOTDIR,))
                    elif target in ("folder", "full"):
                        due = (e.EISDIR,)
                    if due:
                        with self.err(*due):
                            os.rename(a, b)
                        self.assertEqual((look(a), look(b)), (was, stood))
                    else:
                        os.rename(a, b)
                        self.assertEqual((look(a), look(b)), (None, was))
                        if source != "file" or target != "file":  # a file over an artifact is a version of the artifact
                            self.assertEqual(os.lstat(b).st_ino, inode)

    def test_noreplace(self):
        for source in KINDS:
            for target in KINDS:
                with self.subTest(source=source, target=target):
                    d = self.p(f"{source}-{target}")
                    os.mkdir(d)
                    make(source, d + "/a", "from"), make(target, d + "/b", "to")
                    was = look(d + "/a"), look(d + "/b")
                    with self.err(e.EEXIST):
                        renameat2(d + "/a", d + "/b", NOREPLACE)
                    self.assertEqual((look(d + "/a"), look(d + "/b")), was)
                    renameat2(d + "/a", d + "/free", NOREPLACE)
                    self.assertEqual(look(d + "/free"), was[0])

    def test_exchange(self):
        for source in KINDS:
            for target in KINDS:
                with self.subTest(source=source, target=target):
                    d = self.p(f"{source}-{target}")
                    os.makedirs(d + "/sub")
                    a, b = d + "/a", d + "/sub/b"
                    make(source, a, "from"), make(target, b, "to")
                    was = look(a), look(b)
                    renameat2(a, b, EXCHANGE)
                    self.assertEqual((look(b), look(a)), was)
        with self.err(e.ENOENT):
            renameat2(self.p("file-file/a"), self.p("file-file/none"), EXCHANGE)
        with self.err(e.EINVAL):
            renameat2(self.p("file-file/a"), self.p("file-file/sub/b"), EXCHANGE | NOREPLACE)

    def test_into_itself(self):
        os.makedirs(self.p("d/sub/deep"))
        for target in ("d/x", "d/sub/x", "d/sub/deep"):
            with self.err(e.EINVAL, e.ENOTEMPTY):
                os.rename(self.p("d"), self.p(target))
        with self.err(e.EINVAL):
            os.rename(self.p("d"), self.p("d/sub/new"))
        with self.err(e.EINVAL):
            renameat2(self.p("d"), self.p("d/sub"), EXCHANGE)
        with self.err(e.ENOTEMPTY, e.EEXIST, e.EINVAL):
            os.rename(self.p("d/sub"), self.p("d"))
        for dots in ("d/.", "d/.."):
            with self.err(e.EBUSY, e.EINVAL):
                os.rename(self.p(dots), self.p("x"))
        os.rename(self.p("d"), self.p("d"))
        self.assertEqual(os.listdir(self.p("d")), ["sub"])

    def test_moving_a_folder_moves_what_is_in_it(self):
        os.makedirs(self.p("a/b/c"))
        os.mkdir(self.p("z"))
        write(self.p("a/b/c/f"), "x")
        parents = os.stat(self.p("a")).st_nlink, os.stat(self.p("z")).st_nlink
        os.rename(self.p("a/b"), self.p("z/moved"))
        self.assertEqual(read(self.p("z/moved/c/f")), b"x")
        self.assertEqual(os.stat(self.p("z/moved/..")).st_ino, os.stat(self.p("z")).st_ino)
        self.assertEqual((os.stat(self.p("a")).st_nlink, os.stat(self.p("z")).st_nlink), (parents[0] - 1, parents[1] + 1))
        with self.err(e.ENOENT):
            os.stat(self.p("a/b/c/f"))

    def test_two_names_of_one_file(self):
        write(self.p("f"), "x")
        os.link(self.p("f"), self.p("g"))
        os.rename(self.p("f"), self.p("g"))  # POSIX: nothing happens
        self.assertEqual(sorted(os.listdir(self.p())), ["f", "g"])
        write(self.p("h"), "other")
        os.rename(self.p("h"), self.p("g"))
        self.assertEqual((read(self.p("f")), read(self.p("g")), os.stat(self.p("f")).st_nlink), (b"x", b"other", 1))
        os.rename(self.p("f"), self.p("g"))
        self.assertEqual((read(self.p("g")), os.listdir(self.p())), (b"x", ["g"]))

    def test_open_files_stay_what_they_are(self):
        write(self.p("old"), "old bytes")
        write(self.p("new"), "new bytes")
        with open(self.p("old"), "rb") as holder:
            os.rename(self.p("new"), self.p("old"))
            self.assertEqual(holder.read(), b"old bytes")
        self.assertEqual(read(self.p("old")), b"new bytes")
        with open(self.p("old"), "r+b", buffering=0) as f:
            os.rename(self.p("old"), self.p("moved"))
            f.write(b"NEW")
        self.assertEqual(read(self.p("moved")), b"NEW bytes")
        with open(self.p("moved"), "r+b", buffering=0) as f:  # replaced while open: writes go to the replaced one
            write(self.p("other"), "other bytes")
            os.rename(self.p("other"), self.p("moved"))
            f.write(b"XXX")
            f.seek(0)
            self.assertEqual(f.read(), b"XXX bytes")
        self.assertEqual(read(self.p("moved")), b"other bytes")

    def test_times(self):
        os.makedirs(self.p("a")), os.makedirs(self.p("b"))
        write(self.p("a/f"), "x")
        for p in ("a/f", "a", "b"):
            os.utime(self.p(p), (1, 1))
        before = os.stat(self.p("a/f")).st_ctime_ns
        time.sleep(0.015)  # one tick of the kernel's coarse clock
        os.rename(self.p("a/f"), self.p("b/f"))
        self.assertGreater(os.stat(self.p("a")).st_mtime, 1)
        self.assertGreater(os.stat(self.p("b")).st_mtime, 1)
        self.assertEqual(os.stat(self.p("b/f")).st_mtime, 1)
        self.assertGreaterEqual(os.stat(self.p("b/f")).st_ctime_ns, before)

    def test_refusals(self):
        write(self.p("f"), "x")
        with self.err(e.ENOENT):
            os.rename(self.p("none"), self.p("x"))
        with self.err(e.ENOENT):
            os.rename(self.p("f"), self.p("none/x"))
        with self.err(e.ENOTDIR):
            os.rename(self.p("f"), self.p("f/x"))
        with self.err(e.ENOTDIR):
            os.rename(self.p("f"), self.p("x/"))
        with self.err(e.EXDEV):
            os.rename(self.p("f"), "/dev/shm/ward-e2e-never")
        self.assertEqual(read(self.p("f")), b"x")


if __name__ == "__main__":
    main()
