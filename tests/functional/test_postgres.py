"""The site database on PostgreSQL: the tests of the other engine once more, a server that crashes, and a standby (S1.05)."""

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import xml.etree.ElementTree

import harness
import lab
import nbns
import postgres

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS, MP1 = "127.0.0.12", "127.0.0.11"


class WithServer(harness.Case):

    def setUp(self):
        super().setUp()
        self.server = postgres.Postgres(self.path("pg"))
        self.addCleanup(self.server.stop)
        self.base = "postgresql://site@127.0.0.1:%d" % self.server.port

    def mp_list(self, port, address=ADDRESS):
        """The status of MPLIST and the host names in it."""
        one = http.client.HTTPConnection(address, port, timeout=20)
        self.addCleanup(one.close)
        one.request("GET", "/SMS_MP/.sms_aut?MPLIST")
        got = one.getresponse()
        body = got.read()
        return got.status, [mp.get("FQDN") for mp in xml.etree.ElementTree.fromstring(body)] if got.status == 200 else []


class Silent(WithServer):
    """The server says nothing any more and refuses nothing, while changes are read and verbs are run."""

    def setUp(self):
        super().setUp()
        nbt_port = harness.free_port([lab.REGISTRY_ADDRESS, MP1])
        self.http, self.page = harness.free_port([MP1]), harness.free_port()
        lab.SITE_SERVER = self.base
        self.addCleanup(setattr, lab, "SITE_SERVER", None)
        self.registry = lab.Registry(self, nbt_port)
        self.site = lab.Site(self, nbt_port=nbt_port, http=["%s:%d" % (MP1, self.http)], addresses=[MP1],
                             more=["--metrics", "127.0.0.1:%d" % self.page])
        self.addCleanup(lambda: self.server.process and self.server.thaw())
        lab.fill(self.site, self.http, [[self.registry.uri]])
        harness.wait_until(lambda: self.registry.addresses("MP_PS1#1A") == [MP1], "the name registered")
        self.asker = nbns.Client((MP1, nbt_port))
        self.addCleanup(self.asker.close)

    def within(self, limit_s, what, ask):
        start = time.monotonic()
        said = ask()
        self.assertLess(time.monotonic() - start, limit_s, what)
        return said

    def metric(self, name):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.page, timeout=20) as page:
            return [line.split()[1] for line in page.read().decode().splitlines() if line.startswith(name + " ")]

    def serves_without(self, what):
        """What needs no database."""
        for kind in (nbns.NBSTAT, nbns.NB):
            said = self.within(1, what, lambda kind=kind: self.asker.query("MP_PS1", 0x1A, kind=kind))
            self.assertEqual(said and said.rcode, 0, what)
        self.assertEqual(len(self.within(1, what, lambda: self.metric("sited_generation"))), 1, what)
        certificate = "http://%s:%d/SMS_MP/.sms_aut?MPCERT" % (MP1, self.http)
        self.assertEqual(self.within(1, what, lambda: urllib.request.urlopen(certificate, timeout=20).status), 200, what)

    def beside(self, ask, *words):
        """Asks in a thread, since nobody knows how long it takes; the thread, and a list of what was said, once it was."""
        said = []
        asking = threading.Thread(target=lambda: said.append(ask(*words)))
        asking.start()
        self.addCleanup(asking.join)
        return asking, said

    @staticmethod
    def sockets(process):
        folder = "/proc/%d/fd" % process.pid
        return sum(os.readlink(os.path.join(folder, fd)).startswith("socket:") for fd in os.listdir(folder))

    @staticmethod
    def heeds_sigterm(process):
        """From then on, wherever its start has come to."""
        with open("/proc/%d/status" % process.pid, encoding="ascii") as status:
            masks = re.findall(r"^Sig(?:Cgt|Blk):\s+([0-9a-f]+)$", status.read(), re.M)
        return any(int(mask, 16) >> (signal.SIGTERM - 1) & 1 for mask in masks)

    def test_S2_14_a_silent_server_holds_nobody_up(self):
        """S2.12 S2.14 S1.19 names, metrics and certificates are answered while a verb waits for a silent server; the verb is unreachable; over by itself"""
        self.server.freeze()
        verb, said = self.beside(self.site.ctl, "dp", "add", "dp7.example.org", "--json")
        while verb.is_alive():
            self.serves_without("S2.14 while a verb waits")
            time.sleep(0.2)
        self.assertEqual((said[0].code, "without an answer" in said[0].json["message"]), (3, True), str(said[0]))
        self.assertLess(said[0].seconds, 5, str(said[0]))
        harness.wait_until(lambda: self.metric("sited_database_up") == ["0"], "S2.14 the metrics to say so")
        again = self.within(1, "S2.14 who asks later is told at once", lambda: self.site.ctl("status", "--json"))
        self.assertEqual((again.code, "silent after 3" in again.json["message"]), (3, True), str(again))
        self.assertEqual(self.within(1, "S2.14 likewise", lambda: self.mp_list(self.http, MP1)[0]), 500)
        self.serves_without("S2.14 while the server is silent")
        self.server.thaw()
        harness.wait_until(lambda: self.mp_list(self.http, MP1)[0] == 200, "MPLIST answering again")
        harness.wait_until(lambda: self.site.ctl("dp", "add", "dp8.example.org").code == 0, "administration again")
        self.assertEqual(self.metric("sited_database_up"), ["1"])

    def test_S2_14_a_silent_server_does_not_keep_it_from_stopping(self):
        """S2.14 SIGTERM ends it at once, the name released, also while a verb and a client wait for a silent server"""
        self.server.freeze()
        before = self.sockets(self.site.process)
        _, said = self.beside(self.site.ctl, "mp", "designate", "mp2.example.org", "--json")
        _, answered = self.beside(self.mp_list, self.http, MP1)
        harness.wait_until(lambda: self.sockets(self.site.process) >= before + 2, "both to be connected")
        time.sleep(0.5)     # and their questions read
        self.within(2, "S2.14 SIGTERM", self.site.process.stop)
        harness.wait_until(lambda: said and answered, "both to be told")
        self.assertEqual((said[0].code, answered[0][0]), (3, 500), str(said[0]))
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), [], "S1.19 released")

    def test_S2_14_it_starts_while_the_server_is_silent(self):
        """S2.14 started while the server is silent: SIGTERM ends that at once too; left alone it starts, and works when the server does"""
        self.site.process.stop()
        self.server.freeze()
        argv = [harness.program("sited"), "--db", self.site.db, "--control", self.site.control, "--content", self.site.content, *self.site.state]
        starting = self.start(argv)
        harness.wait_until(lambda: self.heeds_sigterm(starting), "SIGTERM to be heeded")
        self.within(2, "S2.14 SIGTERM while it starts", starting.stop)
        self.start(argv)
        harness.wait_until(lambda: self.site.ctl("status").code == 3 and os.path.exists(self.site.control), "the control socket", timeout_s=8)
        self.server.thaw()
        harness.wait_until(lambda: self.site.ctl("dp", "add", "dp8.example.org").code == 0, "administration")


