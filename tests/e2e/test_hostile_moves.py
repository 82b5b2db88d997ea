# SPDX-License-Identifier: Apache-2.0
"""No move, link or restore gives anybody what the names don't: neither bytes nor a place nor a stage.

Goal: moving is judged as copying there and removing here. Method: folders that lack one right each (policies.HOSTILE); a user
who has all others tries every kind of move; each attempt must be refused, recorded, and change nothing.
"""
import ctypes
import errno as e
import os

from cases import MountCase
from harness import main, read, sh, write
from people import ONE, TWO, require_people, run_as, uid
from policies import HOSTILE

DENIED = (e.EACCES, e.EPERM)
FOLDERS = ("work", "work/fast", "strict", "blind", "blind/dir", "inbox", "keep", "outbox", "closed")
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def exchange(a, b):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2", a)


class HostileCase(MountCase):
    options = {"policy": HOSTILE}

    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        for folder in FOLDERS:
            os.mkdir(cls.m.path(folder))
            os.chmod(cls.m.path(folder), 0o777)  # so that only policy refuses

    def setUp(self):
        self.n = self._testMethodName[5:]  # names of its own in each folder

    def at(self, folder):
        return self.m.path(folder, self.n)

    def put(self, folder, text="old", owner=ONE):
        """A file of this test in a folder, made by root, so that nothing is known of it to whom it is given."""
        path = self.at(folder)
        write(path, text)
        os.chmod(path, 0o666)
        if owner:
            os.chown(path, uid(owner), -1)
        return path

    def refused(self, user, act, codes=DENIED):
        seen = len(self.m.records(outcome="failure", uid=uid(user)))
        before = sh("find . -printf '%P %i %m %U %s %n %T@\\n' | grep -v ' audit' | sort", cwd=self.m.mnt)
        self.err_as(user, codes, act)
        self.assertEqual(sh("find . -printf '%P %i %m %U %s %n %T@\\n' | grep -v ' audit' | sort", cwd=self.m.mnt), before)
        lines = self.m.records(outcome="failure", uid=uid(user))[seen:]
        self.assertTrue(lines, "the refusal is in the log")
        return lines


class Moves(HostileCase):
    def test_what_one_may_not_read_is_not_moved_to_where_one_may(self):
        secret = self.put("blind", "secret")
        self.refused(ONE, lambda: read(secret))
        for act in (lambda: os.rename(secret, self.at("work")), lambda: os.link(secret, self.at("work")),
                    lambda: os.rename(secret, self.at("blind") + "2")):
            self.refused(ONE, act)
        mine = self.put("work", "mine")
        self.refused(ONE, lambda: exchange(mine, secret))
        self.refused(ONE, lambda: exchange(secret, mine))
        self.refused(ONE, lambda: os.rename(secret, mine))

    def test_nor_does_its_folder_take_it_there(self):
        os.makedirs(self.at("blind") + "/in")
        write(self.at("blind") + "/in/f", "secret")
        os.chmod(self.at("blind"), 0o777)
        lines = self.refused(ONE, lambda: os.rename(self.at("blind"), self.at("work")))
        self.assertTrue(lines[-1]["file"]["path"].endswith("/in/f"), lines)

    def test_saving_by_rename_where_one_may_not_read(self):
        """What one wrote oneself under a scratch name is no secret: a drop box takes it."""
        def act():
            write(self.at("blind") + ".tmp", "dropped")
            os.rename(self.at("blind") + ".tmp", self.at("blind"))
        run_as(ONE, act)
        self.assertEqual(read(self.at("blind")), b"dropped")
        self.refused(ONE, lambda: read(self.at("blind")))
        others = self.at("blind") + "-theirs.tmp"
        write(others, "of somebody else")
        self.refused(ONE, lambda: os.rename(others, self.at("work")))

    def test_replacing_a_name_is_removing_what_stood_there(self):
        kept = self.put("keep")
        self.refused(ONE, lambda: os.unlink(kept))
        run_as(ONE, lambda: os.symlink("x", self.at("work")))
        self.refused(ONE, lambda: os.rename(self.at("work"), kept))
        write(self.at("work") + "1", "two names")
        os.chown(self.at("work") + "1", uid(ONE), -1)
        os.link(self.at("work") + "1", self.at("work") + "2")
        self.refused(ONE, lambda: os.rename(self.at("work") + "2", kept))
        self.refused(ONE, lambda: exchange(self.at("work") + "1", kept))
        run_as(ONE, lambda: write(self.at("work") + "3", "a save"))
        run_as(ONE, lambda: os.rename(self.at("work") + "3", kept))  # the artifact goes on: that is writing
        self.assertEqual((read(kept), read(kept + "@@/versions/1")), (b"a save", b"old"))

    def test_an_exchange_creates_at_both_ends(self):
        mine, theirs = self.put("work"), self.put("outbox")
        self.refused(ONE, lambda: write(self.at("outbox") + "2", "x"))
        self.refused(ONE, lambda: exchange(mine, theirs))
        self.refused(ONE, lambda: exchange(theirs, mine))
        run_as(ONE, lambda: os.rename(theirs, self.at("work") + "2"))

    def test_a_second_name_elsewhere_is_not_one_s_to_remove(self):
        """/inbox lets nobody remove; that the file's home is elsewhere makes no difference to its name there."""
        home = self.put("work")
        alias = self.at("inbox")
        os.link(home, alias)
        for act in (lambda: os.unlink(alias), lambda: os.rename(alias, self.at("work") + "2"),
                    lambda: os.rename(alias, self.at("inbox") + "2")):
            self.refused(ONE, act)
        run_as(ONE, lambda: write(self.at("work") + "3", "x"))
        self.refused(ONE, lambda: os.rename(self.at("work") + "3", alias))
        self.assertEqual(read(alias), b"old")

    def test_who_may_create_but_not_write_replaces_nothing(self):
        theirs, mine = self.put("inbox"), self.put("work", "mine")
        for act in (lambda: os.rename(mine, theirs), lambda: write(theirs, "x"), lambda: exchange(mine, theirs)):
            self.refused(ONE, act)

    def test_restoring_needs_what_a_copy_needs(self):
        gone = self.put("blind", "secret")
        os.unlink(gone)
        self.refused(ONE, lambda: os.rename(self.m.path("blind/@@/deleted", self.n), self.at("work")))
        gone = self.put("outbox", "free")
        os.unlink(gone)
        self.refused(ONE, lambda: os.rename(self.m.path("outbox/@@/deleted", self.n), self.at("outbox")))
        run_as(ONE, lambda: os.rename(self.m.path("outbox/@@/deleted", self.n), self.at("work")))


