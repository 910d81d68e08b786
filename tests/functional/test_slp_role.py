"""The server locator point of a site and its client access points: sited --role slp, asked by the locator and by hand."""

import http.client
import os
import xml.etree.ElementTree

import harness
import lab
import postgres

ADDRESS = "127.0.0.14"
MP1, MP2 = "mp1.example.org", "mp2.example.org"
PATH = "/SMS_SLP/slp.dll"


class PointCase(harness.Case):

    more = ()

    def setUp(self):
        super().setUp()
        self.port = harness.free_port([ADDRESS])
        self.host = "%s:%d" % (ADDRESS, self.port)
        self.uri = "slp+http://" + self.host
        self.site = lab.Site(self, http=[], roles="server")
        self.point = self.start_point()

    def start_point(self):
        return self.site.start_host("slp", [self.host], [], self.path("slp.sock"), more=list(self.more))

    def ask(self, query, path=PATH):
        one = http.client.HTTPConnection(ADDRESS, self.port, timeout=20)
        self.addCleanup(one.close)
        one.request("GET", path + query)
        got = one.getresponse()
        return got.status, got.read()

    def sites(self, query):
        """(code, how it was found, host of the MP, CAPs) of each site in the answer."""
        status, body = self.ask(query)
        self.assertEqual(status, 200, body)
        return [(site.get("SiteCode"), site.get("AssignedBy"), [mp.get("Name") for mp in site.iter("MP")], [cap.get("Name") for cap in site.iter("CAP")])
                for site in xml.etree.ElementTree.fromstring(body)]

    def find(self, what, *words, code=0, source=None):
        done = lab.find(what, "--source", source or self.uri, "--timeout", "5s", *words)
        self.assertEqual(done.code, code, str(done))
        return done

    def second_site(self):
        """PS2 in the same database, the one with an AD site and a range."""
        self.run_ok([harness.program("sitectl"), "--db", self.site.db, "init", "PS2", "--domain", "example.org", "--server", "s2.example.org",
                     *self.site.state])
        for kind, value in (("ad-site", "Berlin (Mitte)"), ("range", "10.1.5.0-10.1.5.99"), ("ipv6-prefix", "2001:db8::/32")):
            self.site.ctl_ok("boundary", "add", kind, value, "--site", "PS2")


