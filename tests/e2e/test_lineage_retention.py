# SPDX-License-Identifier: Apache-2.0
"""What a file was made from, and how long it is kept, are files beside it.

Goal: lineage observed without instrumentation, per version, through children and pipes; retention from the policy's rules.
Method: real scripts read inputs and write outputs in a mount; lineage.json must name exactly the inputs, with versions.
"""
import datetime
import hashlib
import json
import os
import sys

from cases import MountCase
from harness import main, read, sh, ward, write
from people import require_people
from policies import TEAM

PYTHON = sys.executable


class Lineage(MountCase):
    def setUp(self):
        super().setUp()
        self.a, self.b, self.c = self.p("a.csv"), self.p("b.csv"), self.p("c.bin")
        write(self.a, "old"), write(self.a, "1,2\n"), write(self.b, "3,4\n"), write(self.p("unrelated"), "x")
        self.m.settle()

    def lineage(self, path):
        self.m.settle(self.v(path))
        return json.loads(read(path + "@@/lineage.json"))

    def inputs(self, path):
        """{(path, version)}, after checking that every edge is complete."""
        found = set()
        for i in self.lineage(path)["inputs"]:
            self.assertIn(i["basis"], ("observed", "inherited", "descendant"))
            self.assertIn(i["confidence"], ("high", "low"))
            self.assertRegex(i["sha256"], "^[0-9a-f]{64}$")
            found.add((i["path"], i["version"]))
        return found

    def run_script(self, code):
        """In a process, session and thus lineage of its own."""
        return sh(f"setsid -w {PYTHON} -c '{code}'", cwd=self.d)

    def due(self, *pairs):
        return {(self.v(path), version) for path, version in pairs}

    def test_more_inputs_than_a_record_holds(self):
        """A training run reads thousands of files: all of them are inputs, in the catalog rebuilt from the log as well."""
        os.mkdir(self.p("in"))
        names = [self.p("in", f"{i:04}") for i in range(700)]
        for name in names:
            write(name, name)
        self.run_script('import os; x = "".join(open("in/" + n).read() for n in sorted(os.listdir("in"))); '
                        'open("c.bin", "w").write(x)')
        due = self.due(*((name, 1) for name in names))
        self.assertEqual(self.inputs(self.c), due)
        commit = self.m.records(action="commit", path=self.v(self.c))[-1]
        self.assertEqual((len(commit["ward"]["inputs"]), commit["ward"]["more_inputs"]), (256, 444))
        self.m.umount()
        os.unlink(self.m.store + "/catalog.db")
        self.m.mount()
        self.assertEqual(self.inputs(self.c), due)
        self.assertIn(self.v(self.c), str(self.lineage(names[699])["outputs"]))

    def test_one_process(self):
        self.run_script('x = open("a.csv").read() + open("b.csv").read(); open("c.bin", "w").write(x)')
        lineage = self.lineage(self.c)
        self.assertEqual((lineage["path"], lineage["version"]), (self.v(self.c), 1))
        self.assertEqual(self.inputs(self.c), self.due((self.a, 2), (self.b, 1)))
        by_path = {i["path"]: i for i in lineage["inputs"]}
        self.assertEqual(by_path[self.v(self.a)]["sha256"], hashlib.sha256(b"1,2\n").hexdigest())
        self.assertEqual({(i["basis"], i["confidence"]) for i in lineage["inputs"]}, {("observed", "high")})
        text = read(self.c + "@@/lineage.txt").decode()
        for name in ("a.csv", "b.csv"):
            self.assertIn(name, text)
        self.assertNotIn("unrelated", text)
        self.assertIn("a.csv", ward("lineage", self.c).stdout)

    def test_only_reads_before_the_write_count(self):
        self.run_script('open("c.bin", "w").write(open("a.csv").read()); open("b.csv").read()')
        self.assertEqual(self.inputs(self.c), self.due((self.a, 2)))

    def test_each_version_has_its_own(self):
        self.run_script('open("c.bin", "w").write(open("a.csv").read())')
        self.run_script('open("c.bin", "w").write(open("b.csv").read())')
        self.assertEqual((self.lineage(self.c)["version"], self.inputs(self.c)), (2, self.due((self.b, 1))))

    def test_a_child_reads_and_the_parent_saves(self):
        self.run_script('import os; r, w = os.pipe(); p = os.fork(); '
                        'p or (os.write(w, open("a.csv", "rb").read()), os._exit(0)); '
                        'd = os.read(r, 99); os.wait(); open("c.bin", "wb").write(d)')
        self.assertEqual(self.inputs(self.c), self.due((self.a, 2)))

    def test_the_parent_read_and_a_child_saves(self):
        self.run_script('import os; d = open("a.csv").read(); p = os.fork(); '
                        'p or (open("c.bin", "w").write(d), os._exit(0)); os.wait()')
        self.assertEqual(self.inputs(self.c), self.due((self.a, 2)))

    def test_a_pipe_line(self):
        sh("setsid -w bash -c 'cat a.csv b.csv | gzip > c.bin'", cwd=self.d)
        self.assertLessEqual(self.due((self.a, 2), (self.b, 1)), self.inputs(self.c))

    def test_cp_and_temp_rename(self):
        sh("setsid -w cp a.csv c.bin", cwd=self.d)
        self.assertEqual(self.inputs(self.c), self.due((self.a, 2)))
        self.run_script('import os; open("c.tmp", "w").write(open("b.csv").read()); os.rename("c.tmp", "c.bin")')
        self.assertEqual((self.lineage(self.c)["version"], self.inputs(self.c)), (2, self.due((self.b, 1))))

    def test_numpy_training(self):
        write(self.p("train.py"), "import numpy as np\nx = np.loadtxt('a.csv', delimiter=',')\nnp.save('m.npy', x * 2)\n")
        sh(f"setsid -w {PYTHON} train.py", cwd=self.d)
        found = self.inputs(self.p("m.npy"))
        self.assertIn((self.v(self.a), 2), found)
        self.assertLessEqual(found, self.due((self.a, 2), (self.p("train.py"), 1)))

    def test_a_renamed_input_is_still_that_version(self):
        self.run_script('open("c.bin", "w").write(open("a.csv").read())')
        os.rename(self.a, self.p("renamed.csv"))
        write(self.p("renamed.csv"), "newer")
        lineage = self.lineage(self.c)
        self.assertEqual([i["version"] for i in lineage["inputs"]], [2])

    def test_it_survives_a_remount(self):
        self.run_script('open("c.bin", "w").write(open("a.csv").read())')
        before = self.lineage(self.c)
        self.m.remount()
        self.assertEqual(json.loads(read(self.c + "@@/lineage.json")), before)


