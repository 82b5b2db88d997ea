# SPDX-License-Identifier: Apache-2.0
"""Opening behaves as on a disk: the flags, the refusals, unlinked and nameless files.

Goal: what POSIX promises for open(2) and its descriptor, whatever the version store does below it. Method: each promise once;
runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import ctypes
import errno as e
import os

from cases import PosixCase
from harness import IS_ROOT, main, read, require_new_fuse, write
from people import ONE, run_as


AT_FDCWD, AT_SYMLINK_FOLLOW = -100, 0x400


def link_descriptor(fd, path):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.linkat(AT_FDCWD, f"/proc/self/fd/{fd}".encode(), AT_FDCWD, os.fsencode(path), AT_SYMLINK_FOLLOW) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


class Open(PosixCase):
    def test_flags_matrix(self):
        for flags, can_read, can_write in ((os.O_RDONLY, True, False), (os.O_WRONLY, False, True), (os.O_RDWR, True, True)):
            for extra in (0, os.O_CREAT, os.O_TRUNC, os.O_APPEND, os.O_CREAT | os.O_TRUNC, os.O_SYNC, os.O_DSYNC):
                with self.subTest(flags=flags, extra=extra):
                    write(self.p("f"), b"0123")
                    fd = os.open(self.p("f"), flags | extra)
                    self.assertEqual(os.fstat(fd).st_size, 0 if extra & os.O_TRUNC else 4)
                    if can_write:
                        self.assertEqual(os.write(fd, b"ab"), 2)
                    else:
                        with self.err(e.EBADF):
                            os.write(fd, b"ab")
                    if can_read:
                        os.lseek(fd, 0, 0)
                        os.read(fd, 10)
                    else:
                        with self.err(e.EBADF):
                            os.read(fd, 1)
                    os.close(fd)
                    old = b"" if extra & os.O_TRUNC else b"0123"
                    new = (old + b"ab" if extra & os.O_APPEND else b"ab" + old[2:]) if can_write else old
                    self.assertEqual(read(self.p("f")), new)

    def test_refusals(self):
        os.mkdir(self.p("d"))
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_TRUNC, os.O_CREAT | os.O_RDONLY):
            with self.err(e.EISDIR):
                os.open(self.p("d"), flags)
        with self.err(e.ENOTDIR):
            write(self.p("f"), "x")
            os.open(self.p("f"), os.O_DIRECTORY)
        with self.err(e.ENOENT):
            os.open(self.p("none"), os.O_RDWR)
        os.mkfifo(self.p("fifo"))
        with self.err(e.ENXIO):
            os.open(self.p("fifo"), os.O_WRONLY | os.O_NONBLOCK)
        with self.err(e.EISDIR):
            os.truncate(self.p("d"), 0)
        with self.err(e.EINVAL):
            os.truncate(self.p("f"), -1)

    def test_o_excl_admits_one(self):
        children = []
        for _ in range(8):
            child = os.fork()
            if child == 0:
                try:
                    os.close(os.open(self.p("lock"), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
                    os._exit(1)
                except FileExistsError:
                    os._exit(0)
            children.append(child)
        self.assertEqual(sum(os.waitstatus_to_exitcode(os.waitpid(c, 0)[1]) for c in children), 1)

    def test_created_without_permission_it_is_still_open(self):
        """open(O_CREAT, 0) gives a working descriptor: the mode counts from the next open on."""
        def act():
            fd = os.open(self.p("f"), os.O_CREAT | os.O_RDWR, 0)
            os.write(fd, b"x")
            self.assertEqual(os.pread(fd, 5, 0), b"x")
            os.close(fd)
            with self.err(e.EACCES):
                os.open(self.p("f"), os.O_RDONLY)
        run_as(ONE, act) if IS_ROOT else act()

    def test_o_path(self):
        write(self.p("f"), "x")
        fd = os.open(self.p("f"), os.O_PATH)
        self.assertEqual(os.fstat(fd).st_size, 1)
        with self.err(e.EBADF):
            os.read(fd, 1)
        self.assertEqual(read(f"/proc/self/fd/{fd}"), b"x")
        os.close(fd)

    def test_unlinked_while_open(self):
        with open(self.p("f"), "w+b", buffering=0) as f:
            f.write(b"still ")
            os.unlink(self.p("f"))
            f.write(b"here")
            self.assertEqual(os.fstat(f.fileno()).st_nlink, 0)
            self.assertEqual(os.pread(f.fileno(), 99, 0), b"still here")
            os.ftruncate(f.fileno(), 5)
            os.fchmod(f.fileno(), 0o600)
            self.assertEqual(os.fstat(f.fileno()).st_size, 5)
            write(self.p("f"), "a new file of that name")
            self.assertEqual(os.pread(f.fileno(), 99, 0), b"still")
        self.assertEqual(read(self.p("f")), b"a new file of that name")
        with open(self.p("f"), "rb") as f:
            os.unlink(self.p("f"))
            self.assertEqual(f.read(), b"a new file of that name")
        self.assertEqual(os.listdir(self.p()), [])

    def test_tmpfile(self):
        require_new_fuse("O_TMPFILE")
        fd = os.open(self.p(), os.O_TMPFILE | os.O_RDWR, 0o644)
        os.write(fd, b"nameless")
        self.assertEqual((os.listdir(self.p()), os.fstat(fd).st_nlink), ([], 0))
        link_descriptor(fd, self.p("named"))
        os.close(fd)
        self.assertEqual(read(self.p("named")), b"nameless")
        fd = os.open(self.p(), os.O_TMPFILE | os.O_RDWR | os.O_EXCL)
        with self.err(e.ENOENT):
            link_descriptor(fd, self.p("never"))
        os.close(fd)

    def test_statvfs(self):
        s = os.statvfs(self.p())
        self.assertGreater(s.f_blocks, s.f_bfree - 1)
        self.assertGreater(s.f_bavail * s.f_frsize, 0)
        self.assertEqual(s.f_namemax, 255)


if __name__ == "__main__":
    main()