class Locating(PointCase):

    def setUp(self):
        super().setUp()
        lab.fill(self.site, 8080)
        self.site.ctl_ok("boundary", "add", "subnet", "10.1.0.0/16")

    def test_S1_09_legacy_clients_get_client_access_points(self):
        """S1.09 client type legacy gets the CAPs of its site and never its MP; without any it finds nothing"""
        done = self.find("mp", "--site", "PS1", "--client-type", "legacy", code=1)
        self.assertEqual(done.json["reason"], "not-found")
        for host in ("cap2.example.org", "cap1.example.org"):
            self.site.ctl_ok("cap", "add", host)
        self.assertEqual(self.site.ctl_ok("cap", "add", "CAP1.example.org", "--json").answer["change"], "unchanged")
        done = self.find("mp", "--site", "PS1", "--client-type", "legacy")
        self.assertEqual(done.answer["caps"], ["cap1.example.org", "cap2.example.org"])
        self.assertNotIn("mp1", done.out)
        done = self.find("mp", "--as-client", "10.1.2.3/16", "--client-type", "legacy", "--site", "PS1")
        self.assertEqual(done.answer["caps"], ["cap1.example.org", "cap2.example.org"])
        self.site.ctl_ok("cap", "remove", "cap1.example.org")
        self.assertEqual([row["cap"] for row in self.site.ctl_ok("cap", "list", "--json").answer], ["cap2.example.org"])
        self.assertEqual(self.find("mp", "--site", "PS1", "--client-type", "legacy").answer["caps"], ["cap2.example.org"])
        self.site.ctl_ok("cap", "add", "not a host", code=2)

    def test_default_mp_of_a_site(self):
        """P12 Q5 S1.08 the default MP with its port, another one once it is designated; S1.26 none when none is"""
        done = self.find("mp", "--site", "ps1")
        self.assertEqual([done.answer[key] for key in ("mp", "address", "port", "version")], [MP1, "127.0.0.11", 8080, "6487"])
        self.site.ctl_ok("mp", "designate", MP2)
        self.assertEqual(self.find("mp", "--site", "PS1").answer["mp"], MP2)
        self.site.ctl_ok("mp", "designate", "--none")
        self.assertEqual(self.find("mp", "--site", "PS1", code=1).json["reason"], "no-default-mp")
        self.assertEqual(self.find("mp", "--site", "PS9", code=1).json["reason"], "not-found")

    def test_site_of_a_client(self):
        """P13 Q5 by AD site, subnet, prefix and range, the surest first, for every site of the hierarchy; outside of all none"""
        self.second_site()
        for words, site, by in ((["--as-client", "10.1.2.3/16"], "PS1", "subnet"), (["--as-client", "2001:db8::5/64"], "PS2", "subnet"),
                                (["--ad-site", "berlin (mitte)", "--as-client", "10.1.2.3/16"], "PS2", "ad-site")):
            done = self.find("site", *words)
            self.assertEqual((done.answer["site"], done.answer["assigned_by"]), (site, by), str(done))
        self.assertEqual(self.sites("?site&ip=10.1.5.7/24"), [("PS1", "subnet", [MP1], []), ("PS2", "range", [], [])])
        self.assertEqual(self.sites("?site&ip=10.1.5.7&ad=Berlin%20(Mitte)"), [("PS2", "ad-site", [], []), ("PS1", "subnet", [MP1], [])])
        self.assertEqual(self.sites("?site&ip=10.9.9.9/24"), [])
        self.assertEqual(self.find("site", "--as-client", "10.9.9.9/24", code=1).json["reason"], "not-found")

    def test_a_secondary_site_assigns_to_its_parent(self):
        """B8 a client in a secondary site is assigned to its parent and gets the parent's MP; asked by code the site has its own"""
        self.run_ok([harness.program("sitectl"), "--db", self.site.db, "init", "SEC", "--domain", "example.org", "--server", "s3.example.org",
                     *self.site.state])
        self.site.ctl_ok("site", "set", "SEC", "--kind", "secondary", "--parent", "PS1")
        self.site.ctl_ok("boundary", "add", "subnet", "10.3.0.0/16", "--site", "SEC")
        self.site.ctl_ok("mp", "add", "proxy.example.org", "--address", "127.0.0.30", "--site", "SEC")
        self.site.ctl_ok("mp", "designate", "proxy.example.org", "--site", "SEC")
        found = self.find("site", "--as-client", "10.3.0.7/16").answer
        self.assertEqual((found["site"], found["assigned_by"], found["mp"]), ("PS1", "subnet", MP1))
        self.assertEqual(self.find("mp", "--site", "SEC").answer["mp"], "proxy.example.org")

    def test_questions_that_are_none(self):
        """X02 what asks for nothing or is no address is 400, another path 404, another method 405; hostile text finds nothing"""
        for query in ("", "?", "?site", "?sc=PS1", "?site&ip=", "?site&ip=10.1.2.3.4", "?site&ip=10.1.2.3/33", "?site&sc=",
                      "?site" + "&ip=10.1.2.3" * 17):
            self.assertEqual(self.ask(query)[0], 400, query)
        self.assertEqual(self.ask("?site&sc=PS1", "/sms_slp/SLP.DLL")[0], 200)
        self.assertEqual(self.ask("?site&sc=PS1", "/SMS_SLP/other")[0], 404)
        for query in ("?site&sc=x'%20OR%20'1'='1", "?site&ad=x'%20OR%20'1'='1", "?site&sc=PS11", "?site&sc=%C3%A4"):
            self.assertEqual(self.sites(query), [], query)
        self.assertEqual(self.sites("?SITE&SC=ps1&colour=red")[0][0], "PS1")

    def test_alone(self):
        """the role serves without the site server, and starts and stops without anybody noticing"""
        self.site.process.stop()
        self.assertEqual(self.find("mp", "--site", "PS1").answer["mp"], MP1)
        self.point.stop()
        self.assertEqual(self.find("mp", "--site", "PS1", code=3).json["reason"], "could-not-ask")
        self.start_point()
        self.assertEqual(self.find("mp", "--site", "PS1").answer["mp"], MP1)

    def test_S2_14_a_database_that_goes_away_and_comes_back(self):
        """S2.14 without the database the server locator point cannot answer (500), and does by itself when it is back"""
        if lab.SITE_SERVER:
            return  # DatabaseServer stops the server itself
        os.rename(self.site.db, self.site.db + ".away")
        self.assertEqual(self.ask("?site&sc=PS1")[0], 500)
        self.assertEqual(self.find("mp", "--site", "PS1", code=3).json["reason"], "could-not-ask")
        os.rename(self.site.db + ".away", self.site.db)
        self.assertEqual(self.find("mp", "--site", "PS1").answer["mp"], MP1)


