# SPDX-License-Identifier: Apache-2.0
"""Questions to the log: `ward log` with its filters and formats, PATH@@/audit.jsonl, and the day's table.

Goal: who did what to which artifact is found by name, time, action and outcome, for people, spreadsheets and SIEMs. Method: two
users do things whose records are known; every filter is compared with the same question to the raw records.
"""
import csv
import datetime
import io
import json
import os
import subprocess
import time

from cases import MountCase
from harness import WARD, main, read, sh, wait_until, ward, write
from people import ONE, TWO, require_people, run_as, uid
from policies import TEAM

OCSF_REQUIRED = ("activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "metadata", "actor", "device", "file")


class Log(MountCase):
    options = {"policy": TEAM}

    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        cls.f, cls.g = cls.m.path("shared/model.bin"), cls.m.path("shared/other.bin")
        os.mkdir(cls.m.path("shared"))
        os.chmod(cls.m.path("shared"), 0o777)
        for i in range(3):
            run_as(ONE, lambda: write(cls.f, f"version {i}"))
            os.chmod(cls.f, 0o644)
        run_as(ONE, lambda: write(cls.g, "other"))
        for reader in (ONE, TWO):
            run_as(reader, lambda: read(cls.f))
        cls.err_as(cls(), TWO, (1, 13), lambda: write(cls.f, "no"))
        run_as(ONE, lambda: os.rename(cls.g, cls.m.path("shared/moved.bin")))
        cls.m.settle("/shared/model.bin")

    def setUp(self):
        pass

    def log(self, *args, at=None):
        """Records as `ward log` prints them."""
        out = ward("log", at or self.m.mnt, "--format", "jsonl", *args).stdout
        return [json.loads(line) for line in out.splitlines()]

    def same(self, args, keep, at=None):
        """The filter gives what `keep` keeps of the raw records, and that is something."""
        found = [r["event"]["sequence"] for r in self.log(*args, at=at)]
        wanted = [r["event"]["sequence"] for r in self.m.records() if keep(r)]
        self.assertTrue(found)
        self.assertEqual(found, [s for s in wanted if s <= found[-1]], args)

    def test_every_filter(self):
        path = lambda r: r.get("file", {}).get("path", "")
        self.same(["--user", ONE], lambda r: r["user"]["name"] == ONE)
        self.same(["--user", str(uid(TWO))], lambda r: r["user"]["id"] == uid(TWO))
        self.same(["--action", "commit"], lambda r: r["event"]["action"] == "commit")
        self.same(["--action", "read,write"], lambda r: r["event"]["action"] in ("read", "write"))
        self.same(["--outcome", "refused"], lambda r: r["event"]["outcome"] == "failure")
        self.same(["--path", "/shared/m*.bin", "--action", "open"],
                  lambda r: path(r).startswith("/shared/m") and r["event"]["action"] == "open")
        self.same(["--path", "/shared/moved.bin", "--action", "rename"], lambda r: r["event"]["action"] == "rename")
        self.same(["--process", "python3.11"] if os.path.exists("/usr/bin/python3.11") else ["--process", "python3.13"],
                  lambda r: "python3" in r.get("process", {}).get("executable", ""))
        commit = self.m.records(action="commit", path="/shared/model.bin")[1]
        sha, artifact = commit["ward"]["sha256"], commit["ward"]["artifact"]
        for written in (sha[:12], sha[:12].upper()):
            self.same(["--sha256", written], lambda r: r["ward"].get("sha256", "").startswith(sha[:12]))
        self.same(["--artifact", str(artifact), "--action", "read"],
                  lambda r: r["ward"].get("artifact") == artifact and r["event"]["action"] == "read")

    def test_times(self):
        middle = self.m.records()[len(self.m.records()) // 2]["@timestamp"]
        second = middle[:19] + "Z"
        self.same(["--since", second], lambda r: r["@timestamp"] >= second[:19])
        self.same(["--until", second], lambda r: r["@timestamp"][:19] <= second[:19])
        self.assertEqual(len(self.log("--since", "1d", "--action", "commit")), len(self.m.records(action="commit")))
        today = datetime.datetime.now(datetime.timezone.utc)
        self.assertTrue(self.log("--since", (today - datetime.timedelta(days=1)).strftime("%Y-%m-%d")))
        self.assertFalse(self.log("--until", (today - datetime.timedelta(days=2)).strftime("%Y-%m-%d")))
        for bad in (("--since", "yesterday"), ("--since", "5"), ("--until", "2026-13-40"), ("--since", "-5d"), ("--outcome", "maybe"),
                    ("--format", "xml"), ("--path", "[")):
            done = ward("log", self.m.mnt, *bad, check=False)
            self.assertEqual(done.returncode, 2, bad)
            self.assertIn(bad[0].split("=")[0], done.stderr)

    def test_who_read_this_artifact(self):
        readers = {r["user"]["name"] for r in self.log("--action", "read", "--since", "90d", at=self.f)}
        self.assertTrue({ONE, TWO} <= readers, readers)
        every = [json.loads(line) for line in read(self.f + "@@/audit.jsonl").splitlines()]
        artifact = json.loads(read(self.f + "@@/info.json"))["artifact"]
        own = [r["event"]["sequence"] for r in every if r["ward"].get("artifact") == artifact]
        self.assertEqual(own, [r["event"]["sequence"] for r in self.m.records(artifact=artifact) if r["event"]["sequence"] <= own[-1]])

    def test_a_question_is_a_file(self):
        find = self.m.path("@@/audit/find")
        asked = f"user={ONE},action=read,action=commit,path=%2Fshared%2Fm*.bin,since=1d"
        found = [json.loads(line) for line in read(f"{find}/{asked}").splitlines()]
        self.assertEqual([r["event"]["sequence"] for r in found],
                         [r["event"]["sequence"] for r in self.log("--user", ONE, "--action", "read,commit", "--path", "/shared/m*.bin")])
        self.assertEqual({r["user"]["name"] for r in found}, {ONE})
        self.assertTrue(self.m.records(action="open", path=f"/@@/audit/find/{asked}"), "asking is an event")
        self.assertTrue(read(f"{find}/all").splitlines()[0].startswith(b'{"@timestamp"'))
        self.assertEqual(os.listdir(find), [])
        self.assertNotIn("find", os.listdir(self.m.path("@@/audit")), "a copy of the log doesn't fall in")
        for nobody in (f"{find}/user=nobody-of-us", f"{find}/all"):
            self.err_as(TWO, 13, lambda name=nobody: read(name))
        with self.err(22):
            read(f"{find}/since=yesterday")
        self.assertIn(b"since=yesterday: a time as 2026-", read(self.m.path("@@/why")))
        with self.err(30):
            write(f"{find}/all", "x")

    def test_sizes_are_for_auditors(self):
        segment = next(n for n in os.listdir(self.m.path("@@/audit")) if n.endswith(".jsonl"))
        for name in ("checkpoint", segment):
            file = self.m.path("@@/audit", name)
            self.assertGreater(os.stat(file).st_size, 0)
            self.assertEqual(run_as(TWO, lambda f=file: os.stat(f).st_size), 0)

    def test_a_copy_is_covered_up_to_its_beginning(self):
        os.setxattr(self.f, "user.before", b"the copy")
        done = self.m.records()[-1]["event"]["sequence"]
        checkpoint = read(self.m.path("@@/audit/checkpoint")).split(b"\n")
        self.assertGreater(int(checkpoint[1]), done)

    def test_a_question_too_long_for_a_name(self):
        long = "/shared/" + "x" * 250 + "*"
        self.assertEqual(self.log("--path", long, "--user", ONE), [])
        self.same(["--path", "/shared/m[" + "o" * 250 + "]*.bin", "--action", "commit"],
                  lambda r: r["event"]["action"] == "commit" and r["file"]["path"].startswith("/shared/mo"))

    def test_formats(self):
        rows = list(csv.reader(io.StringIO(ward("log", self.f, "--format", "csv", "--action", "commit").stdout)))
        self.assertEqual(rows[0][:6], ["time", "sequence", "user", "login", "action", "outcome"])
        self.assertEqual([(r[2], r[4], r[6], r[7]) for r in rows[1:]],
                         [(ONE, "commit", "/shared/model.bin", str(v)) for v in (1, 2, 3)])
        table = ward("log", self.f, "--outcome", "failure").stdout
        self.assertRegex(table, r"^TIME .*\n.*REFUSED")
        nothing = ward("log", self.f, "--format", "csv", "--user", "nobody-of-us").stdout
        self.assertEqual(list(csv.reader(io.StringIO(nothing))), rows[:1], "a table without rows has its headings")
        self.assertRegex(ward("log", self.f, "--user", "nobody-of-us").stdout, r"^TIME .*\n$")

    def test_csv_is_no_formula_and_no_forged_row(self):
        name = self.m.path("shared", '=cmd|"x",\n2026')
        run_as(ONE, lambda: write(name, "x"))
        rows = list(csv.reader(io.StringIO(ward("log", self.m.mnt, "--format", "csv", "--action", "create").stdout)))
        self.assertEqual({len(r) for r in rows}, {len(rows[0])})
        self.assertTrue(any(r[6] == '/shared/=cmd|"x",\\u000a2026' for r in rows), rows)

    def test_ocsf(self):
        out = ward("log", self.m.mnt, "--format", "ocsf").stdout
        events = [json.loads(line) for line in out.splitlines()]
        self.assertGreater(len(events), 20)
        for event in events:
            self.assertEqual([k for k in OCSF_REQUIRED if k not in event], [])
            self.assertEqual((event["class_uid"], event["category_uid"]), (1001, 1))
            self.assertEqual(event["type_uid"], 100100 + event["activity_id"])
            self.assertIn(event["activity_id"], (1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 99))
            self.assertIsInstance(event["time"], int)
            self.assertGreater(event["time"], 1_600_000_000_000)
            self.assertEqual(event["metadata"]["version"], "1.8.0")
            self.assertEqual(event["metadata"]["profiles"], ["security_control"])  # action_id is this profile's
            self.assertTrue(event["metadata"]["product"]["name"] and event["metadata"]["product"]["vendor_name"])
            self.assertIn("hostname", event["device"])
            self.assertIsInstance(event["device"]["type_id"], int)
            self.assertTrue(event["file"]["name"] and event["file"]["path"].startswith("/"))
            self.assertIsInstance(event["file"]["type_id"], int)
            self.assertIsInstance(event["actor"]["user"]["uid"], str)
        refused = [e for e in events if e["status_id"] == 2]
        self.assertTrue(refused)
        self.assertTrue(all(e["action_id"] == 2 for e in refused))
        reads = [e for e in events if e["activity_id"] == 2]
        self.assertTrue(any(e["file"].get("hashes", [{}])[0].get("algorithm_id") == 3 for e in reads))

    def test_follow(self):
        for at in (self.m.mnt, self.f):
            follower = subprocess.Popen([WARD, "log", at, "--jsonl", "--follow", "--action", "setxattr"], stdout=subprocess.PIPE)
            try:
                os.set_blocking(follower.stdout.fileno(), False)
                seen, marks = b"", [f"user.m{i}-{time.time_ns()}" for i in range(3)]

                def shows(mark):
                    nonlocal seen
                    seen += follower.stdout.read() or b""
                    return mark.encode() in seen
                for mark in marks:
                    os.setxattr(self.f, mark, b"v")
                    wait_until(lambda m=mark: shows(m), 20, f"{mark} to be shown")
                self.assertEqual(sum(m.encode() in line for line in seen.splitlines() for m in marks), 3, "each once")
            finally:
                follower.kill()
                follower.wait()
                follower.stdout.close()

    def test_the_days_table(self):
        today = self.m.path("@@/audit/today.tsv")
        self.assertIn("today.tsv", os.listdir(self.m.path("@@/audit")))
        rows = [line.split("\t") for line in read(today).decode().splitlines()]
        self.assertEqual({len(r) for r in rows}, {13})
        self.assertEqual(rows[0][0], "time")
        sequences = [int(r[1]) for r in rows[1:]]
        self.assertEqual(sequences, sorted(set(sequences)))
        self.assertEqual(sequences[0], 0 if rows[1][4] == "log-start" else sequences[0])
        self.assertEqual(sh(f"cut -f3,5,7 '{today}' | grep -c '^{ONE}\tcommit\t/shared/model.bin$'"), "3\n")
        day = self.m.records()[-1]["@timestamp"][:10]
        self.assertIn(f"{day}.tsv", os.listdir(self.m.path("@@/audit")))
        self.assertTrue(read(self.m.path(f"@@/audit/{day}.tsv")).startswith(b"time\t"))
        with self.err(2):
            read(self.m.path("@@/audit/1999-01-01.tsv"))
        self.err_as(TWO, 13, lambda: read(today))

    def test_everybody_may_read_their_own_records_where_the_policy_says_so(self):
        mine = self.m.path("@@/audit/mine.jsonl")
        own = [json.loads(line) for line in run_as(ONE, lambda: read(mine)).splitlines()]
        self.assertEqual({r["user"]["id"] for r in own}, {uid(ONE)})
        self.assertEqual([r["event"]["sequence"] for r in own if r["event"]["action"] == "commit"],
                         [r["event"]["sequence"] for r in self.m.records(action="commit", uid=uid(ONE))])
        self.assertTrue(self.m.records(action="open", path="/@@/audit/mine.jsonl", uid=uid(ONE)), "reading the log is an event")
        self.assertIn("denied", run_as(TWO, lambda: read(self.m.path("@@/why"))).decode())
        policy = read(self.m.path("@@/policy.toml")).decode()
        write(self.m.path("@@/policy.toml"), policy + '\n[[forbid]]\nname = "log-is-closed"\nwho = ["everyone"]\nmay = ["read"]\n'
              'where = ["/@@/**"]\n')
        self.err_as(ONE, 13, lambda: read(mine))
        self.assertIn("log-is-closed", run_as(ONE, lambda: read(self.m.path("@@/why"))).decode())
        write(self.m.path("@@/policy.toml"), policy)

    def test_reading_back_and_on_in_a_report(self):
        with open(self.f + "@@/audit.jsonl", "rb", buffering=0) as f:
            whole = b""
            while piece := f.read(700):
                whole += piece
            for at in (0, 1000, 300, len(whole) - 50):
                self.assertEqual(os.pread(f.fileno(), 200, at), whole[at:at + 200])
            os.setxattr(self.f, "user.later", b"v")
            self.assertEqual(os.pread(f.fileno(), 100_000, len(whole)), b"", "the end as it was")
            self.assertIn(b"user.later", os.pread(f.fileno(), 100_000, len(whole)))


if __name__ == "__main__":
    main()
