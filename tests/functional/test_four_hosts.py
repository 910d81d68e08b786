"""A site on four machines: site server, site database, management point and distribution point, each in a network of its own.

The registry and the clients are on a fifth, ours. Whatever is stopped here is stopped on its host alone; nothing else is started
anew for it. The directory, the server locator point and further ones of a role are on hosts of their own where a test needs them. Each assertion names the statement
that it shows.
"""

import concurrent.futures
import hashlib
import http.client
import os
import re
import time

import clients
import harness
import hosts
import lab
import nbns
import postgres

SAMPLE = os.path.join(harness.SRCDIR, "tests", "fixtures", "SMS_def.mof")
MP1, DP1, PACKAGE, REGISTRY = "mp1.example.org", "dp1.example.org", "PS100001", "wins://" + hosts.WE


class Machine:
    """A host of the site with its sited."""

    def __init__(self, case, wire, name, number, roles, more=()):
        self.case, self.host, self.name, self.roles, self.more = case, wire.host(name, number), name, roles, list(more)
        self.address = self.host.address
        self.state, self.control, self.process = case.path(name), case.path(name + ".sock"), None
        os.mkdir(self.state)

    def start(self, *more):
        argv = [harness.program("sited"), "--db", self.case.database.uri("site"), "--state", self.state, "--control", self.control, "--role",
                self.roles, "--http", self.address, *self.more, *more]
        self.process = self.case.start(self.host.command(argv), name=self.name)
        harness.wait_until(self.is_ready, "sited on %s" % self.name)

    def is_ready(self):
        self.process.check_alive()
        return os.path.exists(self.control) and self.ctl("status").code in (0, 1)

    def ctl(self, *words):
        return harness.run([harness.program("sitectl"), "--control", self.control] + list(words))

    def ctl_ok(self, *words, code=0):
        return self.case.run_ok([harness.program("sitectl"), "--control", self.control] + list(words), code=code)

    def rows(self, *words, code=0):
        return self.ctl_ok(*words, "--json", code=code).answer


def get(url_or_host, path=None, **headers):
    """Status and body of a GET; status 0 when nobody answers."""
    if path is None:
        url_or_host, path = re.fullmatch(r"http://([^/]+)(/.*)", url_or_host).groups()
    one = http.client.HTTPConnection(url_or_host, timeout=20)
    try:
        one.request("GET", path, headers=headers)
        got = one.getresponse()
        return got.status, got.read()
    except OSError:
        return 0, b""
    finally:
        one.close()


class SiteCase(harness.Case):

    def setUp(self):
        super().setUp()
        self.wire = hosts.Wire(self)
        self.database_host = self.wire.host("db", 2)
        self.database = postgres.Postgres(self.path("pg"), **self.place(self.database_host))
        self.addCleanup(self.database.stop)
        self.database.sql("CREATE DATABASE site")
        self.registry = lab.Registry(self, 137, hosts.WE)
        self.server = Machine(self, self.wire, "server", 1, "server")
        self.mp = Machine(self, self.wire, "mp1", 3, "mp", ["--nbt-address", "10.77.0.3"])
        self.dp = Machine(self, self.wire, "dp1", 4, "dp", ["--dp-name", DP1])
        self.run_ok([harness.program("sitectl"), "--db", self.database.uri("site"), "init", "PS1", "--domain", "example.org", "--server",
                     "server.example.org", "--database", "db.example.org", "--state", self.server.state])
        self.addCleanup(self._stop_all)     # before the wire is cut and the database stops
        self.server.start()

    def place(self, host):
        return {"address": host.address, "command": host.unprivileged, "network": hosts.NETWORK}

    def fill(self):
        """What an administrator enters: all of it before the other hosts are there."""
        ctl = self.server.ctl_ok
        self.source = self.path("source")
        os.mkdir(self.source)
        self.octets = os.urandom((9 << 20) + 17)
        for name, octets in (("setup.exe", self.octets), ("empty", b""), ("again.exe", self.octets)):
            with open(os.path.join(self.source, name), "wb") as out:
                out.write(octets)
        ctl("mp", "add", MP1, "--address", "10.77.0.3")
        ctl("mp", "designate", MP1)
        ctl("dp", "add", DP1)
        ctl("boundary", "add", "subnet", hosts.NETWORK)
        ctl("target", "add", REGISTRY)
        ctl("policy", "import", SAMPLE)

    def find(self, *words, code=0):
        found = lab.find(*words, "--site", "PS1", "--source", REGISTRY)
        self.assertEqual(found.code, code, str(found))
        return found.answer

    def find_dp(self, what, code=0):
        found = lab.find("dp", "--site", "PS1", "--package", PACKAGE, "--source", REGISTRY, "--as-client", hosts.WE + "/24")
        self.assertEqual(found.code, code, "%s\n%s" % (what, found))
        return found.answer and found.answer["url"]

    def is_found(self):
        return lab.find("mp", "--site", "PS1", "--source", REGISTRY).code == 0

    def body(self):
        """The status of a request for assignments, and the path of the first body."""
        status, text = self.client.ask_policy("PS1")
        found = re.search(r"(/SMS_MP/\.sms_pol\?\{[0-9A-F-]{36}\}\.\d+_00)", text)
        return status, found and found.group(1)

    def advertised(self):
        """The advertisements in the policy that the client is assigned."""
        paths = self.client.advertisements("PS1")
        return [re.search(rb'"AdvertisementID"><value>(\w+)<', get(MP1, path)[1]).group(1).decode() for path in paths]