class AnotherPath(PointCase):

    more = ("--slp-path", "/other/place")

    def test_another_path(self):
        """Q5 the path is configurable"""
        lab.fill(self.site)
        self.assertEqual(self.ask("?site&sc=PS1")[0], 404)
        self.assertEqual(self.find("mp", "--site", "PS1", source=self.uri + "/other/place").answer["mp"], MP1)
        for bad in ("other", "/a b", "/a?b", "/a*"):
            done = harness.run([harness.program("sited"), "--role", "slp", "--check-config", "--slp-path", bad])
            self.assertEqual((done.code, "--slp-path" in done.err), (2, True), str(done))


class Registered(harness.Case):

    def test_its_name_in_the_registry(self):
        """P03 a host with this role alone registers SMS_SLP#1A where a registry was told so, and releases it at the end"""
        nbt_port = harness.free_port([ADDRESS, lab.REGISTRY_ADDRESS])
        registry = lab.Registry(self, nbt_port)
        site = lab.Site(self, nbt_port=nbt_port, roles="server")
        lab.fill(site, targets=[[registry.uri, "--slp", ADDRESS]])
        point = site.start_host("slp", ["%s:%d" % (ADDRESS, harness.free_port([ADDRESS]))], [ADDRESS], self.path("slp.sock"))
        harness.wait_until(lambda: registry.addresses("SMS_SLP#1A") == [ADDRESS], "the name registered")
        self.assertEqual(registry.addresses("MP_PS1#1A"), [])
        point.stop()
        self.assertEqual(registry.addresses("SMS_SLP#1A"), [])