# Run in namespaces of its own, where the one DNS server says nothing.
IN_SILENCE = """
import socket, subprocess, sys, threading, time, urllib.request
sitectl, sited, folder = sys.argv[1:]
hosts = folder + "/hosts"
open(hosts, "w").write("127.0.0.1 localhost\\n127.0.0.7 two.example.org\\n127.0.0.8 two.example.org\\n")
open(folder + "/resolv.conf", "w").write("nameserver 127.0.0.1\\n")
for words in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", hosts, "/etc/hosts"], ["mount", "--bind", folder + "/resolv.conf", "/etc/resolv.conf"]):
    subprocess.run(words, check=True)
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
second, callers = socket.create_server(("127.0.0.8", 5432)), []
def hang_up():
    while True:
        caller, _ = second.accept()
        callers.append(caller.close())
threading.Thread(target=hang_up, daemon=True).start()
def timed(argv):
    start = time.monotonic()
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, time.monotonic() - start, done.stdout + done.stderr
for host, least, most, words in (("db.example.org", 4, 7, ["no answer of the DNS"]), ("two.example.org", 0, 2, ["127.0.0.7", "refused"]),
                                 ("127.0.0.9", 0, 2, ["127.0.0.9", "refused"]), ("db.example.org,127.0.0.9", 2, 7, ["127.0.0.9", "refused"])):
    code, seconds, said = timed([sitectl, "--db", "postgresql://site@%s/site" % host, "db", "check"])
    assert code == 3 and least <= seconds < most and all(word in said for word in words), (host, code, seconds, said)
    assert bool(callers) == (host >= "two"), "each address of a name is tried"
    callers.clear()
daemon = subprocess.Popen([sited, "--foreground", "--db", "postgresql://site@db.example.org/site", "--state", folder, "--control", folder + "/sock",
                           "--metrics", "127.0.0.1:9138", "--http", "127.0.0.1:8080"])
page = ""
for _ in range(40):
    time.sleep(0.05)
    try:
        page = urllib.request.urlopen("http://127.0.0.1:9138/metrics", timeout=2).read().decode()
        break
    except OSError:
        pass
assert page == "sited_database_up 0\\n", page
time.sleep(0.5)
start = time.monotonic()
daemon.terminate()
assert daemon.wait(20) == 0 and time.monotonic() - start < 2, time.monotonic() - start
"""