class FourHosts(SiteCase):

    def setUp(self):
        super().setUp()
        self.fill()
        self.mp.start()
        self.dp.start()
        self.client = clients.Client((MP1, 80))

    def test_S2_09_a_site_on_four_hosts(self):
        """S1.01 to S1.26, S2.01 to S2.17 as far as they are about who is on which host, and what goes on while one is off"""
        self.packages_come_to_the_distribution_point()
        self.everything_is_online()
        self.the_site_server_is_off()
        self.the_database_is_off()
        self.the_management_point_is_off()
        self.the_distribution_point_is_off()
        self.everything_is_online()

    def packages_come_to_the_distribution_point(self):
        self.server.ctl_ok("package", "add", PACKAGE, "--version", "3", "--on", DP1, "--dir", self.source)
        harness.wait_until(lambda: self.server.ctl("package", "status", PACKAGE).code == 0, "S2.09 the content on the host of the distribution point")
        row, = self.server.rows("package", "status", PACKAGE)
        self.assertEqual((row["dp"], row["state"]), (DP1, "available"))
        self.assertEqual(self.server.rows("package", "status"), [])
        harness.wait_until(self.is_found, "S1.19 the name of the management point at the registry")

    def everything_is_online(self):
        """S2.17"""
        found = self.find("mp")
        self.assertEqual((found["mp"] or found["address"], found["address"]), (found["mp"] or "10.77.0.3", "10.77.0.3"), "S1.07 S1.21 the default one")
        self.assertEqual(get(MP1, "/SMS_MP/.sms_aut?MPLIST")[0], 200, "S1.03")
        url = self.find_dp("S1.15 S2.08 found through the management point alone")
        self.assertEqual(url, "http://%s/SMS_DP_SMSPKG$/%s.3/" % (DP1, PACKAGE))
        status, octets = get(url + "setup.exe")
        self.assertEqual((status, hashlib.sha256(octets).digest()), (200, hashlib.sha256(self.octets).digest()), "S2.09 octet for octet")
        before = self.counted()
        self.assertEqual(self.client.register()[0], 200, "S1.02 a client talks to the management point")
        for send in (self.client.discover, self.client.status, self.client.meter):
            self.assertEqual(send()[0], 200, "S1.17")
        harness.wait_until(lambda: self.counted() == before + 3, "S1.01 S1.18 S2.06 three reports at the site server")
        status, self.path_of_body = self.body()
        self.assertEqual(status, 200, "S1.10 S1.12")
        self.assertEqual(get(MP1, self.path_of_body)[0], 200, "S1.11")
        self.assertEqual(self.server.ctl("boundary", "add", "ad-site", "Berlin").code, 0, "S2.03")

    def counted(self):
        return len(self.server.rows("report", "list"))

    def the_site_server_is_off(self):
        before = self.counted()
        self.server.ctl_ok("advertise", "add", "PS120000", "--package", PACKAGE, "--program", "first", "--to", self.client.name)
        self.server.process.stop()
        self.assertEqual(self.advertised(), ["PS120000"], "S1.14 S2.13 what was advertised before still is, body and all")
        for words in (["advertise", "add", "PS120001", "--package", PACKAGE, "--program", "setup", "--to", "all"], ["mp", "designate", "--none"]):
            self.assertEqual(self.server.ctl(*words).code, 3, "S2.03 S2.13 no administration, no new advertisement")
        self.assertEqual(self.mp.ctl("mp", "designate", "--none").code, 7, "S2.13 nor on another host")
        status, path = self.body()
        self.assertEqual((status, path), (200, self.path_of_body), "S2.13 what was assigned still is")
        self.assertEqual(get(MP1, path)[0], 200, "S2.13 and its body served")
        self.assertEqual(get(self.find_dp("S2.13 clients find distribution points") + "empty"), (200, b""), "S2.13 and fetch from them")
        for number in (10, 11):
            self.assertEqual(self.client.status(number)[0], 200, "S2.13 the management point keeps what clients report")
        newcomer = clients.Client((MP1, 80), 2)
        self.assertEqual((newcomer.register()[0], newcomer.status()[0]), (200, 200), "S2.13 of new ones too")
        self.server.start()
        self.server.ctl_ok("advertise", "remove", "PS120000")
        harness.wait_until(lambda: self.counted() == before + 3, "S2.13 what was kept came, each once")
        self.assertEqual(len(self.server.rows("client", "list")), 2, "S2.01")
        self.assertIn("for 2 clients", self.server.ctl("mp", "designate", "--none", "--diff").err, "S1.25 X17")

    def the_database_is_off(self):
        self.the_database_is_cut_off()
        self.database.stop(postgres.signal.SIGQUIT)
        self.assertEqual(self.server.ctl("dp", "add", "dp9.example.org").code, 3, "S2.14 no administration")
        self.assertEqual(get(MP1, "/SMS_MP/.sms_aut?MPLIST")[0], 500, "S2.14")
        self.assertEqual(get(MP1, "/SMS_MP/.sms_aut?MPCERT")[0], 200, "S2.14 the certificate needs no database")
        self.assertEqual(get(MP1, self.path_of_body)[0], 200, "S2.14 a body that the management point keeps is served")
        self.assertEqual(self.body()[0], 500, "S2.14 nothing is assigned")
        self.assertEqual(self.find("mp")["address"], "10.77.0.3", "S2.12 the registry is another thing")
        self.find_dp("S2.14 locating fails", code=3)
        self.database.start()
        harness.wait_until(lambda: self.body()[0] == 200, "S2.14 assignments again, nothing was started anew")
        harness.wait_until(lambda: self.server.ctl("dp", "add", "dp9.example.org").code == 0, "S2.14 administration again")
        self.server.ctl_ok("dp", "remove", "dp9.example.org")

    def the_database_is_cut_off(self):
        """Nobody refuses a connection: whoever waits for the database, mp1 with a change that it reads, must not be who answers for the name."""
        challenger = nbns.Client((self.mp.address, 137), local=hosts.WE)
        self.addCleanup(challenger.close)
        self.server.ctl_ok("boundary", "add", "ad-site", "Cologne")
        self.database_host.unplug()
        with concurrent.futures.ThreadPoolExecutor(1) as administrator:
            verb = administrator.submit(self.server.ctl, "boundary", "remove", "ad-site", "Cologne")
            for kind in (nbns.NB, nbns.NBSTAT) * 3:
                answer = challenger.ask(nbns.query(challenger.next_number(), "MP_PS1", 0x1A, kind=kind), tries=1, timeout_s=1)
                self.assertEqual(answer and answer.rcode, 0, "S2.12 S2.14 the name is defended while the database is silent")
                self.assertEqual(get(MP1, "/SMS_MP/.sms_aut?MPCERT")[0], 200, "S2.14 the certificate is shown")
                time.sleep(0.5)
            self.assertEqual(verb.result().code, 3, "S2.14 no administration: %s" % verb.result())
        self.assertEqual(get(MP1, self.path_of_body)[0], 200, "S2.14 a body that the management point keeps is served")
        started = time.monotonic()
        self.mp.process.stop()
        self.assertLess(time.monotonic() - started, 2, "S2.14 it can be stopped")
        self.database_host.plug()
        self.mp.start()
        harness.wait_until(self.is_found, "S1.19 the name again")
        harness.wait_until(lambda: self.body()[0] == 200, "S2.14 and assignments when it speaks again")
        harness.wait_until(lambda: self.server.ctl("boundary", "remove", "ad-site", "Cologne").code == 0, "S2.14 administration again")

    def the_management_point_is_off(self):
        before = self.counted()
        self.mp.process.kill()
        self.server.ctl_ok("advertise", "add", "PS120002", "--package", PACKAGE, "--program", "setup", "--to", "all")
        self.assertEqual(len(self.server.rows("advertise", "list")), 1, "S2.15 advertisements can be made")
        self.assertEqual((self.body()[0], self.client.status(20)[0]), (0, 0), "S2.15 and not received; the client keeps what it has to say")
        self.find_dp("S2.15 no location", code=3)
        self.assertEqual([row["mp"] for row in self.server.rows("mp", "list") if row["default"]], [MP1], "S1.24 nobody takes its place")
        self.mp.start()
        self.assertEqual(self.client.status(20)[0], 200, "S2.15 the client hands over what it has kept")
        harness.wait_until(lambda: self.counted() == before + 1, "S2.15 and the site server gets it")
        self.assertEqual(self.advertised(), ["PS120002"], "S1.14 S2.15 and the client what was advertised meanwhile")
        harness.wait_until(self.is_found, "S1.19 the name again")
        self.server.ctl_ok("advertise", "remove", "PS120002")

    def the_distribution_point_is_off(self):
        self.dp.process.stop()
        url = self.find_dp("S2.16 the management point names it")
        self.assertEqual(get(url + "setup.exe")[0], 0, "S2.16 nothing can be fetched from it")
        self.assertEqual((self.body()[0], self.client.status(30)[0]), (200, 200), "S2.16 policy and reports are not touched")
        self.assertEqual(self.server.ctl("boundary", "add", "ad-site", "Bonn").code, 0, "S2.16 nor is administration")
        self.dp.start()
        self.assertEqual(get(url + "setup.exe")[0], 200, "S2.16 S2.10 and serves again")


