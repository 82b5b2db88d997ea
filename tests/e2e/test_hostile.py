# SPDX-License-Identifier: Apache-2.0
"""What hostile users try besides moving names: ways around folders, leaks of reports, forged lines, descriptors that change
hands.

Goal: every way is judged like the front door and leaves a true record. Method: people without a right try each alias and each
leak; what the log says of it is compared with what was done.
"""
import array
import errno as e
import json
import os
import signal
import socket
import subprocess
import time

from cases import MountCase
from harness import main, read, require_new_fuse, sh, wait_until, write
from people import ONE, TWO, Person, gid, require_people, run_as, uid
from policies import HOSTILE
from test_hostile_moves import HostileCase
from test_posix_files import link_descriptor


class Ways(MountCase):
    """Under allow-all, so that only mode bits protect: a folder that only its owner may enter."""

    def setUp(self):
        require_people()
        super().setUp()
        self.private = self.p("private")

        def act():
            os.makedirs(self.private + "/sub")
            for name in ("f", "gone", "sub/g", "moves"):
                write(f"{self.private}/{name}", "secret")
            os.unlink(self.private + "/gone")
            os.chmod(self.private, 0o700)
        run_as(ONE, act)
        self.then = self.m.records()[-1]["event"]["sequence"]

    def test_no_alias_leads_past_a_folder_that_one_may_not_search(self):
        inside = [f"{self.d}@@/at/{self.then}/private/f", f"{self.m.mnt}/@@/at/{self.then}/{self.name}/private/sub/g",
                  f"{self.private}@@/at/{self.then}/f", f"{self.private}@@/at/{self.then}/sub/g",
                  f"{self.private}@@/deleted/gone", f"{self.private}/f@@/versions/1", f"{self.private}/f@@/info.json",
                  f"{self.private}/@@/info.json", f"{self.private}/@@/at/{self.then}/f", f"{self.private}/f"]
        for path in inside:
            self.assertTrue(run_as(ONE, lambda: read(path)), path)
            seen = len(self.m.records(outcome="failure", uid=uid(TWO)))
            self.err_as(TWO, e.EACCES, lambda: open(path))
            self.err_as(TWO, e.EACCES, lambda: os.stat(path))
            self.assertGreater(len(self.m.records(outcome="failure", uid=uid(TWO))), seen + 1, path)
        for path in (f"{self.d}@@/at/{self.then}/private", self.private + "@@/deleted", self.private + "@@/at/%d" % self.then):
            self.assertTrue(run_as(ONE, lambda: os.listdir(path)), path)
            self.err_as(TWO, e.EACCES, lambda: os.listdir(path))
        for path in (self.private + "@@/history", self.private + "@@/info.json"):
            self.err_as(TWO, e.EACCES, lambda: open(path))

    def test_what_moved_behind_it_is_behind_it(self):
        write(self.p("f"), "soon secret")
        os.chown(self.p("f"), uid(ONE), -1)
        then = self.m.records()[-1]["event"]["sequence"]
        self.assertEqual(run_as(TWO, lambda: read(f"{self.d}@@/at/{then}/f")), b"soon secret")
        run_as(ONE, lambda: os.rename(self.p("f"), self.private + "/f2"))
        self.err_as(TWO, e.EACCES, lambda: read(f"{self.d}@@/at/{then}/f"))
        os.link(self.private + "/f2", self.p("f"))  # by this name anybody may walk to it
        self.assertEqual(run_as(TWO, lambda: read(f"{self.d}@@/at/{then}/f")), b"soon secret")

    def test_lineage_withholds_what_mode_bits_protect(self):
        def make():
            data = read(self.private + "/f")
            write(self.p("made"), data)
        run_as(ONE, make)
        own, other = (run_as(who, lambda: read(self.p("made@@/lineage.json")).decode()) for who in (ONE, TWO))
        self.assertIn("private", own)
        self.assertNotIn("private", other)
        self.assertTrue(json.loads(other)["inputs"][0]["hidden"])


