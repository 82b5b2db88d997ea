# SPDX-License-Identifier: Apache-2.0
"""Labels: given by policy to paths, passed on to all that is made from what has them, and decided upon at open().

Goal: nobody without the right gets at restricted data by way of something made from it. Method: a policy that restricts what is
labelled `pii`; models made from such data directly, through a scratch file, by way of a copy and as one of very many inputs.
"""
import errno as e
import json
import os
import subprocess
import sys

from cases import MountCase
from harness import main, read, write
from people import ONE, TWO, require_people, run_as

POLICY = f"""
format = 1
[roles]
cleared = {{ users = ["root", "{ONE}"] }}
[[permit]]
name = "all"
who = ["everyone"]
may = ["*"]
[[forbid]]
name = "pii-only-cleared"
who = ["everyone"]
except = ["cleared"]
may = ["read"]
when = {{ labels = ["pii"] }}
[[label]]
where = ["/private/**"]
labels = ["pii"]
"""


class Labels(MountCase):
    options = {"policy": POLICY}

    def setUp(self):
        require_people()
        super().setUp()
        os.makedirs(self.m.path("private"), exist_ok=True)
        os.chmod(self.m.path("private"), 0o777)
        self.secret = self.m.path("private", self.name)
        write(self.secret, "name,age\n")
        self.m.settle("/private/" + self.name)

    def run_script(self, code):
        subprocess.run([sys.executable, "-c", code, self.secret, self.d], start_new_session=True, check=True)

    def restricted(self, path):
        self.m.settle(self.v(path))
        self.assertEqual(json.loads(read(path + "@@/info.json"))["labels"], ["pii"])
        run_as(ONE, lambda: read(path))
        self.err_as(TWO, e.EACCES, lambda: read(path))
        self.err_as(TWO, e.EACCES, lambda: read(path + "@@/versions/1"))
        self.assertIn("pii-only-cleared", run_as(TWO, lambda: read(self.m.path("@@/why")).decode()))

    def test_the_labelled_path_itself(self):
        self.err_as(TWO, e.EACCES, lambda: read(self.secret))
        run_as(ONE, lambda: read(self.secret))

    def test_made_from_it(self):
        self.run_script("import sys; x = open(sys.argv[1]).read(); open(sys.argv[2] + '/model', 'w').write('m' + x)")
        self.restricted(self.p("model"))

    def test_made_from_what_was_made_from_it(self):
        self.run_script("import sys; x = open(sys.argv[1]).read(); open(sys.argv[2] + '/features', 'w').write('f' + x)")
        self.m.settle(self.v(self.p("features")))
        self.run_script("import sys; x = open(sys.argv[2] + '/features').read(); open(sys.argv[2] + '/model', 'w').write(x)")
        self.restricted(self.p("model"))

    def test_saved_through_a_scratch_file(self):
        self.run_script("import os, sys; x = open(sys.argv[1]).read(); t = sys.argv[2] + '/model.tmp'; "
                        "open(t, 'w').write('t' + x); os.rename(t, sys.argv[2] + '/model')")
        self.restricted(self.p("model"))

    def test_one_of_very_many_inputs(self):
        """More inputs than a record holds, the restricted one last."""
        os.mkdir(self.p("in"))
        for i in range(300):
            write(self.p("in", str(i)), str(i))
        self.run_script("import os, sys; d = sys.argv[2] + '/in/'; x = ''.join(open(d + n).read() for n in os.listdir(d)); "
                        "x += open(sys.argv[1]).read(); open(sys.argv[2] + '/model', 'w').write(x)")
        self.restricted(self.p("model"))

    def test_moved_out_of_the_labelled_folder(self):
        os.rename(self.secret, self.p("public"))
        self.restricted(self.p("public"))

    def test_moved_over_an_unlabelled_file(self):
        write(self.p("public"), "anybody may read this")
        self.m.settle(self.v(self.p("public")))
        os.rename(self.secret, self.p("public"))
        self.err_as(TWO, e.EACCES, lambda: read(self.p("public")))
        self.assertEqual(json.loads(read(self.p("public") + "@@/info.json"))["labels"], ["pii"])

    def test_a_label_that_comes_from_the_path_alone_is_not_moved_away(self):
        """What was there before the policy labelled the path has the label there only; so has a scratch file."""
        write(self.m.path("@@/policy.toml"), POLICY.replace("/private/**", "/nowhere/**"))
        os.mkdir(self.secret + "-dir")
        os.chmod(self.secret + "-dir", 0o777)
        for f in (self.secret + "-old", self.secret + "-dir/old", self.secret + ".tmp"):
            write(f, "unlabelled yet")
        os.link(self.secret + "-old", self.p("second"))
        write(self.m.path("@@/policy.toml"), POLICY)
        for act in (lambda: os.rename(self.secret + "-old", self.p("public")),
                    lambda: os.rename(self.secret + "-dir", self.p("public")),
                    lambda: os.rename(self.secret + ".tmp", self.p("public.tmp")),
                    lambda: os.unlink(self.secret + "-old")):
            with self.err(e.EPERM):
                act()
        os.rename(self.secret + ".tmp", self.p("public"))  # a save: the label is saved with it
        self.restricted(self.p("public"))

    def test_by_way_of_what_has_no_version(self):
        """A scratch file with the label of its path that is gone by then, and a file that is still being written."""
        write(self.secret + ".tmp", "raw data from somewhere")
        self.run_script("import os, sys; x = open(sys.argv[1] + '.tmp').read(); os.unlink(sys.argv[1] + '.tmp'); "
                        "open(sys.argv[2] + '/model', 'w').write(x)")
        self.restricted(self.p("model"))
        with open(self.secret + ".log", "w") as log:
            log.write("raw data")
            log.flush()
            self.run_script("import sys; x = open(sys.argv[1] + '.log').read(); open(sys.argv[2] + '/other', 'w').write(x)")
        self.restricted(self.p("other"))

    def test_written_through_a_descriptor_that_was_opened_by_another(self):
        """The program that opens the output never sees the data, the one that gets the descriptor does."""
        subprocess.run(["/bin/sh", "-c", 'exec 3> "$2"; '
                        '"$0" -c "import os, sys; os.write(3, open(sys.argv[1], chr(114) + chr(98)).read())" "$1"',
                        sys.executable, self.secret, self.p("model")], start_new_session=True, check=True)
        self.restricted(self.p("model"))

    def test_a_later_policy_labels_what_is_there_already(self):
        f = self.p("f")
        self.run_script("import sys; open(sys.argv[2] + '/f', 'w').write('x')")  # our own process has read labelled data
        self.m.settle(self.v(f))
        run_as(TWO, lambda: read(f))
        write(self.m.path("@@/policy.toml"), POLICY + f'[[label]]\nwhere = ["{self.v(f)}"]\nlabels = ["pii"]\n')
        self.err_as(TWO, e.EACCES, lambda: read(f))
        write(self.m.path("@@/policy.toml"), POLICY)
        run_as(TWO, lambda: read(f))


if __name__ == "__main__":
    main()