class WithDirectory(SiteCase):
    """A directory on a host of its own; a second distribution point and the server locator point share another."""

    DP2 = "dp2.example.org"

    def setUp(self):
        super().setUp()
        self.fill()
        place = self.wire.host("dir", 7)
        self.directory = lab.Directory(self, suffix="dc=example,dc=org", address=place.address, command=place.command, port=389)
        self.uri = "ldap://dir.example.org/dc=example,dc=org"
        self.second = Machine(self, self.wire, "dp2", 8, "dp,slp", ["--dp-name", self.DP2])
        for words in (["dp", "add", self.DP2], ["slp-role", "add", self.DP2], ["cap", "add", "cap1.example.org"],
                      ["target", "add", self.uri, *self.directory.credentials]):
            self.server.ctl_ok(*words)
        self.addCleanup(self._stop_all)     # as above
        for machine in (self.mp, self.dp, self.second):
            machine.start()
        self.server.ctl_ok("package", "add", PACKAGE, "--version", "3", "--on", DP1, self.DP2, "--dir", self.source)
        self.server.ctl_ok("publish", "--apply")

    def ask(self, *words, source=None, code=0):
        found = lab.find(*words, "--source", source or self.uri)
        self.assertEqual(found.code, code, str(found))
        return found

    def test_S1_15_S1_16_S1_21_through_the_directory(self):
        """S1.07 S1.15 S1.16 S1.21 published over the wire, and found by who asks the directory and the management point that it names, on their hosts"""
        inside = ["--as-client", hosts.WE + "/24"]
        found = self.ask("mp", "--site", "PS1").answer
        self.assertEqual((found["mp"], found["address"], found["source"]), (MP1, self.mp.address, self.uri), "S1.07 S1.21")
        found = self.ask("site", *inside).answer
        self.assertEqual((found["site"], found["assigned_by"], found["mp"]), ("PS1", "subnet", MP1), "S2.01")
        harness.wait_until(lambda: self.server.ctl("package", "status", PACKAGE).code == 0, "S2.09 the content on both distribution points")
        rows = self.ask("dp", "--site", "PS1", "--package", PACKAGE, "--report", "400", "--seed", "7", *inside).answer
        self.assertEqual({row["url"] for row in rows}, {"http://%s/SMS_DP_SMSPKG$/%s.3/" % (host, PACKAGE) for host in (DP1, self.DP2)}, "S1.15")
        self.assertTrue(all(150 < row["chosen"] < 250 for row in rows), "S1.16 by chance: %s" % rows)
        self.one_distribution_point_has_it_no_more(inside)
        self.legacy_clients_have_client_access_points()
        self.the_client_looks_for_advertisements()
        self.a_machine_with_two_roles_is_off()
        self.there_is_one_of_each()
        self.the_directory_is_off()
        self.a_site_below_is_found()

    def one_distribution_point_has_it_no_more(self, inside):
        self.server.ctl_ok("package", "remove", PACKAGE)
        self.server.ctl_ok("package", "add", PACKAGE, "--version", "4", "--on", self.DP2, "--dir", self.source)
        harness.wait_until(lambda: self.server.ctl("package", "status", PACKAGE).code == 0, "S2.09 the content of the new version")
        rows = self.ask("dp", "--site", "PS1", "--package", PACKAGE, "--report", "9", *inside).answer
        self.assertEqual([row["url"] for row in rows], ["http://%s/SMS_DP_SMSPKG$/%s.4/" % (self.DP2, PACKAGE)], "S1.16 only who has it")
        self.assertEqual(hashlib.sha256(get(rows[0]["url"] + "setup.exe")[1]).digest(), hashlib.sha256(self.octets).digest())

    def legacy_clients_have_client_access_points(self):
        legacy = ["mp", "--site", "PS1", "--client-type", "legacy"]
        found = self.ask(*legacy, source="slp+http://dp2.example.org")
        self.assertEqual((found.answer["caps"], "mp1" in found.out), (["cap1.example.org"], False), "S1.09 CAPs and never a management point")
        self.ask(*legacy, code=2)
        role, = self.directory.published("mSSMSServerLocatorPoint")
        self.assertEqual(role["mssmsmpname"], [self.DP2], "S1.09 where the server locator point is")

    def the_client_looks_for_advertisements(self):
        self.client = clients.Client((MP1, 80))
        self.assertEqual(self.client.register()[0], 200)
        for number, to in enumerate((["all"], [self.client.smsid], ["pc2"]), 1):
            self.server.ctl_ok("advertise", "add", "PS12000%d" % number, "--package", PACKAGE, "--program", "setup", "--to", *to)
        harness.wait_until(lambda: self.body()[0] == 200, "S1.10 policy for the client")
        self.assertEqual(sorted(self.advertised()), ["PS120001", "PS120002"], "S1.14 those targeted at it, from its management point")

    def a_machine_with_two_roles_is_off(self):
        questions = [(self.DP2, "/SMS_DP_SMSPKG$/%s.4/empty" % PACKAGE), (self.DP2, "/SMS_SLP/slp.dll?site&sc=PS1"), (MP1, "/SMS_MP/.sms_aut?MPLIST")]
        self.assertEqual([get(*question)[0] for question in questions], [200, 200, 200])
        self.second.process.kill()
        self.assertEqual([get(*question)[0] for question in questions], [0, 0, 200], "S2.11 both of its roles, and no other")
        self.second.start()
        self.assertEqual([get(*question)[0] for question in questions], [200, 200, 200])

    def there_is_one_of_each(self):
        ctl = self.server.ctl
        refused = self.mp.host.command([harness.program("sited"), "--db", self.database.uri("site"), "--role", "server", "--state", self.mp.state,
                                        "--control", self.path("other.sock")])
        self.assertEqual(harness.run(refused).code, 7, "S2.02 a site server on another host")
        self.assertEqual([ctl("role", "add", MP1, role).code for role in ("database", "server", "fsp", "sup")], [2, 2, 0, 0], "S2.04 S2.07")
        self.server.ctl_ok("mp", "add", "mp2.example.org", "--address", "10.77.0.5")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            codes = list(pool.map(lambda host: ctl("mp", "designate", host).code, ["mp2.example.org", MP1] * 4))
        self.assertEqual((set(codes), [row["default"] for row in self.server.rows("mp", "list")].count(True)), ({0}, 1), "S1.08 S2.05")
        self.server.ctl_ok("mp", "designate", MP1)
        self.server.ctl_ok("publish", "--apply")
        shown = {mp["mssmsmpname"][0]: mp["mssmsdefaultmp"][0] for mp in self.directory.published("mSSMSManagementPoint")}
        self.assertEqual(shown, {MP1: "TRUE", "mp2.example.org": "FALSE"}, "S1.20")
        self.server.ctl_ok("mp", "designate", "--none")
        self.assertIn("no-default-mp", [row["rule"] for row in ctl("check", "--json").answer], "S1.04")
        self.server.ctl_ok("mp", "designate", MP1)
        self.server.ctl_ok("mp", "remove", "mp2.example.org")
        harness.wait_until(self.is_found, "S1.19 the name, which was released meanwhile")

    def a_site_below_is_found(self):
        self.run_ok([harness.program("sitectl"), "--db", self.database.uri("site"), "init", "SEC", "--domain", "example.org", "--server",
                     "server.example.org", "--database", "db.example.org", "--state", self.server.state])
        for words in (["site", "set", "SEC", "--kind", "secondary", "--parent", "PS1"], ["mp", "add", "mps.example.org", "--address", "10.77.0.9", "--site", "SEC"],
                      ["mp", "designate", "mps.example.org", "--site", "SEC"]):
            self.server.ctl_ok(*words)
        harness.wait_until(lambda: b'FQDN="mps.example.org" SiteCode="SEC"' in get(MP1, "/SMS_MP/.sms_aut?MPLIST1&SEC")[1], "S1.27 across sites")
        self.assertEqual([(row["site"], row["parent"]) for row in self.server.rows("site", "list")], [("PS1", None), ("SEC", "PS1")], "S1.27")

    def the_directory_is_off(self):
        self.directory.stop()
        self.ask("mp", "--site", "PS1", code=3)
        found = lab.find("mp", "--site", "PS1", "--source", self.uri, "--source", REGISTRY)
        self.assertEqual((found.code, found.answer and found.answer["source"]), (0, REGISTRY), "S2.12 the registry is another thing")
        self.server.ctl_ok("boundary", "add", "ad-site", "Berlin")
        harness.wait_until(lambda: any(row["rule"] == "target-failed" for row in self.server.ctl("check", "--json").answer), "X04 who cannot be reached")
        self.directory.start()
        self.server.ctl_ok("publish", "--apply")
        sites, = self.directory.published("mSSMSSite")
        self.assertIn("Berlin", sites["mssmsroamingboundaries"], "and is told what it missed")


