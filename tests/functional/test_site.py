"""The site through its front doors: sitectl's verbs, the management point's HTTP, and several sited on one database."""

import http.client
import os
import re
import threading
import xml.etree.ElementTree

import harness
import lab
from ccm import envelope, open_envelope

ADDRESS = "127.0.0.11"
MP1, MP2 = "mp1.example.org", "mp2.example.org"


class SiteCase(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port([ADDRESS])
        self.site = lab.Site(self, http=["%s:%d" % (ADDRESS, self.port)], addresses=[], roles="server,mp,dp")

    def rows(self, *words):
        return self.site.ctl_ok(*words, "--json").answer

    def defaults(self):
        return [row["mp"] for row in self.rows("mp", "list") if row["default"]]

    def ask(self, method, path, body=b"", headers=(), port=None):
        one = http.client.HTTPConnection(ADDRESS, port or self.port, timeout=10)
        try:
            one.request(method, path, body, dict(headers))
            got = one.getresponse()
            return got.status, got.headers.get("Content-Type"), got.read()
        finally:
            one.close()

    def mp_list(self, query="MPLIST", port=None):
        status, kind, body = self.ask("GET", "/SMS_MP/.sms_aut?" + query, port=port)
        self.assertEqual((status, kind.split(";")[0]), (200, "text/xml"), body)
        return xml.etree.ElementTree.fromstring(body)


class Verbs(SiteCase):

    ADDED = [
        (["mp", "add", MP1, "--address", "127.0.0.11"], ["mp", "add", MP1, "--address", "127.0.0.19"], ["mp", "remove", MP1]),
        (["dp", "add", "dp1.example.org"], ["dp", "add", "dp1.example.org", "--url", "http://x/"], ["dp", "remove", "dp1.example.org"]),
        (["boundary", "add", "subnet", "10.1.0.0/16"], None, ["boundary", "remove", "subnet", "10.1.0.0/16"]),
        (["boundary", "add", "range", "10.2.0.1-10.2.0.9"], None, ["boundary", "remove", "range", "10.2.0.1-10.2.0.9"]),
        (["boundary", "add", "ad-site", "Berlin Mitte"], None, ["boundary", "remove", "ad-site", "Berlin Mitte"]),
        (["target", "add", "ldap://127.0.0.1:1"], ["target", "add", "ldap://127.0.0.1:1", "--base", "dc=x"],
         ["target", "remove", "ldap://127.0.0.1:1"]),
    ]

    def test_adding_the_same_is_fine_something_else_a_conflict(self):
        """Every kind of thing: added, unchanged, conflict, listed, removed"""
        for add, other, remove in self.ADDED:
            with self.subTest(" ".join(add)):
                before = self.rows(add[0], "list")
                self.assertEqual(self.rows(*add)["change"], "added")
                self.assertEqual(self.rows(*add)["change"], "unchanged")
                self.assertEqual(len(self.rows(add[0], "list")), len(before) + 1)
                if other:
                    self.site.ctl_ok(*other, code=7)
                self.assertEqual(self.rows(*remove)["change"], "removed")
                self.assertEqual(self.rows(*remove)["change"], "unchanged")
                self.assertEqual(self.rows(add[0], "list"), before)

    def test_packages_need_known_distribution_points(self):
        """S2.08 a package is on at least one distribution point of the site"""
        self.site.ctl_ok("package", "add", "PS100001", "--version", "3", code=2)
        self.site.ctl_ok("package", "add", "PS100001", "--version", "3", "--on", "dp1.example.org", code=2)
        for dp in lab.DPS:
            self.site.ctl_ok("dp", "add", dp)
        self.site.ctl_ok("package", "add", "PS100001", "--version", "3", "--on", *lab.DPS)
        self.assertEqual(self.rows("package", "list"), [{"package": "PS100001", "version": 3, "dps": list(lab.DPS), "source": "PS1", "told": None}])
        self.site.ctl_ok("package", "add", "PS100001", "--version", "4", "--on", *lab.DPS, code=7)
        self.site.ctl_ok("dp", "remove", lab.DPS[0], code=7)

    def test_designating(self):
        """S1.08 S1.25 S1.26 one verb moves the default; none is possible; the default cannot be removed"""
        lab.fill(self.site, default=None)
        self.assertEqual(self.defaults(), [])
        self.assertIn("no default management point", self.site.ctl_ok("status").err)
        self.assertEqual(self.rows("mp", "designate", MP1), {"site": "PS1", "mp": MP1, "previous": None, "clients": 0,
                                                             "undo": "sitectl mp designate --none"})
        self.assertEqual(self.rows("mp", "designate", MP2.upper())["previous"], MP1)
        self.assertEqual(self.defaults(), [MP2])
        self.site.ctl_ok("mp", "designate", "mp3.example.org", code=2)
        self.site.ctl_ok("mp", "remove", MP2, code=7)
        self.assertEqual(self.defaults(), [MP2])
        self.site.ctl_ok("mp", "designate", "--none")
        self.assertEqual(self.defaults(), [])

    def test_S1_25_the_way_back_is_told(self):
        """S1.24 S1.25 X17 a designation says how many clients it touches and what undoes it, and --diff changes nothing"""
        lab.fill(self.site, targets=[["ldif:" + self.path("out.ldif")]])
        self.site.publish()
        shown = self.site.ctl("mp", "designate", MP2, "--diff", "--json")
        self.assertEqual(shown.code, 1, str(shown))
        self.assertEqual([row["object"].split(",")[0] for row in shown.answer if row["action"] == "change"],
                         ["CN=SMS-MP-PS1-" + host.upper() for host in (MP1, MP2)])
        self.assertIn("%s instead of %s, for 0 clients; to undo: sitectl mp designate %s" % (MP2, MP1, MP1), shown.json["message"])
        self.assertEqual(self.defaults(), [MP1])
        self.assertEqual(self.site.ctl("mp", "designate", MP1, "--diff").code, 0)
        self.assertEqual([row["action"] for row in self.site.ctl("mp", "designate", "--none", "--diff", "--json").answer].count("change"), 1)
        self.site.ctl_ok("mp", "designate", "mp9.example.org", "--diff", code=2)
        self.assertEqual(self.rows("mp", "designate", MP2, "--site", "PS1")["undo"], "sitectl mp designate %s --site PS1" % MP1)
        self.assertIn("to undo: sitectl mp designate " + MP2, self.site.ctl_ok("mp", "designate", MP1, "--wait", "--json").json["message"])
        self.assertEqual(self.defaults(), [MP1])

    def test_S1_22_a_cluster_is_designated_by_its_virtual_address(self):
        """S1.06 S1.22 S1.23 members answer at the address of the cluster; one without members is refused; others are never used"""
        lab.fill(self.site, self.port)
        self.site.ctl_ok("mp", "designate", "--vip", code=2)
        self.site.ctl_ok("mp", "add", "nlb.example.org", "--address", ADDRESS, "--port", str(self.port))
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "nlb")
        self.assertIn("no members", self.site.ctl_ok("mp", "designate", "--vip", code=7).err)
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--members", MP1 + "," + MP2)
        self.site.ctl_ok("mp", "set", MP1, "--members", MP2, code=2)
        self.assertIn("member of cluster nlb.example.org", self.site.ctl_ok("mp", "set", MP1, "--kind", "nlb", code=7).err)
        self.assertEqual(self.rows("mp", "designate", "--vip")["mp"], "nlb.example.org")
        self.assertEqual([row["members"] for row in self.rows("mp", "list") if row["default"]], [[MP1, MP2]])
        self.assertEqual([mp.get("FQDN") for mp in self.mp_list()], ["nlb.example.org", MP1, MP2])
        harness.wait_until(lambda: b"nlb.example.org".hex().upper() in
                           self.ask("GET", "/SMS_MP/.sms_aut?MPCERT", headers={"Host": "nlb.example.org"})[2].decode().upper(),
                           "the certificate of the cluster at its address")
        self.site.ctl_ok("mp", "remove", MP1, code=7)
        undo = "sitectl mp set nlb.example.org --kind nlb --members %s,%s" % (MP1, MP2)
        self.assertEqual(self.rows("mp", "set", "nlb.example.org", "--members", "")["undo"], undo)
        self.assertEqual([row["members"] for row in self.rows("mp", "list") if row["kind"] == "nlb"], [[]])

    def test_S1_06_a_management_point_becomes_a_cluster_and_back(self):
        """S1.05 S1.06 X17 mp set changes kind, members and what is read in one step or not at all, and tells the way back"""
        lab.fill(self.site, self.port)

        def mp():
            return [(row["kind"], row["members"], row["data"]) for row in self.rows("mp", "list") if row["mp"] == MP1]

        for words in ([], ["--kind", "both"], ["--members", MP2], ["--kind", "single", "--members", MP2], ["--kind", "nlb", "--members", MP1],
                      ["--kind", "nlb", "--members", MP2 + ",,"], ["--kind", "nlb", "--members", "mp9.example.org", "--data", "site"]):
            self.site.ctl_ok("mp", "set", MP1, *words, code=2)
        self.assertEqual(mp(), [("single", [], "")])
        told = {"site": "PS1", "kind": "mp", "name": MP1, "change": "changed", "clients": 0, "undo": "sitectl mp set %s --kind single" % MP1}
        words = ["mp", "set", MP1, "--kind", "nlb", "--members", MP2, "--data", "site"]
        self.assertEqual(self.rows(*words), told)
        self.assertEqual(mp(), [("nlb", [MP2], "site")])
        self.assertEqual(self.rows(*words), dict(told, change="unchanged", undo=None))
        undo = self.rows("mp", "set", MP1, "--kind", "single", "--site", "PS1")["undo"]
        self.assertEqual((undo, mp()), ("sitectl mp set %s --kind nlb --members %s --site PS1" % (MP1, MP2), [("single", [], "site")]))
        self.site.ctl_ok(*undo.split()[1:])
        self.assertEqual(mp(), [("nlb", [MP2], "site")])
        self.assertIsNone(self.rows("mp", "set", MP1, "--data", "replica")["undo"])

    def test_S2_09_roles_and_hosts(self):
        """S2.02 S2.04 S2.07 S2.09 S2.11 any word is a role, a host has many, and the two that a site has once are not added"""
        lab.fill(self.site)
        for role in ("sup", "slp", "coffee-machine"):
            self.site.ctl_ok("role", "add", MP1, role)
        self.site.ctl_ok("role", "add", "other.example.org", "slp", code=7)
        self.site.ctl_ok("role", "add", "other.example.org", "sup")
        self.assertEqual(self.rows("role", "add", MP1, "sup")["change"], "unchanged")
        for role in ("server", "database", "mp", "dp", "UPPER", "no blank", ""):
            self.site.ctl_ok("role", "add", MP2, role, code=2)
        rows = self.rows("role", "list")
        self.assertEqual(sorted(row["role"] for row in rows if row["host"] == MP1), ["coffee-machine", "mp", "slp", "sup"])
        self.assertEqual([row["host"] for row in rows if row["role"] in ("server", "database")], ["server.example.org"] * 2)
        self.assertEqual({row["title"] for row in rows if row["role"] == "slp"}, {"server locator point"})
        self.assertEqual(self.rows("role", "remove", MP1, "sup")["change"], "removed")
        self.assertEqual(len(self.rows("role", "list")), len(rows) - 1)

    def test_S1_14_advertisements(self):
        """S1.14 S2.08 an advertisement is for all or for some clients, of a package that is there"""
        lab.fill(self.site)
        words = ["advertise", "add", "PS120001", "--package", lab.PACKAGE, "--program", "setup"]
        self.site.ctl_ok(*words, code=2)
        self.site.ctl_ok("advertise", "add", "PS120009", "--package", "PS100099", "--program", "x", "--to", "all", code=2)
        self.assertEqual(self.rows(*words, "--to", "pc1", "pc2")["change"], "added")
        self.assertEqual(self.rows(*words, "--to", "PC2", "pc1")["change"], "unchanged")
        self.site.ctl_ok(*words, "--to", "all", code=7)
        self.site.ctl_ok("advertise", "add", "PS120002", "--package", lab.PACKAGE, "--program", "all hands", "--to", "all")
        self.assertEqual(self.rows("advertise", "list"), [
            {"advertisement": "PS120001", "package": lab.PACKAGE, "program": "setup", "all": False, "clients": ["pc1", "pc2"]},
            {"advertisement": "PS120002", "package": lab.PACKAGE, "program": "all hands", "all": True, "clients": []}])
        self.site.ctl_ok("package", "remove", lab.PACKAGE, code=7)
        self.assertEqual(self.rows("advertise", "remove", "PS120001")["change"], "removed")

    def test_a_second_init_says_so(self):
        """A code that is taken is a conflict, another one a second site; then --site decides"""
        init = [harness.program("sitectl"), "--db", self.site.db, "init"]
        more = ["--domain", "example.org", "--server", "s.example.org"] + self.site.state
        self.assertIn("PS1 exists already", self.run_ok(init + ["PS1"] + more, code=7).err)
        self.run_ok(init + ["ps2"] + more, code=2)
        self.site.ctl_ok("mp", "add", MP1, "--address", "127.0.0.11")
        self.run_ok(init + ["PS2"] + more)
        self.assertIn("PS1, PS2", self.site.ctl_ok("mp", "list", code=2).err)
        self.assertEqual(len(self.rows("mp", "list", "--site", "PS1")), 1)
        self.assertEqual(self.rows("mp", "list", "--site", "PS2"), [])
        self.site.ctl_ok("mp", "list", "--site", "PS3", code=2)

    def test_password_files_become_absolute(self):
        """The site server finds the file wherever sitectl was called; the secret itself is not stored"""
        self.write("password", "secret-word\n")
        self.site.ctl_ok("target", "add", "ldap://127.0.0.1:1", "--bind-dn", "cn=x", "--password-file", "password", cwd=self.folder)
        row = self.rows("target", "list")[0]
        self.assertEqual(os.path.realpath(row["password_file"]), os.path.realpath(self.path("password")))
        self.assertNotIn("secret-word", self.site.ctl_ok("target", "list", "--json").out)

    def test_targets_that_could_never_work_are_refused(self):
        """a bad URI is usage when it is added, not a failure of each publication"""
        for uri in ("http://h", "ldap://", "ldap://h:99999", "ldap://h/notadn", "wins://", "wins://h:0", "wins://[::1]"):
            self.assertIn(uri, self.site.ctl_ok("target", "add", uri, code=2).err)
        self.site.ctl_ok("target", "add", "ldap://h", "--base", "dc=x,", code=2)
        self.assertEqual(self.rows("target", "list"), [])

    def test_S2_13_no_administration_without_the_site_server(self):
        """S2.13 with the site server down nothing can be changed"""
        self.site.process.stop()
        for words in (["mp", "add", MP1, "--address", "127.0.0.11"], ["mp", "designate", MP1], ["publish", "--apply"], ["status"]):
            self.site.ctl_ok(*words, code=3)


