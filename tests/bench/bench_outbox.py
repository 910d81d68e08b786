"""The memory of a management point and a site server while an outbox of 1 M reports drains. Usage: tests/lib/bench.py."""

import os
import re
import sqlite3
import sys
import time
import urllib.request
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bench  # noqa: E402
import clients  # noqa: E402
import harness  # noqa: E402
import lab  # noqa: E402

SERVER, MP = "127.0.0.11", "127.0.0.12"
CLIENTS, FIRST, ALL = 1000, 20000, 1000000
BODY = '<StatusMessage ID="%d" Component="Software Distribution"><Property Name="Package" Value="LAB00001"/>' \
    '<Property Name="Text" Value="The program has ended well"/></StatusMessage>'


def smsid(number):
    return "GUID:00000000-0000-4000-8000-%012X" % (number % CLIENTS)


def memory_kib(process):
    """What the process has in memory now, and the most that it ever had."""
    with open("/proc/%d/status" % process.pid, encoding="ascii") as status:
        text = status.read()
    return [int(re.search(r"%s:\s+(\d+)" % name, text).group(1)) for name in ("VmRSS", "VmHWM")]


def fill(path, first, count):
    """Reports as the management point keeps them, put into its file directly."""
    base = sqlite3.connect(path)
    with base:
        base.executemany("INSERT INTO report (site, kind, client, message, received_s, body) VALUES ('PS1', 'status', ?, ?, 1, ?)",
                         ((smsid(n), "{%s}" % str(uuid.uuid4()).upper(), (BODY % n).encode()) for n in range(first, first + count)))
        base.execute("UPDATE total SET reports = (SELECT count(*) FROM report), octets = (SELECT sum(length(body)) FROM report)")
    base.close()


def outbox():
    with bench.Bench() as case:
        port, mp_port, page_port = harness.free_port([SERVER]), harness.free_port([MP]), harness.free_port([SERVER])
        site = lab.Site(case, http=["%s:%d" % (SERVER, port)], roles="server", more=["--metrics", "%s:%d" % (SERVER, page_port)])
        control = case.path("mp.sock")

        def start_mp():
            return site.start_host("mp", ["%s:%d" % (MP, mp_port)], [], control, more=["--intake", "http://%s:%d" % (SERVER, port)])

        def send():
            """One report by HTTP, which wakes the thread that hands over."""
            if clients.Client((MP, mp_port)).status()[0] != 200:
                raise harness.Failed("the management point takes nothing")

        def drained():
            words = [harness.program("sitectl"), "--control", control, "status", "--json"]
            return case.run_ok(words).answer["outbox_waiting"] == 0

        def self_tested():
            with urllib.request.urlopen("http://%s:%d/metrics" % (SERVER, page_port), timeout=20) as page:
                return b"\nsited_mp_answering{" in page.read()

        site.ctl_ok("mp", "add", "mp1.example.org", "--address", MP, "--port", str(mp_port))
        site.ctl_ok("mp", "designate", "mp1.example.org")
        base = sqlite3.connect(site.db)
        with base:
            base.executemany("INSERT INTO client (site_id, smsid, name, registered_s, seen_s) SELECT id, ?, 'PC', 1, 1 FROM site",
                             ((smsid(n),) for n in range(CLIENTS)))
        base.close()
        mp = start_mp()
        mp.stop()
        fill(site.db + "-outbox", 0, FIRST)
        mp = start_mp()
        send()      # which also loads whatever a report needs
        harness.wait_until(drained, "the first reports", timeout_s=240)
        # The self test, 2 s after a management point is known, loads libcurl: 2.6 MB of libraries that are no reports.
        harness.wait_until(self_tested, "the site server's first self test")
        processes = (mp, site.process)
        before = [memory_kib(p) for p in processes]
        fill(site.db + "-outbox", FIRST, ALL)
        started = time.monotonic()
        send()
        harness.wait_until(drained, "1 M reports", timeout_s=900)
        seconds = time.monotonic() - started
        after = [memory_kib(p) for p in processes]
        stored = site.ctl_ok("status", "--json").answer["intake_stored"]
        if stored < FIRST + ALL:
            raise harness.Failed("%d of %d reports are stored" % (stored, FIRST + ALL))
        worst = max(after[i][1] / before[i][1] for i in (0, 1))
        return worst, "%.0f reports/s; management point %d KiB before, %d after, at most %d; site server %d, %d, at most %d" % (
            ALL / seconds, before[0][0], *after[0], before[1][0], *after[1])


bench.main({
    "outbox": bench.Row("most memory while 1 M reports drain, by that of the first 20 000", outbox, 1.1),
})
