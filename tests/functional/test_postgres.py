"""The site database on PostgreSQL: the tests of the other engine once more, a server that crashes, and a standby (S1.05)."""

import http.client
import os
import subprocess
import sys
import xml.etree.ElementTree

import harness
import lab
import postgres

HERE = os.path.dirname(os.path.abspath(__file__))
ADDRESS = "127.0.0.12"


class WithServer(harness.Case):

    def setUp(self):
        super().setUp()
        self.server = postgres.Postgres(self.path("pg"))
        self.addCleanup(self.server.stop)
        self.base = "postgresql://site@127.0.0.1:%d" % self.server.port

    def mp_list(self, port):
        """The status of MPLIST and the host names in it."""
        one = http.client.HTTPConnection(ADDRESS, port, timeout=20)
        self.addCleanup(one.close)
        one.request("GET", "/SMS_MP/.sms_aut?MPLIST")
        got = one.getresponse()
        body = got.read()
        return got.status, [mp.get("FQDN") for mp in xml.etree.ElementTree.fromstring(body)] if got.status == 200 else []


class SameTests(WithServer):

    def test_the_tests_of_the_file_engine(self):
        """every test of the store, the management point, the verbs and the content passes on PostgreSQL too"""
        env = dict(os.environ, SL_SITE_SERVER=self.base)
        units = [[os.path.join(harness.BUILDDIR, "tests/unit", name)] for name in ("test-flow", "test-site-store", "test-mp")]
        files = [[sys.executable, os.path.join(HERE, "test_site.py")], [sys.executable, os.path.join(HERE, "test_slp_role.py"), "Locating"],
                 [sys.executable, os.path.join(HERE, "test_reports.py"), "Upward", "Away", "Proxy"],
                 [sys.executable, os.path.join(HERE, "test_site_policy.py")], [sys.executable, os.path.join(HERE, "test_site_database.py")],
                 [sys.executable, os.path.join(HERE, "test_hierarchy.py"), "Hierarchy.test_S1_25_a_change_is_told_at_once", "Hierarchy.test_S1_15_packages_flow_down",
                  "Hierarchy.test_S1_27_clients_roam_into_a_site_with_a_database_of_its_own"],
                 [sys.executable, os.path.join(HERE, "test_check.py")],
                 [sys.executable, os.path.join(HERE, "test_fetching.py"), "Fetching.test_S2_09_damage_is_found_out_of_service_and_mended",
                  "Fetching.test_S2_09_progress_of_a_long_fetch"],
                 [sys.executable, os.path.join(HERE, "test_packages.py"), "Packages.test_files_come_back_octet_for_octet"]]
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
