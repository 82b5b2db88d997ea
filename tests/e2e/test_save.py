# SPDX-License-Identifier: Apache-2.0
"""One save makes one version, whatever requests the client's save consists of.

Goal: exact counts for each way of saving; a version too many buries history, one too few loses work. Method: the real client
saves on a real mount; when every handle of the file is closed in the log, `user.ward.version` and the number of distinct
versions committed must both have grown by exactly the count.
"""
import hashlib
import mmap
import json
import os
import subprocess
import sys

from cases import MountCase
from harness import main, read, sh, versions, write

import numpy as np


class Save(MountCase):
    def committed(self, path):
        """Versions that the log knows of this path: commits, and rename records that carry one."""
        found = set()
        for r in self.m.settle(self.v(path)) + self.m.records(action="rename", to_path=self.v(path)):
            if r["event"]["outcome"] == "success":
                saved = r["ward"].get("saved") or (r["ward"] if r["event"]["action"] == "commit" else None)
                if saved:
                    found.add((saved["artifact"], saved["version"]))
        return found

    def saves(self, path, count, act, content=None):
        """act() makes exactly `count` versions of path."""
        before = versions(path) if os.path.exists(path) else 0
        logged = self.committed(path) if before else set()
        act()
        grown = self.committed(path) - logged
        self.assertEqual(versions(path) - before, count)
        self.assertEqual(len(grown), count, grown)
        if content is not None:
            self.assertEqual(read(path), content)
        if versions(path):
            self.assertEqual(os.getxattr(path, "user.ward.sha256").decode(), hashlib.sha256(read(path)).hexdigest())

    def shell(self, path, count, line, content=None):
        self.saves(path, count, lambda: sh(line, cwd=self.d), content)

    def test_shell_echo(self):
        self.shell(self.p("f"), 1, "echo a > f", b"a\n")
        self.shell(self.p("f"), 1, "echo b > f", b"b\n")
        self.shell(self.p("f"), 1, "echo c >> f", b"b\nc\n")

    def test_one_descriptor_for_several_commands(self):
        self.shell(self.p("f"), 1, "{ echo a; /bin/echo b; echo c; } > f", b"a\nb\nc\n")

    def test_empty_an_existing_file(self):
        self.shell(self.p("f"), 1, "echo a > f")
        self.shell(self.p("f"), 1, ": > f", b"")

    def test_touch_and_unwritten_opens_make_none(self):
        self.shell(self.p("f"), 1, "echo a > f")
        self.shell(self.p("f"), 0, "touch f", b"a\n")
        self.shell(self.p("f"), 0, "exec 3<>f; exec 3>&-", b"a\n")
        self.shell(self.p("f"), 0, "exec 3>>f; exec 3>&-", b"a\n")
        self.saves(self.p("f"), 0, lambda: os.close(os.open(self.p("f"), os.O_RDWR | os.O_CREAT)), b"a\n")
        self.shell(self.p("f"), 0, "chmod 600 f; setfattr -n user.k -v v f", b"a\n")

    def test_truncate_by_path_is_a_save(self):
        self.shell(self.p("f"), 1, "echo 0123456789 > f")
        self.shell(self.p("f"), 1, "truncate -s 5 f", b"01234")
        self.saves(self.p("f"), 1, lambda: os.truncate(self.p("f"), 3), b"012")
        self.saves(self.p("f"), 1, lambda: os.truncate(self.p("f"), 6), b"012\0\0\0")

    def test_identical_bytes_make_none_but_are_recorded(self):
        self.shell(self.p("f"), 1, "echo same > f")
        self.shell(self.p("f"), 0, "echo same > f", b"same\n")
        self.assertEqual(len(self.m.records(action="save-unchanged", path=self.v(self.p("f")))), 1)

    def test_copies(self):
        write(self.p("source"), os.urandom(200_000))
        self.shell(self.p("f"), 1, "cp source f", read(self.p("source")))
        write(self.p("source"), os.urandom(300_000))
        self.shell(self.p("f"), 1, "cp source f", read(self.p("source")))
        self.shell(self.p("f"), 0, "cp source f")
        self.shell(self.p("g"), 1, "cp -a source g", read(self.p("source")))
        self.shell(self.p("h"), 1, "install -m 640 source h", read(self.p("source")))
        self.shell(self.p("i"), 1, "dd if=source of=i bs=4096 status=none", read(self.p("source")))
        self.shell(self.p("j"), 1, "cat source | tee j > /dev/null", read(self.p("source")))

    def test_temp_and_rename_over_is_a_version_of_the_target(self):
        self.shell(self.p("f"), 1, "echo a > f")
        artifact = json.loads(read(self.p("f@@/info.json")))["artifact"]
        for temp in ("f.tmp", ".f.swp", "f~", "governed-name"):
            self.shell(self.p("f"), 1, f"echo {temp} > {temp}; mv {temp} f", f"{temp}\n".encode())
        self.assertEqual(json.loads(read(self.p("f@@/info.json")))["artifact"], artifact)
        self.assertEqual(os.listdir(self.d), ["f"])

    def test_sed_in_place(self):
        self.shell(self.p("f"), 1, "echo hello > f")
        self.shell(self.p("f"), 1, "sed -i s/hello/world/ f", b"world\n")

    def test_vim(self):
        self.shell(self.p("f"), 1, "echo hello > f")
        self.shell(self.p("f"), 1, "vim.tiny -u NONE -es -c s/hello/world/ -c wq f < /dev/null", b"world\n")
        self.shell(self.p("f"), 1, "vim.tiny -N -u NONE -es -c s/world/again/ -c wq f < /dev/null", b"again\n")
        self.assertEqual(os.listdir(self.d), ["f"])
        swaps = [r for r in self.m.records(action="commit") if ".sw" in r["file"]["path"]]
        self.assertEqual(swaps, [])

    def test_numpy_save(self):
        f = self.p("a.npy")
        self.saves(f, 1, lambda: np.save(f, np.arange(100_000)))
        self.saves(f, 1, lambda: np.save(f, np.arange(100_000) * 2))
        self.assertEqual(int(np.load(f).sum()), 2 * sum(range(100_000)))
        self.saves(self.p("a.npz"), 1, lambda: np.savez(self.p("a.npz"), x=np.ones(1000), y=np.zeros(1000)))

    def test_numpy_mapped_writes_arrive_after_the_close(self):
        f = self.p("a.npy")

        def assign():
            a = np.load(f, mmap_mode="r+")
            a[7] = -1.0
            a.flush()
            del a

        def leave_it_to_munmap():
            a = np.load(f, mmap_mode="r+")
            a[8] = -2.0
            del a

        def fresh():
            a = np.lib.format.open_memmap(f, mode="w+", dtype="f8", shape=(5000,))
            a[:] = 3.0
            a.flush()
            del a
        self.saves(f, 1, lambda: np.save(f, np.zeros(5000)))
        self.saves(f, 1, assign)
        self.saves(f, 1, leave_it_to_munmap)
        a = np.load(f)
        self.assertEqual((a[7], a[8], a.sum()), (-1.0, -2.0, -3.0))
        self.saves(f, 2, fresh)  # numpy opens it twice: one save is the header, the other the mapping
        self.assertEqual(np.load(f).sum(), 15000.0)

    def test_mapping_whose_descriptor_is_long_closed(self):
        f = self.p("f")
        write(f, bytes(8192))

        def act():
            fd = os.open(f, os.O_RDWR)
            m = mmap.mmap(fd, 8192)
            os.close(fd)
            m[0:5] = b"later"
            m.close()
        self.saves(f, 1, act, b"later" + bytes(8187))

    def test_shared_file_of_torch(self):
        """torch.from_file(shared=True): ftruncate, then everything through the mapping."""
        def act():
            fd = os.open(self.p("f"), os.O_RDWR | os.O_CREAT)
            os.ftruncate(fd, 4096)
            m = mmap.mmap(fd, 4096)
            os.close(fd)
            m[:] = b"t" * 4096
            m.close()
        self.saves(self.p("f"), 1, act, b"t" * 4096)

    def test_fork_while_open(self):
        def act():
            with open(self.p("f"), "wb", buffering=0) as f:
                f.write(b"parent ")
                child = os.fork()
                if child == 0:
                    f.write(b"child ")
                    os._exit(0)
                os.waitpid(child, 0)
                f.write(b"parent again")
        self.saves(self.p("f"), 1, act, b"parent child parent again")

    def test_duplicated_descriptor(self):
        def act():
            a = os.open(self.p("f"), os.O_CREAT | os.O_WRONLY)
            b = os.dup(a)
            os.write(a, b"one ")
            os.close(a)
            os.write(b, b"two")
            os.close(b)
        self.saves(self.p("f"), 1, act, b"one two")

    def test_saves_in_quick_succession(self):
        """The kernel lets a closed file go some time later: what is opened meanwhile is a save of its own, never an
        amendment of what close() already acknowledged."""
        f = self.p("f")

        def act():
            for i in range(300):
                write(f, f"save {i}")
        self.saves(f, 300, act, b"save 299")
        self.assertEqual([read(f"{f}@@/versions/{i + 1}") for i in range(300)], [b"save %d" % i for i in range(300)])

    def test_a_save_between_two_closes_of_another_handle(self):
        """The first handle stays open: what it sealed stands, the second handle's save is the next version, and what the
        first still writes amends that one."""
        f = self.p("f")

        def act():
            a = os.open(f, os.O_CREAT | os.O_RDWR)
            os.write(a, b"first handle")
            os.close(os.dup(a))  # seals
            write(f, b"second handle")
            os.pwrite(a, b"FIRST!", 0)
            os.close(a)
        self.saves(f, 2, act, b"FIRST! handle")
        self.assertEqual(read(f"{f}@@/versions/1"), b"first handle")

    def test_the_same_bytes_and_then_others(self):
        """A seal that finds the version's own bytes doesn't make that version its own to amend."""
        f = self.p("f")
        write(f, b"as it was")

        def act():
            a = os.open(f, os.O_RDWR)
            os.write(a, b"as it was")
            os.close(os.dup(a))  # nothing new
            os.pwrite(a, b"later", 0)
            os.close(a)
        self.saves(f, 1, act, b"later was")
        self.assertEqual(read(f"{f}@@/versions/1"), b"as it was")

    def test_starting_a_program_while_a_save_is_open(self):
        """Its close-on-exec descriptors are flushed inside execve; the save goes on and is one version."""
        def act():
            with open(self.p("f"), "wb", buffering=0) as f:
                f.write(b"first half ")
                subprocess.run([sys.executable, "-c", "pass"], check=True)
                f.write(b"second half")
        self.saves(self.p("f"), 1, act, b"first half second half")

    def test_two_handles_of_one_process(self):
        def act():
            with open(self.p("f"), "wb", buffering=0) as a:
                a.write(b"0123456789")
                with open(self.p("f"), "r+b", buffering=0) as b:
                    b.write(b"ab")
                a.write(b"!")
        self.saves(self.p("f"), 1, act, b"ab23456789!")

    def test_fsync_in_between_makes_no_version_of_its_own(self):
        def act():
            with open(self.p("f"), "wb", buffering=0) as f:
                for part in (b"a", b"b", b"c"):
                    f.write(part)
                    os.fsync(f.fileno())
        self.saves(self.p("f"), 1, act, b"abc")

    def test_backward_and_sparse_writes(self):
        def act():
            with open(self.p("f"), "wb", buffering=0) as f:
                for at in (900_000, 500_000, 0, 300_000):
                    os.pwrite(f.fileno(), str(at).encode(), at)
        self.saves(self.p("f"), 1, act)
        self.assertEqual((os.stat(self.p("f")).st_size, read(self.p("f"))[500_000:500_006]), (900_006, b"500000"))


if __name__ == "__main__":
    main()
