# SPDX-License-Identifier: Apache-2.0
"""The other end of people.Person: evaluates pickled (code, names) from stdin in one lasting namespace."""
import os
import pickle
import sys

namespace = {"os": os}
exec("import ctypes, fcntl, mmap, struct, subprocess, time", namespace)
commands, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
while True:
    try:
        code, names = pickle.load(commands)
    except EOFError:
        sys.exit(0)
    namespace.update(names)
    try:
        try:
            value = eval(compile(code, "<told>", "eval"), namespace)
        except SyntaxError:
            exec(compile(code, "<told>", "exec"), namespace)
            value = None
        answer = ("ok", value)
    except OSError as e:
        answer = ("errno", (e.errno, str(e), e.filename))
    except Exception as e:
        answer = ("failed", repr(e))
    pickle.dump(answer, answers)
    answers.flush()
