# SPDX-License-Identifier: Apache-2.0
"""Times and extended attributes behave as on a disk.

Goal: which act moves which time, times of any age, and the flags and errnos of xattrs. Method: each act once, with the times
before and after; runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import ctypes
import errno as e
import os
import time

from cases import PosixCase
from harness import main, read, write


class Times(PosixCase):
    def changed(self, path, act, *which):
        """Exactly the named times of path move when act() runs."""
        os.utime(path, ns=(10**18, 10**18), follow_symlinks=False)
        time.sleep(0.015)  # kernel time is coarse: one tick must pass, there is nothing to poll for
        before = os.lstat(path)
        act()
        after = os.lstat(path)
        moved = [t for t in ("mtime", "ctime") if getattr(after, f"st_{t}_ns") != getattr(before, f"st_{t}_ns")]
        self.assertEqual(moved, list(which))

    def test_folder_times_follow_its_names(self):
        d = self.p("d")
        os.mkdir(d)
        for act in (lambda: write(d + "/f", "x"), lambda: os.mkdir(d + "/sub"), lambda: os.symlink("f", d + "/l"),
                    lambda: os.link(d + "/f", d + "/h"), lambda: os.mkfifo(d + "/p"), lambda: os.rename(d + "/f", d + "/g"),
                    lambda: os.unlink(d + "/g"), lambda: os.rmdir(d + "/sub"), lambda: os.rename(d + "/h", self.p("h"))):
            self.changed(d, act, "mtime", "ctime")
        self.changed(d, lambda: os.stat(d + "/l", follow_symlinks=False))
        os.mkdir(d + "/in")
        self.changed(d, lambda: write(d + "/in/f", "x"))

    def test_file_times(self):
        f = self.p("f")
        write(f, "abc")
        self.changed(f, lambda: write(f, "x", "ab"), "mtime", "ctime")
        self.changed(f, lambda: os.truncate(f, 1), "mtime", "ctime")
        self.changed(f, lambda: os.chmod(f, 0o600), "ctime")
        self.changed(f, lambda: os.link(f, self.p("h")), "ctime")
        self.changed(f, lambda: os.unlink(self.p("h")), "ctime")
        self.changed(f, lambda: os.setxattr(f, "user.k", b"v"), "ctime")
        self.changed(f, lambda: read(f))
        self.changed(f, lambda: os.close(os.open(f, os.O_WRONLY)))

    def test_times_are_kept_to_the_nanosecond_and_before_1970(self):
        f = self.p("f")
        write(f, "x")
        for at in ((123456789123456789, 987654321987654321), (0, 0), (-10**9, -5)):
            os.utime(f, ns=at)
            self.assertEqual((os.stat(f).st_atime_ns, os.stat(f).st_mtime_ns), at)
        os.symlink("f", self.p("l"))
        os.utime(self.p("l"), ns=(5, 6), follow_symlinks=False)
        self.assertEqual(os.lstat(self.p("l")).st_mtime_ns, 6)


class Xattrs(PosixCase):
    def test_xattr_rules(self):
        f = self.p("f")
        write(f, "x")
        os.setxattr(f, "user.a", b"1", os.XATTR_CREATE)
        with self.err(e.EEXIST):
            os.setxattr(f, "user.a", b"2", os.XATTR_CREATE)
        os.setxattr(f, "user.a", b"22", os.XATTR_REPLACE)
        with self.err(e.ENODATA):
            os.setxattr(f, "user.b", b"2", os.XATTR_REPLACE)
        with self.err(e.ENODATA):
            os.getxattr(f, "user.b")
        with self.err(e.ENODATA):
            os.removexattr(f, "user.b")
        os.setxattr(f, "user.empty", b"")
        os.setxattr(f, "user.binary", bytes(range(256)))
        os.setxattr(f, "user.big", b"v" * 3000)
        self.assertEqual(os.getxattr(f, "user.binary"), bytes(range(256)))
        self.assertEqual((os.getxattr(f, "user.empty"), os.getxattr(f, "user.big")), (b"", b"v" * 3000))
        mine = sorted(n for n in os.listxattr(f) if not n.startswith("user.ward."))
        self.assertEqual(mine, ["user.a", "user.big", "user.binary", "user.empty"])
        os.removexattr(f, "user.a")
        self.assertNotIn("user.a", os.listxattr(f))
        os.setxattr(self.p(), "user.folder", b"too")
        self.assertEqual(os.getxattr(self.p(), "user.folder"), b"too")

    def test_xattr_buffer_too_small_is_erange(self):
        f = self.p("f")
        write(f, "x")
        os.setxattr(f, "user.a", b"0123456789")
        libc = ctypes.CDLL(None, use_errno=True)
        small = ctypes.create_string_buffer(4)
        self.assertEqual(libc.getxattr(f.encode(), b"user.a", small, 4), -1)
        self.assertEqual(ctypes.get_errno(), e.ERANGE)
        self.assertEqual(libc.getxattr(f.encode(), b"user.a", None, 0), 10)
        self.assertEqual(libc.listxattr(f.encode(), small, 4), -1)
        self.assertEqual(ctypes.get_errno(), e.ERANGE)


if __name__ == "__main__":
    main()
