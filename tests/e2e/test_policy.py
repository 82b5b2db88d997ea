# SPDX-License-Identifier: Apache-2.0
"""Policy decides every access by every door, explains its refusals, and is replaced atomically.

Goal: a user without a right is refused on the path, through each alias of it, and told why. Method: three people under the
policy of policies.py; each refusal is tried as the user, must have the errno, change nothing and be in the log.
"""
import errno as e
import os
import re

from cases import MountCase
from harness import main, old_fuse, read, sh, write
from people import GROUP, ONE, TWO, Person, gid_of, require_people, run_as, uid
from policies import GUARDED, TEAM

DENIED = (e.EACCES, e.EPERM)


class PolicyCase(MountCase):
    options = {"policy": TEAM}

    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        for folder in ("shared", "shared/frozen", "shared/top", "shared/top/kept", "secret", "prod", "fast"):
            os.mkdir(cls.m.path(folder))
            os.chmod(cls.m.path(folder), 0o777)  # so that only policy refuses
        for f in ("shared/f", "shared/frozen/f", "shared/top/kept/f", "secret/f", "prod/f"):
            write(cls.m.path(f), "old")
            write(cls.m.path(f), "content of " + f)
            os.chmod(cls.m.path(f), 0o666)
        write(cls.m.path("@@/policy.toml"), GUARDED)

    def setUp(self):
        self.d = self.m.path("shared")

    def refused(self, user, path, act):
        """act fails for user, nothing changes, and the log has a line about it. path as in the log."""
        before = self.state()
        seen = len(self.m.records(outcome="failure", uid=uid(user)))
        self.err_as(user, DENIED, act)
        self.assertEqual(self.state(), before)
        lines = self.m.records(outcome="failure", uid=uid(user))[seen:]
        self.assertTrue(lines, "the refusal is in the log")
        self.assertIn(lines[-1]["ward"]["errno"], ("EACCES", "EPERM"))
        self.assertTrue(lines[-1]["event"]["reason"])
        if path:
            self.assertIn(path, {r["file"]["path"] for r in lines})

    def state(self):
        return sh("find . -printf '%P %m %U %s %n %T@\\n' | grep -v ' audit' | sort; getfattr -R -d -m user.k . 2>/dev/null",
                  cwd=self.m.mnt)


class Refusals(PolicyCase):
    def test_reading(self):
        s = self.m.path("secret/f")
        for act in (lambda: open(s), lambda: open(s, "r+"), lambda: os.open(s, os.O_RDONLY | os.O_TRUNC)):
            self.refused(ONE, "/secret/f", act)
            self.refused(TWO, "/secret/f", act)
        self.assertEqual(run_as(TWO, lambda: read(self.p("f"))), b"content of shared/f")

    def test_every_mutation_by_a_reader(self):
        f, d = self.p("f"), self.d
        for act in (lambda: open(f, "w"), lambda: open(f, "a"), lambda: open(f, "r+"), lambda: os.truncate(f, 0),
                    lambda: os.open(f, os.O_RDONLY | os.O_TRUNC), lambda: os.unlink(f), lambda: os.rename(f, d + "/g"),
                    lambda: os.setxattr(f, "user.k", b"v"), lambda: os.link(f, d + "/g"), lambda: open(d + "/new", "w"),
                    lambda: os.mkdir(d + "/new"), lambda: os.symlink("f", d + "/new"), lambda: os.mkfifo(d + "/new"),
                    lambda: os.rmdir(d + "/frozen"), lambda: os.rename(d + "/frozen", d + "/thawed"),
                    *([] if old_fuse() else [lambda: os.open(d, os.O_TMPFILE | os.O_RDWR)]),
                    lambda: os.utime(f, (1, 1)), lambda: os.chmod(f, 0o777)):
            self.refused(TWO, None, act)

    def test_chmod_of_ones_own_file_without_the_right(self):
        write(self.p("own"), "x")
        os.chown(self.p("own"), uid(TWO), -1)
        self.refused(TWO, "/shared/own", lambda: os.chmod(self.p("own"), 0o777))
        os.unlink(self.p("own"))

    def test_a_writer_where_it_may_not(self):
        p = self.m.path("prod/f")
        self.assertEqual(run_as(ONE, lambda: read(p)), b"content of prod/f")
        for act in (lambda: open(p, "w"), lambda: os.unlink(p), lambda: os.rename(self.p("f"), p), lambda: os.truncate(p, 1),
                    lambda: os.rename(p, self.p("stolen")), lambda: open(p + "2", "w"), lambda: os.link(self.p("f"), p + "2"),
                    lambda: os.mkdir(self.m.path("prod/d"))):
            self.refused(ONE, None, act)

    def test_forbid_wins_even_for_root(self):
        z = self.p("frozen/f")
        self.refused("root", "/shared/frozen/f", lambda: open(z, "w"))
        self.refused(ONE, "/shared/frozen/f", lambda: os.unlink(z))
        self.assertEqual(read(z), b"content of shared/frozen/f")

    def test_mode_bits_are_enforced_too(self):
        os.chmod(self.p("f"), 0o600)
        self.refused(TWO, "/shared/f", lambda: open(self.p("f")))
        self.refused(ONE, "/shared/f", lambda: open(self.p("f")))
        os.chown(self.p("f"), -1, gid_of(GROUP))
        os.chmod(self.p("f"), 0o660)
        self.assertEqual(run_as(ONE, lambda: read(self.p("f"))), b"content of shared/f")  # a supplementary group
        os.chown(self.p("f"), -1, 0)
        os.chmod(self.p("f"), 0o666)

    def test_a_descriptor_from_before_does_not_outlive_the_rule_for_opens(self):
        with Person(TWO) as two:
            two("r = open(f, 'rb')", f=self.p("f"))
            self.assertEqual(two("r.read()"), b"content of shared/f")
            with self.err(*DENIED):
                two("open('/proc/self/fd/%d' % r.fileno(), 'r+b')")


