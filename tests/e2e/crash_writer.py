# SPDX-License-Identifier: Apache-2.0
"""A writer of the crash test: works in its own folder of the mount and notes, outside of it, what was acknowledged.

Usage: crash_writer.py FOLDER NOTES SEED. Each act is noted twice in NOTES: `begin …` before it and `done` after its last
system call returned; the test replays the notes into what must be there. Ends when the mount dies.
"""
import os
import random
import sys

folder, notes_path, seed = sys.argv[1:]
rng = random.Random(int(seed))
notes = os.open(notes_path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
names = [f"n{i}" for i in range(6)]
serial = 0


def note(line):
    os.write(notes, line.encode() + b"\n")


def save(path, content):
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
    for part in (content[:7], content[7:]):
        os.write(fd, part)
    os.close(fd)


try:
    while True:
        serial += 1
        name, other = rng.sample(names, 2)
        act = rng.choice(["save", "save", "save", "over", "rename", "unlink"])
        content = f"{seed}.{serial}." + "x" * rng.choice([0, 10, 5000, 100_000])
        if act in ("rename", "unlink") and not os.path.exists(os.path.join(folder, name)):
            continue
        note(f"begin {act} {name} {other} {content[:30]} {len(content)}")
        if act == "save":
            save(os.path.join(folder, name), content.encode())
        elif act == "over":
            save(os.path.join(folder, name + ".tmp"), content.encode())
            os.rename(os.path.join(folder, name + ".tmp"), os.path.join(folder, name))
        elif act == "rename":
            os.rename(os.path.join(folder, name), os.path.join(folder, other))
        else:
            os.unlink(os.path.join(folder, name))
        note("done")
except OSError as e:
    note(f"error {e.errno}")