class Leaks(HostileCase):
    def test_an_interrupted_save_is_read_by_who_may_read_the_file(self):
        """A draft holds the bytes of the version that it began with: writing isn't reading."""
        for folder, may in (("blind", False), ("work", True)):
            f = self.put(folder, "base of " + folder)
            with Person(ONE) as one:
                one("fd = os.open(f, os.O_WRONLY); os.pwrite(fd, b'X', 0)", f=f)
                one.kill()
            lines = wait_until(lambda: self.m.records(action="abandon", path="/" + os.path.relpath(f, self.m.mnt)), 10, "abandon")
            draft = self.m.path("@@/drafts", str(lines[-1]["ward"]["draft"]))
            if may:
                self.assertEqual(run_as(ONE, lambda: read(draft)), b"Xase of work")
            else:
                self.refused(ONE, lambda: read(draft))
            self.refused(TWO, lambda: read(draft))
            self.assertTrue(read(draft))

    def test_extended_attributes_are_content(self):
        f = self.put("blind", "secret")
        os.setxattr(f, "user.note", b"secret")
        for name in ("user.note", "user.ward.sha256", "user.ward.version"):
            self.refused(ONE, lambda: os.getxattr(f, name))
            self.refused(TWO, lambda: os.getxattr(f, name))
        g = self.put("work")
        self.assertEqual(run_as(TWO, lambda: os.getxattr(g, "user.ward.version")), b"1")

    def test_reports_tell_no_names_of_closed_folders(self):
        f = self.put("work")
        os.link(f, self.m.path("closed", "unannounced-" + self.n))
        for text, sees in ((run_as(TWO, lambda: read(f + "@@/info.json").decode()), False), (read(f + "@@/info.json").decode(), True)):
            self.assertEqual("unannounced" in text, sees)
            self.assertEqual(json.loads(text).get("hidden_names"), None if sees else 1)

    def test_the_size_of_a_report_is_a_report(self):
        f = self.put("blind", "secret")
        self.assertEqual(run_as(ONE, lambda: os.stat(f + "@@/history").st_size), 0)
        self.assertEqual(os.stat(f + "@@/history").st_size, len(read(f + "@@/history")))

    def test_audit_of_a_file_tells_no_other_artifacts(self):
        """With the right to audit /work only, what was made of it elsewhere doesn't show."""
        policy = read(self.m.path("@@/policy.toml")).decode()
        self.addCleanup(write, self.m.path("@@/policy.toml"), policy)
        write(self.m.path("@@/policy.toml"), policy + f"""
[roles.auditor]
users = ["{TWO}"]
[[permit]]
name = "audits-work"
who = ["auditor"]
may = ["audit"]
where = ["/work/**"]
""")
        f = self.put("work", "input")
        write(self.at("closed"), read(f))
        self.assertIn("/closed/", read(f + "@@/audit.jsonl").decode())
        seen = run_as(TWO, lambda: read(f + "@@/audit.jsonl")).decode()
        self.assertNotIn("/closed/", seen)
        self.assertIn('"action":"commit"', seen)

    def test_a_policy_is_opened_for_writing_by_administrators(self):
        lines = self.refused(ONE, lambda: os.open(self.m.path("@@/policy.toml"), os.O_WRONLY))
        self.assertEqual(lines[-1]["file"]["path"], "/@@/policy.toml")


