# SPDX-License-Identifier: Apache-2.0
"""scripts/bench prints the rows it was asked for and leaves nothing behind, also when it is interrupted.

Goal: whoever asks how fast WardFS is gets a table, and a machine as it was. Method: the real script, with small sizes, in
a folder of the test's own; what it prints is read as a table. What it measured is never judged here: machines differ.
"""
import os
import signal
import subprocess
import sys
import unittest

from harness import REPOSITORY, WARD, make_temp, main, require_mount, sanitized, shutil, wait_until

BENCH = os.path.join(REPOSITORY, "scripts/bench")
SMALL = ["--quick", "--size", "8", "--runs", "1", "--scale", "50", "--records", "12000"]


def mounts_below(folder):
    with open("/proc/self/mountinfo") as f:
        return [line.split()[4] for line in f if line.split()[4].startswith(folder)]


class Bench(unittest.TestCase):
    def setUp(self):
        require_mount()
        if sanitized():
            self.skipTest("SKIPPED: a sanitized program isn't measured")
        self.folder = make_temp()
        self.addCleanup(shutil.rmtree, self.folder, True)

    def start(self, *words):
        return subprocess.Popen([sys.executable, BENCH, *SMALL, "--dir", self.folder, *words], text=True,
                                env={**os.environ, "WARD": WARD}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def nothing_is_left(self):
        self.assertEqual([], mounts_below(self.folder))
        self.assertEqual([], os.listdir(self.folder))

    def test_the_table_has_the_rows_that_were_asked_for(self):
        rows = ["read-ranges", "mmap-open", "cold-ranges", "save", "small", "git-lag", "open-ranges", "create", "unlink",
                "audit-append", "audit-verify", "mount", "memory", "growth-append", "growth-bytes", "growth-mount",
                "growth-memory-read"]
        bench = self.start("--only", *rows)
        out, err = bench.communicate(timeout=400)
        self.assertEqual(0, bench.returncode, err)
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line[:1] == "|"]
        self.assertEqual(rows, [cells[0].split()[0].strip("`") for cells in lines[2:]])
        for cells in lines:
            self.assertEqual(len(lines[0]), len(cells), cells)
        native = lines[0].index("÷ native")
        for cells in lines[2:9]:
            if cells[0].split()[0] != "`git-lag`":
                self.assertRegex(cells[native], r"^[0-9.]+×$")
        growth = lines[-4:]
        self.assertTrue(all("10,000 records" in cells[lines[0].index("÷ others")] for cells in growth), growth)
        self.nothing_is_left()

    def test_the_inner_loops_have_rows(self):
        if not os.path.exists(os.path.join(os.path.dirname(WARD), "tests/ward_micro")):
            self.skipTest("SKIPPED: ward_micro isn't built; scripts/setup bench installs what it needs")
        rows = ["micro-line", "micro-leaf", "micro-tree", "micro-verify", "micro-ask", "micro-append"]
        bench = self.start("--only", *rows)
        out, err = bench.communicate(timeout=400)
        self.assertEqual(0, bench.returncode, err)
        lines = [line.split("|") for line in out.splitlines() if line.startswith("| `")]
        self.assertEqual(rows, [cells[1].split()[0].strip("`") for cells in lines])
        for cells in lines:
            self.assertRegex(cells[2], "^ [0-9.]+ (µs|ms|s) $")
        self.assertEqual([False, False, True, True, True, True], ["10,000 records" in cells[7] for cells in lines])
        self.nothing_is_left()

    def test_an_interrupted_bench_unmounts_and_removes_everything(self):
        bench = self.start("--only", "small")
        wait_until(lambda: any(name.endswith("/ward/mount") for name in mounts_below(self.folder)), 60, "the mount")
        bench.send_signal(signal.SIGINT)
        _, err = bench.communicate(timeout=120)
        self.assertNotEqual(0, bench.returncode)
        self.assertIn("interrupted", err)
        self.nothing_is_left()


if __name__ == "__main__":
    main()
