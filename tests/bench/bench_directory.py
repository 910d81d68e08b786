"""The figures of publishing beside a baseline in the same run, each against a real slapd that starts empty. Usage: tests/lib/bench.py."""

import os
import shutil
import sqlite3
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bench  # noqa: E402
import harness  # noqa: E402
import lab  # noqa: E402
import named  # noqa: E402

OBJECTS = 10000
PAIRS = 3
FIRST = 1 << 24     # 1.0.0.0: all ranges lie below 128.0.0.0, one object each


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
    with bench.Bench() as case:
        site = large_site(case)
        pairs = [publish_pair(case, site, number, sync, more) for number in range(PAIRS)]
    ratio = statistics.median(added / published for published, added in pairs)
    return ratio, "ldapadd %.2f s, publish %.2f s" % tuple(statistics.median(side) for side in zip(*((a, p) for p, a in pairs)))


def agreement(case, site, sources, mp):
    """Milliseconds from `mp designate` until each source says so by `locator find mp`, and how long each target took by itself."""
    start = time.monotonic()
    rows = site.ctl_ok("mp", "designate", mp, "--wait", "--json").answer
    seen = {}
    while len(seen) < len(sources):
        for name, source in sources.items():
            if name in seen:
                continue
            found = lab.find("mp", "--site", "PS1", "--source", source)
            if found.code == 0 and (mp in found.out or lab.MP_ADDRESSES[mp] in found.out):
                seen[name] = (time.monotonic() - start) * 1000
        if time.monotonic() - start > 30:
            raise harness.Failed("after 30 s only %s agree" % seen)
    return dict(zip(sources, (row["ms"] for row in rows))), seen


def designate():
    """A directory, a registry and the DNS; the hosts of the management points register for themselves."""
    with bench.Bench() as case:
        owner = "_mssms_mp_ps1._tcp.example.org"
        dns = named.Named(case, updates=["grant site name %s. SRV;" % owner], hosts={"mp1": "127.0.0.11", "mp2": "127.0.0.12"})
        directory = lab.Directory(case)
        nbt_port = harness.free_port(list(lab.MP_ADDRESSES.values()) + [lab.REGISTRY_ADDRESS])
        registry = lab.Registry(case, nbt_port)
        site = lab.Site(case, roles="server", nbt_port=nbt_port)
        for address in lab.MP_ADDRESSES.values():
            site.start_mp_host(address, harness.free_port([address]))
        lab.fill(site, targets=[[directory.uri_base, *directory.credentials], [registry.uri], [dns.target, "--tsig-key", dns.key_file]])
        site.publish()
        sources = {"directory": directory.uri_base, "registry": registry.uri, "DNS": dns.target}
        runs = [agreement(case, site, sources, mp) for mp in ("mp2.example.org", "mp1.example.org") * 3]
    published = {name: statistics.median(run[0][name] for run in runs) for name in sources}
    last = statistics.median(max(run[1].values()) for run in runs)
    return last, ", ".join("%s %.0f ms" % item for item in published.items())


bench.main({
    "designate": bench.Row("from mp designate until every source and client agrees", designate, unit="ms"),
    "publish-10k": bench.Row("objects/s published and read back, by ldapadd", lambda: publish_10k(True, "--transactions"), 1.5, least=True),
    "publish-plain": bench.Row("the same without a transaction", lambda: publish_10k(True)),
    "publish-nosync": bench.Row("the same, by a server that does not sync", lambda: publish_10k(False)),
})