class Lines(HostileCase):
    def test_nobody_forges_what_another_one_reads(self):
        name = os.fsencode(self.at("blind")) + b"\n2026-01-01 forged \x1b[2J\xe2\x80\xae\xc2\x9b31m\xff"
        write(name, "x")
        self.refused(TWO, lambda: open(name))
        why = run_as(TWO, lambda: read(self.m.path("@@/why")))
        self.assertIn(b"forged", why)
        for bad in (b"\x1b", "\u202e".encode(), b"\xc2\x9b", b"\xff", b"\n2026-01-01 forged"):
            self.assertNotIn(bad, why)
        link = self.at("work")
        os.symlink(name, link)
        for report in ("info.json", "history"):
            text = read(os.fsencode(os.path.dirname(os.fsdecode(name))) + b"/" + os.path.basename(name) + b"@@/" + report.encode())
            for bad in (b"\x1b", "\u202e".encode(), b"\xc2\x9b", b"\xff"):
                self.assertNotIn(bad, text)

    def test_a_refusal_is_recorded_however_long_its_cause(self):
        f = self.put("work")
        for text in ("x" * 100_000, "\x1b" * 3000, "é" * 60_000):
            lines = self.refused(ONE, lambda: write(f + "@@/stage", text.encode()), (e.EINVAL,))
            self.assertEqual(lines[-1]["event"]["action"], "stage")
        before = read(self.m.path("@@/policy.toml"))
        with self.err(e.EINVAL):
            write(self.m.path("@@/policy.toml"), 'format = 1\n"%s" = 1\n' % ("k" * 200_000))
        self.assertEqual(read(self.m.path("@@/policy.toml")), before)
        self.assertEqual(self.m.records(outcome="failure")[-1]["event"]["action"], "policy-change")

    def test_what_chdir_and_access_are_refused(self):
        os.mkdir(self.at("work"), 0o700)
        for act, path in ((lambda: os.chdir(self.at("work")), self.at("work")),
                          (lambda: os.chdir(self.at("work") + "/x"), self.at("work") + "/x")):
            lines = self.refused(TWO, act)
            self.assertEqual(lines[-1]["file"]["path"], "/" + os.path.relpath(path, self.m.mnt))
        f = self.put("blind")
        seen = len(self.m.records(outcome="failure", uid=uid(TWO)))
        self.assertFalse(run_as(TWO, lambda: os.access(f, os.R_OK)))
        self.assertEqual([r["event"]["action"] for r in self.m.records(outcome="failure", uid=uid(TWO))[seen:]], ["access"])

    def test_a_flood_of_refusals_is_counted(self):
        """Above a hundred a second for one user and path they share records, which say for how many they stand."""
        f, tries = self.put("blind"), 5000
        path = "/" + os.path.relpath(f, self.m.mnt)

        def flood():
            for _ in range(tries):
                try:
                    os.close(os.open(f, os.O_RDONLY))
                except OSError:
                    pass
        began = time.monotonic()
        run_as(TWO, flood)
        seconds = time.monotonic() - began

        def lines():
            return self.m.records(outcome="failure", uid=uid(TWO), path=path)
        wait_until(lambda: sum(r["ward"].get("count", 1) for r in lines()) >= tries, 10, "the count of all")
        self.assertEqual(sum(r["ward"].get("count", 1) for r in lines()), tries)
        self.assertLess(len(lines()), 110 * (seconds + 2))
        self.assertTrue(all(r["event"]["action"] == "open" and r["ward"]["errno"] == "EACCES" for r in lines()))

    def test_a_flood_over_many_paths_too(self):
        os.mkdir(self.at("work"), 0o700)
        before, tries = len(self.m.records()), 20_000

        def flood():
            for i in range(tries):
                try:
                    os.stat(self.at("work") + f"/{i}")
                except OSError:
                    pass
        run_as(TWO, flood)

        def counted():
            new = self.m.records()[before:]
            return sum(r["ward"].get("count", 1) for r in new if r["event"]["outcome"] == "failure")
        wait_until(lambda: counted() >= tries, 10, "the count of all")
        self.assertEqual(counted(), tries)

    def test_names_as_long_and_as_deep_as_they_get(self):
        """Each operation on a path that no record has room for works, and is recorded with the path's digest."""
        def act():
            os.mkdir(self.at("work"))
            os.chdir(self.at("work"))
            part, made = "\x01" * 255, 0
            try:
                while True:
                    os.mkdir(part)
                    os.chdir(part)
                    made += 1
            except OSError as error:
                assert error.errno == e.ENAMETOOLONG, error
            write("f", "one")
            write("f", "two")
            os.rename("f", "g")
            os.link("g", "h")
            os.symlink("\x01" * 4000, "s")
            os.setxattr("g", "user.x", b"\x01" * 4096)
            os.chmod("g", 0o600)
            write("over", "three")
            os.unlink("h")
            os.rename("over", "g")
            os.unlink("s")
            return made, read("g")
        made, text = run_as(ONE, act)
        self.assertEqual(text, b"three")
        self.assertGreater(made, 50)
        lines = [r for r in self.m.records() if "path_sha256" in r.get("file", {})]
        for action in ("create", "commit", "rename", "link", "setxattr", "setattr", "delete"):
            self.assertIn(action, {r["event"]["action"] for r in lines})

    def test_many_names_do_not_keep_a_file_from_being_saved(self):
        f = self.put("work")
        for i in range(100):
            os.link(f, self.at("work") + f"-{i:03}-" + "y" * 200)
        run_as(ONE, lambda: write(f, "saved all the same"))
        commit = self.m.records(action="commit", path="/work/" + self.n)[-1]["ward"]
        self.assertEqual(len(commit["also"]) + commit["also_left_out"], 100)