class Published(harness.Case):

    def test_the_one_of_a_hierarchy_in_the_directory(self):
        """P01 the server locator point of the hierarchy is published, is found as such, is no second one, and goes again"""
        site = lab.Site(self, roles="server")
        directory = lab.Directory(self)
        site.ctl_ok("target", "add", directory.uri_base, *directory.credentials)
        site.ctl_ok("slp-role", "add", "slp1.example.org")
        self.assertEqual(site.ctl_ok("slp-role", "add", "SLP1.example.org", "--json").answer["change"], "unchanged")
        self.assertIn("slp1.example.org in site PS1", site.ctl_ok("slp-role", "add", "slp2.example.org", code=7).err)
        self.run_ok([harness.program("sitectl"), "--db", site.db, "init", "PS2", "--domain", "example.org", "--server", "s2.example.org", *site.state])
        site.ctl_ok("slp-role", "add", "slp1.example.org", "--site", "PS2", code=7)
        site.ctl_ok("publish", "--apply", "--site", "PS1")
        [entry] = directory.published("mSSMSServerLocatorPoint")
        self.assertEqual([entry[name.lower()] for name in ("cn", "mSSMSSiteCode", "mSSMSMPName", "dNSHostName", "mSSMSSourceForest")],
                         [["SMS-SLP-PS1-SLP1.EXAMPLE.ORG"], ["PS1"], ["slp1.example.org"], ["slp1.example.org"], ["example.org"]])
        [found] = self.run_ok([harness.program("locator"), "find", "slp-role", "--source", directory.uri_base, "--json"]).answer
        self.assertEqual((found["site"], found["host"]), ("PS1", "slp1.example.org"))
        site.ctl_ok("publish", "--diff", "--site", "PS1")
        site.ctl_ok("slp-role", "remove", "slp1.example.org", "--site", "PS1")
        site.ctl_ok("publish", "--apply", "--site", "PS1")
        self.assertEqual(directory.published("mSSMSServerLocatorPoint"), [])


class DatabaseServer(harness.Case):

    def test_S2_14_roles_start_without_their_database(self):
        """S2.14 PostgreSQL is down when they start: mp, dp and slp start, answer 500, and serve by themselves when it is back"""
        server = postgres.Postgres(self.path("pg"))
        self.addCleanup(server.stop)
        lab.SITE_SERVER = "postgresql://site@127.0.0.1:%d" % server.port
        self.addCleanup(setattr, lab, "SITE_SERVER", None)
        port = harness.free_port([ADDRESS])
        host, control = "%s:%d" % (ADDRESS, port), self.path("roles.sock")
        site = lab.Site(self, roles="server")
        lab.fill(site)
        site.process.stop()
        server.stop(postgres.signal.SIGQUIT)
        self.start([harness.program("sited"), "--db", site.db, "--role", "server,mp,dp,slp", "--http", host, "--control", control, "--content",
                    site.content, *site.state])
        paths = ("/SMS_MP/.sms_aut?MPLIST", PATH + "?site&sc=PS1", "/SMS_DP_SMSPKG$/PS100001.3/")

        def statuses():
            got = []
            for path in paths:
                one = http.client.HTTPConnection(ADDRESS, port, timeout=20)
                try:
                    one.request("GET", path)
                    got.append(one.getresponse().status)
                except OSError:
                    got.append(None)
                finally:
                    one.close()
            return got
        harness.wait_until(lambda: statuses() == [500, 500, 500], "every role answering 500")
        ctl = [harness.program("sitectl"), "--control", control]
        self.assertEqual(harness.run(ctl + ["mp", "designate", MP2]).code, 3)
        server.start()
        harness.wait_until(lambda: statuses() == [200, 200, 404], "every role serving")
        harness.wait_until(lambda: harness.run(ctl + ["mp", "designate", MP2]).code == 0, "administration")
        done = lab.find("mp", "--site", "PS1", "--source", "slp+http://" + host)
        self.assertEqual(done.answer["mp"], MP2)

    def test_a_database_that_was_never_made(self):
        """a database file that is not there at start is waited for, and the log says how to make it"""
        base, control = self.path("none.db"), self.path("s.sock")
        sited = self.start([harness.program("sited"), "--db", base, "--role", "server", "--control", control])
        harness.wait_until(lambda: "is made by: sitectl --db %s init" % base in sited.log(), "the way to make it in the log")
        ctl = [harness.program("sitectl"), "--control", control]
        harness.wait_until(lambda: harness.run(ctl + ["mp", "list"]).code == 3, "the control socket answering that nothing can be asked")
        self.run_ok([harness.program("sitectl"), "--db", base, "init", "PS1", "--domain", "example.org", "--server", "srv.example.org"])
        harness.wait_until(lambda: harness.run(ctl + ["mp", "list"]).code == 0, "administration")


harness.main()
