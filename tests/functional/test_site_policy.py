"""Policy, from the file SMS_def.mof to what a client fetches over HTTP (S1.10, S1.11, S1.12, S1.26, S2.14)."""

import hashlib
import http.client
import os
import re
import sqlite3
import xml.etree.ElementTree

import ccm
import clients
import harness
import lab

ADDRESS = "127.0.0.13"
MP1, MP2 = "mp1.example.org", "mp2.example.org"
CLIENT = "GUID:11111111-1111-4111-8111-111111111111"
STRANGER = "GUID:22222222-2222-4222-8222-222222222222"
SAMPLE = os.path.join(harness.SRCDIR, "tests", "fixtures", "SMS_def.mof")
CLASS = '[SMS_Report (TRUE), SMS_Class_ID ("EXAMPLE|MORE|1.0")] class Example_More { [SMS_Report (TRUE), key] string Id; };\n'


class Client:
    """What a client of the site does with one management point."""

    def __init__(self, case, port, smsid=CLIENT):
        self.case, self.port, self.smsid = case, port, smsid

    def ask(self, method, path, body=b"", headers=()):
        one = http.client.HTTPConnection(ADDRESS, self.port, timeout=20)
        try:
            one.request(method, path, body, dict(headers))
            got = one.getresponse()
            return got.status, got.headers, got.read()
        finally:
            one.close()

    def request(self, kind="Full", cookie="", site="PS1", resource="Machine", compressed=False, **more):
        """The status and the body, an element or text, of the answer to a RequestAssignments."""
        xml = ('<RequestAssignments SchemaVersion="1.00" ACK="False" RequestType="%s" ValidationRequest="CRC"><Identification><Machine>'
               '<ClientID>%s</ClientID><NetBIOSName>PC1</NetBIOSName><FQDN>pc1.example.org</FQDN></Machine></Identification>'
               '<PolicySource>SMS:%s</PolicySource><Resource ResourceType="%s"/><ServerCookie>%s</ServerCookie></RequestAssignments>'
               % (kind, self.smsid, site, resource, cookie))
        octets = ccm.envelope(xml, "MP_PolicyManager", compressed, source=more.get("source", self.smsid))
        status, headers, body = self.ask("CCM_POST", "/ccm_system/request", octets, {"Content-Type": ccm.CONTENT_TYPE})
        return status, ccm.open_envelope(headers["Content-Type"], body)[1] if status == 200 else body.decode()

    def assignments(self, **more):
        """Category: (path of the body, hash) of each policy assigned, and the cookie."""
        status, reply = self.request(**more)
        self.case.assertEqual((status, reply.tag if status == 200 else reply), (200, "ReplyAssignments"))
        found = {}
        for policy in reply.iter("Policy"):
            location = policy.find("PolicyLocation")
            path = re.fullmatch(r"http://<mp>(/SMS_MP/\.sms_pol\?\{[0-9A-F-]{36}\}\.\d+_00)", location.text).group(1)
            found[policy.get("PolicyCategory")] = (path, location.get("PolicyHash").removeprefix("SHA256:"))
        return found, reply.findtext("ServerCookie")

    def body(self, path, **headers):
        return self.ask("GET", path, headers=headers)


