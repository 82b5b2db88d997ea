# SPDX-License-Identifier: Apache-2.0
"""One process of the stress test: opens, reads, saves and renames the names that all the others use, until its time is up.

Usage: stress_worker.py FOLDER LOCKS SECONDS SEED. Prints one JSON line: what it did, and every error that is not in order.
Names f0… hold fixed-size content written by one write(2), so that joined writers can't mix; they are renamed and replaced.
Names v0… are saved in place in many pieces by one writer at a time (a lock file outside the mount); they are never renamed,
so a reader must always find a whole one.
"""
import collections
import errno
import fcntl
import hashlib
import json
import os
import random
import sys
import time

folder, locks, seconds, seed = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
rng, done, bad, torn = random.Random(seed), collections.Counter(), [], []
FIXED, SIZE = [f"f{i}" for i in range(6)], 60_000
LOCKED = [f"v{i}" for i in range(4)]


def packed(size):
    body = os.urandom(size - 32)
    return hashlib.sha256(body).digest() + body


def whole(data):
    return hashlib.sha256(data[32:]).digest() == data[:32]


def look(name):
    began = time.time_ns()
    with open(os.path.join(folder, name), "rb", buffering=0) as f:
        data = b""
        while piece := f.read(20_000):
            data += piece
    if data == b"" and name in FIXED:
        done["empty"] += 1  # a new name, before its first close
    elif not whole(data):
        bad.append(f"torn read of {name}: {len(data)} bytes, process {os.getpid()}, {began} to {time.time_ns()} ns")
        torn.append([name, began, time.time_ns()])
    else:
        done["read"] += 1


def save_fixed(name):
    fd = os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY | rng.choice([0, os.O_TRUNC]), 0o666)
    os.write(fd, packed(SIZE))
    os.close(fd)
    done["save"] += 1


def save_locked(name):
    with open(os.path.join(locks, name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(os.path.join(folder, name), "wb") as f:
            data = packed(rng.randrange(1000, 400_000))
            for at in range(0, len(data), 50_000):
                f.write(data[at:at + 50_000])
    done["save-locked"] += 1


def replace(name):
    temp = os.path.join(folder, f".{name}.{seed}.tmp")
    with open(temp, "wb") as f:
        f.write(packed(rng.choice([SIZE, SIZE + 5])) if name in LOCKED else packed(SIZE))
    with open(os.path.join(locks, name), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # only against save_locked: two saves at once are a mixture on any disk
        os.rename(temp, os.path.join(folder, name))
    done["replace"] += 1


os.umask(0)
end = time.monotonic() + seconds
while time.monotonic() < end and len(bad) < 20:
    act = rng.choices(["look", "save_fixed", "save_locked", "replace", "rename", "stat", "list"], [10, 3, 2, 2, 1, 3, 1])[0]
    name = rng.choice(FIXED + LOCKED)
    try:
        if act == "look":
            look(name)
        elif act == "save_fixed":
            save_fixed(rng.choice(FIXED))
        elif act == "save_locked":
            save_locked(rng.choice(LOCKED))
        elif act == "replace":
            replace(name)
        elif act == "rename":
            os.rename(os.path.join(folder, rng.choice(FIXED)), os.path.join(folder, rng.choice(FIXED)))
            done["rename"] += 1
        elif act == "stat":
            os.stat(os.path.join(folder, name))
        else:
            os.listdir(folder)  # a name that goes and comes back meanwhile may be listed twice: POSIX leaves it open
    except OSError as e:
        if e.errno != errno.ENOENT or (name in LOCKED and act in ("look", "stat", "save_locked", "replace")):
            bad.append(f"{act} {name}: {errno.errorcode.get(e.errno, e.errno)} {e}")
        done["absent"] += 1
print(json.dumps({"done": done, "bad": bad, "torn": torn}))