class Aliases(PolicyCase):
    def test_hard_link(self):
        os.link(self.m.path("secret/f"), self.p("alias"))  # root may; the home stays /secret/f, whose rules decide
        try:
            self.refused(TWO, None, lambda: open(self.p("alias")))
            self.refused(ONE, None, lambda: open(self.p("alias"), "r+"))
            self.refused(ONE, None, lambda: os.truncate(self.p("alias"), 0))
        finally:
            os.unlink(self.p("alias"))

    def test_forbids_count_on_every_name(self):
        write(self.p("free"), "x")
        os.chmod(self.p("free"), 0o666)
        os.link(self.p("free"), self.p("frozen/name"))
        self.refused(ONE, None, lambda: open(self.p("free"), "w"))

    def test_a_link_needs_rights_on_both_sides(self):
        self.refused(ONE, None, lambda: os.link(self.m.path("secret/f"), self.p("mine")))
        self.refused(ONE, None, lambda: os.link(self.p("f"), self.m.path("secret/mine")))

    def test_symlink(self):
        os.symlink("../secret/f", self.p("sym"))
        self.refused(TWO, "/secret/f", lambda: open(self.p("sym")))
        self.refused(ONE, "/secret/f", lambda: open(self.p("sym"), "r+"))
        os.unlink(self.p("sym"))

    def test_renaming_a_parent(self):
        self.refused(ONE, None, lambda: os.rename(self.m.path("secret"), self.p("open")))
        os.makedirs(self.p("box/in"))
        write(self.p("box/in/f"), "x")
        for path in ("box", "box/in"):
            os.chmod(self.p(path), 0o777)
        self.assertEqual(run_as(TWO, lambda: read(self.p("box/in/f"))), b"x")
        os.rename(self.p("box"), self.m.path("secret/box"))  # root moves it: now the secret rules hold below
        self.refused(TWO, "/secret/box/in/f", lambda: open(self.m.path("secret/box/in/f")))
        os.rename(self.m.path("secret/box"), self.p("box"))
        self.assertEqual(run_as(TWO, lambda: read(self.p("box/in/f"))), b"x")

    def test_what_may_not_be_moved_does_not_move_with_its_parent(self):
        """/shared/top/kept is forbidden ground by its path: moving /shared/top away would be a way around."""
        self.refused(ONE, None, lambda: os.rename(self.p("top"), self.p("elsewhere")))
        self.refused(ONE, None, lambda: open(self.p("top/kept/f"), "w"))

    def test_old_versions_and_time_travel(self):
        self.assertEqual(run_as(TWO, lambda: read(self.p("f@@/versions/1"))), b"old")
        then = self.m.records(action="commit", path="/secret/f")[-1]
        doors = ["secret/f@@/versions/1", f"@@/at/{then['event']['sequence']}/secret/f",
                 f"secret@@/at/{then['event']['sequence']}/f"]
        for door in doors:
            self.assertTrue(read(self.m.path(door)))
            self.refused(TWO, None, lambda: open(self.m.path(door)))

    def test_the_current_rules_decide_about_the_past(self):
        """A file that was public and moved to /secret isn't readable through the time when it was public."""
        write(self.p("was-public"), "x")
        then = self.m.records(action="commit", path="/shared/was-public")[0]["event"]["sequence"]
        os.rename(self.p("was-public"), self.m.path("secret/was-public"))
        self.refused(TWO, None, lambda: open(self.p(f"@@/at/{then}/was-public")))

    def test_deleted_files(self):
        write(self.m.path("secret/gone"), "x")
        os.unlink(self.m.path("secret/gone"))
        door = self.m.path("secret@@/deleted/gone")
        self.refused(TWO, None, lambda: open(door))
        self.refused(ONE, None, lambda: os.rename(door, self.p("mine")))

    def test_governance_files_of_a_path_need_the_right_to_read_it(self):
        for name in ("info.json", "history", "lineage.json", "audit.jsonl"):
            self.refused(TWO, None, lambda: open(self.m.path("secret/f@@", name)))


