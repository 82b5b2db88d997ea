# SPDX-License-Identifier: Apache-2.0
"""What a depth records is what the programs did, however they read.

Goal: at depth `ranges` and `request` the log has exactly the bytes that were read, by read, pread, readv, preadv, copy_file_range
and O_DIRECT, and the pages of what went through the page cache: mappings, sendfile, splice; at `open` the opens. Method: several
processes read random ranges in every way at once (depths_worker.py) and say what they got; the log is compared with that.
"""
import json
import os
import random
import subprocess
import sys

from cases import Case
from harness import Mount, main, read, require_new_fuse, write
from policies import OPEN

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "depths_worker.py")
POLICY = OPEN + """
[[audit]]
where = ["/request/**"]
depth = "request"
[[audit]]
where = ["/open/**"]
depth = "open"
"""
SIZE = 300_000
BY_PAGE = ("by_mmap", "by_sendfile", "by_splice")


def merged(ranges):
    """Sorted, without overlaps; neighbours are one."""
    out = []
    for at, length in sorted(r for r in ranges if r[1] > 0):
        if out and at <= out[-1][0] + out[-1][1]:
            out[-1][1] = max(out[-1][1], at + length - out[-1][0])
        else:
            out.append([at, length])
    return out


def pages(ranges):
    return merged([[at // 4096 * 4096, min((at + n + 4095) // 4096 * 4096, SIZE) - at // 4096 * 4096] for at, n in ranges])


class Depths(Case):
    @classmethod
    def setUpClass(cls):
        cls.m = Mount(policy=POLICY)
        cls.addClassCleanup(cls.m.cleanup)
        for depth in ("ranges", "request", "open"):
            os.mkdir(cls.m.path(depth))
            write(cls.m.path(depth, "f"), os.urandom(SIZE))

    def read_in_every_way(self, depth):
        """{pid: ({way: ranges}, [per open: its read records])} of four processes at once."""
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", file=sys.stderr)
        f = self.m.path(depth, "f")
        workers = [subprocess.Popen([sys.executable, "-B", WORKER, f, f"{self.m.base}/out{i}", str(seed + i)], stdout=subprocess.PIPE,
                                    text=True) for i in range(4)]
        told = {w.pid: json.loads(w.communicate(timeout=60)[0]) for w in workers}
        self.m.settle(f"/{depth}/f")
        records = self.m.records(path=f"/{depth}/f")
        result = {}
        for pid, ways in told.items():
            mine = [r for r in records if r.get("process", {}).get("pid") == pid]
            opens = [r["ward"]["handle"] for r in mine if r["event"]["action"] == "open"]
            self.assertEqual(len(opens), len(ways), "an open for each way")
            reads = [[r["ward"] for r in mine if r["event"]["action"] == "read" and r["ward"]["handle"] == h] for h in opens]
            result[pid] = list(zip(ways.items(), reads))
        return result

    def check(self, depth):
        require_new_fuse("what was read, exactly")
        everybodys, wanted = {}, {}  # of several who go through the page cache at once, the first is seen
        for by_way in self.read_in_every_way(depth).values():
            for (way, ranges), reads in by_way:
                recorded = [r for record in reads for r in record["ranges"]]
                with self.subTest(way=way, depth=depth):
                    if way in BY_PAGE:  # with what the kernel reads around
                        everybodys.setdefault(way, []).extend(recorded)
                        wanted.setdefault(way, []).extend(pages(ranges))
                    else:
                        self.assertEqual(merged(recorded), merged(ranges))
                    yield way, ranges, reads
        every = [r for ranges in everybodys.values() for r in ranges]
        for way, ranges in wanted.items():
            self.assertEqual(merged(every + ranges), merged(every), way)

    def test_ranges(self):
        for way, ranges, reads in self.check("ranges"):
            if reads or way not in BY_PAGE:  # what others had read all of in that moment, the cache served
                self.assertEqual([r["last"] for r in reads], [False] * (len(reads) - 1) + [True])
            self.assertEqual(sum(r["bytes"] for r in reads), sum(n for record in reads for _, n in record["ranges"]))

    def test_request(self):
        for way, ranges, reads in self.check("request"):
            if way in ("by_pread", "by_preadv", "by_o_direct", "by_read", "by_readv"):
                self.assertEqual([r["ranges"] for r in reads], [[r] for r in ranges], "one record for each request, in order")

    def test_open(self):
        for by_way in self.read_in_every_way("open").values():
            self.assertEqual([reads for _, reads in by_way], [[]] * len(by_way), "the open and the close, no more")

    def test_a_long_lived_handle_does_not_keep_its_ranges_for_itself_after_a_kill(self):
        f = self.m.path("ranges", "long")
        write(f, bytes(50_000))
        fd = os.open(f, os.O_RDONLY)
        for at in range(0, 50_000, 5000):
            os.pread(fd, 10, at)
        self.m.kill9()
        try:
            os.close(fd)
        except OSError:
            pass
        self.m.mount()
        recorded = [r for x in self.m.records(action="read", path="/ranges/long") for r in x["ward"]["ranges"]]
        self.assert_read(sorted(recorded), [[at, 10] for at in range(0, 50_000, 5000)])


if __name__ == "__main__":
    main()
