"""The figures of publishing beside a baseline in the same run.

    bench_directory.py [ROW]        runs one row, or all
    bench_directory.py --has ROW    exit code 0 when there is such a row

Runs of the two sides alternate, each against a real slapd that starts empty; a ratio is the median over the pairs. Exit code 1 when
something was written wrong or a program failed, never because of a speed.
"""

import os
import shutil
import sqlite3
import statistics
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import harness  # noqa: E402
import lab  # noqa: E402

OBJECTS = 10000
PAIRS = 3
FIRST = 1 << 24     # 1.0.0.0: all ranges lie below 128.0.0.0, one object each


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


def dotted(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def ranges(count):
    return [(FIRST + i * 256, FIRST + i * 256 + 255) for i in range(count)]


def empty_directory(case, name, sync):
    directory = lab.Directory(case, name)
    directory.modify("dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcLimits\n"
                     "olcLimits: dn.exact=\"%s\" size=unlimited time=unlimited\n-\nreplace: olcDbNoSync\nolcDbNoSync: %s\n"
                     % (directory.publisher_dn, "FALSE" if sync else "TRUE"))
    return directory


def count_objects(directory):
    done = directory.tool("ldapsearch", "-LLL", "-b", directory.container_dn, "-s", "one", "(mSSMSSiteCode=PS1)", "1.1")
    return done.stdout.count("dn:")


def ldif(directory, count):
    """The objects that the publication below writes, as ldapadd takes them."""
    site = ("dn: CN=SMS-Site-PS1,%s\nobjectClass: mSSMSSite\ncn: SMS-Site-PS1\nmSSMSSiteCode: PS1\n"
            "mSSMSAssignmentSiteCode: PS1\nmSSMSSourceForest: example.org\n\n" % directory.container_dn)
    return site + "".join("dn: CN={0},{1}\nobjectClass: mSSMSRoamingBoundaryRange\ncn: {0}\nmSSMSSiteCode: PS1\n"
                          "mSSMSAssignmentSiteCode: PS1\nmSSMSSourceForest: example.org\nmSSMSRangedIPLow: {2}\nmSSMSRangedIPHigh: {3}\n\n"
                          .format("SMS-PS1-%s-%s" % (dotted(low), dotted(high)), directory.container_dn, low, high)
                          for low, high in ranges(count))


def large_site(case):
    """A site that is not published yet, with its ranges put into the database directly: one command each would take minutes."""
    site = lab.Site(case, roles="server", name="large")
    site.process.stop()
    base = sqlite3.connect(site.db)
    with base:
        base.execute("UPDATE site SET is_unpublished = 1")
        key = b"\0" * 10 + b"\xff\xff"
        base.executemany("INSERT INTO boundary (site_id, kind, value, low, high) SELECT id, 'range', ?, ?, ? FROM site",
                         (("%s-%s" % (dotted(low), dotted(high)), key + low.to_bytes(4, "big"), key + high.to_bytes(4, "big"))
                          for low, high in ranges(OBJECTS - 1)))
    base.close()
    site.start()
    return site


def seconds_of(argv, **more):
    done = harness.run(argv, timeout_s=600, **more)
    if done.code != 0:
        raise harness.Failed(str(done)[:4000])
    return done.seconds


def publish_pair(case, site, number, sync, more):
    """The seconds of `sitectl publish --apply` and of `ldapadd`, each into a directory that holds nothing yet."""
    theirs, ours = empty_directory(case, "a%d" % number, sync), empty_directory(case, "b%d" % number, sync)
    text = case.write("objects.ldif", ldif(theirs, OBJECTS - 1))
    added = seconds_of([harness.tool("ldapadd", "ldap-utils"), "-x", "-H", theirs.uri, "-D", theirs.publisher_dn, "-w",
                        theirs.publisher_password, "-f", text])
    site.ctl_ok("target", "add", ours.uri_base, *ours.credentials, *more)
    published = seconds_of([harness.program("sitectl"), "--control", site.control, "publish", "--apply", "--json"])
    counts = (count_objects(theirs), count_objects(ours))
    if counts != (OBJECTS, OBJECTS):
        raise harness.Failed("written: %s objects, not %d" % (counts, OBJECTS))
    site.ctl_ok("unpublish", "--apply")
    site.ctl_ok("target", "remove", ours.uri_base)
    for directory in (theirs, ours):
        directory.stop()
        shutil.rmtree(directory.folder)
    return published, added


def publish_10k(sync, *more):
    with Bench() as case:
        site = large_site(case)
        pairs = [publish_pair(case, site, number, sync, more) for number in range(PAIRS)]
    ratio = statistics.median(added / published for published, added in pairs)
    return ratio, "ldapadd %.2f s, publish %.2f s" % tuple(statistics.median(side) for side in zip(*((a, p) for p, a in pairs)))


ROWS = {
    "publish-10k": ("objects/s published and read back, by ldapadd", lambda: publish_10k(True, "--transactions"), 1.5, "x"),
    "publish-plain": ("the same without a transaction", lambda: publish_10k(True), None, "x"),
    "publish-nosync": ("the same, by a server that does not sync", lambda: publish_10k(False), None, "x"),
}


def main():
    words = sys.argv[1:]
    if words[:1] == ["--has"]:
        return 0 if words[1:] and words[1] in ROWS else 1
    wanted = [word for word in words if word]
    if wanted and wanted[0] not in ROWS:
        print("no row %r" % wanted[0], file=sys.stderr)
        return 2
    for name, (what, measure, least, unit) in ROWS.items():
        if wanted and name != wanted[0]:
            continue
        value, note = measure()
        bound = "-" if least is None else ">= %g %s" % (least, unit)
        verdict = "-" if least is None else "ok" if value >= least else "MISSED"
        print("%-14s  %-46s  %-12s  %-12s  %-8s  %s" % (name, what, bound, "%.2f %s" % (value, unit), verdict, note), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
