# SPDX-License-Identifier: Apache-2.0
"""Where the contenders meet: one temporary folder, the mounts in it, the loops, and their end.

Whatever happens, also Ctrl-C and SIGTERM, close() unmounts everything and removes the folder.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

from contenders import OTHERS, Native, Ward, mounts, run


class Sizes:
    """How much of everything. `quick` is for looking whether the bench works: its figures mean little."""

    def __init__(self, quick, mebibytes, rounds, scale, records):
        self.rounds = rounds or (2 if quick else 5)
        self.big = (mebibytes or (64 if quick else 1024)) << 20
        self.random_reads = 2_000 if quick else 20_000
        self.files = 500 if quick else 10_000  # small saves, metadata
        self.opened, self.open_rounds = (100, 5) if quick else (1_000, 10)
        self.records = 20_000 if quick else 200_000
        self.scale = scale or (500 if quick else 10_000)
        self.grown = records or (20_000 if quick else 1_000_000)  # the largest log of the rows growth-…
        # Google Benchmark's: how long a loop runs at least, and with --quick no large logs and trees
        self.micro = ["--benchmark_min_time=0.01", "--benchmark_filter=-records:1000000"] if quick else [
            "--benchmark_min_time=0.2"]


class Arena:
    def __init__(self, program, folder, sizes):
        self.program, self.sizes = program, sizes
        self.loops = os.path.join(os.path.dirname(program), "tests", "ward_bench")
        self.base = os.path.realpath(tempfile.mkdtemp(prefix="ward-bench-", dir=folder))
        os.chmod(self.base, 0o755)
        self.is_root = os.geteuid() == 0
        self.contenders, self.missing = {}, []
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        self.add(Native(self.base))
        self.add(Ward(self.base, self.program))
        for kind in OTHERS:
            if kind.available():
                self.add(kind(self.base))
            else:
                self.missing.append(kind.name)

    def add(self, contender):
        self.contenders[contender.name] = contender
        contender.start()
        return contender

    def drop(self, contender):
        contender.stop()
        del self.contenders[contender.name]

    def close(self):
        kept = {s: signal.signal(s, signal.SIG_IGN) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        for contender in self.contenders.values():
            with contextlib.suppress(Exception):  # what is left is taken away below
                contender.stop()
        left = [path for path in mounts() if path.startswith(self.base + "/")]
        for path in reversed(left):
            subprocess.run(["umount", "-f", "-l", path] if self.is_root else ["fusermount3", "-uz", path])
        if not set(left) & set(mounts()):  # never remove files through a mount
            shutil.rmtree(self.base, ignore_errors=True)
        for number, handler in kept.items():
            signal.signal(number, handler)

    clock = staticmethod(time.perf_counter)

    def loop(self, name, *words):
        """Seconds of one timed loop."""
        return float(run(self.loops, name, *words))

    def settle(self):
        """What was written before goes to the disk now, not while the next is measured."""
        run("sync", "-f", self.base)

    def forget_names(self):
        """The kernel forgets names and attributes (all that nobody uses, of every file system)."""
        self.settle()
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("2\n")

    def fresh(self, word):
        """A name that nobody had yet, and a seed."""
        self.number += 1
        return f"{word}-{self.number}", self.number

    def file_systems(self, *left_out):
        """The contenders that are file systems for everybody: not the two that only openings are compared with."""
        return [c for c in self.contenders.values() if not c.name.startswith(("passthrough", *left_out))]