class Stages(HostileCase):
    """/strict has a lifecycle in which only administrators promote; elsewhere owners and developers do as they like."""

    def staged(self):
        f = self.put("work")
        run_as(ONE, lambda: write(f + "@@/stage", "validation"))
        return f

    def stage(self, path):
        return os.getxattr(path, "user.ward.stage").decode()

    def test_a_stage_is_not_carried_under_another_lifecycle(self):
        f, strict = self.staged(), self.put("strict")
        self.refused(ONE, lambda: write(strict + "@@/stage", "validation"))
        for act in (lambda: os.rename(f, strict + "2"), lambda: os.link(f, strict + "2"), lambda: exchange(f, strict),
                    lambda: exchange(strict, f)):
            self.refused(ONE, act)
        os.mkdir(self.at("work") + "-dir")
        os.chmod(self.at("work") + "-dir", 0o777)
        run_as(ONE, lambda: os.rename(f, self.at("work") + "-dir/f"))
        self.refused(ONE, lambda: os.rename(self.at("work") + "-dir", self.at("strict") + "-dir"))
        self.refused("root", lambda: os.rename(self.at("work") + "-dir", self.at("strict") + "-dir"))

    def test_over_an_artifact_there_it_begins_anew(self):
        f, strict = self.staged(), self.put("strict")
        run_as(ONE, lambda: os.rename(f, strict))
        self.assertEqual(self.stage(strict), "draft")

    def test_the_first_stage_becomes_the_first_stage(self):
        f = self.put("work")
        run_as(ONE, lambda: os.rename(f, self.at("strict")))
        self.assertEqual(self.stage(self.at("strict")), "draft")
        os.mkdir(self.at("work"))
        os.chmod(self.at("work"), 0o777)
        write(self.at("work") + "/f", "x")
        os.rename(self.at("work"), self.at("strict") + "-dir")
        self.assertEqual(self.stage(self.at("strict") + "-dir/f"), "draft")
        changes = [r["file"]["path"] for r in self.m.records(action="stage", outcome="success")]
        self.assertIn("/strict/" + self.n, changes)
        self.assertIn(f"/strict/{self.n}-dir/f", changes)

    def test_a_second_name_under_another_lifecycle(self):
        f = self.put("work")
        run_as(ONE, lambda: os.link(f, self.at("strict")))
        self.refused(ONE, lambda: write(f + "@@/stage", "validation"))
        run_as(ONE, lambda: os.unlink(f))
        self.refused(ONE, lambda: write(self.at("strict") + "@@/stage", "validation"), (e.EACCES, e.EPERM, e.EINVAL))

    def test_a_deleted_one_does_not_come_back_under_another(self):
        f = self.staged()
        run_as(ONE, lambda: os.unlink(f))
        self.refused(ONE, lambda: os.rename(self.m.path("work/@@/deleted", self.n), self.at("strict")))
        run_as(ONE, lambda: os.rename(self.m.path("work/@@/deleted", self.n), f))
        self.assertEqual(self.stage(f), "validation")


if __name__ == "__main__":
    main()