class Why(PolicyCase):
    def why(self, user):
        return run_as(user, lambda: read(self.m.path("@@/why")).decode())

    def test_it_names_rule_policy_and_who_could(self):
        self.refused(TWO, None, lambda: open(self.p("f"), "w"))
        text = self.why(TWO)
        for part in ("default-deny", "/shared/f", "write", "developers", self.m.status()["policy"].split()[0]):
            self.assertIn(part, text)
        self.refused(ONE, None, lambda: open(self.p("frozen/f"), "w"))
        self.assertIn("never-touch-frozen", self.why(ONE))

    def test_mode_bits_are_explained_too(self):
        os.chmod(self.p("f"), 0o600)
        self.refused(TWO, None, lambda: open(self.p("f")))
        os.chmod(self.p("f"), 0o666)
        self.assertRegex(self.why(TWO), re.compile("mode", re.I))

    def test_one_does_not_see_the_refusals_of_another(self):
        self.refused(ONE, None, lambda: open(self.m.path("secret/f")))
        self.assertNotIn("/secret/f", self.why(TWO))


class Replacing(PolicyCase):
    def replace(self, text):
        fd = os.open(self.m.path("@@/policy.toml"), os.O_WRONLY | os.O_TRUNC)
        try:
            os.write(fd, text.encode())
        except OSError:
            os.close(fd)
            raise
        os.close(fd)  # a refusal comes here at the latest

    def test_a_good_one_counts_from_its_close_on(self):
        self.assertEqual(read(self.m.path("@@/policy.toml")).decode(), GUARDED)
        self.assertEqual(run_as(TWO, lambda: read(self.m.path("@@/policy.toml"))).decode(), GUARDED)
        closed = GUARDED.replace('where = ["/shared/**"]\n\n[[permit]]', 'where = ["/nothing/**"]\n\n[[permit]]', 1)
        self.assertNotEqual(closed, GUARDED)
        with Person(TWO) as two:
            two("open(f).read()", f=self.p("f"))
            self.replace(closed)
            with self.err(*DENIED):
                two("open(f).read()", f=self.p("f"))
            self.replace(GUARDED)
            two("open(f).read()", f=self.p("f"))
        changes = self.m.records(action="policy-change", outcome="success")
        self.assertEqual([r["ward"]["number"] for r in changes][-2:], [changes[-3]["ward"]["number"] + n for n in (1, 2)])
        for after in self.m.records():  # no record after a change carries the older number
            known = [c["ward"]["number"] for c in changes if c["event"]["sequence"] < after["event"]["sequence"]]
            if known and after["event"]["action"] != "policy-change" and after["ward"].get("policy"):
                self.assertEqual(after["ward"]["policy"], max(known), after)

    def test_a_bad_one_is_refused_with_line_column_and_cause(self):
        before = read(self.m.path("@@/policy.toml"))
        for text, line, cause in ((GUARDED.replace('may = ["read"]', 'may = ["raed"]', 1), None, "raed"),
                                  (GUARDED + "\n[[permit]\n", GUARDED.count("\n") + 2, ""), ("[[permit]]\nnam = 1\n", None, "nam")):
            if line is None:
                line = 1 + next(i for i, x in enumerate(text.splitlines()) if cause in x)
            with self.err(e.EINVAL):
                self.replace(text)
            why = read(self.m.path("@@/why")).decode()
            self.assertRegex(why, rf"line {line}\b")
            self.assertRegex(why, r"column \d+")
            self.assertIn(cause, why)
            self.assertEqual(read(self.m.path("@@/policy.toml")), before)
        self.assertEqual(run_as(TWO, lambda: read(self.p("f"))), b"content of shared/f")

    def test_only_administrators_may(self):
        self.refused(ONE, None, lambda: self.replace(GUARDED))
        self.refused(TWO, None, lambda: write(self.m.path("@@/policy.toml"), GUARDED))

    def test_saving_by_rename_and_by_shell(self):
        sh("cp @@/policy.toml /tmp/ward-e2e-policy.$$; cat /tmp/ward-e2e-policy.$$ > @@/policy.toml; rm /tmp/ward-e2e-policy.$$",
           cwd=self.m.mnt)
        self.assertEqual(read(self.m.path("@@/policy.toml")).decode(), GUARDED)

    def test_it_survives_a_remount(self):
        number = self.m.status().get("policy")
        self.m.remount()
        self.assertEqual(self.m.status().get("policy"), number)
        self.refused(TWO, "/secret/f", lambda: open(self.m.path("secret/f")))


if __name__ == "__main__":
    main()