class ManagementPoint(SiteCase):

    REQUEST = ('<ContentLocationRequest SchemaVersion="1.0"><Package ID="%s" Version="%s"/><AssignedSite SiteCode="%s"/>'
               '<ClientLocationInfo><ADSite Name="%s"/><IPAddresses><IPAddress SubnetAddress="" Address="%s"/></IPAddresses>'
               '</ClientLocationInfo></ContentLocationRequest>')

    def locate(self, package=lab.PACKAGE, version="3", site="PS1", ad_site="", address="127.0.0.1"):
        status, kind, octets = self.ask("CCM_POST", "/CCM_System/request", envelope(self.REQUEST % (package, version, site, ad_site, address)),
                                        {"Content-Type": 'multipart/mixed; boundary="aAbBcC"'})
        self.assertEqual(status, 200, octets)
        header, reply = open_envelope(kind, octets)
        self.assertEqual(header.find("CorrelationID").text, "{11111111-2222-3333-4444-555555555555}")
        return [(one.find("MPSite").get("SiteCode"), one.find("MPSite").get("SiteLocality").upper(),
                 [url.get("Name") for url in one.iter("URL")]) for one in reply.iter("Site")]

    def setUp(self):
        super().setUp()
        lab.fill(self.site, self.port)

    def test_mp_lists(self):
        """MPLIST names every management point, the default first; MPLIST1 with the site code; whatever the case"""
        self.site.ctl_ok("mp", "designate", MP2)
        self.assertEqual([mp.get("FQDN") for mp in self.mp_list()], [MP2, MP1])
        self.assertEqual([mp.get("SiteCode") for mp in self.mp_list("mplist1")], ["PS1", "PS1"])
        self.assertEqual([mp.get("SiteCode") for mp in self.mp_list("MPList1&ps1")], ["PS1", "PS1"])
        self.assertEqual(self.ask("GET", "/sms_mp/.SMS_AUT?mplist")[0], 200)
        self.assertEqual(self.ask("GET", "/SMS_MP/.sms_aut?MPLIST1&XYZ")[0], 404)

    def test_content_location(self):
        """S1.15 a client in the boundaries gets local distribution points, another those of its assigned site"""
        urls = ["http://%s/SMS_DP_SMSPKG$/%s.3/" % (dp, lab.PACKAGE) for dp in lab.DPS]
        self.assertEqual(self.locate(), [("PS1", "LOCAL", urls)])
        self.assertEqual(self.locate(address="10.9.9.9"), [("PS1", "FALLBACK", urls)])
        self.assertEqual(self.locate(version="4"), [("PS1", "LOCAL", [])])
        self.assertEqual(self.locate(package="PS100099"), [("PS1", "LOCAL", [])])
        self.assertEqual(self.locate(site="XYZ", address="10.9.9.9"), [])
        self.assertEqual(self.locate(ad_site="x' OR '1'='1", address="10.9.9.9"), [("PS1", "FALLBACK", urls)])

    LOCAL_MP = ('<LocalMPLocationRequest SchemaVersion="1.0"><AssignedSite SiteCode="%s"/><ClientLocationInfo><ADSite Name=""/>'
                '<IPAddresses><IPAddress SubnetAddress="" Address="%s"/></IPAddresses></ClientLocationInfo></LocalMPLocationRequest>')

    def local_mps(self, site, address):
        status, kind, octets = self.ask("CCM_POST", "/CCM_System/request", envelope(self.LOCAL_MP % (site, address)),
                                        {"Content-Type": 'multipart/mixed; boundary="aAbBcC"'})
        self.assertEqual(status, 200, octets)
        reply = open_envelope(kind, octets)[1]
        self.assertEqual(reply.tag, "LocalMPLocationReply")
        return [(one.get("SiteCode"), one.get("MasterSiteCode"), one.get("Locality").upper()) for one in reply.iter("Site")]

    def test_a_hierarchy_locates_across_its_sites(self):
        """A secondary site assigns its clients to its parent, and each site of the hierarchy answers for the others"""
        init = [harness.program("sitectl"), "--db", self.site.db, "init"]
        more = ["--domain", "example.org", "--server", "s.example.org"] + self.site.state
        for code in ("CEN", "SEC"):
            self.run_ok(init + [code] + more)
        self.site.ctl_ok("site", "set", "CEN", "--kind", "central")
        self.site.ctl_ok("site", "set", "PS1", "--parent", "CEN")
        self.site.ctl_ok("site", "set", "SEC", "--kind", "secondary", code=2)
        self.site.ctl_ok("site", "set", "SEC", "--kind", "secondary", "--parent", "PS1")
        self.site.ctl_ok("site", "set", "CEN", "--parent", "PS1", code=7)
        self.assertEqual([(row["site"], row["kind"], row["parent"]) for row in self.rows("site", "list")],
                         [("CEN", "central", None), ("PS1", "primary", "CEN"), ("SEC", "secondary", "PS1")])
        self.site.ctl_ok("boundary", "add", "subnet", "10.3.0.0/16", "--site", "SEC")
        self.site.ctl_ok("boundary", "add", "subnet", "10.4.0.0/16", "--site", "SEC", "--slow")
        self.site.ctl_ok("boundary", "add", "subnet", "10.4.0.0/16", "--site", "SEC", code=7)
        self.assertEqual(self.local_mps("PS1", "10.3.1.1"), [("SEC", "PS1", "LOCAL")])
        self.assertEqual(self.local_mps("PS1", "10.4.1.1"), [("SEC", "PS1", "REMOTE")])
        self.assertEqual(self.local_mps("SEC", "10.9.9.9"), [("PS1", "PS1", "FALLBACK")])
        self.assertEqual(self.local_mps("XYZ", "10.9.9.9"), [])
        urls = ["http://%s/SMS_DP_SMSPKG$/%s.3/" % (dp, lab.PACKAGE) for dp in lab.DPS]
        self.assertEqual(self.locate(address="10.4.1.1"), [("SEC", "REMOTE", []), ("PS1", "FALLBACK", urls)])
        self.site.ctl_ok("target", "add", "ldif:" + self.path("sec.ldif"), "--site", "SEC")
        self.site.ctl_ok("publish", "--apply", "--site", "SEC")
        with open(self.path("sec.ldif"), encoding="utf-8") as file:
            ldif = file.read()
        self.assertIn("mSSMSSiteCode: SEC", ldif)
        self.assertIn("mSSMSAssignmentSiteCode: PS1", ldif)

    def test_protected_distribution_points(self):
        """A protected distribution point serves clients inside its boundaries, and these get no other"""
        urls = ["http://%s/SMS_DP_SMSPKG$/%s.3/" % (dp, lab.PACKAGE) for dp in lab.DPS]
        self.site.ctl_ok("boundary", "add", "subnet", "10.1.0.0/16")
        self.site.ctl_ok("dp", "protect", lab.DPS[0], "subnet", "10.7.0.0/16", code=2)
        self.site.ctl_ok("dp", "protect", lab.DPS[0], "subnet", code=2)
        self.site.ctl_ok("dp", "protect", lab.DPS[0], "subnet", "10.1.0.0/16")
        self.assertEqual([row["boundaries"] for row in self.rows("dp", "list")], [["subnet 10.1.0.0/16"], []])
        self.assertEqual(self.locate(address="10.1.2.3"), [("PS1", "LOCAL", urls[:1])])
        self.assertEqual(self.locate(), [("PS1", "LOCAL", urls[1:])])
        self.site.ctl_ok("boundary", "remove", "subnet", "10.1.0.0/16", code=7)
        self.assertEqual(self.rows("dp", "unprotect", lab.DPS[0])["change"], "changed")
        self.assertEqual(self.locate(), [("PS1", "LOCAL", urls)])

    def test_bodies_of_a_megabyte(self):
        """One octet less than a megabyte is read and judged, a megabyte is 413"""
        kind = {"Content-Type": "multipart/mixed; boundary=aAbBcC"}
        self.assertEqual(self.ask("CCM_POST", "/ccm_system/request", b"x" * (1 << 20), kind)[0], 413)
        self.assertEqual(self.ask("CCM_POST", "/ccm_system/request", b"x" * ((1 << 20) - 1), kind)[0], 400)
        self.assertEqual(self.ask("GET", "/ccm_system/request")[0], 405)

    def test_a_distribution_point_knows_what_it_holds(self):
        """The dp role answers 204 for what its URL holds, 404 for anything else"""
        host = "%s:%d" % (ADDRESS, self.port)
        self.site.ctl_ok("dp", "add", "dp3.example.org", "--url", "http://%s/SMS_DP_SMSPKG$/" % host)
        self.site.ctl_ok("package", "add", "PS100003", "--version", "1", "--on", "dp3.example.org")
        for name, status in (("PS100003.1/", 204), ("PS100003.1", 204), ("PS100003.2/", 404), (lab.PACKAGE + ".3/", 404), ("", 404),
                             ("../../etc/passwd", 404)):
            self.assertEqual(self.ask("GET", "/SMS_DP_SMSPKG$/" + name)[0], status, name)

    def test_S2_14_a_database_that_goes_away_and_comes_back(self):
        """S2.14 without the database MPLIST is 500, and 200 again with it"""
        if lab.SITE_SERVER:
            return  # test_postgres.py stops the server itself
        os.rename(self.site.db, self.site.db + ".away")
        self.assertEqual(self.ask("GET", "/SMS_MP/.sms_aut?MPLIST")[0], 500)
        self.site.ctl_ok("mp", "list", code=3)
        os.rename(self.site.db + ".away", self.site.db)
        self.assertEqual(len(self.mp_list()), 2)
        self.assertEqual(len(self.rows("mp", "list")), 2)


