"""What a bench in Python stands on: rows with what each must reach, and two sides that take turns.

    ROWS = {"name": Row("what is measured, by its baseline", measure, bound=1.3)}
    bench.main(ROWS)                 [--has ROW | ROW]: exit code 0 when there is such a row; run one row, or all

Runs of the two sides alternate, and a ratio is the median over the pairs, so that other work on the machine meets both. Exit code 1
when an answer was wrong or a program failed, never because of a speed.
"""

import dataclasses
import os
import statistics
import sys
import time
import typing
import unittest

import harness


class Bench(harness.Case):
    """A case outside of a test run: folders, programs and their end."""

    def __init__(self):
        super().__init__("runTest")
        self._outcome = unittest.case._Outcome()

    def runTest(self):
        pass

    def __enter__(self):
        self.setUp()
        return self

    def __exit__(self, kind, *exc):
        self._outcome.success = kind is None    # else the logs are shown
        self.doCleanups()


@dataclasses.dataclass(frozen=True)
class Row:
    what: str
    measure: typing.Callable    # returns a value and a note
    bound: float = None         # None: only told
    least: bool = False         # the bound is a least, else a most
    unit: str = "x"

    def verdict(self, value):
        if self.bound is None:
            return "-"
        return "ok" if (value >= self.bound if self.least else value <= self.bound) else "MISSED"

    def bound_text(self):
        return "-" if self.bound is None else "%s %g %s" % (">=" if self.least else "<=", self.bound, self.unit)


@dataclasses.dataclass(frozen=True)
class Run:
    """One process from its start to its end."""

    wall_s: float
    cpu_s: float


def program_itself(name):
    """A program of the build without libtool's script before it, and the environment with which it finds its library."""
    script = harness.program(name)
    folder = os.path.join(os.path.dirname(script), ".libs")
    path = os.path.join(folder, name)
    return (path, {"LD_LIBRARY_PATH": folder}) if os.path.isfile(path) else (script, {})


def run_process(argv, env, output):
    """Runs a program without a shell; its output goes to a file. Another exit code than 0 is a failure."""
    out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    start = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, env, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)])
    _, status, used = os.wait4(pid, 0)
    wall_s = time.perf_counter() - start
    os.close(out)
    if status:
        with open(output, encoding="utf-8", errors="backslashreplace") as text:
            raise harness.Failed("%s: status %d\n%s" % (" ".join(argv), status, text.read()))
    return Run(wall_s, used.ru_utime + used.ru_stime)


def ratio(ours, theirs, pairs):
    """Runs the two in turn: the median of the ratios, and the median of each side."""
    measured = [(ours(), theirs()) for _ in range(pairs)]
    mid = [statistics.median(side) for side in zip(*measured)]
    return statistics.median(a / b for a, b in measured), mid[0], mid[1]


def main(rows):
    words = [word for word in sys.argv[1:] if word]
    if words[:1] == ["--has"]:
        sys.exit(0 if words[1:] and words[1] in rows else 1)
    if words and words[0] not in rows:
        print("no row %r" % words[0], file=sys.stderr)
        sys.exit(2)
    for name in words[:1] or rows:
        row = rows[name]
        value, note = row.measure()
        print("%-14s  %-58s  %-12s  %-12s  %-8s  %s"
              % (name, row.what, row.bound_text(), "%.2f %s" % (value, row.unit), row.verdict(value), note), flush=True)
