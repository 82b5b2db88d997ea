# SPDX-License-Identifier: Apache-2.0
"""Two users and eight processes on the same names: no ESTALE, no EIO, no torn read.

Goal: the version-node and draft-node scheme holds under traffic. Method: stress_worker.py in eight processes for a minute
(WARD_STRESS_SECONDS; ten seconds under a sanitizer), every content proves itself by a hash; afterwards the store is checked as a whole.
"""
import datetime
import json
import os
import subprocess
import sys

from cases import Case
from harness import Mount, main, read, sanitized, ward, write
from people import ONE, TWO, gid, require_people, uid

WORKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stress_worker.py")


class Stress(Case):
    def run_workers(self, folder, locks, seconds):
        """The workers' reports. Started as text, since another user may not be able to enter our folder."""
        program = read(WORKER).decode()
        workers = [subprocess.Popen([sys.executable, "-B", "-c", program, folder, locks, str(seconds), str(i)],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
                                    user=uid(who), group=gid(who), extra_groups=[])
                   for i, who in enumerate([ONE, TWO] * 4)]
        reports = []
        try:
            for w in workers:
                out, _ = w.communicate(timeout=seconds * 2 + 60)
                self.assertEqual(w.returncode, 0, out)
                reports.append(json.loads(out))
        except subprocess.TimeoutExpired:
            self.m.kill9()  # only that frees those who wait for it
            raise AssertionError("a process hangs in the mount: " + read(self.m.store + "/daemon.log").decode()) from None
        finally:
            for w in workers:
                if w.poll() is None:
                    w.kill()
                    w.wait()
        return reports

    def evidence(self, torn):
        """What the log says of a name around the time of a torn read: who had it open, what was saved and moved."""
        lines = []
        for name, began, ended in torn:
            for r in self.m.records():
                at = datetime.datetime.fromisoformat(r["@timestamp"][:26] + "+00:00").timestamp() * 1e9
                if began - 1e8 < at < ended + 2e7 and r["event"]["action"] != "publish" and name in json.dumps(r):
                    lines.append(f"{r['@timestamp']} {r['process']['pid'] if 'process' in r else 0} "
                                 f"{r['event']['action']} {json.dumps(r['ward'])}"[:300])
        return "\n" + "\n".join(lines)

    def test_a_minute_of_traffic(self):
        require_people()
        m = self.m = Mount()
        seconds = float(os.environ.get("WARD_STRESS_SECONDS", "10" if sanitized() else "60"))
        self.addCleanup(m.cleanup)
        folder, locks = m.path("d"), m.base + "/locks"
        for path in (folder, locks):
            os.mkdir(path)
            os.chmod(path, 0o777)
        first = subprocess.run([sys.executable, "-c", "import hashlib,sys; b=b'x'*1000; "
                                "sys.stdout.buffer.write(hashlib.sha256(b).digest()+b)"], capture_output=True).stdout
        for i in range(4):
            write(f"{folder}/v{i}", first)
            os.chmod(f"{folder}/v{i}", 0o666)
            write(f"{locks}/v{i}", "")
            os.chmod(f"{locks}/v{i}", 0o666)
        for i in range(6):
            write(f"{locks}/f{i}", "")
            os.chmod(f"{locks}/f{i}", 0o666)
        reports = self.run_workers(folder, locks, seconds)
        done = {}
        for r in reports:
            for key, n in r["done"].items():
                done[key] = done.get(key, 0) + n
        print(f"stress: {seconds:.0f} s, {done}", file=sys.stderr)
        bad = [b for r in reports for b in r["bad"]]
        if bad:
            self.fail("\n".join(bad[:40]) + self.evidence([t for r in reports for t in r["torn"]][:3])
                      + "\n" + read(m.store + "/daemon.log").decode()[-3000:])
        for key in ("read", "save", "save-locked", "replace", "rename"):
            self.assertGreater(done.get(key, 0), seconds, f"too little {key} to prove anything: {done}")
        m.umount()
        ward("fsck", m.store)


if __name__ == "__main__":
    main()
