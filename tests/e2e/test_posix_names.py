# SPDX-License-Identifier: Apache-2.0
"""Making, linking, listing and removing names behaves as on a disk, with the exact errno for each refusal.

Goal: folders, symlinks, hard links, FIFOs, sockets, devices and names of any bytes. Method: POSIX's own statements, one test
each; runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import errno as e
import os
import socket
import stat

from cases import PosixCase
from harness import IS_ROOT, main, read, write


class Names(PosixCase):
    def test_length_of_a_name(self):
        for make in (lambda p: write(p, "x"), os.mkdir, os.mkfifo, lambda p: os.symlink("x", p)):
            name = self.p("n" * 255)
            make(name)
            os.rmdir(name) if os.path.isdir(name) and not os.path.islink(name) else os.unlink(name)
            with self.err(e.ENAMETOOLONG):
                make(self.p("n" * 256))
        with self.err(e.ENAMETOOLONG):
            os.stat(self.p("n" * 256))
        write(self.p("f"), "x")
        with self.err(e.ENAMETOOLONG):
            os.rename(self.p("f"), self.p("n" * 256))
        with self.err(e.ENAMETOOLONG):
            os.link(self.p("f"), self.p("n" * 256))

    def test_any_bytes_but_slash_and_nul(self):
        folder = os.fsencode(self.p())
        names = [bytes([b]) * 3 for b in range(1, 256) if chr(b) not in "./@"]
        names += [b"line\nbreak", b"\xff\xfe", b"caf\xc3\xa9", b"cafe\xcc\x81", b" ", b"...", b"\xf0\x9f\x90\x8b", b"-rf",
                  b"a\xcc\x81" * 80, b"CON", b".git", b".gitattributes", b".lfsconfig", b"a@@b", b"@", b"at", b"\x80" * 255]
        for name in names:
            write(folder + b"/" + name, name)
        self.assertEqual(sorted(os.listdir(folder)), sorted(names))
        for name in names:
            self.assertEqual(read(folder + b"/" + name), name)

    def test_case_and_normal_forms_are_different_names(self):
        for name in ("A", "a", "é", "e\u0301"):
            write(self.p(name), name)
        self.assertEqual([read(self.p(n)).decode() for n in ("A", "a", "é", "e\u0301")], ["A", "a", "é", "e\u0301"])

    def test_depth_up_to_path_max(self):
        here, depth = os.open(self.p(), os.O_RDONLY), 0
        try:
            while depth < 30:  # 30 × 201 bytes: beyond PATH_MAX, reached step by step
                os.mkdir("d" * 200, dir_fd=here)
                below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
                os.close(here)
                here, depth = below, depth + 1
            with os.fdopen(os.open("leaf", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here), "w") as f:
                f.write("deep")
            self.assertEqual(os.read(os.open("leaf", os.O_RDONLY, dir_fd=here), 9), b"deep")
        finally:
            os.close(here)
        path = self.p()
        while len(path) + 201 < 4095:
            path += "/" + "d" * 200
        self.assertTrue(os.stat(path))
        with self.err(e.ENAMETOOLONG):
            os.stat(path + "/" + "d" * 200)

    def test_kinds(self):
        os.mkfifo(self.p("fifo"), 0o640)
        s = socket.socket(socket.AF_UNIX)
        os.chdir(self.p())  # a socket's address is short
        try:
            s.bind("sock")
        finally:
            os.chdir("/")
            s.close()
        kinds = {"fifo": stat.S_ISFIFO, "sock": stat.S_ISSOCK}
        if IS_ROOT:
            os.mknod(self.p("chr"), stat.S_IFCHR | 0o600, os.makedev(1, 3))
            os.mknod(self.p("blk"), stat.S_IFBLK | 0o600, os.makedev(7, 99))
            self.assertEqual(os.stat(self.p("chr")).st_rdev, os.makedev(1, 3))
            kinds |= {"chr": stat.S_ISCHR, "blk": stat.S_ISBLK}
        os.mknod(self.p("reg"), stat.S_IFREG | 0o600)
        for name, check in (kinds | {"reg": stat.S_ISREG}).items():
            self.assertTrue(check(os.lstat(self.p(name)).st_mode), name)
        self.assertEqual(sorted(x.name for x in os.scandir(self.p())), sorted([*kinds, "reg"]))
        child = os.fork()
        if child == 0:
            write(self.p("fifo"), "through the pipe")
            os._exit(0)
        self.assertEqual(read(self.p("fifo")), b"through the pipe")
        os.waitpid(child, 0)

    def test_eexist(self):
        write(self.p("f"), "x")
        os.mkdir(self.p("d"))
        os.symlink("nowhere", self.p("l"))
        for name in ("f", "d", "l"):
            for make in (os.mkdir, os.mkfifo, lambda p: os.symlink("x", p), lambda p: os.link(self.p("f"), p),
                         lambda p: os.open(p, os.O_CREAT | os.O_EXCL | os.O_WRONLY)):
                with self.err(e.EEXIST):
                    make(self.p(name))

    def test_enotdir_and_enoent(self):
        write(self.p("f"), "x")
        acts = (os.stat, os.mkdir, os.mkfifo, os.unlink, os.rmdir, lambda p: open(p), lambda p: os.symlink("x", p),
                lambda p: os.rename(p, self.p("z")), lambda p: os.chmod(p, 0), lambda p: os.truncate(p, 0))
        for act in acts:
            with self.err(e.ENOTDIR):
                act(self.p("f/below"))
            with self.err(e.ENOENT):
                act(self.p("none/below"))
        with self.err(e.ENOTDIR):
            os.rmdir(self.p("f"))
        with self.err(e.ENOTDIR):
            os.listdir(self.p("f"))

    def test_rmdir_and_unlink(self):
        os.makedirs(self.p("d/sub"))
        with self.err(e.ENOTEMPTY, e.EEXIST):
            os.rmdir(self.p("d"))
        with self.err(e.EISDIR, e.EPERM):
            os.unlink(self.p("d"))
        with self.err(e.EINVAL):
            os.rmdir(self.p("d/."))
        with self.err(e.ENOTEMPTY, e.EEXIST):
            os.rmdir(self.p("d/.."))
        os.rmdir(self.p("d/sub"))
        os.rmdir(self.p("d"))
        with self.err(e.ENOENT):
            os.rmdir(self.p("d"))
        with self.err(e.ENOENT):
            os.unlink(self.p("d"))

    def test_a_removed_folder_takes_no_names(self):
        os.mkdir(self.p("d"))
        d = os.open(self.p("d"), os.O_RDONLY)
        os.rmdir(self.p("d"))
        with self.err(e.ENOENT):
            os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=d)
        with self.err(e.ENOENT):
            os.mkdir("g", dir_fd=d)
        self.assertEqual((os.listdir(d), os.fstat(d).st_nlink), ([], 0))
        os.close(d)

    def test_link_counts(self):
        write(self.p("f"), "x")
        os.link(self.p("f"), self.p("g"))
        os.mkdir(self.p("d"))
        os.link(self.p("g"), self.p("d/h"))
        self.assertEqual({os.stat(self.p(n)).st_nlink for n in ("f", "g", "d/h")}, {3})
        self.assertEqual(len({os.stat(self.p(n)).st_ino for n in ("f", "g", "d/h")}), 1)
        write(self.p("d/h"), "through another name")
        self.assertEqual(read(self.p("f")), b"through another name")
        os.unlink(self.p("f"))
        self.assertEqual((os.stat(self.p("g")).st_nlink, read(self.p("g"))), (2, b"through another name"))
        base = os.stat(self.p("d")).st_nlink
        os.mkdir(self.p("d/sub"))
        self.assertEqual(os.stat(self.p("d")).st_nlink, base + 1)
        os.rmdir(self.p("d/sub"))
        self.assertEqual(os.stat(self.p("d")).st_nlink, base)
        with self.err(e.EPERM):
            os.link(self.p("d"), self.p("e"))
        os.mkfifo(self.p("fifo"))
        os.link(self.p("fifo"), self.p("fifo2"))
        os.symlink("f", self.p("l"))
        os.link(self.p("l"), self.p("l2"), follow_symlinks=False)
        self.assertEqual((os.stat(self.p("fifo")).st_nlink, os.lstat(self.p("l2")).st_nlink), (2, 2))

    def test_symlinks(self):
        write(self.p("f"), "x")
        os.symlink("f", self.p("l"))
        self.assertEqual((read(self.p("l")), os.readlink(self.p("l")), os.lstat(self.p("l")).st_size), (b"x", "f", 1))
        target = b"t\xff\n" + b"x" * 1000
        os.symlink(target, os.fsencode(self.p("odd")))
        self.assertEqual(os.readlink(os.fsencode(self.p("odd"))), target)
        os.symlink("l2", self.p("l1"))
        os.symlink("l1", self.p("l2"))
        with self.err(e.ELOOP):
            open(self.p("l1"))
        with self.err(e.ELOOP):
            os.open(self.p("l"), os.O_NOFOLLOW)
        with self.err(e.ENOENT):
            os.symlink("", self.p("empty"))
        with self.err(e.EINVAL):
            os.readlink(self.p("f"))
        os.symlink("t" * 4095, self.p("longest"))
        with self.err(e.ENAMETOOLONG):
            os.symlink("t" * 4096, self.p("toolong"))
        os.symlink("none", self.p("dangling"))
        with self.err(e.ENOENT):
            open(self.p("dangling"))
        write(self.p("dangling"), "made through the link")
        self.assertEqual(read(self.p("none")), b"made through the link")

    def test_chains_of_symlinks(self):
        write(self.p("s0"), "x")
        for i in range(1, 42):
            os.symlink(f"s{i - 1}", self.p(f"s{i}"))
        self.assertEqual(read(self.p("s40")), b"x")
        with self.err(e.ELOOP):
            open(self.p("s41"))


if __name__ == "__main__":
    main()