class TwoManagementPoints(SiteCase):
    """A second management point on a host of its own, and a replicated copy of the database on another."""

    VIP = "10.77.0.100"

    def setUp(self):
        super().setUp()
        self.mps = [self.mp, Machine(self, self.wire, "mp2", 5, "mp", ["--nbt-address", "10.77.0.5"])]
        self.replica = postgres.Standby(self.path("standby"), self.database, **self.place(self.wire.host("replica", 6)))
        self.addCleanup(self.replica.stop)
        self.wire.name("nlb", self.VIP)
        for machine in self.mps:
            machine.more += ["--http", self.VIP, "--nbt-address", self.VIP]
            machine.host.run_ok("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_nonlocal_bind")
            self.server.ctl_ok("mp", "add", machine.host.fqdn, "--address", machine.address)
        self.addCleanup(self._stop_all)     # as above, for the hosts that came since
        self.server.ctl_ok("boundary", "add", "subnet", hosts.NETWORK)
        self.server.ctl_ok("target", "add", REGISTRY)

    def test_S1_05_S1_06_S1_22_more_than_one(self):
        """S1.05 S1.06 S1.22 S1.23 a cluster on two machines, each with a key of its own; a management point on a replicated copy"""
        self.mps[0].start()
        self.mps[1].start("--replica", self.replica.uri("site"))
        self.the_address_of_a_cluster_moves()
        self.one_reads_a_replicated_copy()

    def give_address(self, machine):
        for other in self.mps:
            if other is not machine:
                harness.run(other.host.command(["ip", "addr", "del", self.VIP + "/24", "dev", "eth0"]))
        machine.host.run_ok("ip", "addr", "add", self.VIP + "/24", "dev", "eth0")
        for host in (["ip"], self.server.host.command(["ip"])):     # what a load balancer does by a gratuitous ARP
            self.run_ok(list(host) + ["neigh", "flush", "all"])

    def signing_key(self):
        status, body = get("nlb.example.org", "/SMS_MP/.sms_aut?MPKEYINFORMATION")
        found = re.search(rb"<FQDN>nlb.example.org</FQDN>.*<SIGNINGKEY>([0-9A-F]+)<", body)
        return status == 200 and found and found.group(1)

    def names(self, machine):
        return {name.split()[3] for name in machine.rows("status")["names"]}

    def check_cluster(self, machine, client):
        harness.wait_until(lambda: self.registry.addresses("NLB_PS1#1A") == [self.VIP], "S1.06 S1.22 the name of the cluster")
        harness.wait_until(lambda: self.names(machine) == {"registered"}, "S1.22 registered by the member that has the address")
        key = harness.wait_until(self.signing_key, "the certificate of the cluster")
        found = lab.find("mp", "--site", "PS1", "--source", REGISTRY, "--trusted-root-key", self.path("root.pem"))
        self.assertEqual((found.code, found.answer["address"], found.answer["trust"]), (0, self.VIP, "proven"), str(found))
        before = len(self.server.rows("report", "list"))
        self.assertEqual((client.register()[0], client.status()[0]), (200, 200), "S1.22 the cluster takes reports")
        harness.wait_until(lambda: len(self.server.rows("report", "list")) == before + 1, "S1.18 signed with the member's own key")
        return key

    def the_address_of_a_cluster_moves(self):
        ctl = self.server.ctl_ok
        ctl("key", "export", self.path("root.pem"))
        ctl("mp", "add", "nlb.example.org", "--address", self.VIP)
        ctl("mp", "set", "nlb.example.org", "--kind", "nlb", "--members", MP1 + ",mp2.example.org")
        ctl("mp", "designate", "--vip")
        self.give_address(self.mps[0])
        client = clients.Client((self.VIP, 80))
        first = self.check_cluster(self.mps[0], client)
        harness.wait_until(lambda: self.names(self.mps[1]) == {"elsewhere"}, "S1.22 the other member waits: %s" % self.mps[1].rows("status")["names"], timeout_s=4)
        self.give_address(self.mps[1])
        self.assertNotEqual(self.check_cluster(self.mps[1], client), first, "each member has a key of its own")
        self.mps[0].process.stop()
        self.assertEqual(self.registry.addresses("NLB_PS1#1A"), [self.VIP], "S1.22 who has not the address does not take the name away")
        self.assertEqual(client.status(2)[0], 200, "S1.06 one of the members is enough")
        self.mps[0].start()

    def one_reads_a_replicated_copy(self):
        ctl = self.server.ctl_ok
        self.assertEqual(self.server.rows("mp", "designate", MP1)["clients"], 1, "X17 how many clients it touches")
        for machine in self.mps:
            ctl("mp", "set", machine.host.fqdn, "--data", "replica")
        harness.wait_until(lambda: " no-replica " in self.mps[0].process.log(), "S1.05 one that has none says so")
        self.assertNotIn(" no-replica ", self.mps[1].process.log())
        ctl("mp", "set", MP1, "--data", "site")
        self.replica.catch_up()
        harness.wait_until(lambda: get("mp2.example.org", "/SMS_MP/.sms_aut?MPLIST")[0] == 200, "S1.05 the copy is read")
        self.database.stop(postgres.signal.SIGQUIT)
        self.assertEqual(get(MP1, "/SMS_MP/.sms_aut?MPLIST")[0], 500, "S1.05 S2.14 who reads the database itself")
        status, listed = get("mp2.example.org", "/SMS_MP/.sms_aut?MPLIST")
        self.assertEqual((status, listed.count(b"FQDN=")), (200, 3), "S1.05 who reads the copy")
        self.database.start()
        harness.wait_until(lambda: self.server.ctl("mp", "set", "mp2.example.org", "--data", "site").code == 0, "S2.14 administration again")
        self.assertEqual(get("mp2.example.org", "/SMS_MP/.sms_aut?MPLIST")[0], 200, "S1.05 and back")


if __name__ == "__main__":
    harness.need_namespace("-rnm")
    harness.main()