class Names(harness.Case):

    def test_S2_14_a_silent_name_server_holds_nobody_up(self):
        """S2.14 a DNS that says nothing of the database's host: told in time, SIGTERM obeyed; the hosts file, addresses and other hosts are not held up"""
        os.chmod(self.folder, 0o755)
        unshare = harness.tool("unshare", "util-linux")
        self.run_ok([unshare, "-rnm", sys.executable, "-c", IN_SILENCE, harness.program("sitectl"), harness.program("sited"), self.folder])


class SameTests(WithServer):

    def test_the_tests_of_the_file_engine(self):
        """every test of the store, the management point, the verbs and the content passes on PostgreSQL too"""
        env = dict(os.environ, SL_SITE_SERVER=self.base)
        units = [[os.path.join(harness.BUILDDIR, "tests/unit", name)] for name in ("test-flow", "test-site-store", "test-mp")]
        files = [[sys.executable, os.path.join(HERE, "test_site.py")], [sys.executable, os.path.join(HERE, "test_slp_role.py"), "Locating"],
                 [sys.executable, os.path.join(HERE, "test_reports.py"), "Upward", "Away", "Proxy"],
                 [sys.executable, os.path.join(HERE, "test_site_policy.py")], [sys.executable, os.path.join(HERE, "test_site_database.py")],
                 [sys.executable, os.path.join(HERE, "test_hierarchy.py"), "Hierarchy.test_S1_25_a_change_is_told_at_once", "Hierarchy.test_S1_15_packages_flow_down", "Hierarchy.test_S1_15_files_flow_down",
                  "Hierarchy.test_S1_27_clients_roam_into_a_site_with_a_database_of_its_own"],
                 [sys.executable, os.path.join(HERE, "test_check.py")],
                 [sys.executable, os.path.join(HERE, "test_fetching.py"), "Fetching.test_S2_09_damage_is_found_out_of_service_and_mended",
                  "Fetching.test_S2_09_progress_of_a_long_fetch", "Fetching.test_S2_09_damage_is_that_of_each_package_that_has_the_file"],
                 [sys.executable, os.path.join(HERE, "test_packages.py"), "Packages.test_files_come_back_octet_for_octet",
                  "Packages.test_nothing_outside_a_package_is_served"]]
        for argv in units + files:
            env["SL_SITE_DATABASE"] = self.server.new_database()
            with self.subTest(" ".join(map(os.path.basename, argv))):
                done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=240, check=False)
                self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-6000:])