class PolicyCase(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port([ADDRESS])
        self.site = lab.Site(self, http=["%s:%d" % (ADDRESS, self.port)], roles="server,mp")
        for host, address in ((MP1, ADDRESS), (MP2, "127.0.0.14")):
            self.site.ctl_ok("mp", "add", host, "--address", address)
        self.client = Client(self, self.port)

    def sql(self, text):
        if lab.SITE_SERVER:
            self.run_ok(["psql", "-X", "-q", "-d", self.site.db, "-c", text])
        else:
            with sqlite3.connect(self.site.db, timeout=10) as db:
                db.execute(text)
            db.close()

    def register(self, smsid=CLIENT):
        self.sql("INSERT INTO client (site_id, smsid, name, registered_s, seen_s) SELECT id, '%s', 'PC1', 1, 1 FROM site "
                 "WHERE code = 'PS1'" % smsid)

    def rows(self, *words, **more):
        return self.site.ctl_ok(*words, "--json", **more).answer

    def versions(self):
        return {row["category"]: row["version"] for row in self.rows("policy", "list") if row["active"]}

    def ready(self):
        """A site with a default management point, classes, and one client."""
        self.site.ctl_ok("mp", "designate", MP1)
        self.site.ctl_ok("policy", "import", SAMPLE)
        self.register()

    def away(self):
        """Takes the database away; the function that is returned brings it back."""
        if not lab.SITE_SERVER:
            os.rename(self.site.db, self.site.db + ".away")
            return lambda: os.rename(self.site.db + ".away", self.site.db)
        name = self.site.db.rsplit("/", 1)[1]

        def allow(word):
            self.run_ok(["psql", "-X", "-q", "-d", lab.SITE_SERVER + "/postgres", "-c",
                         "ALTER DATABASE %s WITH ALLOW_CONNECTIONS %s" % (name, word), "-c",
                         "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % name])
        allow("false")
        return lambda: allow("true")


class Import(PolicyCase):

    def test_S1_11_the_file_and_its_hash_are_in_the_database(self):
        """S1.11 text and hash are stored; the same again changes nothing; each change is a new version"""
        self.site.ctl_ok("mp", "designate", MP1)
        self.assertEqual(self.versions(), {"SiteSettings": 1})
        self.assertEqual(self.site.ctl("policy", "show").code, 7)
        with open(SAMPLE, "rb") as file:
            text = file.read()
        sha256 = hashlib.sha256(text).hexdigest()
        self.assertEqual(self.rows("policy", "import", SAMPLE),
                         {"site": "PS1", "kind": "mof", "name": SAMPLE, "change": "imported", "sha256": sha256})
        self.assertEqual(self.rows("policy", "import", SAMPLE)["change"], "unchanged")
        shown = self.rows("policy", "show")
        self.assertEqual((shown["file"], shown["sha256"], shown["octets"], shown["classes"], shown["reported"]),
                         (SAMPLE, sha256, len(text), 4, 2))
        self.assertEqual(self.versions(), {"SiteSettings": 1, "HardwareInventory": 1})
        more = self.write("more.mof", text.decode() + CLASS)
        self.assertEqual(self.rows("policy", "import", more)["change"], "imported")
        self.assertEqual(self.versions(), {"SiteSettings": 1, "HardwareInventory": 2})
        body = xml.etree.ElementTree.fromstring(self.rows("policy", "show", "HardwareInventory")["body"])
        self.assertEqual([one.findtext("property[@name='ItemClass']/value") for one in body],
                         ["Win32_DiskDrive", "Example_Agent", "Example_More"])
        self.assertEqual([value.text for value in body[0].find("property[@name='Properties']")], ["DeviceID", "Size", "Capabilities"])
        self.assertEqual(self.site.ctl("policy", "show", "Nothing").code, 2)

    def test_S1_11_what_is_wrong_is_told_by_line(self):
        """S1.11 a file with a mistake is refused with file and line, and nothing is changed"""
        self.ready()
        before = self.rows("policy", "show"), self.versions()
        bad = self.write("bad.mof", "class A {\n  string s\n};\n")
        said = self.site.ctl("policy", "import", bad, "--json")
        self.assertEqual((said.code, said.json["message"]), (2, '%s:3: ";" is wanted, not "}"' % bad))
        self.assertEqual(self.site.ctl("policy", "import", self.path("nowhere")).code, 2)
        self.assertEqual(self.site.ctl("policy", "import", self.folder).code, 2)
        self.assertEqual(self.site.ctl("policy", "import", self.write("huge.mof", " " * ((1 << 20) + 1))).code, 2)
        self.assertEqual((self.rows("policy", "show"), self.versions()), before)

    def test_S1_11_what_windows_calls_unicode(self):
        """S1.11 UTF-16LE with a byte order mark is kept as UTF-8; a mistake in it is told by its line, octets that are none by name"""
        with open(SAMPLE, encoding="utf-8") as file:
            text = file.read()
        path = self.path("wide.mof")

        def import_wide(text):
            with open(path, "wb") as out:
                out.write(("\ufeff" + text).encode("utf-16-le", "surrogatepass"))
            return self.site.ctl("policy", "import", path, "--json")
        self.assertEqual(import_wide(text).answer["change"], "imported")
        self.assertEqual(self.rows("policy", "import", SAMPLE)["change"], "unchanged")
        self.assertEqual(self.rows("policy", "show")["sha256"], hashlib.sha256(text.encode()).hexdigest())
        for wrong, said in (("class A {\n  string s\n};", ':3: ";" is wanted, not "}"'), ("class A {};\0x", ", octet 22: NUL"), ("\ud800", "surrogate")):
            refused = import_wide(wrong)
            self.assertEqual((refused.code, path in refused.json["message"], said in refused.json["message"]), (2, True, True), str(refused))

    def test_S1_26_policies_follow_the_default_management_point(self):
        """S1.26 S1.11 none designated: no active policy; another one: a new version of the settings, the classes as before"""
        self.site.ctl_ok("policy", "import", SAMPLE)
        self.assertEqual(self.versions(), {})
        self.site.ctl_ok("mp", "designate", MP1)
        self.assertEqual(self.versions(), {"SiteSettings": 1, "HardwareInventory": 1})
        self.site.ctl_ok("mp", "designate", MP2)
        self.assertEqual(self.versions(), {"SiteSettings": 2, "HardwareInventory": 1})
        self.assertIn(MP2, self.rows("policy", "show", "SiteSettings")["body"])
        self.site.ctl_ok("mp", "designate", "--none")
        self.assertEqual(self.versions(), {})
        self.site.ctl_ok("mp", "designate", MP2)
        self.assertEqual(self.versions(), {"SiteSettings": 2, "HardwareInventory": 1})

    def test_S1_11_policies_follow_the_site(self):
        """S1.11 what is known of the site itself changed: the site server makes the policies anew by itself"""
        self.site.ctl_ok("mp", "designate", MP1)
        self.sql("UPDATE site SET server = 'other.example.org'")
        self.sql("UPDATE change SET generation = generation + 1")
        harness.wait_until(lambda: self.versions() == {"SiteSettings": 2}, "a second version")
        self.assertIn("other.example.org", self.rows("policy", "show", "SiteSettings")["body"])


class Exchange(PolicyCase):

    def test_S1_10_a_known_client_gets_its_policy(self):
        """S1.10 assignments, then the bodies at their locations, whose octets have the hash that was assigned"""
        self.ready()
        found, _ = self.client.assignments()
        self.assertEqual(set(found), {"SiteSettings", "HardwareInventory"})
        for category, (path, sha256) in found.items():
            status, headers, body = self.client.body(path)
            self.assertEqual((status, headers["ETag"], headers["Content-Type"]), (200, '"%s"' % sha256, "text/xml; charset=utf-8"))
            self.assertEqual(hashlib.sha256(body).hexdigest(), sha256)
            self.assertEqual(xml.etree.ElementTree.fromstring(body).get("PolicyCategory"), category)
            self.assertEqual(self.client.body(path, **{"If-None-Match": headers["ETag"]})[0], 304)
            self.assertEqual(self.client.body(path.replace("{", "%7b").replace("}", "%7D"))[2], body)
        self.assertEqual(self.client.assignments(resource="User")[0], {})

    def test_S1_10_nobody_else_does(self):
        """S1.10 a client that has not registered is refused; so is one that names another than itself, or another site"""
        self.ready()
        status, said = Client(self, self.port, STRANGER).request()
        self.assertEqual((status, "not registered" in said), (403, True), said)
        self.assertEqual(self.client.request(source=STRANGER)[0], 400)
        self.assertEqual(self.client.request(site="XYZ")[0], 404)
        self.assertEqual(self.client.request(site="?")[0], 400)
        self.assertEqual(Client(self, self.port, CLIENT.lower()).request()[0], 200)
        self.sql("DELETE FROM client")
        self.assertEqual(self.client.request()[0], 403)

    def test_S1_10_who_registered_with_a_key_signs(self):
        """S1.10 registered over HTTP with a key: only what is signed with it gets policy"""
        self.site.ctl_ok("mp", "designate", MP1)
        one = clients.Client((ADDRESS, self.port), signer=clients.Signer(self))
        xml = ('<RequestAssignments SchemaVersion="1.00" RequestType="Full"><Identification><Machine><ClientID>%s</ClientID></Machine>'
               '</Identification></RequestAssignments>' % one.smsid)
        self.assertEqual(one.send("MP_PolicyManager", xml)[0], 403)
        self.assertEqual(one.register()[0], 200)
        harness.wait_until(lambda: one.send("MP_PolicyManager", xml)[0] == 200, "policy for the client that registered")
        self.assertIn("SiteSettings", one.send("MP_PolicyManager", xml)[1])
        one.signer = None
        status, said = one.send("MP_PolicyManager", xml)
        self.assertEqual((status, "another key" in said), (403, True), said)

    def test_compressed_messages(self):
        """facts 5.3: a body that is compressed with zlib is taken; one that is none, ends early or is a bomb is refused"""
        self.ready()
        self.assertEqual(self.client.assignments(compressed=True), self.client.assignments())
        whole = ccm.envelope("<RequestAssignments/>", "MP_PolicyManager", compressed=True)
        bomb = ccm.envelope(" " * 4000000, "MP_PolicyManager", compressed=True)
        for octets, status, said in ((whole, 400, "ClientID"), (whole[:-20] + b"\r\n--aAbBcC--\r\n", 400, "zlib"),
                                     (whole.replace(b"\x78\x9c", b"\x00\x00"), 400, "zlib"), (bomb, 413, "decompressed")):
            got, _, body = self.client.ask("CCM_POST", "/ccm_system/request", octets, {"Content-Type": ccm.CONTENT_TYPE})
            self.assertEqual((got, said in body.decode()), (status, True), body)

    def test_compressed_and_signed(self):
        """facts 5.3: the signature of a compressed body may be over what came or over what comes out of it, and over nothing else"""
        signer = clients.Signer(self)

        def hook(octets):
            return ('<Hook2 Name="clientauth"><Property Name="PublicKey">%s</Property><Property Name="PayloadSignature">%s</Property>'
                    '</Hook2>' % (signer.key, signer.sign(octets)))
        for sign, status in ((lambda body, part: hook(body), 400), (lambda body, part: hook(part), 400),
                             (lambda body, part: hook(part + b"x"), 403)):
            octets = ccm.envelope("<RequestAssignments/>", "MP_PolicyManager", True, sign=sign)
            self.assertEqual(self.client.ask("CCM_POST", "/ccm_system/request", octets, {"Content-Type": ccm.CONTENT_TYPE})[0], status)

    def test_S1_14_advertisements_are_looked_for_at_the_management_point(self):
        """S1.14 a client is assigned those for all, for its id and for its name, no others; each with a body; and no more when they are removed"""
        self.ready()
        self.register(STRANGER)
        self.sql("UPDATE client SET name = 'PC2' WHERE smsid = '%s'" % STRANGER)
        lab.fill_package(self.site)
        _, cookie = self.client.assignments()
        for number, to in enumerate((["all"], [CLIENT.lower()], ["pc2", "pc9"]), 1):
            self.site.ctl_ok("advertise", "add", "PS12000%d" % number, "--package", lab.PACKAGE, "--program", "<set & up>", "--to", *to)

        def seen(smsid):
            one = clients.Client((ADDRESS, self.port))
            one.smsid = smsid
            bodies = [xml.etree.ElementTree.fromstring(self.client.body(path)[2]) for path in one.advertisements("PS1")]
            return sorted(body.findtext(".//property[@name='AdvertisementID']/value") for body in bodies), bodies
        self.assertEqual((seen(CLIENT)[0], seen(STRANGER)[0]), (["PS120001", "PS120002"], ["PS120001", "PS120003"]))
        told = {value.get("name"): value.findtext("value") for value in seen(CLIENT)[1][0].find("instance")}
        self.assertEqual((told["PackageID"], told["PackageVersion"], told["Program"]), (lab.PACKAGE, "3", "<set & up>"))
        self.assertEqual(len(self.client.assignments(kind="OnUpdate", cookie=cookie)[0]), 3)
        listed = {row["policy"]: row["active"] for row in self.rows("policy", "list") if row["category"] == "SoftwareDistribution"}
        self.assertEqual(list(listed.values()), [True] * 3)
        one = next(iter(listed))
        self.assertIn("<Policy ", self.rows("policy", "show", one)["body"])
        self.assertEqual(self.site.ctl("policy", "show", "SoftwareDistribution").code, 2)
        self.site.ctl_ok("mp", "designate", "--none")
        self.assertEqual(self.client.body("/SMS_MP/.sms_pol?%s.1_00" % one)[0], 404)
        self.assertEqual({row["active"] for row in self.rows("policy", "list")}, {False})
        self.site.ctl_ok("mp", "designate", MP1)
        self.site.ctl_ok("advertise", "remove", "PS120001")
        self.assertEqual((seen(CLIENT)[0], seen(STRANGER)[0]), (["PS120002"], ["PS120003"]))

    def test_locations_that_are_none(self):
        """S1.10 what is no policy is 404, what is no name of one 400; a path does not lead anywhere"""
        self.ready()
        path = self.client.assignments()[0]["SiteSettings"][0]
        nobody = "-".join("0" * n for n in (8, 4, 4, 4, 12))
        for wrong, status in ((path.replace(".1_00", ".2_00"), 404), ("/SMS_MP/.sms_pol?{%s}.1_00" % nobody, 404), ("/SMS_MP/.sms_pol", 400), ("/SMS_MP/.sms_pol?x", 400), ("/SMS_MP/.sms_pol?../../site.db", 400)):
            self.assertEqual(self.client.body(wrong)[0], status, wrong)

    def test_S1_12_a_client_learns_of_a_change_when_it_asks(self):
        """S1.12 pull only: who shows the cookie of what it has gets nothing new; after a change all of it, and the old body stays"""
        self.ready()
        before, cookie = self.client.assignments()
        self.assertEqual(self.client.assignments(kind="OnUpdate", cookie=cookie), ({}, cookie))
        self.assertEqual(self.client.request(kind="OnUpdate", cookie=cookie)[1].get("ReplyType"), "OnUpdate")
        self.site.ctl_ok("policy", "import", self.write("other.mof", CLASS))
        after, other = self.client.assignments(kind="OnUpdate", cookie=cookie)
        self.assertNotEqual(cookie, other)
        self.assertEqual(after["SiteSettings"], before["SiteSettings"])
        self.assertEqual(after["HardwareInventory"][0], before["HardwareInventory"][0].replace(".1_00", ".2_00"))
        for path, sha256 in (before["HardwareInventory"], after["HardwareInventory"]):
            self.assertEqual(hashlib.sha256(self.client.body(path)[2]).hexdigest(), sha256)

    def test_S1_26_no_default_management_point_no_policy(self):
        """S1.26 without a designated management point neither assignments nor bodies; both again with one"""
        self.ready()
        before, _ = self.client.assignments()
        self.site.ctl_ok("mp", "designate", "--none")
        status, said = self.client.request()
        self.assertEqual((status, "no default management point" in said), (503, True), said)
        self.assertEqual([self.client.body(path)[0] for path, _ in before.values()], [404, 404])
        self.site.ctl_ok("mp", "designate", MP1)
        self.assertEqual(self.client.assignments()[0], before)


class Page(PolicyCase):

    def test_the_exchange_of_the_page(self):
        """S1.10 docs/site.md, "Policy assignments and bodies": with curl, the message of the page gets the answer of the page"""
        with open(os.path.join(harness.SRCDIR, "docs", "site.md"), encoding="utf-8") as file:
            page = file.read().partition("### Policy assignments and bodies")[2].partition("| status")[0]
        xml = re.search(r"<RequestAssignments.*?</RequestAssignments>", page, re.DOTALL).group(0).replace("SMS:LAB", "SMS:PS1")
        self.ready()
        with open(self.path("message"), "wb") as file:
            file.write(ccm.envelope(xml, "MP_PolicyManager"))
        curl, host = harness.tool("curl", "curl"), "%s:%d" % (ADDRESS, self.port)
        self.run_ok([curl, "-s", "-X", "CCM_POST", "-H", "Content-Type: " + ccm.CONTENT_TYPE, "--data-binary", "@" + self.path("message"),
                            "-D", self.path("head"), "-o", self.path("answer"), "http://%s/ccm_system/request" % host])
        with open(self.path("head"), encoding="ascii") as head, open(self.path("answer"), "rb") as body:
            kind = re.search(r"(?i)^content-type: (.*?)\r?$", head.read(), re.MULTILINE).group(1)
            reply = xml_text(ccm.open_envelope(kind, body.read())[1])
        shown = re.search(r"<PolicyAssignment .*?</PolicyAssignment>", page, re.DOTALL).group(0)
        self.assertRegex(reply, as_pattern(shown))
        path = re.search(r"&lt;mp&gt;(/SMS_MP/\.sms_pol\?[^<]*)", reply).group(1)
        done = self.run_ok([curl, "-s", "-g", "http://%s%s" % (host, path)])
        shown = re.search(r"^    (<Policy SchemaVersion.*)$", page, re.MULTILINE).group(1)
        self.assertRegex(done.out, as_pattern(shown.replace("SMS:LAB", "SMS:PS1")))


def xml_text(element):
    return xml.etree.ElementTree.tostring(element, encoding="unicode").replace(" />", "/>")


def as_pattern(shown):
    """Text of the page, in which "..." stands for anything."""
    return re.escape(re.sub(r"\n\s*", "", shown)).replace(r"\.\.\.", ".*")


class Away(PolicyCase):

    def test_S2_14_bodies_without_the_database_no_assignments(self):
        """S2.14 the database is down: what was assigned is served from the cache, also by an MP started anew; nothing is assigned"""
        self.ready()
        port = harness.free_port([ADDRESS])
        state = self.path("state-of-mp2")
        os.mkdir(state)
        other = Client(self, port)
        def start():
            return self.site.start_host("mp", ["%s:%d" % (ADDRESS, port)], [], self.path("mp2.sock"), more=["--state", state])
        process = start()
        found, _ = other.assignments()
        self.site.ctl_ok("policy", "import", self.write("other.mof", CLASS))
        newer = self.client.assignments()[0]["HardwareInventory"]
        process.stop()
        start()
        back = self.away()
        for path, sha256 in found.values():
            status, headers, body = other.body(path)
            self.assertEqual((status, headers["ETag"], hashlib.sha256(body).hexdigest()), (200, '"%s"' % sha256, sha256))
        self.assertEqual((other.request()[0], other.body(newer[0])[0]), (500, 500))
        self.assertEqual((self.client.request()[0], self.client.body(newer[0])[0]), (500, 200))
        back()
        harness.wait_until(lambda: other.request()[0] == 200, "assignments again")
        self.assertEqual(hashlib.sha256(other.body(newer[0])[2]).hexdigest(), newer[1])

    def test_S2_14_a_damaged_file_is_not_served(self):
        """S2.14 what was changed on disk is noticed by its hash: not served without the database, fetched anew with it"""
        self.ready()
        path, sha256 = self.client.assignments()[0]["HardwareInventory"]
        state = os.path.join(self.site.state[1], "site") if self.site.state else self.site.db
        kept = [os.path.join(state + ".policy", name) for name in os.listdir(state + ".policy") if sha256 in name]
        self.assertEqual(len(kept), 1)
        with open(kept[0], "r+b") as file:
            file.write(b"x")
        back = self.away()
        self.assertEqual(self.client.body(path)[0], 500)
        back()
        harness.wait_until(lambda: self.client.body(path)[0] == 200, "the body again")
        self.assertEqual(hashlib.sha256(self.client.body(path)[2]).hexdigest(), sha256)


harness.main()