class Retention(MountCase):
    options = {"policy": TEAM}

    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        os.mkdir(cls.m.path("shared"))

    def retention(self, path):
        return dict((line.split(None, 1) + [""])[:2] for line in read(path + "@@/retention").decode().splitlines())

    def test_rule_and_dates(self):
        f = self.m.path("shared/m.bin")
        write(f, "x")
        shown = self.retention(f)
        self.assertEqual((shown["rule"], shown["holds"]), ("models-1y", "none"))
        saved = datetime.datetime.fromisoformat(self.m.records(action="commit", path="/shared/m.bin")[0]["@timestamp"]
                                                .replace("Z", "+00:00"))
        for key, days in (("keep-until", 365), ("purge-after", 730)):
            until = datetime.datetime.fromisoformat(shown[key].replace("Z", "+00:00"))
            self.assertLess(abs(until - saved - datetime.timedelta(days=days)), datetime.timedelta(seconds=5), key)
        self.assertEqual(os.getxattr(f, "user.ward.retain_until").decode()[:10], shown["keep-until"][:10])
        self.assertIn("models-1y", ward("retention", f).stdout)

    def test_without_a_rule(self):
        f = self.p("m.bin")
        write(f, "x")
        self.assertEqual((self.retention(f)["rule"], self.retention(f)["holds"]), ("none", "none"))


if __name__ == "__main__":
    main()
