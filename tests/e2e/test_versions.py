# SPDX-License-Identifier: Apache-2.0
"""What happens to versions when names move, vanish and come back, and how the virtual tree shows them.

Goal: identity, history and every old version stay reachable by path. Method: ordinary acts on a real mount, then the virtual
files and xattrs are read.
"""
import errno as e
import json
import os

from cases import MountCase
from harness import main, read, sh, versions, write


class NamesAndVersions(MountCase):
    def history(self, path):
        return read(path + "@@/history").decode()

    def test_scratch_names_have_no_versions(self):
        for name in ("a.tmp", ".a.swp", "a~", ".~lock.a#", "a.lock", ".model.bin.Ab12Cd"):
            write(self.p(name), "x")
            write(self.p(name), "y")
            self.assertEqual((read(self.p(name)), versions(self.p(name))), (b"y", 0), name)
            self.assertEqual(self.m.records(action="commit", path=self.v(self.p(name))), [], name)
            self.assertTrue(self.m.records(action="create", path=self.v(self.p(name))), name)
        os.rename(self.p("a.tmp"), self.p("governed"))
        self.assertEqual((read(self.p("governed")), versions(self.p("governed"))), (b"y", 1))
        os.unlink(self.p("a~"))

    def test_rename_over_keeps_identity(self):
        f = self.p("model.bin")
        write(f, "one"), write(f, "two")
        artifact = json.loads(read(f + "@@/info.json"))["artifact"]
        write(self.p("upload"), "three")
        os.rename(self.p("upload"), f)
        self.assertEqual((versions(f), json.loads(read(f + "@@/info.json"))["artifact"], read(f)), (3, artifact, b"three"))
        self.assertEqual([read(f"{f}@@/versions/{n}") for n in (1, 2, 3)], [b"one", b"two", b"three"])
        for n in (1, 2, 3):
            self.assertRegex(self.history(f), rf"\bv{n}\b")

    def test_a_renamed_artifact_keeps_its_versions(self):
        write(self.p("a"), "one"), write(self.p("a"), "two")
        os.rename(self.p("a"), self.p("b"))
        os.mkdir(self.p("d"))
        os.rename(self.p("b"), self.p("d/c"))
        self.assertEqual((versions(self.p("d/c")), read(self.p("d/c@@/versions/1"))), (2, b"one"))
        write(self.p("a"), "another artifact")
        self.assertEqual((versions(self.p("a")), versions(self.p("d/c"))), (1, 2))

    def test_versions_are_read_only(self):
        f = self.p("f")
        write(f, "one"), write(f, "two")
        v = f + "@@/versions/1"
        for act in (lambda: open(v, "w"), lambda: open(v, "r+"), lambda: os.truncate(v, 0), lambda: os.unlink(v),
                    lambda: os.rename(v, self.p("x")), lambda: os.chmod(v, 0o777), lambda: open(f + "@@/versions/3")):
            with self.err(e.EROFS, e.EACCES, e.EPERM, e.ENOENT, e.EXDEV, e.EINVAL):
                act()
        self.assertEqual(sorted(os.listdir(f + "@@/versions")), ["1", "2"])

    def test_deleting_and_bringing_back(self):
        f = self.p("model.bin")
        write(f, "one"), write(f, "two")
        os.chmod(f, 0o640)
        os.unlink(f)
        self.assertFalse(os.path.exists(f))
        self.assertIn("model.bin", os.listdir(self.p("@@/deleted")))
        sh("mv '@@/deleted/model.bin' model.bin", cwd=self.d)
        self.assertEqual((read(f), versions(f), os.stat(f).st_mode & 0o777), (b"two", 2, 0o640))
        self.assertEqual(read(f + "@@/versions/1"), b"one")
        self.assertEqual(os.listdir(self.p("@@/deleted")), [])
        os.unlink(f)
        write(f, "a new artifact of that name")
        self.assertEqual(versions(f), 1)
        self.assertEqual(len(self.m.records(action="restore", path=self.v(f))), 1)

    def test_time_travel(self):
        f = self.p("f")
        write(f, "one")
        os.mkdir(self.p("later-renamed"))
        then = self.m.records(action="commit", path=self.v(f))[0]
        write(f, "two")
        os.unlink(f)
        os.rename(self.p("later-renamed"), self.p("renamed"))
        for at in (str(then["event"]["sequence"]), ):
            self.assertEqual(read(self.p(f"@@/at/{at}/f")), b"one")
            self.assertIn("f", os.listdir(self.p(f"@@/at/{at}")))
        now = str(self.m.records()[-1]["event"]["sequence"])
        self.assertEqual(os.listdir(self.p(f"@@/at/{now}")), ["renamed"])
        with self.err(e.ENOENT):
            open(self.p(f"@@/at/{now}/f"))
        with self.err(e.ENOENT):
            os.listdir(self.p("@@/at/1999-01-01T00:00:00Z"))
        with self.err(e.ENOENT, e.EINVAL):
            os.listdir(self.p("@@/at/not-a-time"))

    def test_the_virtual_tree_is_hidden(self):
        write(self.p("f"), "x")
        self.assertEqual(os.listdir(self.d), ["f"])
        self.assertTrue({"info.json", "stage", "versions", "history", "lineage.txt", "lineage.json", "retention",
                         "audit.jsonl"} <= set(os.listdir(self.p("f@@"))))
        self.assertTrue({"audit", "policy.toml", "why", "status", "drafts"} <= set(os.listdir(self.m.path("@@"))))
        self.assertEqual(read(self.p("f@@/stage")).strip(), b"training")
        for act in (lambda: write(self.p("new@@"), "x"), lambda: os.mkdir(self.p("dir@@")),
                    lambda: os.rename(self.p("f"), self.p("g@@")), lambda: os.symlink("x", self.p("l@@")),
                    lambda: os.link(self.p("f"), self.p("h@@"))):
            with self.err(e.EINVAL, e.EPERM, e.EROFS, e.EEXIST):
                act()
        with self.err(e.ENOENT):
            os.stat(self.p("none@@"))
        with self.err(e.ENOENT):
            os.stat(self.p("f@@/nothing-of-that-name"))

    def test_info(self):
        write(self.p("f"), "x")
        info = json.loads(read(self.p("f@@/info.json")))
        self.assertEqual(info["version"], 1)
        self.assertEqual(info["sha256"], os.getxattr(self.p("f"), "user.ward.sha256").decode())
        lines = [json.loads(line) for line in read(self.p("f@@/audit.jsonl")).splitlines()]
        self.assertIn("commit", [r["event"]["action"] for r in lines])
        self.assertEqual({r["file"]["path"].split("@@")[0] for r in lines}, {self.v(self.p("f"))})
        with self.err(e.EPERM, e.EACCES, e.EOPNOTSUPP, e.EINVAL):
            os.setxattr(self.p("f"), "user.ward.version", b"7")


if __name__ == "__main__":
    main()
