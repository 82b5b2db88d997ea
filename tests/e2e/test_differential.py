# SPDX-License-Identifier: Apache-2.0
"""WardFS under allow-all can't be told from ext4, whatever system calls come in whatever order.

Goal: errnos and every state visible from outside equal those of the disk below. Method: random histories of three users (root
and two with supplementary groups) run in lock-step on a mount and in a native folder; when they part, the history is shrunk to
the steps it needs and printed. The seeds are fixed; WARD_DIFF_SEEDS="7-99" runs others, WARD_DIFF_SECONDS=600 as many as fit
into that time, WARD_DIFF_STEPS=2000 makes them longer.

Two policies: one that shows every write to all at once (plainly POSIX), and allow-all as it is, where a writer's session sees
its save before everyone else does: there, what differs by that promise isn't asked for (differential_rules.py).
"""
import os
import shutil
import tempfile
import time
import unittest

from cases import MountCase
from differential_history import Generator
from differential_rules import Plain, Sessions
from differential_run import Pair, Parted, shrink
from harness import main
from people import require_people

POSIX = """format = 1
[[permit]]
name = "all"
who = ["everyone"]
may = ["*"]
[[visibility]]
where = ["/**"]
visibility = "write"
"""
SECONDS = float(os.environ.get("WARD_DIFF_SECONDS", "0"))
STEPS = int(os.environ.get("WARD_DIFF_STEPS", "400"))


def seeds(default):
    first, _, last = os.environ.get("WARD_DIFF_SEEDS", default).partition("-")
    deadline = time.monotonic() + SECONDS
    seed = int(first)
    while seed <= int(last or first) or time.monotonic() < deadline:
        yield seed
        seed += 1


class Differential(MountCase):
    rules, default = Plain, "1-6"
    options = {"policy": POSIX}

    @classmethod
    def setUpClass(cls):
        require_people()
        super().setUpClass()
        cls.native = tempfile.mkdtemp(prefix="ward-native-")
        os.chmod(cls.native, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.native, ignore_errors=True)

    def test_histories(self):
        for seed in seeds(self.default):
            with self.subTest(seed=seed):
                self.run_seed(seed)

    def run_seed(self, seed):
        pair = Pair(self.native, self.d, self.rules())
        history = []
        generator = Generator(seed, pair.sides[0])
        why = None
        try:
            for number in range(STEPS):
                history.append(generator.next())
                pair.step(*history[-1])
                if number % 25 == 24 or number == STEPS - 1:
                    pair.compare()
        except Parted as parted:
            why = str(parted)
        finally:
            pair.close()
        if why:
            steps, reason = shrink(self.native, self.d, history, self.rules)
            self.fail(f"seed {seed}: {why}\nshrunk to {len(steps)} steps: {reason}\n" + "\n".join(map(str, steps)))


class InSessions(Differential):
    rules, default = Sessions, "101-106"
    options = {}


if __name__ == "__main__":
    main()
