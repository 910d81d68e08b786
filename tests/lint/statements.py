#!/usr/bin/python3
"""Every statement about sites has a test that carries its id and runs on a site database in a file, and one on PostgreSQL.

The statements are those of the two articles that the site is made after, "Understanding SMS 2003 Management Points" (S1) and "Impact of a Site
Failure" of ConfigMgr 2007 (S2). A test carries an id when it stands in its name or in a text in it; what of them runs on PostgreSQL too is read from
tests/functional/test_postgres.py. One line a finding, then a count; exit 1 when there are any.
"""
import ast
import glob
import os
import re
import sys

STATEMENTS = {
    "S1.01": "instructions flow down, data flows up", "S1.02": "clients talk to the site through management points",
    "S1.03": "a management point needs a working web server", "S1.04": "every site should have a default management point",
    "S1.05": "it uses the site database or a replica", "S1.06": "one server, or a cluster",
    "S1.07": "the primary contact point", "S1.08": "only one default management point",
    "S1.09": "CAPs are for legacy clients", "S1.10": "it gives known clients their policy",
    "S1.11": "policy is built from SMS_def.mof in the database", "S1.12": "clients pull policy",
    "S1.14": "advertisements", "S1.15": "it locates distribution points",
    "S1.16": "a client picks one at random", "S1.17": "it takes inventory, metering and status",
    "S1.18": "and forwards them", "S1.19": "without the schema it must be in WINS",
    "S1.20": "one default at a time", "S1.21": "clients talk to the default one only",
    "S1.22": "more of them are a cluster", "S1.23": "extra ones are not used",
    "S1.24": "no automatic failover", "S1.25": "an administrator designates another",
    "S1.26": "none: no policy, no reports", "S1.27": "the hierarchy",
    "S2.01": "a site is site systems and clients", "S2.02": "one site server",
    "S2.03": "the site server administers", "S2.04": "one site database",
    "S2.05": "any number of management points", "S2.06": "they link site server and clients",
    "S2.07": "other roles", "S2.08": "software needs a distribution point",
    "S2.09": "roles on the same or on several computers", "S2.10": "any system can fail",
    "S2.11": "a computer down takes all its roles along", "S2.13": "the site server is off",
    "S2.14": "the database is off", "S2.15": "the management point is off", "S2.16": "the distribution point is off",
}
ALWAYS = ("test_postgres.py", "test_four_hosts.py")    # have a PostgreSQL of their own, and no file
NO_FILE = {"S1.05"}    # of a file there is no replicated copy
ID = re.compile(r"(?<![A-Za-z0-9])(S[12])[._](\d\d)(?!\d)")


def ids(text):
    return {"%s.%s" % found for found in ID.findall(text)}


def texts(node):
    return " ".join(word.value for word in ast.walk(node) if isinstance(word, ast.Constant) and isinstance(word.value, str))


def python_tests(path):
    """(class, function, ids in its name and texts) of each function of the classes of a file, which have tests."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for case in ast.walk(tree):
        for test in case.body if isinstance(case, ast.ClassDef) else ():
            if isinstance(test, ast.FunctionDef):
                yield case.name, test.name, ids(test.name + " " + texts(test))


def unit_tests(path):
    with open(path, encoding="utf-8") as file:
        return set().union(*map(ids, re.findall(r"START_TEST\((\w+)\)", file.read())))


def on_postgres(path):
    """What test_postgres.py runs: names of unit programs, and for each file the classes or tests, none for all."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    units, files = set(), {}
    for node in ast.walk(tree):
        names = [word.value for word in ast.walk(node) if isinstance(word, ast.Constant) and isinstance(word.value, str)] if isinstance(node, ast.List) else []
        python = [name for name in names if re.fullmatch(r"test_\w+\.py", name)]
        if len(python) == 1:
            files.setdefault(python[0], []).extend(name for name in names if name != python[0])
    with open(path, encoding="utf-8") as file:
        units.update(re.findall(r'"(test-[\w-]+)"', file.read()))
    return units, files


def is_run(only, case, test):
    return not only or case in only or "%s.%s" % (case, test) in only


def collect(root):
    """The statements that a test on a file carries, and those that one on PostgreSQL does."""
    units, files = on_postgres(os.path.join(root, "tests/functional/test_postgres.py"))
    files.update((name, []) for name in ALWAYS)
    on_file, there = set(), set()
    for path in glob.glob(os.path.join(root, "tests/functional/test_*.py")) + glob.glob(os.path.join(root, "tests/interop/test_*.py")):
        name = os.path.basename(path)
        for case, test, carried in python_tests(path):
            if name not in ALWAYS:
                on_file |= carried
            if name in files and is_run(files[name], case, test):
                there |= carried
    for path in glob.glob(os.path.join(root, "tests/unit/test-*.c")):
        carried = unit_tests(path)
        on_file |= carried
        if os.path.basename(path)[:-2] in units:
            there |= carried
    return on_file, there


def main():
    root = os.environ.get("abs_top_srcdir") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    on_file, there = collect(root)
    if ids("S1.99 S1_08_x xS1.07 S1.021") != {"S1.99", "S1.08"}:
        sys.exit("the pattern of ids does not hold")
    findings = ["%s: no test on %s carries it: %s" % (row, engine, STATEMENTS[row])
                for engine, carried, left_out in (("a file", on_file, NO_FILE), ("PostgreSQL", there, set()))
                for row in sorted(set(STATEMENTS) - carried - left_out)]
    for finding in findings:
        print(finding)
    print("%d findings among %d statements" % (len(findings), len(STATEMENTS)))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