class Kinds(HostileCase):
    def test_what_is_refused_by_what_it_is(self):
        """Virtual files and old versions refuse changes whoever asks: that is in the log like any refusal."""
        f = self.put("work")
        write(f, "new")
        for act, errno, action in (
                (lambda: os.mkdir(f + "@@/x"), e.EPERM, "create"), (lambda: write(f + "@@/x", "x"), e.EPERM, "create"),
                (lambda: os.unlink(f + "@@/history"), e.EPERM, "delete"),
                (lambda: os.rename(f + "@@/history", self.at("work") + "2"), e.EPERM, "rename"),
                (lambda: os.link(f + "@@/versions/1", self.at("work") + "2"), e.EPERM, "link"),
                (lambda: os.open(f + "@@/versions/1", os.O_WRONLY), e.EROFS, "open"),
                (lambda: os.truncate(f + "@@/versions/1", 0), e.EROFS, "setattr"),
                (lambda: os.truncate(f + "@@/versions/1.proof", 0), e.EROFS, "setattr"),
                (lambda: os.truncate(f + "@@/history", 0), e.EACCES, "setattr"),
                (lambda: os.truncate(self.m.path("@@/audit/checkpoint"), 0), e.EROFS, "setattr"),
                (lambda: os.chmod(f + "@@/versions/1", 0o777), e.EROFS, "setattr"),
                (lambda: os.chmod(f + "@@/stage", 0o777), e.EPERM, "setattr"),
                (lambda: os.setxattr(f + "@@/versions/1", "user.x", b"x"), e.EPERM, "setxattr"),
                (lambda: os.open(f + "@@/history", os.O_WRONLY), e.EACCES, "open")):
            lines = self.refused(ONE, act, (errno,))
            self.assertEqual((lines[-1]["event"]["action"], lines[-1]["ward"]["errno"]), (action, e.errorcode[errno]))
            self.assertIn("@@", lines[-1]["file"]["path"])


