# SPDX-License-Identifier: Apache-2.0
"""Git repositories and SQLite databases live inside the mount.

Goal: the two clients that ask most of a file system (links, lock files, renames, byte locks, shared memory) lose nothing.
Method: git's whole cycle ending in fsck; SQLite in both journal modes with two processes that write at the same time.
"""
import os
import shutil
import sqlite3
import unittest

from cases import MountCase
from harness import main, sh
from people import Person

ENV = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a",
       "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}


class Git(MountCase):
    def git(self, line, cwd):
        return sh(line, cwd=cwd, env=ENV)

    def test_the_whole_cycle(self):
        r = self.p("repo")
        self.git("git init -q -b main repo", self.d)
        for i in range(5):
            self.git(f"mkdir -p d{i}; head -c 100000 /dev/urandom > d{i}/blob; echo {i} > f; git add -A; git commit -qm c{i}", r)
        self.git("git checkout -q -b other HEAD~2; echo other > g; git add g; git commit -qm g; git checkout -q main; "
                 "git merge -q --no-edit other", r)
        self.git("git gc -q --aggressive --prune=now; git repack -adq; git fsck --full --strict", r)
        self.assertEqual(self.git("git status --porcelain", r), "")
        self.git("git clone -q repo copy && diff -r -x .git repo copy", self.d)
        self.git("git clone -q --no-local repo copy2 && git -C copy2 fsck --full", self.d)
        self.git("echo more >> f; git commit -qam more; git push -q ../repo HEAD:refs/heads/pushed", self.p("copy"))
        self.assertEqual(self.git("git log --oneline pushed | wc -l", r).strip(), "8")
        self.git("git stash list; git worktree add -q ../wt other; git worktree remove ../wt; git rebase -q HEAD~1", r)
        shutil.rmtree(r)


class Sqlite(MountCase):
    def both_write(self, mode):
        f = self.p("a.db")
        db = sqlite3.connect(f, timeout=30, isolation_level=None)
        self.assertEqual(db.execute(f"pragma journal_mode={mode}").fetchone()[0], mode)
        db.execute("create table t (who, n)")
        work = """
import sqlite3
db2 = sqlite3.connect(f, timeout=30, isolation_level=None)
for n in range(60):
    db2.execute("begin immediate"); db2.execute("insert into t values (?, ?)", (who, n)); db2.execute("commit")
seen = db2.execute("select count(*) from t").fetchone()[0]
db2.close()
"""
        with Person() as one, Person() as two:
            one.start(work, f=f, who=1), two.start(work, f=f, who=2)
            one.answer(), two.answer()
            self.assertGreaterEqual(max(one("seen"), two("seen")), 120)
        self.assertEqual(db.execute("select who, count(*) from t group by who").fetchall(), [(1, 60), (2, 60)])
        self.assertEqual(db.execute("pragma integrity_check").fetchone()[0], "ok")
        db.execute("begin")
        db.execute("insert into t values (3, 3)")
        db.execute("rollback")
        db.execute("vacuum")
        db.close()
        self.assertEqual(os.listdir(self.d), ["a.db"])
        again = sqlite3.connect(f)
        self.assertEqual(again.execute("select count(*) from t").fetchone()[0], 120)
        again.close()

    def test_rollback_journal(self):
        self.both_write("delete")

    def test_write_ahead_log(self):
        self.both_write("wal")

    def test_a_killed_transaction_rolls_back(self):
        f = self.p("a.db")
        with sqlite3.connect(f) as db:
            db.execute("create table t (n)")
            db.execute("insert into t values (1)")
        db.close()
        writer = Person()
        writer("import sqlite3\ndb = sqlite3.connect(f)\ndb.execute('pragma cache_size=1')\n"
               "db.executemany('insert into t values (?)', ((i,) for i in range(50000)))", f=f)
        self.assertIn("a.db-journal", os.listdir(self.d))
        writer.kill()
        writer.close()
        db = sqlite3.connect(f, timeout=10)
        self.assertEqual(db.execute("select count(*) from t").fetchone()[0], 1)
        self.assertEqual(db.execute("pragma integrity_check").fetchone()[0], "ok")
        db.close()

    @unittest.skipUnless(shutil.which("sqlite3"), "SKIPPED: sqlite3 is not installed")
    def test_the_command(self):
        sh("sqlite3 x.sqlite 'create table t(a); insert into t values (1),(2);'; sqlite3 x.sqlite .dump > dump.sql; "
           "sqlite3 y.sqlite < dump.sql; sqlite3 y.sqlite '.backup z.sqlite'", cwd=self.d)
        self.assertEqual(sh("sqlite3 z.sqlite 'select sum(a) from t'", cwd=self.d), "3\n")


if __name__ == "__main__":
    main()
