# SPDX-License-Identifier: Apache-2.0
"""`ward audit verify` accepts the log and any honest copy, and refuses every damaged one.

Goal: tamper evidence that needs only the folder and a key kept elsewhere. Method: a store with some history is unmounted; its
audit folder is copied, checked, and damaged in one place at a time: bits, lines, order, length, checkpoint.
"""
import glob
import os
import random
import shutil

from cases import Case
from harness import Mount, read, main, sh, ward, write


class Verify(Case):
    @classmethod
    def setUpClass(cls):
        cls.m = Mount()
        cls.addClassCleanup(cls.m.cleanup)
        for i in range(300):
            write(cls.m.path(f"f{i % 7}"), f"{i}")
        cls.vkey = cls.m.vkey
        cls.early = cls.m.base + "/early-checkpoint"
        write(cls.early, read(cls.m.path("@@/audit/checkpoint")))
        sh(f"cp -r '{cls.m.path('@@/audit')}' {cls.m.base}/from-mount")  # while mounted, through the mount
        for i in range(300):
            write(cls.m.path(f"g{i % 7}"), f"{i}")
        cls.m.umount()
        cls.audit = cls.m.store + "/audit"

    def copy(self):
        to = f"{self.m.base}/copy-{self._testMethodName}"
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.audit, to)
        return to

    def segment(self, folder):
        return sorted(glob.glob(folder + "/*.jsonl"))[0]

    def refused(self, folder, *more):
        done = ward("audit", "verify", folder, "--key", self.vkey, *more, check=False)
        self.assertNotEqual(done.returncode, 0, "damage was accepted: " + done.stdout)
        self.assertTrue(done.stderr or done.stdout)
        self.assertNotIn("terminate called", done.stderr)
        return done

    def test_store_and_copies_are_accepted(self):
        for folder in (self.m.store, self.audit, self.copy(), self.m.base + "/from-mount"):
            ward("audit", "verify", folder, "--key", self.vkey)
        ward("audit", "verify", self.audit, "--key", self.vkey, "--checkpoint", self.early)

    def test_it_says_what_is_still_good(self):
        copy = self.copy()
        segment, tile = self.segment(copy), copy + "/tile/0/001"
        good = read(segment)
        lines = good.splitlines(keepends=True)
        last = len(lines) - 1
        for damaged, answer in ((lines[:300] + [lines[300].replace(b'"salt":"', b'"salt":"f', 1)] + lines[301:],
                                 f"records 0-299, 301-{last}"),
                                (lines[:300] + lines[301:], f"records 0-299, 301-{last}"), (lines[:300], "records 0-299"),
                                ([], "nothing that could be proved")):
            write(segment, b"".join(damaged))
            self.assertIn(f"still good: {answer}\n", self.refused(copy).stdout)
        write(segment, good)
        data = bytearray(read(tile))
        data[40] ^= 1
        write(tile, bytes(data))
        self.assertIn("still good: all lines\n", self.refused(copy).stdout)

    def test_the_key_is_the_one_printed_at_init(self):
        self.assertIn(self.vkey, self.m.init_output)

    def test_without_an_outside_key_it_says_so(self):
        done = ward("audit", "verify", self.audit, check=False)
        self.assertNotIn(done.returncode, (0, self.refused_code()))
        self.assertRegex(done.stdout + done.stderr, "self-consistent")

    def refused_code(self):
        folder = self.copy()
        write(self.segment(folder), read(self.segment(folder)).replace(b"/f3", b"/f4", 1))
        return self.refused(folder).returncode

    def test_another_key(self):
        other = Mount(mount=False)
        try:
            key = other.vkey
        finally:
            other.cleanup()
        self.assertNotEqual(ward("audit", "verify", self.audit, "--key", key, check=False).returncode, 0)

    def test_one_flipped_bit_anywhere(self):
        folder = self.copy()
        f = self.segment(folder)
        good, rng = read(f), random.Random(5)
        for at in [0, len(good) - 1, *(rng.randrange(len(good)) for _ in range(25))]:
            bad = bytearray(good)
            bad[at] ^= 1 << rng.randrange(8)
            write(f, bad)
            self.refused(folder)
        write(f, good)
        ward("audit", "verify", folder, "--key", self.vkey)

    def test_the_first_bad_line_is_named(self):
        folder = self.copy()
        f = self.segment(folder)
        lines = read(f).split(b"\n")
        lines[123] = lines[123].replace(b'"success"', b'"succesS"', 1)
        write(f, b"\n".join(lines))
        done = self.refused(folder)
        self.assertRegex(done.stdout + done.stderr, r"\b12[34]\b")

    def test_lines_removed_swapped_doubled_or_added(self):
        folder = self.copy()
        f = self.segment(folder)
        lines = read(f).split(b"\n")
        for bad in (lines[:50] + lines[51:], lines[:50] + [lines[51], lines[50]] + lines[52:], lines[:51] + lines[50:],
                    lines[:-10] + [b""]):
            write(f, b"\n".join(bad))
            self.refused(folder)

    def test_cut_below_a_held_checkpoint(self):
        """A log rewritten from the start is consistent in itself; the checkpoint that an auditor kept shows it."""
        other = Mount()
        try:
            for i in range(400):
                write(other.path("x"), f"{i}")
            other.umount()
            self.refused(other.store + "/audit", "--checkpoint", self.early)
        finally:
            other.cleanup()

    def test_damaged_checkpoint_and_missing_parts(self):
        folder = self.copy()
        good = read(folder + "/checkpoint")
        for bad in (b"", good[:-5], good.replace(b"\n", b"\n1", 1), b"x" + good):
            write(folder + "/checkpoint", bad)
            self.refused(folder)
        os.unlink(folder + "/checkpoint")
        self.refused(folder)
        shutil.rmtree(folder)
        self.refused(folder)


class Anchored(Case):
    def test_what_was_anchored_is_compared_with_the_log(self):
        m = Mount(mount=False)
        self.addCleanup(m.cleanup)
        write(m.store + "/ward.toml", '\n[[anchor]]\nname = "mail"\ncommand = ["/bin/echo", "sent"]\n', "ab")
        m.mount()
        write(m.path("f"), "x")
        m.umount()  # once more with the last checkpoint
        folder = m.store + "/audit/anchors"
        names = os.listdir(folder)
        self.assertTrue({".mail", ".checkpoint"} <= {os.path.splitext(n)[1] for n in names}, names)
        ward("audit", "verify", m.store, "--key", m.vkey)
        for name in names:
            good = read(f"{folder}/{name}")
            for i in range(0, len(good), 7):
                write(f"{folder}/{name}", good[:i] + bytes([good[i] ^ 1]) + good[i + 1:])
                done = ward("audit", "verify", m.store, "--key", m.vkey, check=False)
                self.assertEqual(done.returncode, 12, (name, i, done))
                self.assertIn("anchors/" + name, done.stderr)
            os.remove(f"{folder}/{name}")
            done = ward("audit", "verify", m.store, "--key", m.vkey, check=False)
            self.assertEqual(done.returncode, 12, (name, done))
            self.assertIn(f"anchors/{name} is missing", done.stderr)
            write(f"{folder}/{name}", good)


if __name__ == "__main__":
    main()
