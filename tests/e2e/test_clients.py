# SPDX-License-Identifier: Apache-2.0
"""The programs that people use work on the mount as on a disk: scientific python, archives, copying tools, compilers.

Goal: each client does its usual work and reads back what it saved. Method: the real client on a real mount; what isn't
installed is skipped by name. Git and SQLite have a file of their own (test_clients_git.py).
"""
import importlib.util
import os
import pickle
import shutil
import tempfile
import unittest
import zipfile

from cases import MountCase
from harness import main, read, sh, versions, wait_until, write

import h5py
import numpy as np


def needs(command):
    return unittest.skipUnless(shutil.which(command), f"SKIPPED: {command} is not installed")


def imports(module):
    return unittest.skipUnless(importlib.util.find_spec(module), f"SKIPPED: python3-{module} is not installed")


class Python(MountCase):
    def test_h5py_create_append_read(self):
        f = self.p("a.h5")
        with h5py.File(f, "w") as h:
            h["x"] = np.arange(1000)
            h.create_dataset("grows", data=np.zeros((2, 3)), maxshape=(None, 3))
        self.assertEqual(versions(f), 1)
        with h5py.File(f, "a") as h:
            h["grows"].resize((5, 3))
            h["grows"][4] = [7, 8, 9]
            h["x"].attrs["note"] = "appended"
        with h5py.File(f, "r") as one, h5py.File(f, "r") as two:
            self.assertEqual((one["x"][999], two["grows"][4].tolist(), one["x"].attrs["note"]), (999, [7, 8, 9], "appended"))
        self.assertEqual(versions(f), 2)
        with h5py.File(f, "r+"):  # another writer is refused by HDF5's own lock
            said = sh(f"/usr/bin/python3 -c 'import h5py; h5py.File(\"{f}\", \"r+\")' 2>&1 || true")
        self.assertIn("unable to lock file", said)

    def test_zip_and_npz_append(self):
        f = self.p("a.npz")
        np.savez(f, x=np.arange(5))
        with zipfile.ZipFile(f, "a") as z:
            z.writestr("note.txt", "appended")
        with zipfile.ZipFile(f) as z:
            self.assertIsNone(z.testzip())
            self.assertEqual((z.read("note.txt"), np.load(f)["x"].tolist()), (b"appended", [0, 1, 2, 3, 4]))
        self.assertEqual(versions(f), 2)

    def test_pickle_and_temporary_files(self):
        with open(self.p("m.pkl"), "wb") as f:
            pickle.dump({"w": list(range(10_000))}, f)
        with open(self.p("m.pkl"), "rb") as f:
            self.assertEqual(pickle.load(f)["w"][-1], 9999)
        with tempfile.TemporaryFile(dir=self.d) as f:
            f.write(b"x" * 100_000)
            f.seek(99_999)
            self.assertEqual(f.read(), b"x")
        with tempfile.NamedTemporaryFile(dir=self.d) as f:
            f.write(b"named")
            f.flush()
            self.assertEqual(read(f.name), b"named")
        self.assertEqual(os.listdir(self.d), ["m.pkl"])

    def test_numpy_map_shared_by_two_processes(self):
        np.save(self.p("a.npy"), np.zeros(1000))
        a = np.load(self.p("a.npy"), mmap_mode="r+")
        child = os.fork()
        if child == 0:
            a[5] = 42.0
            os._exit(0)
        os.waitpid(child, 0)
        self.assertEqual(a[5], 42.0)
        a.flush()
        del a
        wait_until(lambda: np.load(self.p("a.npy"))[5] == 42.0, what="the mapping's last write to be saved")

    @imports("joblib")
    def test_joblib(self):
        import joblib
        joblib.dump({"w": np.ones(100_000)}, self.p("m.joblib"))
        self.assertEqual(joblib.load(self.p("m.joblib"))["w"].sum(), 100_000)
        self.assertEqual(versions(self.p("m.joblib")), 1)
        memory = joblib.Memory(self.p("cache"), verbose=0)
        self.assertEqual([memory.cache(abs)(-3) for _ in range(2)], [3, 3])

    @imports("torch")
    def test_torch(self):
        import torch
        torch.save({"w": torch.ones(1000)}, self.p("m.pt"))
        self.assertEqual(versions(self.p("m.pt")), 1)
        self.assertEqual(float(torch.load(self.p("m.pt"))["w"].sum()), 1000.0)
        t = torch.from_file(self.p("shared.bin"), shared=True, size=1000, dtype=torch.float32)
        t.fill_(2.0)
        del t
        wait_until(lambda: read(self.p("shared.bin")) == np.full(1000, 2, "f4").tobytes(), what="the shared tensor's file")