class Server(WithServer):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port([ADDRESS])
        self.host = "%s:%d" % (ADDRESS, self.port)
        lab.SITE_SERVER = self.base
        self.addCleanup(setattr, lab, "SITE_SERVER", None)
        self.site = lab.Site(self, http=[self.host])
        lab.fill(self.site, self.port)

    def test_S2_14_the_server_crashes_and_comes_back(self):
        """S2.14 without the database no administration and no MPLIST; both by themselves again when it is back, nothing lost"""
        self.server.stop(postgres.signal.SIGQUIT)
        self.assertEqual(self.mp_list(self.port)[0], 500)
        self.assertEqual(self.site.ctl("mp", "designate", "mp2.example.org").code, 3)
        self.server.start()
        harness.wait_until(lambda: self.mp_list(self.port) == (200, ["mp1.example.org", "mp2.example.org"]), "MPLIST answering again")
        self.site.ctl_ok("mp", "designate", "mp2.example.org")
        self.assertEqual(self.mp_list(self.port), (200, ["mp2.example.org", "mp1.example.org"]))

    def test_S2_02_the_lock_outlives_a_restart_of_the_server(self):
        """S2.02 one site server a database, also after the connection that held the lock was lost"""
        second = [harness.program("sited"), "--db", self.site.db, "--control", self.path("2.sock"), "--role", "server", "--content",
                  self.path("content2"), *self.site.state]
        self.assertEqual(harness.run(second).code, 7)
        self.server.stop(postgres.signal.SIGQUIT)
        self.server.start()
        self.site.ctl_ok("dp", "add", "dp7.example.org")
        self.assertEqual(harness.run(second).code, 7)

    def test_S2_02_who_lost_the_lock_administers_no_more(self):
        """S2.02 another host took over while the database was unreachable: the first refuses"""
        self.site.process.signal(postgres.signal.SIGSTOP)
        self.server.stop(postgres.signal.SIGQUIT)
        self.server.start()
        other = self.path("other.sock")
        self.site.start_host("server", [], [], other)
        self.site.process.signal(postgres.signal.SIGCONT)
        refused = self.site.ctl("dp", "add", "dp8.example.org", "--json")
        self.assertEqual((refused.code, refused.json["outcome"]), (7, "conflict"), str(refused))
        self.run_ok([harness.program("sitectl"), "--control", other, "dp", "add", "dp8.example.org"])

    def test_S1_05_a_standby_serves_without_its_primary(self):
        """S1.05 a management point on a replicated copy reads on while the database itself is down"""
        standby = postgres.Standby(self.path("standby"), self.server)
        self.addCleanup(standby.stop)
        replica = standby.uri(self.site.db.rsplit("/", 1)[1])
        port = harness.free_port([ADDRESS])
        self.site.start_host("mp", ["%s:%d" % (ADDRESS, port)], [], self.path("mp.sock"), more=["--replica", replica])
        self.site.ctl_ok("mp", "designate", "mp2.example.org")
        standby.catch_up()
        self.assertEqual(self.mp_list(port), (200, ["mp2.example.org", "mp1.example.org"]))
        self.server.stop(postgres.signal.SIGQUIT)
        self.assertEqual(self.mp_list(port), (200, ["mp2.example.org", "mp1.example.org"]))
        self.assertEqual(self.mp_list(self.port)[0], 500)

    def test_moved_to_the_server_and_back(self):
        """sitectl db move, backup, restore, check: a site goes from a file to PostgreSQL and back, row for row"""
        def lists(site):
            return [site.ctl_ok(kind, "list", "--json").answer for kind in ("mp", "dp", "boundary", "package", "target")]
        before = lists(self.site)
        def db(path, *words, **more):
            return self.run_ok([harness.program("sitectl"), "--db", path, "db", *words, "--json"], **more)
        self.assertEqual(db(self.site.db, "move", self.path("busy.db"), code=7).json["outcome"], "conflict")
        backup = self.path("backup.db")
        rows = db(self.site.db, "backup", backup).answer["rows"]
        self.assertEqual(db(self.site.db, "backup", backup, code=7).json["outcome"], "conflict")
        self.assertEqual(db(backup, "check").answer, [])
        self.site.process.stop()
        self.assertEqual(db(self.site.db, "move", self.path("site.db")).answer["rows"], rows)
        target = self.server.new_database()
        self.assertEqual(db(self.path("site.db"), "move", target).answer["rows"], rows)
        self.assertEqual(db(self.path("site.db"), "restore", backup, code=7).json["outcome"], "conflict")
        self.assertEqual(db(target, "check").answer, [])
        self.site.db = target
        self.site.start()
        self.assertEqual(lists(self.site), before)
        self.site.ctl_ok("dp", "add", "dp5.example.org")    # the numbers of new rows go on after those copied

    def test_what_is_wrong_with_a_uri_is_told(self):
        """a password in the URI, a wrong port, a database that is not there, and one of a newer version"""
        init = [harness.program("sitectl"), "init", "XYZ", "--domain", "example.org", "--server", "s.example.org", "--json", "--db"]
        rows = [("postgresql://site:secret@127.0.0.1:%d/db1" % self.server.port, 2, "password"),
                ("postgresql://site@127.0.0.1:1/db1", 3, "refused"), (self.base + "/nowhere", None, "nowhere"),
                ("postgresql://site@127.0.0.1:%d/db1?colour=red" % self.server.port, 2, "colour")]
        for uri, code, word in rows:
            said = harness.run(init + [uri])
            self.assertIn(word, said.json["message"], str(said))
            self.assertNotIn("secret", said.out + said.err)
            if code is not None:
                self.assertEqual(said.code, code, str(said))
        self.server.sql("UPDATE sitelocator_schema SET version = 999", self.site.db.rsplit("/", 1)[1])
        said = harness.run(init + [self.site.db])
        self.assertEqual((said.code, "newer version" in said.json["message"]), (7, True), str(said))


harness.main()
