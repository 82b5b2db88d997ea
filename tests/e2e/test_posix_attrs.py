# SPDX-License-Identifier: Apache-2.0
"""Owners and modes behave as on a disk.

Goal: every rule of POSIX (and Linux) about who may open, search, chmod, chown and utimensat, and what that clears.
Method: the acts of root and of two users on one folder; runs on a plain disk too (WARD_E2E_NATIVE), to test the test.
"""
import contextlib
import errno as e
import os
import stat

from cases import PosixCase
from harness import main, read, require_new_fuse, wait_until, write
from people import GROUP, ONE, TWO, gid, gid_of, require_people, run_as, uid


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


class Owners(PosixCase):
    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()

    def test_what_is_overwritten_has_no_capabilities_any_more(self):
        """Whoever writes to a program must not inherit what root gave to its old bytes."""
        capability = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw, effective
        for change in (lambda f: write(f, "evil"), lambda f: os.truncate(f, 1), lambda f: write(f, "x", "ab")):
            f = self.p("program")
            write(f, "#!/bin/sh\n")
            os.chmod(f, 0o777)
            os.setxattr(f, "security.capability", capability)
            run_as(TWO, lambda: change(f))
            with self.err(e.ENODATA):
                os.getxattr(f, "security.capability")
            os.unlink(f)

    def file(self, name="f", owner=ONE, bits=0o644, data=b"x"):
        path = self.p(name)
        write(path, data)
        os.chown(path, uid(owner), gid(owner))
        os.chmod(path, bits)
        return path

    def test_chmod_is_the_owners_right(self):
        f = self.file()
        run_as(ONE, lambda: os.chmod(f, 0o600))
        self.assertEqual(mode(f), 0o600)
        self.err_as(TWO, e.EPERM, lambda: os.chmod(f, 0o666))
        self.assertEqual(mode(f), 0o600)
        os.chmod(f, 0o4755)
        self.assertEqual(mode(f), 0o4755)

    def test_mode_bits_decide_access(self):
        f = self.file(bits=0o640)
        self.err_as(TWO, e.EACCES, lambda: open(f))
        self.err_as(TWO, e.EACCES, lambda: open(f, "a"))
        os.chmod(f, 0o044)  # the owner's class is the first that matches, even if others have more
        self.err_as(ONE, e.EACCES, lambda: open(f))
        self.assertEqual(run_as(TWO, lambda: read(f)), b"x")
        os.chmod(f, 0o604)
        os.chown(f, uid(TWO), gid_of(GROUP))
        self.err_as(ONE, e.EACCES, lambda: open(f))  # ONE is in GROUP, whose bits are empty

    def test_supplementary_groups_count(self):
        f = self.file(owner=TWO, bits=0o660)
        os.chown(f, -1, gid_of(GROUP))
        self.assertEqual(run_as(ONE, lambda: read(f)), b"x")
        run_as(ONE, lambda: write(f, b"x", "r+b"))
        with self.err(e.EACCES):
            run_as(ONE, lambda: open(f), groups=[])
        with self.err(e.EACCES):
            run_as(ONE, lambda: open(f), groups=[gid(ONE)])

    def test_search_permission_on_each_folder(self):
        os.makedirs(self.p("a/b"))
        write(self.p("a/b/f"), "x")
        os.chmod(self.p("a"), 0o700)
        for act in (lambda: os.stat(self.p("a/b/f")), lambda: open(self.p("a/b/f")), lambda: os.listdir(self.p("a")),
                    lambda: os.chdir(self.p("a")), lambda: os.mkdir(self.p("a/new"))):
            self.err_as(ONE, e.EACCES, act)
        os.chmod(self.p("a"), 0o711)
        run_as(ONE, lambda: os.stat(self.p("a/b/f")))
        self.err_as(ONE, e.EACCES, lambda: os.listdir(self.p("a")))
        os.chmod(self.p("a"), 0o744)  # after the path was walked by ONE: nothing stale may let ONE in
        self.err_as(ONE, e.EACCES, lambda: open(self.p("a/b/f")))

        def refused():  # the kernel hears of it just after the chmod, and a stat of what it knows doesn't ask
            with contextlib.suppress(PermissionError):
                run_as(ONE, lambda: os.stat(self.p("a/b/f")))
                return False
            return True
        wait_until(refused, 5, "the kernel to ask")
        self.assertEqual(run_as(ONE, lambda: os.listdir(self.p("a"))), ["b"])

    def test_writing_a_folder_needs_write_and_search(self):
        os.mkdir(self.p("a"), 0o755)
        write(self.p("a/f"), "x")
        for act in (lambda: open(self.p("a/new"), "w"), lambda: os.mkdir(self.p("a/new")), lambda: os.unlink(self.p("a/f")),
                    lambda: os.symlink("x", self.p("a/new")), lambda: os.mkfifo(self.p("a/new")),
                    lambda: os.rename(self.p("a/f"), self.p("g")), lambda: os.link(self.p("a/f"), self.p("a/new"))):
            self.err_as(ONE, (e.EACCES, e.EPERM), act)
        self.assertEqual(os.listdir(self.p("a")), ["f"])

    def test_chown_is_roots_and_chgrp_the_owners_within_groups(self):
        f = self.file()
        self.err_as(ONE, e.EPERM, lambda: os.chown(f, uid(TWO), -1))
        run_as(ONE, lambda: os.chown(f, uid(ONE), gid_of(GROUP)))
        self.assertEqual(os.stat(f).st_gid, gid_of(GROUP))
        self.err_as(ONE, e.EPERM, lambda: os.chown(f, -1, gid(TWO)))
        self.err_as(TWO, e.EPERM, lambda: os.chown(f, -1, gid(TWO)))
        os.chown(f, uid(TWO), gid(TWO))
        self.assertEqual((os.stat(f).st_uid, os.stat(f).st_gid), (uid(TWO), gid(TWO)))
        os.symlink("f", self.p("link"))
        os.lchown(self.p("link"), uid(ONE), gid(ONE))
        self.assertEqual((os.lstat(self.p("link")).st_uid, os.stat(f).st_uid), (uid(ONE), uid(TWO)))

    def test_chown_clears_suid_and_sgid(self):
        f = self.file(bits=0o6755)
        run_as(ONE, lambda: os.chown(f, -1, gid_of(GROUP)))
        self.assertEqual(mode(f), 0o755)
        os.chmod(f, 0o2745)  # set-gid without group execute is no privilege: it stays
        run_as(ONE, lambda: os.chown(f, -1, gid(ONE)))
        self.assertIn(mode(f), (0o2745, 0o745))
        os.mkdir(self.p("d"))
        os.chmod(self.p("d"), 0o2755)
        os.chown(self.p("d"), uid(ONE), gid(ONE))
        self.assertEqual(mode(self.p("d")), 0o2755)  # of a folder it stays

    def test_write_and_truncate_clear_suid_and_sgid(self):
        require_new_fuse("writing to a set-user-ID file of somebody else")
        for act in (lambda f: write(f, "y", "ab"), lambda f: os.truncate(f, 0), lambda f: write(f, "z")):
            f = self.file(bits=0o6777)
            run_as(TWO, lambda: act(f))
            self.assertEqual(mode(f), 0o777)
        f = self.file(bits=0o6777)
        write(f, "root's write keeps them", "ab")
        self.assertEqual(mode(f), 0o6777)

    def test_sgid_bit_of_a_foreign_group_cannot_be_set(self):
        f = self.file(bits=0o755)
        os.chown(f, uid(ONE), gid(TWO))
        run_as(ONE, lambda: os.chmod(f, 0o2755))
        self.assertEqual(mode(f), 0o755)

    def test_sgid_folder_hands_down_its_group(self):
        os.mkdir(self.p("shared"))
        os.chown(self.p("shared"), 0, gid_of(GROUP))
        os.chmod(self.p("shared"), 0o2777)
        run_as(TWO, lambda: (write(self.p("shared/f"), "x"), os.mkdir(self.p("shared/d"), 0o755),
                             os.symlink("f", self.p("shared/l"))))
        for name in "fdl":
            s = os.lstat(self.p("shared", name))
            self.assertEqual((s.st_uid, s.st_gid), (uid(TWO), gid_of(GROUP)), name)
        self.assertEqual(mode(self.p("shared/d")), 0o2755)

    def test_umask(self):
        for mask, file_bits, folder_bits in ((0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)):
            def make(mask=mask):
                os.umask(mask)
                write(self.p(f"f{mask}"), "")
                os.mkdir(self.p(f"d{mask}"))
                os.mkfifo(self.p(f"p{mask}"))
            run_as(ONE, make)
            self.assertEqual([mode(self.p(f"{kind}{mask}")) for kind in "fdp"], [file_bits, folder_bits, file_bits])

    def test_sticky_folder(self):
        os.mkdir(self.p("s"))
        os.chmod(self.p("s"), 0o1777)
        run_as(ONE, lambda: (write(self.p("s/f"), "x"), os.mkdir(self.p("s/d"))))
        run_as(TWO, lambda: write(self.p("s/g"), "y"))
        self.err_as(TWO, (e.EPERM, e.EACCES), lambda: os.unlink(self.p("s/f")))
        self.err_as(TWO, (e.EPERM, e.EACCES), lambda: os.rename(self.p("s/f"), self.p("s/h")))
        self.err_as(TWO, (e.EPERM, e.EACCES), lambda: os.rename(self.p("s/g"), self.p("s/f")))
        self.err_as(TWO, (e.EPERM, e.EACCES), lambda: os.rmdir(self.p("s/d")))
        run_as(ONE, lambda: (os.unlink(self.p("s/f")), os.rmdir(self.p("s/d"))))
        os.chown(self.p("s"), uid(ONE), gid(ONE))
        run_as(ONE, lambda: os.unlink(self.p("s/g")))  # the folder's owner may

    def test_utimensat_rules(self):
        f = self.file(bits=0o666)
        run_as(ONE, lambda: os.utime(f, (1, 2)))
        self.assertEqual((os.stat(f).st_atime, os.stat(f).st_mtime), (1, 2))
        self.err_as(TWO, e.EPERM, lambda: os.utime(f, (3, 4)))
        run_as(TWO, lambda: os.utime(f))  # "now" needs only write permission
        self.assertGreater(os.stat(f).st_mtime, 1000)
        os.chmod(f, 0o644)
        self.err_as(TWO, e.EACCES, lambda: os.utime(f))

    def test_access(self):
        f = self.file(bits=0o640)
        self.assertTrue(os.access(f, os.R_OK | os.W_OK))
        self.assertFalse(os.access(f, os.X_OK))  # root needs one x bit
        self.assertEqual(run_as(ONE, lambda: [os.access(f, a) for a in (os.F_OK, os.R_OK, os.W_OK, os.X_OK)]),
                         [True, True, True, False])
        self.assertEqual(run_as(TWO, lambda: [os.access(f, a) for a in (os.F_OK, os.R_OK, os.W_OK)]), [True, False, False])
        self.assertFalse(run_as(None, lambda: os.access(self.p("none"), os.F_OK)))

    def test_execution_needs_the_x_bit(self):
        f = self.file(bits=0o644, data=b"#!/bin/sh\necho ran\n")
        with self.err(e.EACCES):
            run_as(None, lambda: os.execv(f, [f]))
        os.chmod(f, 0o755)
        self.assertEqual(run_as(TWO, [f]).stdout, "ran\n")

    def test_xattrs_of_others(self):
        f = self.file()
        run_as(ONE, lambda: os.setxattr(f, "user.note", b"mine"))
        self.assertEqual(run_as(TWO, lambda: os.getxattr(f, "user.note")), b"mine")
        self.err_as(TWO, e.EACCES, lambda: os.setxattr(f, "user.note", b"his"))
        self.err_as(TWO, e.EACCES, lambda: os.removexattr(f, "user.note"))
        os.chmod(f, 0o600)
        self.err_as(TWO, e.EACCES, lambda: os.getxattr(f, "user.note"))
        self.err_as(ONE, e.EPERM, lambda: os.setxattr(f, "trusted.note", b"x"))


if __name__ == "__main__":
    main()