class SeveralProcesses(SiteCase):

    def test_S1_20_two_designators_at_once(self):
        """S1.08 S1.20 whatever two administrators do at once, there is exactly one default at any instant"""
        lab.fill(self.site, self.port)
        failures = []

        def designate(host):
            for _ in range(15):
                result = self.site.ctl("mp", "designate", host)
                if result.code != 0:
                    failures.append(str(result))
        threads = [threading.Thread(target=designate, args=(host,)) for host in (MP1, MP2)]
        for one in threads:
            one.start()
        looks = 0
        while looks < 10 or any(one.is_alive() for one in threads):
            self.assertEqual(len(self.defaults()), 1)
            looks += 1
        for one in threads:
            one.join()
        self.assertEqual(failures, [])

    def test_a_restart_keeps_everything(self):
        """What sitectl acknowledged is there after a crash"""
        lab.fill(self.site, self.port, targets=[["ldap://127.0.0.1:1", "--base", "dc=example,dc=org"]])
        lists = ("mp", "dp", "boundary", "package")
        before = [self.rows(one, "list") for one in lists]
        self.site.process.kill()
        self.site.start()
        self.assertEqual([self.rows(one, "list") for one in lists], before)
        self.assertEqual(self.rows("target", "list")[0]["base"], "dc=example,dc=org")

    def test_S2_02_one_site_server_and_any_number_of_others(self):
        """S2.02 a second site server on the database is refused; an MP host serves, notices changes, but does not administer"""
        refused = harness.run([harness.program("sited"), "--db", self.site.db, "--control", self.path("2.sock"), "--role", "server"])
        self.assertEqual(refused.code, 7, refused)
        port, control = harness.free_port([ADDRESS]), self.path("mp.sock")
        self.site.start_host("mp", ["%s:%d" % (ADDRESS, port)], [], control)
        lab.fill(self.site, self.port)
        sitectl = [harness.program("sitectl"), "--control", control]
        self.run_ok(sitectl + ["mp", "designate", MP2], code=7)
        self.assertEqual([mp.get("FQDN") for mp in self.mp_list(port=port)], [MP1, MP2])
        self.site.ctl_ok("mp", "designate", MP2)
        self.assertEqual(self.mp_list(port=port)[0].get("FQDN"), MP2)
        self.assertEqual(self.run_ok(sitectl + ["status", "--json"]).answer["default_mps"], ["PS1 " + MP2])
        self.site.process.stop()
        self.assertEqual(len(self.mp_list(port=port)), 2)

    def test_S2_10_each_role_fails_alone(self):
        """S1.07 S2.03 S2.09 S2.10 S2.13 S2.15 S2.16 a sited for each role on one database: what stops is its service, and nothing else"""
        lab.fill(self.site, self.port)
        self.site.ctl_ok("dp", "add", "dp3.example.org", "--url", "http://dp3.example.org/SMS_DP_SMSPKG$/")
        self.site.ctl_ok("package", "add", "PS100003", "--version", "1", "--on", "dp3.example.org", "--dir", self.source_folder())
        self.site.process.stop()
        self.site.roles = "server"
        self.site.start()
        hosts = {}
        ports = {role: harness.free_port([ADDRESS]) for role in ("mp", "dp")}

        def start(role):
            hosts[role] = self.site.start_host(role, ["%s:%d" % (ADDRESS, ports[role])], [], self.path(role + ".sock"))

        def works():
            """Which of administration, management point and distribution point do their work."""
            done = set()
            if self.site.ctl("mp", "designate", MP1).code == 0:
                done.add("server")
            for role, path, head in (("mp", "/SMS_MP/.sms_aut?MPLIST", {}), ("dp", "/SMS_DP_SMSPKG$/PS100003.1/f", {"Host": "dp3.example.org"})):
                try:
                    if self.ask("GET", path, headers=head, port=ports[role])[0] == 200:
                        done.add(role)
                except OSError:
                    pass
            return done
        for role in ports:
            start(role)
        self.assertEqual(works(), {"server", "mp", "dp"})
        self.assertEqual(self.mp_list(port=ports["mp"])[0].get("FQDN"), MP1, "S1.07 the first that a client is told")
        for role in ports:
            hosts[role].kill()
            self.assertEqual(works(), {"server", "mp", "dp"} - {role}, "S2.10 S2.15 S2.16 without " + role)
            start(role)
        self.site.process.kill()
        self.assertEqual(works(), {"mp", "dp"}, "S2.03 S2.13 without the site server")
        self.site.start()
        self.assertEqual(works(), {"server", "mp", "dp"})

    def source_folder(self):
        os.mkdir(self.path("source"))
        self.write("source/f", "octets")
        return self.path("source")

    def test_configuration_file(self):
        """The file says the same as the command line, which wins; what is wrong is told with its line"""
        sited = harness.program("sited")
        good = self.write("good.conf", 'db = "%s"\nrole = "mp"\nhttp = {"127.0.0.1:8099"}\npublish_interval = "10m"\n' % self.site.db)
        self.run_ok([sited, "--config", good, "--check-config"])
        self.run_ok([sited, "--config", good, "--role", "nonsense", "--check-config"], code=2)
        bad = self.write("bad.conf", 'role = "mp"\nnonsense = 1\n')
        self.assertIn("bad.conf:2", self.run_ok([sited, "--config", bad, "--check-config"], code=2).err)
        for words in (["--http", "nowhere"], ["--nbt-address", "0.0.0.0"], ["--nbt-address", "::1"], ["--site", "lab"],
                      ["--intake", "server.example.org"], ["--intake", "http://server.example.org/path"]):
            self.run_ok([sited, "--check-config"] + words, code=2)


if __name__ == "__main__":
    harness.main()