class Tools(MountCase):
    def tree(self, folder):
        """A tree with all kinds of entries, as a source for the copying tools."""
        os.makedirs(folder + "/sub/empty")
        for i in range(20):
            write(f"{folder}/f{i}", os.urandom(1000 * i))
        write(folder + "/sub/big", os.urandom(3_000_000))
        os.symlink("f1", folder + "/link")
        os.link(folder + "/f2", folder + "/sub/hard")
        os.chmod(folder + "/f3", 0o750)
        os.utime(folder + "/f4", (10**9, 10**9))

    @needs("rsync")
    def test_rsync_twice(self):
        with tempfile.TemporaryDirectory() as source:
            self.tree(source)
            for flags in ("-aH", "-aH --inplace"):
                to = self.p(flags.replace(" ", ""))
                sh(f"rsync {flags} {source}/ {to}/")
                sh(f"diff -r --no-dereference {source} {to}")
                self.assertEqual(sh(f"rsync {flags} -i {source}/ {to}/"), "")  # nothing to do: sizes and times agree
                before = versions(to + "/sub/big")
                with open(source + "/sub/big", "r+b") as f:
                    f.seek(1_000_000)
                    f.write(os.urandom(1000))
                os.utime(source + "/sub/big", (len(flags), len(flags)))  # rsync looks at size and time
                sh(f"rsync {flags} --no-whole-file {source}/ {to}/")
                sh(f"diff -r --no-dereference {source} {to}")
                self.assertEqual(versions(to + "/sub/big"), before + 1)

    def test_cp_mv_tar_and_find(self):
        self.tree(self.p("a"))
        sh("cp -a a b && diff -r --no-dereference a b", cwd=self.d)
        self.assertEqual(os.stat(self.p("b/f4")).st_mtime, 10**9)
        sh("mv b c && diff -r --no-dereference a c && mv -n c/f1 c/f2 || true", cwd=self.d)
        sh("tar -C a -cf - . | (mkdir t; tar -C t -xpf -) && diff -r --no-dereference a t", cwd=self.d)
        self.assertNotIn("@@", sh("find . ; ls -laR .", cwd=self.d))
        sh("du -s a && rm -r a c t", cwd=self.d)
        self.assertEqual(os.listdir(self.d), [])

    def test_mv_from_another_disk(self):
        with tempfile.TemporaryDirectory() as other:
            self.tree(other + "/a")
            sh(f"cp -a {other}/a {other}/b; mv {other}/a {self.d}/a; diff -r --no-dereference {other}/b {self.d}/a")

    def test_dd_direct(self):
        data = os.urandom(1 << 20)
        write("/tmp/ward-e2e-dd", data)
        try:
            sh("dd if=/tmp/ward-e2e-dd of=f bs=64k oflag=direct status=none", cwd=self.d)
            sh("dd if=f of=/tmp/ward-e2e-dd bs=64k iflag=direct status=none", cwd=self.d)
            self.assertEqual((read(self.p("f")), read("/tmp/ward-e2e-dd"), versions(self.p("f"))), (data, data, 1))
        finally:
            os.unlink("/tmp/ward-e2e-dd")

    @needs("gcc")
    def test_compile_link_run(self):
        write(self.p("hello.c"), '#include <stdio.h>\nint main(void) { puts("built here"); }\n')
        self.assertEqual(sh("gcc -g -c hello.c && gcc -o hello hello.o && ./hello", cwd=self.d), "built here\n")
        self.assertEqual(versions(self.p("hello")), 1)
        sh("ar rcs lib.a hello.o && ranlib lib.a && gcc -o hello lib.a && ./hello", cwd=self.d)

    def test_acl_and_attribute_tools(self):
        sh("echo x > f; setfattr -n user.owner -v alice f", cwd=self.d)
        self.assertIn('user.owner="alice"', sh("getfattr -d f", cwd=self.d))
        for name in ("version", "sha256", "stage"):
            self.assertIn("user.ward." + name, sh(f"getfattr -n user.ward.{name} f", cwd=self.d))

    def test_archives_in_place(self):
        sh("for i in 1 2 3; do echo $i > f$i; done; tar cf a.tar f1; tar rf a.tar f2; tar uf a.tar f3", cwd=self.d)
        self.assertEqual(sh("tar tf a.tar", cwd=self.d).split(), ["f1", "f2", "f3"])
        self.assertEqual(versions(self.p("a.tar")), 3)
        sh("gzip -k f1 && zcat f1.gz | cmp - f1", cwd=self.d)


if __name__ == "__main__":
    main()
