# SPDX-License-Identifier: Apache-2.0
"""Stock git with git-lfs gets everything back without WardFS.

Goal: no lock-in. Method: people save into a mount; after a clean unmount (which leaves no lag) history.git is cloned with the
tools of the distribution, and compared byte by byte with what the mount showed; `git log` must tell who saved what and when.
"""
import glob
import os
import shutil
import stat
import subprocess
import unittest

from cases import Case
from harness import Mount, main, read, sh, wait_until, write
from people import ONE, TWO, Person, require_people


@unittest.skipUnless(shutil.which("git") and shutil.which("git-lfs"), "SKIPPED: git or git-lfs is not installed")
class Clone(Case):
    @classmethod
    def setUpClass(cls):
        require_people()
        cls.m = m = Mount()
        cls.addClassCleanup(m.cleanup)
        cls.env = {"HOME": m.base + "/home", "GIT_CONFIG_NOSYSTEM": "1"}
        os.mkdir(cls.env["HOME"])
        os.mkdir(m.path("models"))
        os.chmod(m.path("models"), 0o777)
        for user, text in ((ONE, b"first"), (TWO, b"second"), (ONE, b"third")):
            with Person(user) as person:
                person("os.umask(0)\nf = open(p, 'wb'); f.write(text); f.close()", p=m.path("models/model.bin"), text=text)
        write(m.path("models/big"), os.urandom(3_000_000))
        write(m.path("models/empty"), b"")
        write(m.path("models/run.sh"), "#!/bin/sh\necho ran\n")
        os.chmod(m.path("models/run.sh"), 0o755)
        os.symlink("model.bin", m.path("models/link"))
        write(m.path("same"), read(m.path("models/big")))
        write(os.fsencode(m.path("odd")) + b"\xff\n name", "odd")
        write(m.path("caf\u00e9 with spaces"), "x")
        write(m.path("renamed-away"), "moved"), os.makedirs(m.path("a/b"))
        os.rename(m.path("renamed-away"), m.path("a/b/moved"))
        write(m.path("deleted"), "gone"), os.unlink(m.path("deleted"))
        os.rename(m.path("a"), m.path("A"))
        os.link(m.path("models/run.sh"), m.path("models/hard"))
        write(m.path("scratch.tmp"), "left out of history")
        os.makedirs(m.path("hostile/.git"))
        write(m.path("hostile/.gitattributes"), "* -filter\n"), write(m.path("hostile/data"), "real bytes")
        write(m.path("hostile/.git/config"), "x"), write(m.path(".lfsconfig"), "[lfs]\n\turl = http://127.0.0.1:9/\n")
        write(m.path("models/saved-after-the-hostile-names"), "still published")
        sh(f"cp -a '{m.mnt}/.' {m.base}/expected")
        cls.records = m.records()
        m.umount()
        cls.clone = m.base + "/clone"
        cls.git("lfs install --skip-repo")
        cls.git(f"clone -q file://{m.store}/history.git {cls.clone}")

    @classmethod
    def git(cls, line):
        return sh("git " + line, env=cls.env)

    def test_the_tree_has_the_real_bytes(self):
        expected = self.m.base + "/expected"
        for base, folders, files in os.walk(os.fsencode(expected)):
            here = os.fsencode(self.clone) + base[len(os.fsencode(expected)):]
            folders[:] = [f for f in folders if f != b".git"]
            for name in files:
                if name.startswith(b".git") or name in (b".lfsconfig", b"scratch.tmp"):
                    continue
                mine, theirs = os.path.join(base, name), os.path.join(here, name)
                with self.subTest(theirs):
                    a, b = os.lstat(mine), os.lstat(theirs)
                    self.assertEqual(stat.S_IFMT(a.st_mode), stat.S_IFMT(b.st_mode))
                    if stat.S_ISLNK(a.st_mode):
                        self.assertEqual(os.readlink(mine), os.readlink(theirs))
                    else:
                        self.assertEqual(read(mine), read(theirs))
                        self.assertEqual(bool(a.st_mode & 0o100), bool(b.st_mode & 0o100))

    def test_nothing_else_is_in_it(self):
        names = [n for n in os.listdir(self.clone) if n not in (".git", ".gitattributes")]
        expected = [n for n in os.listdir(self.m.base + "/expected") if n not in ("scratch.tmp", ".lfsconfig")]
        self.assertEqual(set(expected) - set(names), set())
        for gone in ("deleted", "renamed-away", "scratch.tmp", ".lfsconfig"):
            self.assertNotIn(gone, names)
        self.assertEqual(self.git(f"-C {self.clone} status --porcelain"), "")
        self.git(f"-C {self.clone} fsck --full --strict")
        self.git(f"-C {self.clone} lfs fsck")

    def test_log_of_a_path_tells_who_and_when(self):
        log = self.git(f"-C {self.clone} log --reverse --format=%an -- models/model.bin").split()
        self.assertEqual(log, [ONE, TWO, ONE])
        bodies = self.git(f"-C {self.clone} log --format=%B -- models/model.bin")
        commits = [r for r in self.records if r["event"]["action"] == "commit" and r["file"]["path"] == "/models/model.bin"]
        self.assertEqual(len(commits), 3)
        for r in commits:
            self.assertIn(r["ward"]["sha256"], bodies)
            self.assertIn(str(r["event"]["sequence"]), bodies)

    def test_old_versions_can_be_checked_out(self):
        revisions = self.git(f"-C {self.clone} log --reverse --format=%H -- models/model.bin").split()
        copy = self.m.base + "/old"
        self.git(f"clone -q file://{self.m.store}/history.git {copy}")
        for revision, text in zip(revisions, (b"first", b"second", b"third")):
            self.git(f"-C {copy} checkout -q {revision}")
            self.assertEqual(read(copy + "/models/model.bin"), text)

    def test_identical_content_is_stored_once_under_its_sha256(self):
        files = glob.glob(self.m.store + "/history.git/lfs/objects/*/*/*")
        done = subprocess.run(["xargs", "-0", "sha256sum"], input="\0".join(files), capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            digest, path = line.split()
            self.assertEqual(path[-len(digest) - 6:], f"{digest[:2]}/{digest[2:4]}/{digest}")
        big = [f for f in files if os.stat(f).st_size == 3_000_000]
        self.assertEqual(len(big), 1)  # /models/big and /same


class Lag(Case):
    def test_git_follows_within_seconds(self):
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "x")

        def published():
            out = subprocess.run(["git", "-C", m.store + "/history.git", "log", "--all", "--format=%H", "--", "f"],
                                 capture_output=True, text=True)
            return out.stdout.strip()
        revision = wait_until(published, 10, "the publisher")
        self.assertTrue(wait_until(lambda: int(m.status()["published"]) > 0, 5, "status to show it"))
        self.assertEqual(read(m.path("@@/at", revision.split()[0], "f")), b"x")  # a commit is a point in time

    def test_rebuilding_history_is_the_same_history(self):
        """Git is a projection: unmounting twice without a change publishes nothing new."""
        m = Mount()
        self.addCleanup(m.cleanup)
        write(m.path("f"), "x")
        m.umount()
        heads = [sh(f"git -C {m.store}/history.git log --all --format=%T").split()[0]]
        m.mount()
        m.umount()
        heads.append(sh(f"git -C {m.store}/history.git log --all --format=%T").split()[0])
        self.assertEqual(heads[0], heads[1])


if __name__ == "__main__":
    main()