class Hands(HostileCase):
    """Descriptors that were inherited or passed on."""

    def act_of(self, path, act):
        """Records about the path that act() adds, once all of its handles are closed."""
        last = self.m.records()[-1]["event"]["sequence"]
        act()
        return [r for r in self.m.settle(path) if r["event"]["sequence"] > last]

    def test_passed_to_another_user(self):
        require_new_fuse("seeing what is read from the page cache")
        f = self.put("work", "0123456789" * 10)
        path = "/" + os.path.relpath(f, self.m.mnt)

        def act():
            here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            giver = os.fork()
            if giver == 0:
                os.setresgid(gid(ONE), gid(ONE), gid(ONE))
                os.setresuid(uid(ONE), uid(ONE), uid(ONE))
                fd = os.open(f, os.O_RDONLY)
                os.pread(fd, 10, 0)
                here.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))])
                here.recv(1)
                os._exit(0)
            fd = array.array("i", there.recvmsg(1, socket.CMSG_SPACE(4))[1][0][2])[0]

            def use():
                there.close(), here.close()
                return os.pread(fd, 20, 50)
            self.assertEqual(run_as(TWO, use), b"0123456789" * 2)
            os.close(fd)
            there.send(b"x")
            os.waitpid(giver, 0)
            here.close(), there.close()
        lines = self.act_of(path, act)
        opens = {r["user"]["id"]: r["ward"] for r in lines if r["event"]["action"] == "open"}
        reads = {r["user"]["id"]: r["ward"] for r in lines if r["event"]["action"] == "read"}
        self.assertEqual(set(opens), {uid(ONE), uid(TWO)})
        self.assertEqual((opens[uid(TWO)]["via"], reads[uid(TWO)]["handle"]), (opens[uid(ONE)]["handle"], opens[uid(TWO)]["handle"]))
        self.assertEqual((reads[uid(ONE)]["ranges"], reads[uid(TWO)]["ranges"]), ([[0, 10]], [[50, 20]]))

    def test_written_by_another_user(self):
        f = self.put("work")
        path = "/" + os.path.relpath(f, self.m.mnt)

        def act():
            fd = os.open(f, os.O_WRONLY | os.O_TRUNC)
            run_as(TWO, lambda: os.write(fd, b"by two"))
            os.close(fd)
        lines = self.act_of(path, act)
        commit = [r for r in lines if r["event"]["action"] == "commit"][-1]
        self.assertEqual([a["uid"] for a in commit["ward"]["authors"] if a["bytes"]], [uid(TWO)])
        wrote = [r for r in lines if r["event"]["action"] == "write"]
        self.assertEqual([(r["user"]["id"], r["ward"]["ranges"]) for r in wrote], [(uid(TWO), [[0, 6]])])

    def test_threads_and_programs_of_one_process_are_one(self):
        f = self.put("work", "x" * 1000)
        path = "/" + os.path.relpath(f, self.m.mnt)
        script = ("import os, sys, threading; fd = os.open(sys.argv[1], os.O_RDONLY)\n"
                  "ts = [threading.Thread(target=os.pread, args=(fd, 10, i * 10)) for i in range(8)]\n"
                  "[t.start() for t in ts]; [t.join() for t in ts]; os.set_inheritable(fd, True)\n"
                  "os.execv('/usr/bin/head', ['head', '-c', '1', '/dev/fd/%d' % fd]) if False else os.execv('/bin/sh', "
                  "['sh', '-c', 'exec dd bs=1 count=5 skip=100 status=none <&%d' % fd])")
        lines = self.act_of(path, lambda: subprocess.run(["/usr/bin/python3", "-c", script, f], check=True, capture_output=True))
        self.assertEqual([r["ward"].get("via", 0) for r in lines if r["event"]["action"] == "open"], [0], lines)

    def test_what_a_child_read_and_wrote_is_its_own(self):
        f, out = self.put("work", "labelled"), self.at("work") + "-out"

        def act():
            fd = os.open(out, os.O_WRONLY | os.O_CREAT)

            def child():
                os.write(fd, read(f))
            run_as(ONE, child)
            os.close(fd)
        act()
        inputs = json.loads(read(out + "@@/lineage.json"))["inputs"]
        self.assertIn(("/work/" + self.n, "observed"), [(i["path"], i["basis"]) for i in inputs])

    def test_lineage_runs_through_unnamed_scratch_and_open_files(self):
        """Reading what was made of an input is reading the input, whatever the file in between is."""
        f = self.put("work", "the input")

        def tmpfile():
            fd = os.open(self.m.path("work"), os.O_TMPFILE | os.O_RDWR)
            os.write(fd, read(f))
            link_descriptor(fd, self.at("work") + "-tmpfile")
            os.close(fd)

        def scratch():
            middle = self.at("work") + "-middle.tmp"
            run_as(ONE, lambda: write(middle, read(f)))
            run_as(TWO if False else ONE, lambda: write(self.at("work") + "-scratch", read(middle)), session=True)

        def live():
            middle = self.at("work") + "-middle.log"
            with Person(ONE) as one:
                one("o = open(m, 'wb', buffering=0); o.write(open(f, 'rb').read())", m=middle, f=f)
                run_as(ONE, lambda: write(self.at("work") + "-live", read(middle)), session=True)
        for act in (tmpfile, scratch, live):
            with self.subTest(act.__name__):
                if act is tmpfile:
                    require_new_fuse("O_TMPFILE")
                run_as(ONE, act) if act is tmpfile else act()
                made = self.at("work") + "-" + act.__name__
                self.assertIn("/work/" + self.n, [i["path"] for i in json.loads(read(made + "@@/lineage.json"))["inputs"]])


class Depth(HostileCase):
    def test_a_policy_that_audits_more_closely_holds_for_what_the_kernel_knows(self):
        """At depth `open` the kernel reads by itself, and keeps the name for an hour."""
        f = self.m.path("work/fast", self.n)
        write(f, "x" * 10_000)
        path = "/work/fast/" + self.n
        read(f)
        self.assertEqual([r for r in self.m.settle(path) if r["event"]["action"] == "read"], [])
        policy = read(self.m.path("@@/policy.toml")).decode()
        self.addCleanup(write, self.m.path("@@/policy.toml"), policy)
        write(self.m.path("@@/policy.toml"), policy.replace('depth = "open"', 'depth = "ranges"'))
        self.assertEqual(len(read(f)), 10_000)
        reads = [r["ward"]["ranges"] for r in self.m.settle(path) if r["event"]["action"] == "read"]
        self.assertEqual(reads, [[[0, 10_000]]])


if __name__ == "__main__":
    main()
