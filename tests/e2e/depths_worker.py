# SPDX-License-Identifier: Apache-2.0
"""One process of the depth test: reads random ranges of a file in every way there is, and says which.

Usage: depths_worker.py FILE OUTPUT SEED. Prints one JSON object {way: [[offset, length], …]} of the bytes that it got. Each way
has an open of its own, so that the log tells them apart by the order of the opens.
"""
import json
import mmap
import os
import random
import sys

path, output, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
rng = random.Random(seed)
size = os.stat(path).st_size


def somewhere(most=40_000):
    at = rng.randrange(size)
    return at, min(rng.randrange(1, most), size - at)


def by_read(fd):
    for _ in range(20):
        at, length = somewhere()
        os.lseek(fd, at, os.SEEK_SET)
        yield at, len(os.read(fd, length))


def by_pread(fd):
    for _ in range(20):
        at, length = somewhere()
        yield at, len(os.pread(fd, length, at))


def by_readv(fd):
    for _ in range(10):
        at, length = somewhere()
        os.lseek(fd, at, os.SEEK_SET)
        parts = [bytearray(1 + length // 3) for _ in range(3)]
        yield at, os.readv(fd, parts)


def by_preadv(fd):
    for _ in range(10):
        at, length = somewhere()
        yield at, os.preadv(fd, [bytearray(length), bytearray(10)], at)


def by_mmap(fd):
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as m:
        for _ in range(10):
            at, length = somewhere(5000)
            yield at, len(m[at:at + length])


def by_sendfile(fd):
    with open(output, "wb") as out:
        for _ in range(10):
            at, length = somewhere()
            yield at, os.sendfile(out.fileno(), fd, at, length)


def by_splice(fd):
    reader, writer = os.pipe()
    for _ in range(10):
        at, length = somewhere(30_000)
        n = os.splice(fd, writer, length, offset_src=at)
        os.read(reader, n)
        yield at, n


def by_copy_file_range(fd):  # within one file system
    with open(f"{path}.{os.getpid()}.tmp", "wb") as out:
        for _ in range(10):
            at, length = somewhere()
            yield at, os.copy_file_range(fd, out.fileno(), length, at, 0)


def by_o_direct(fd):
    with mmap.mmap(-1, 65536) as aligned:
        for _ in range(10):
            at = rng.randrange(size // 4096) * 4096
            with memoryview(aligned) as whole, whole[:4096 * rng.randrange(1, 8)] as part:
                n = os.preadv(fd, [part], at)
            yield at, n


done = {}
for way in (by_read, by_pread, by_readv, by_preadv, by_mmap, by_sendfile, by_splice, by_copy_file_range, by_o_direct):
    fd = os.open(path, os.O_RDONLY | (os.O_DIRECT if way is by_o_direct else 0))
    done[way.__name__] = [list(r) for r in way(fd)]
    os.close(fd)
print(json.dumps(done))
