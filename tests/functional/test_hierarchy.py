"""A hierarchy over several databases: site servers tell each other their sites, and roaming clients find the management points there."""

import base64
import hashlib
import http.client
import http.server
import os
import re
import subprocess
import threading
import time
import xml.etree.ElementTree

import ccm
import harness
import lab

PARENT, CHILD, HOSTILE = "127.0.0.18", "127.0.0.19", "127.0.0.20"
SECRETS = ("boundary", "10.2.0.0")


class Liar(http.server.ThreadingHTTPServer):
    """The site server of a parent PAR with one package; `lie` changes what it says of it, `number` is that of its last change."""

    def __init__(self, case, key):
        super().__init__((HOSTILE, 0), Answers)
        self.case, self.key, self.lie, self.number = case, key, {}, 5
        threading.Thread(target=self.serve_forever, daemon=True).start()
        case.addCleanup(self.server_close)
        case.addCleanup(self.shutdown)

    def description(self):
        return ('sitelocator site 1\n<SiteDescription SchemaVersion="1.0" Made="%d" Packages="%d"><Site Code="PAR" Kind="primary" Parent="" Domain="x.org" '
                'Forest="x.org" Server="s.x.org"/><DP Host="dp.x.org" URL="http://dp.x.org/"/></SiteDescription>' % (time.time(), self.number)).encode()

    def page(self, asked):
        said = {"site": "PAR", "for_site": "CHD", "nonce": asked.get("Nonce"), "since": asked.get("Since"), "after": asked.get("After"), "now": self.number,
                "next": 0, "total": 1, "parts": '<Package ID="PAR00001" Version="1" On="0"/>', "line": "sitelocator packages 1", "wrap": "%s", **self.lie}
        page = ('<Packages SchemaVersion="1.0" Site="{site}" For="{for_site}" Nonce="{nonce}" Since="{since}" After="{after}" Now="{now}" Next="{next}" '
                'Total="{total}"><DP Host="dp.x.org"/>{parts}</Packages>'.format(**said))
        return (said["line"] + "\n" + said["wrap"] % page).encode()


class Answers(http.server.BaseHTTPRequestHandler):

    def log_message(self, format, *args):                                   # pylint: disable=redefined-builtin
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        is_page = self.path.startswith("/sms_site/packages")
        said = self.server.page(xml.etree.ElementTree.fromstring(body.split("\n", 1)[1])) if is_page else self.server.description()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.send_header("Sitelocator-Signature", self.server.case.sign(said, self.server.lie.get("key", self.server.key) if is_page else self.server.key))
        self.end_headers()
        self.wfile.write(said)


class Hierarchy(harness.Case):
    """PAR and CHD, each with a database, a site server and a management point of its own."""

    def setUp(self):
        super().setUp()
        self.port = harness.free_port([PARENT, CHILD])
        self.parent, self.child = self.new_site("PAR", PARENT), self.new_site("CHD", CHILD)
        self.parent.ctl_ok("boundary", "add", "subnet", "10.1.0.0/16")
        self.child.ctl_ok("boundary", "add", "subnet", "10.2.0.0/16")
        self.child.ctl_ok("boundary", "add", "range", "10.3.0.1-10.3.0.99", "--slow")
        self.child.ctl_ok("boundary", "add", "ad-site", "Börlin & Söhne")

    def new_site(self, code, address):
        name = code.lower()
        site = lab.Site(self, code=code, http=["%s:%d" % (address, self.port)], roles="server,mp,slp", name=name,
                        more=["--exchange-interval", "1s"])
        site.ctl_ok("mp", "add", "mp.%s.example.org" % name, "--address", address, "--port", str(self.port))
        site.ctl_ok("mp", "designate", "mp.%s.example.org" % name)
        site.ctl_ok("key", "export", self.path(name + ".pem"))
        return site

    def introduce(self, here, there, address, key=None):
        return here.ctl("site", "add", there.code, "--server", "http://%s:%d" % (address, self.port), "--root-key",
                        key or self.path(there.code.lower() + ".pem"), "--json")

    def join(self):
        """Each knows the other, the child says that it is one."""
        self.assertEqual([self.introduce(self.parent, self.child, CHILD).code, self.introduce(self.child, self.parent, PARENT).code], [0, 0])
        self.child.ctl_ok("site", "set", "CHD", "--parent", "PAR")
        harness.wait_until(lambda: self.row(self.parent, "CHD")["parent"] == "PAR" and self.row(self.child, "PAR")["told"], "both told")

    @staticmethod
    def row(site, code):
        return {row["site"]: row for row in site.ctl_ok("site", "list", "--json").answer}[code]

    def get(self, address, path):
        one = http.client.HTTPConnection(address, self.port, timeout=20)
        self.addCleanup(one.close)
        one.request("GET", path)
        got = one.getresponse()
        return got.status, got.read().decode()

    def located(self, address, assigned, ip, subnet, kind, package="PAR00001"):
        """The answer of the management point at `address` to a client there."""
        wanted = '<Package ID="%s" Version="0"/>' % package if kind == "ContentLocation" else ""
        octets = ccm.envelope('<%sRequest SchemaVersion="1.0">%s<AssignedSite SiteCode="%s"/><ClientLocationInfo><ADSite Name=""/><IPAddresses>'
                              '<IPAddress SubnetAddress="%s" Address="%s"/></IPAddresses></ClientLocationInfo></%sRequest>'
                              % (kind, wanted, assigned, subnet, ip, kind))
        one = http.client.HTTPConnection(address, self.port, timeout=20)
        self.addCleanup(one.close)
        one.request("CCM_POST", "/ccm_system/request", octets, {"Content-Type": ccm.CONTENT_TYPE})
        got = one.getresponse()
        return ccm.open_envelope(got.headers["Content-Type"], got.read())[1]

    def places(self, address, assigned, ip, subnet, kind="LocalMPLocation"):
        """(site, master, locality) of each site in the answer."""
        body = self.located(address, assigned, ip, subnet, kind)
        return [(s.get("SiteCode"), s.get("MasterSiteCode"), s.get("Locality") or s.get("SiteLocality"))
                for s in list(body.iter("Site")) + list(body.iter("MPSite")) if s.get("SiteCode")]

    def content(self, assigned, ip="10.2.0.7", subnet="10.2.0.0", package="PAR00001", address=CHILD):
        """{site: hosts} in the child's answer, without sites that have none."""
        found = {}
        for site in self.located(address, assigned, ip, subnet, "ContentLocation", package).iter("Site"):
            for url in site.iter("URL"):
                found.setdefault(site.find("MPSite").get("SiteCode"), []).append(url.get("Name").split("/")[2].split(".")[0])
        return found

    @staticmethod
    def packages(site):
        """{(source, package, where it lies): version} of `package list`."""
        return {(row["source"], row["package"], " ".join(row["dps"])): row["version"] for row in site.ctl_ok("package", "list", "--json").answer}

    def test_S1_27_clients_roam_into_a_site_with_a_database_of_its_own(self):
        """S1.27 B8 a client of the parent inside the child's boundaries is told the child, finds its resident MP, and the other way round"""
        self.assertEqual(self.places(PARENT, "PAR", "10.2.0.7", "10.2.0.0"), [("PAR", "PAR", "FALLBACK")])
        self.join()
        self.assertEqual(self.places(PARENT, "PAR", "10.2.0.7", "10.2.0.0"), [("CHD", "CHD", "LOCAL")])
        self.assertEqual(self.places(PARENT, "PAR", "10.3.0.7", "10.3.0.0"), [("CHD", "CHD", "REMOTE")])
        self.assertEqual(self.places(CHILD, "CHD", "10.1.0.7", "10.1.0.0"), [("PAR", "PAR", "LOCAL")])
        self.parent.ctl_ok("dp", "add", "dp.par.example.org")
        self.parent.ctl_ok("package", "add", "PAR00001", "--version", "1", "--on", "dp.par.example.org")
        self.assertEqual(self.places(PARENT, "PAR", "10.2.0.7", "10.2.0.0", "ContentLocation"), [("CHD", "CHD", "LOCAL"), ("PAR", "PAR", "FALLBACK")])
        status, text = self.get(PARENT, "/SMS_MP/.sms_aut?MPLIST1&CHD")
        self.assertEqual([mp.get("FQDN") for mp in xml.etree.ElementTree.fromstring(text)], ["mp.chd.example.org"])
        self.assertEqual([mp.get("FQDN") for mp in xml.etree.ElementTree.fromstring(self.get(PARENT, "/SMS_MP/.sms_aut?MPLIST")[1])], ["mp.par.example.org"])
        uri = "slp+http://%s:%d" % (PARENT, self.port)
        found = lab.find("mp", "--site", "CHD", "--source", uri)
        self.assertEqual((found.code, found.answer["mp"], found.answer["address"], found.answer["port"]), (0, "mp.chd.example.org", CHILD, self.port), str(found))
        found = lab.find("site", "--source", uri, "--ad-site", "Börlin & Söhne")
        self.assertEqual((found.code, found.answer["site"]), (0, "CHD"), str(found))

    def test_S1_15_packages_flow_down(self):
        """S1.15 facts 6.3: the child's MP tells a roaming client where the parent's package lies; it is laid here, but changed at home alone"""
        self.parent.ctl_ok("dp", "add", "dp.par.example.org")
        self.parent.ctl_ok("dp", "add", "inner.par.example.org")
        self.parent.ctl_ok("dp", "protect", "inner.par.example.org", "subnet", "10.1.0.0/16")
        self.parent.ctl_ok("package", "add", "PAR00001", "--version", "3", "--on", "dp.par.example.org", "inner.par.example.org")
        self.child.ctl_ok("dp", "add", "dp.chd.example.org")
        self.child.ctl_ok("package", "add", "OWN1", "--version", "1", "--on", "dp.chd.example.org")
        self.join()
        flowed = ("PAR", "PAR00001", "dp.par.example.org inner.par.example.org")
        own = ("CHD", "OWN1", "dp.chd.example.org")
        harness.wait_until(lambda: self.packages(self.child) == {own: 1, flowed: 3}, "the parent's package at the child")
        self.assertEqual((self.content("PAR"), self.content("CHD")), ({"PAR": ["dp"]}, {}))      # DPs of the place, then of the assigned site
        self.assertEqual(self.content("PAR", "10.1.0.7", "10.1.0.0"), {"PAR": ["inner"]})         # protected for those inside
        self.assertEqual(list(self.packages(self.parent)), [flowed], "they flow down only")

        for words in (["add", "PAR00001", "--version", "4", "--on", "dp.chd.example.org"], ["remove", "PAR00001"]):
            refused = self.child.ctl("package", *words)
            self.assertEqual((refused.code, "of site PAR" in refused.err), (7, True), str(refused))
        self.child.ctl_ok("package", "add", "par00001", "--version", "3", "--on", "dp.chd.example.org")
        self.assertEqual((self.content("PAR"), self.content("CHD")), ({"CHD": ["dp"]}, {"CHD": ["dp"]}))
        self.assertEqual(self.packages(self.child)[("PAR", "par00001", "dp.chd.example.org")], 3)

        self.parent.ctl_ok("package", "add", "PAR00002", "--version", "1", "--on", "dp.par.example.org")
        harness.wait_until(lambda: self.content("PAR", package="PAR00002") == {"PAR": ["dp"]}, "another package")
        self.assertEqual(self.child.process.log().count("packages-learned site=PAR packages=1 gone=0"), 2, "only what has changed")
        self.parent.ctl_ok("package", "remove", "PAR00001")
        harness.wait_until(lambda: self.content("PAR") == {}, "the package gone")
        self.assertEqual(self.content("CHD"), {}, "what was laid here has no package any more")
        self.child.ctl_ok("package", "remove", "PAR00001")
        self.assertEqual(set(self.packages(self.child)), {own, ("PAR", "PAR00002", "dp.par.example.org")})
        self.parent.process.stop()                                               # S2.13: what is known stays, with its age
        told = self.row(self.child, "PAR")["told"]
        self.assertEqual([row["told"] for row in self.child.ctl_ok("package", "list", "--json").answer], [None, told])
        self.assertEqual(self.content("PAR", package="PAR00002"), {"PAR": ["dp"]})
        self.child.ctl_ok("site", "set", "CHD")                                  # it lies below nobody now
        harness.wait_until(lambda: set(self.packages(self.child)) == {own}, "the packages forgotten")
        self.assertEqual(self.child.ctl_ok("site", "remove", "PAR", "--json").answer["change"], "removed")

    def lay(self, version, files):
        """A package of the parent with these files."""
        source = self.path("source-%d" % version)
        for path, octets in files.items():
            os.makedirs(os.path.join(source, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(source, path), "wb") as out:
                out.write(octets)
        self.parent.ctl_ok("package", "add", "PAR00001", "--version", str(version), "--on", "dp.par.example.org", "--dir", source)

    def fetched(self, port, path, address=CHILD):
        """What the distribution point at this port of the child's address gives for a path; None for 404."""
        one = http.client.HTTPConnection(address, port, timeout=20)
        self.addCleanup(one.close)
        one.request("GET", "/SMS_DP_SMSPKG$/" + path)
        got = one.getresponse()
        octets = got.read()
        return octets if got.status == 200 else None

    def states(self, *words):
        return {row["dp"]: (row["state"], row["message"]) for row in self.child.ctl("package", "status", *words, "--json").answer}

    def damage(self, site, octets):
        """Writes into a file of a content library, as a failing disk does."""
        sha256 = hashlib.sha256(octets).hexdigest()
        path = os.path.join(site.content, sha256[:2], sha256)
        before = os.stat(path)
        os.chmod(path, 0o644)
        with open(path, "r+b") as out:
            out.write(bytes([octets[0] ^ 1]))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    def test_S1_15_files_flow_down(self):
        """S1.15 S2.09 the files of a parent's package come to the distribution points of the child by their hashes, when it is back, when mended, anew"""
        for site in (self.parent, self.child):
            site.process.stop()
            site.roles = "server,mp,slp,dp"
            site.start()
        shared, own = self.port, harness.free_port([CHILD])
        self.parent.ctl_ok("dp", "add", "dp.par.example.org", "--url", "http://%s:%d/SMS_DP_SMSPKG$/" % (PARENT, self.port))
        self.child.ctl_ok("dp", "add", "dp.chd.example.org", "--url", "http://%s:%d/SMS_DP_SMSPKG$/" % (CHILD, shared))
        self.child.ctl_ok("dp", "add", "own.chd.example.org", "--url", "http://%s:%d/SMS_DP_SMSPKG$/" % (CHILD, own))
        files = {"sub dir/setup.exe": os.urandom(5 << 20), "same.exe": b"x" * 1000, "empty": b""}
        self.lay(3, files)
        self.damage(self.parent, files["same.exe"])
        self.join()
        harness.wait_until(lambda: self.packages(self.child).get(("PAR", "PAR00001", "dp.par.example.org")) == 3, "the package")
        os.mkdir(self.path("other"))
        self.write("other/x", "another")
        other = self.child.ctl("package", "add", "PAR00001", "--version", "3", "--on", "dp.chd.example.org", "--dir", self.path("other"))
        self.assertEqual((other.code, "other content at site PAR" in other.err), (7, True), str(other))

        state, on = self.path("own"), ["dp.chd.example.org", "own.chd.example.org"]
        os.mkdir(state)
        self.start([harness.program("sited"), "--foreground", "--db", self.child.db, "--state", state, "--control", self.path("own.sock"), "--role", "dp",
                    "--dp-name", on[1], "--intake", "http://%s:%d" % (CHILD, self.port), "--http", "%s:%d" % (CHILD, own)])
        self.child.ctl_ok("package", "add", "PAR00001", "--version", "3", "--on", *on)
        # What is damaged is refused, told, and served by nobody.
        harness.wait_until(lambda: {host: row[0] for host, row in self.states().items()} == dict.fromkeys(on, "failed"), "both refuse it")
        for host, (_, message) in self.states("PAR00001").items():
            self.assertIn("fetched as %s... have the hash" % hashlib.sha256(files["same.exe"]).hexdigest()[:16], message, host)
        self.assertEqual({(row["rule"], row["detail"].split(":")[0]) for row in self.child.ctl("check", "--json").answer if row["subject"] == "PAR00001"},
                         {("package-missing", host) for host in on})
        self.assertEqual(self.content("CHD"), {})
        self.assertEqual([self.fetched(port, "PAR00001.3/same.exe") for port in (shared, own)], [None, None])

        # Mended while the parent is off: it comes once that is back, nothing twice.
        self.parent.process.stop()
        sha256 = hashlib.sha256(files["same.exe"]).hexdigest()
        with open(os.path.join(self.parent.content, sha256[:2], sha256), "wb") as out:
            out.write(files["same.exe"])
        self.parent.start()
        harness.wait_until(lambda: self.states() == {}, "the files at the child", 60)
        self.assertEqual(self.content("CHD"), {"CHD": ["127", "127"]})              # both, by their addresses
        for port in (shared, own):
            self.assertEqual({path: self.fetched(port, "PAR00001.3/" + path.replace(" ", "%20")) for path in files}, files)
        self.assertEqual({row["state"] for row in self.child.ctl_ok("package", "verify", "PAR00001", "--json").answer}, {"verified"})

        # Another version takes its place; what the other needed alone is gone from the library.
        newer = {"sub dir/setup.exe": os.urandom(1000), "same.exe": files["same.exe"]}
        self.parent.ctl_ok("package", "remove", "PAR00001")
        self.lay(4, newer)
        harness.wait_until(lambda: self.packages(self.child).get(("PAR", "PAR00001", " ".join(on))) == 4 and self.states() == {}, "the other version", 60)
        self.assertEqual(self.content("CHD"), {"CHD": ["127", "127"]})              # both, by their addresses
        for port in (shared, own):
            self.assertEqual({path: self.fetched(port, "PAR00001.4/" + path.replace(" ", "%20")) for path in newer}, newer)
            self.assertIsNone(self.fetched(port, "PAR00001.3/same.exe"))
        old = hashlib.sha256(files["sub dir/setup.exe"]).hexdigest()
        harness.wait_until(lambda: not os.path.exists(os.path.join(self.child.content, old[:2], old)), "the old file gone")

        # The library that distribution points share is looked after like the others': what is lost comes again.
        self.child.process.stop()
        self.damage(self.child, newer["same.exe"])
        self.child.start()
        harness.wait_until(lambda: "content-damaged package=PAR00001 version=4 path=same.exe" in self.child.process.log(), "the damage found")
        harness.wait_until(lambda: self.fetched(shared, "PAR00001.4/same.exe") == newer["same.exe"], "the file again")
        self.assertTrue(os.path.exists(os.path.join(self.child.content, "damaged", sha256)))

        # What the parent lost nobody else has: it is named no more, until it is given back.
        self.parent.process.stop()
        self.damage(self.parent, newer["same.exe"])
        self.parent.start()
        row = harness.wait_until(lambda: [row for row in self.parent.ctl("package", "status", "--json").answer if row["state"] == "failed"], "the loss told")[0]
        self.assertEqual((row["dp"], "missing: same.exe, and no other host has it" in row["message"]), ("dp.par.example.org", True), row)
        self.assertEqual(self.content("PAR", "10.1.0.7", "10.1.0.0", address=PARENT), {})
        self.lay(4, newer)
        harness.wait_until(lambda: self.parent.ctl("package", "status", "--json").answer == [], "the file given back")
        self.assertEqual(self.content("PAR", "10.1.0.7", "10.1.0.0", address=PARENT), {"PAR": ["127"]})

    def test_S1_27_both_publish_into_one_directory(self):
        """S1.27 B8 each site server publishes its own site, with the top of the hierarchy; a roaming client finds the resident MP of the other"""
        self.join()
        directory = lab.Directory(self)
        for site in (self.parent, self.child):
            site.ctl_ok("target", "add", directory.uri_base, *directory.credentials)
            site.publish()
        self.assertEqual(sorted(row["mssmssitecode"][0] for row in directory.published("mSSMSSite")), ["CHD", "PAR"])
        self.assertEqual([base64.b64decode(row["mssmscapabilities"][0]).count(b"<RootSiteCode>PAR<") for row in directory.published("mSSMSManagementPoint")],
                         [1, 1])
        found = lab.find("mp", "--site", "PAR", "--roaming", "--as-client", "10.2.0.7/16", "--source", directory.uri_base, *directory.credentials)
        self.assertEqual([found.answer[key] for key in ("assigned_mp", "resident_site", "resident_mp")],
                         ["mp.par.example.org", "CHD", "mp.chd.example.org"], str(found))
        self.assertEqual(self.parent.ctl("publish", "--diff").code, 0)

    def test_S1_25_a_change_is_told_at_once(self):
        """S1.25 S1.26 another default MP, none, another boundary of the child: the parent's clients see it, though no interval has passed"""
        for site in (self.parent, self.child):
            site.process.stop()
            site.more = []
            site.start()
        self.join()
        self.child.ctl_ok("mp", "add", "mp2.chd.example.org", "--address", "127.0.0.21", "--https")
        self.child.ctl_ok("mp", "designate", "mp2.chd.example.org")
        harness.wait_until(lambda: 'Name="mp2.chd.example.org" Address="127.0.0.21" Port="443"' in self.get(PARENT, "/SMS_SLP/slp.dll?site&sc=CHD")[1], "the new MP")
        self.child.ctl_ok("mp", "designate", "--none")
        harness.wait_until(lambda: "<MP " not in self.get(PARENT, "/SMS_SLP/slp.dll?site&sc=CHD")[1], "no default MP")
        self.child.ctl_ok("boundary", "remove", "subnet", "10.2.0.0/16")
        harness.wait_until(lambda: self.places(PARENT, "PAR", "10.2.0.7", "10.2.0.0") == [("PAR", "PAR", "FALLBACK")], "the boundary gone")
        before = [site.ctl_ok("status", "--json").answer["generation"] for site in (self.parent, self.child)]
        self.parent.ctl_ok("boundary", "add", "subnet", "10.9.0.0/16")
        harness.wait_until(lambda: self.places(CHILD, "CHD", "10.9.0.7", "10.9.0.0") == [("PAR", "PAR", "LOCAL")], "the boundary of the parent")
        after = [site.ctl_ok("status", "--json").answer["generation"] for site in (self.parent, self.child)]
        self.assertEqual(after, [n + 1 for n in before], "one change at each: they do not go on telling each other")

    def test_a_site_that_the_other_does_not_know_holds_up_nothing(self):
        """S1.27 a second site in the parent's database, unknown to the child: the child refuses it, and hears of the first as before"""
        self.join()
        before = self.parent.process.log().count("site-exchange-failed")    # while only one of them knew the other
        self.run_ok([harness.program("sitectl"), "--db", self.parent.db, "init", "AAA", "--domain", "example.org", "--server", "a.example.org", *self.parent.state])
        self.parent.ctl_ok("boundary", "add", "subnet", "10.9.0.0/16", "--site", "PAR")
        harness.wait_until(lambda: self.places(CHILD, "CHD", "10.9.0.7", "10.9.0.0") == [("PAR", "PAR", "LOCAL")], "the boundary of the parent")
        harness.wait_until(lambda: "site-exchange-refused" in self.child.process.log(), "AAA refused")
        self.assertEqual(self.parent.process.log().count("site-exchange-failed"), before)

    def test_S2_13_what_was_told_outlives_the_teller(self):
        """S2.13 the child's site server is off: what it told stays, the failure is told once, and it is heard again when it is back"""
        self.join()
        self.assertNotIn("neighbour-silent", self.parent.ctl("check").out)
        self.child.process.stop()
        harness.wait_until(lambda: "site-exchange-failed site=CHD" in self.parent.process.log(), "the failure")
        self.assertEqual(self.places(PARENT, "PAR", "10.2.0.7", "10.2.0.0"), [("CHD", "CHD", "LOCAL")])
        self.child.start()
        harness.wait_until(lambda: "site-exchange-back site=CHD" in self.parent.process.log(), "the child back")
        self.assertEqual(self.parent.process.log().count("site-exchange-failed"), 1)

    def test_a_neighbour_is_administered_at_home(self):
        """S2.02 verbs for a neighbour are refused, it is not published, and cannot be removed while a site lies below it"""
        self.join()
        for words in (["mp", "list", "--site", "CHD"], ["boundary", "add", "subnet", "10.8.0.0/16", "--site", "CHD"], ["publish", "--site", "CHD"],
                      ["site", "set", "CHD", "--kind", "central"]):
            self.assertEqual(self.parent.ctl(*words).code, 2, words)
        self.parent.ctl_ok("dp", "list")                       # --site is not needed: it is the only one of this database
        self.assertEqual(self.child.ctl("site", "remove", "PAR").code, 7)
        self.assertEqual(self.child.ctl("site", "remove", "CHD").code, 7)       # no neighbour but the site itself
        self.assertEqual(self.child.ctl("site", "remove", "no code").code, 2)
        self.assertEqual(self.child.ctl("site", "set", "CHD", "--kind", "secondary", "--parent", "PAR").code, 2)
        self.assertEqual(self.parent.ctl("prune", "--of", "CHD").code, 2)
        self.assertEqual(self.parent.ctl_ok("key", "show", "--json").answer["site"], "PAR")
        self.assertEqual(self.introduce(self.parent, self.child, CHILD).answer["change"], "unchanged")
        self.assertEqual(self.introduce(self.parent, self.child, HOSTILE).code, 7)
        self.assertEqual(self.introduce(self.parent, self.parent, PARENT).code, 7)
        self.child.ctl_ok("site", "set", "CHD")
        self.assertEqual(self.child.ctl_ok("site", "remove", "PAR", "--json").answer["change"], "removed")
        self.assertEqual(self.places(CHILD, "CHD", "10.1.0.7", "10.1.0.0"), [("CHD", "CHD", "FALLBACK")])
        harness.wait_until(lambda: "site-exchange-failed site=CHD" in self.parent.process.log(), "403 at the child")
        for words in (["ZZZ", "--server", "ftp://x", "--root-key", self.path("par.pem")],
                      ["ZZZ", "--server", "http://x:99999", "--root-key", self.path("par.pem")], ["ZZZ", "--server", "http://x:", "--root-key", self.path("par.pem")],
                      ["ZZZ", "--server", "http://[::1]x", "--root-key", self.path("par.pem")], ["zzz", "--server", "http://x", "--root-key", self.path("par.pem")],
                      ["ZZZ", "--server", "http://x", "--root-key", self.write("no.pem", "no key\n")], ["ZZZ", "--server", "http://x"],
                      ["ZZZ", "--server", "http://x", "--root-key", "/nowhere"]):
            self.assertEqual(self.parent.ctl("site", "add", *words).code, 2, words)

    # ---- who may tell

    def sign(self, text, key):
        """The signature of the text by the key in this file, as the header has it."""
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=text, stdout=subprocess.PIPE, check=True)
        return "1 " + done.stdout.hex()

    def tell(self, text, key, site="PAR", address=PARENT, what="site"):
        """Tells the site server at `address` something, signed by the key in this file; the status and what was answered."""
        octets = text if isinstance(text, bytes) else text.encode()
        with open(self.path("told"), "wb") as out:
            out.write(octets)
        done = self.run_ok([harness.tool("curl", "curl"), "-s", "-w", "\n%{http_code}", "-H", "Sitelocator-Signature: " + (self.sign(octets, key) if key else "1 "),
                            "--data-binary", "@" + self.path("told"), "http://%s:%d/sms_site/%s?%s" % (address, self.port, what, site)])
        body, _, status = done.out.rpartition("\n")
        return int(status), body

    @staticmethod
    def description(made=None, code="CHD", parts="", kind="primary", parent=""):
        return ('sitelocator site 1\n<SiteDescription SchemaVersion="1.0" Made="%d"><Site Code="%s" Kind="%s" Parent="%s" Domain="x.org" Forest="x.org" '
                'Server="s.x.org"/>%s</SiteDescription>' % (int(time.time()) if made is None else made, code, kind, parent, parts))

    def key_of(self, site):
        return (site.state[1] + "/site" if site.state else site.db) + "-%s.key" % site.code

    def test_only_what_the_pinned_key_signed_is_learned(self):
        """issue 5 item 6: strangers, other keys, changed and replayed descriptions are refused and learn nothing; the answer is signed"""
        right, wrong, now = self.key_of(self.child), self.key_of(self.parent), int(time.time())
        good = self.description(made=now - 100, parts='<MP Host="a.x.org" Address="192.0.2.1" Port="80" HTTPS="0" NLB="0" Default="1"/>')
        self.assertEqual(self.tell(good, right)[0], 403)                    # nobody has made it known
        self.assertEqual(self.introduce(self.parent, self.child, "127.0.0.21").code, 0)     # where nobody is
        self.assertEqual([row["subject"] for row in self.parent.ctl("check", "--json").answer if row["rule"] == "neighbour-silent"], ["CHD"])
        for key in (wrong, ""):
            status, body = self.tell(good, key)
            self.assertEqual((status, [word for word in SECRETS if word in body]), (403, []), body)
        status, body = self.tell(good, right)
        self.assertEqual((status, 'Code="PAR"' in body), (200, True), body)
        self.assertEqual(self.get(PARENT, "/SMS_MP/.sms_aut?MPLIST1&CHD")[1].count("a.x.org"), 1)
        self.assertEqual(self.tell(good, right)[0], 200)
        self.assertEqual(self.tell(self.description(made=now - 50), right)[0], 200)
        self.assertEqual(self.tell(good, right)[0], 409)                    # recorded, and brought back
        self.assertEqual(self.get(PARENT, "/SMS_MP/.sms_aut?MPLIST1&CHD")[1].count("a.x.org"), 0)
        self.assertEqual(self.tell(self.description(), right, "XYZ")[0], 404)
        for made in (now + 4000, (1 << 63) - 1):                            # a wrong clock keeps out nothing that is told later
            status, body = self.tell(self.description(made=made), right)
            self.assertEqual((status, "ahead of the clock" in body), (409, True), body)
        self.assertEqual(self.tell(self.description(), right)[0], 200)
        self.assertEqual(self.tell(self.description(code="PAR"), wrong)[0], 403)
        self.assertLessEqual(self.parent.process.log().count("site-exchange-refused"), 5)

    def test_the_exchange_of_the_page(self):
        """docs/site.md: what it says about site servers, typed in as it stands, gives what it shows"""
        self.assertEqual(self.introduce(self.parent, self.child, "127.0.0.21").code, 0)
        with open(os.path.join(harness.SRCDIR, "docs/site.md"), encoding="utf-8") as page:
            text = page.read()
        lines = [line[4:] for line in text[text.index("### From site server to site server"):].split("\n### ")[0].splitlines() if line.startswith("    ")]
        script = "\n".join(line[2:] + ("; echo" if "curl" in line else "") for line in lines if line[:2] in ("$ ", "> "))
        script = script.replace("192.0.2.18", "%s:%d" % (PARENT, self.port)).replace("chd.db-CHD.key", self.key_of(self.child))
        shown = self.run_ok(["bash", "-c", script], cwd=self.folder).out.splitlines()
        said = [line for line in lines if line[:2] not in ("$ ", "> ")]
        self.assertEqual((len(shown), shown[0], shown[2:]), (4, said[0], said[2:]))
        self.assertRegex(shown[1], ".*".join(re.escape(part) for part in said[1].split("...")))
        self.assertEqual(self.places(PARENT, "PAR", "10.2.0.7", "10.2.0.0"), [("CHD", "CHD", "LOCAL")])

    def test_who_may_ask_for_packages(self):
        """issue 5 item 6: only a site below, signed by the key that is pinned for it, within an hour"""
        right, now = self.key_of(self.child), int(time.time())
        wanted = ('sitelocator packages-wanted 1\n<PackagesWanted SchemaVersion="1.0" Site="%s" Of="%s" Made="%d" Nonce="%s" Since="%s" After="0"/>')
        good = wanted % ("CHD", "PAR", now, "0123456789abcdef", "0")
        self.assertEqual(self.tell(good, right, what="packages")[0], 403)
        self.assertEqual(self.introduce(self.parent, self.child, "127.0.0.21").code, 0)
        status, body = self.tell(good, right, what="packages")
        self.assertEqual((status, "does not lie below" in body), (403, True), body)
        self.assertEqual(self.tell(self.description(made=now, parent="PAR"), right)[0], 200)
        status, body = self.tell(good, right, what="packages")
        self.assertEqual((status, 'For="CHD" Nonce="0123456789abcdef" Since="0" After="0" Now="0" Next="0" Total="0"' in body), (200, True), body)
        self.assertEqual(self.tell(good, self.key_of(self.parent), what="packages")[0], 403)
        for text, expected in ((wanted % ("CHD", "PAR", now - 4000, "0123456789abcdef", 0), 409), (wanted % ("CHD", "PAR", now, "nonce", 0), 400),
                               (wanted % ("CHD", "XYZ", now, "0123456789abcdef", 0), 404), (wanted % ("CHD", "PAR", now, "00", -1), 400),
                               (wanted % ("CHD", "PAR", now, "00", 1 << 63), 400), (self.description(), 400)):
            self.assertEqual(self.tell(text, right, what="packages")[0], expected, text)

    def test_a_parent_that_lies(self):
        """P12 pages of packages that lie are refused with a reason and change nothing: other keys, replayed, of another site, wrapped, too large"""
        lies = Liar(self, self.key_of(self.parent))
        self.child.ctl_ok("site", "add", "PAR", "--server", "http://%s:%d" % (HOSTILE, lies.server_port), "--root-key", self.path("par.pem"))
        self.child.ctl_ok("site", "set", "CHD", "--parent", "PAR")
        harness.wait_until(lambda: self.packages(self.child) == {("PAR", "PAR00001", "dp.x.org"): 1}, "what is true")
        known, seen = self.packages(self.child), 0
        self.assertEqual(self.content("PAR"), {"PAR": ["dp"]})
        rows = [("is not signed", {"key": self.key_of(self.child)}), ("answer another question", {"nonce": "0123456789abcdef"}),
                ("bears the code of site CHD", {"parts": '<Package ID="CHD0000f" Version="1" On="0"/>'}), ("is no Packages", {"wrap": "<X>%s</X>"}),
                ("is from before", {"now": 1}), ("lies on other.x.org, which has not been told yet", {"parts": '<DP Host="other.x.org"/><Package ID="P2" Version="1" On="1"/>'}),
                ("larger than", {"parts": "<!--%s-->" % ("x" * (1 << 20))})]
        for reason, lie in rows:
            with self.subTest(reason):
                lies.lie, lies.number = lie, lies.number + 1
                self.assertEqual(self.tell(lies.description(), lies.key, "CHD", CHILD)[0], 200)
                harness.wait_until(lambda: self.child.process.log().count("site-exchange-failed") > seen, "the refusal")
                seen += 1
                line = [line for line in self.child.process.log().splitlines() if "site-exchange-failed" in line][-1]
                self.assertIn(reason, line.replace("\\", ""))
                self.assertEqual(self.packages(self.child), known)
                lies.lie = {}
                harness.wait_until(lambda: self.child.process.log().count("site-exchange-back") == seen, "the truth again")

    def test_hostile_descriptions(self):
        """P12 what passes no check of an administrator's values is 400 and names the element; circles and impossible places are 409"""
        right = self.key_of(self.child)
        self.assertEqual(self.introduce(self.parent, self.child, "127.0.0.21").code, 0)
        one = '<MP Host="%s" Address="%s" Port="%s" HTTPS="0" NLB="0" Default="1"/>'
        rows = [("nonsense", "begin"), ("sitelocator site 1\n<a", "site description"), ("sitelocator site 1\n<a/>", "SiteDescription"),
                (self.description(made=0), "Made"), (self.description(code="chd"), "Site"), (self.description(kind="king"), "Kind"),
                (self.description(parent="x"), "Parent"), (self.description(parts=one % ("a b", "192.0.2.1", 80)), "MP 1"),
                (self.description(parts=one % ("a", "nowhere", 80)), "MP 1"), (self.description(parts=one % ("a", "192.0.2.1", 0)), "MP 1"),
                (self.description(parts=one % ("a", "192.0.2.1", 80) + one % ("b", "192.0.2.2", 80)), "default"),
                (self.description(parts=one % ("a", "192.0.2.1", 80) * 1001), "1000"),
                (self.description(parts='<Boundary Kind="subnet" Value="10.0.0.1/8" Slow="0"/>'), "Boundary 1"),
                (self.description(parts='<Boundary Kind="moon" Value="x" Slow="0"/>'), "Boundary 1"),
                (self.description(parts='<DP Host="a b" URL=""/>'), "DP 1"), (self.description(parts='<DP Host="a" URL="file:///"/>'), "DP 1"),
                (self.description(parts='<DP Host="a" URL="http://a/"/><Protected DP="b" Kind="subnet" Value="10.2.0.0/16"/>'), "Protected 1"),
                (self.description(parts='<DP Host="a" URL="http://a/"/><Protected DP="a" Kind="subnet" Value="10.2.0.0/16"/>'), "Protected 1"),
                (self.description().replace("Made=", 'Packages="-1" Made='), "Packages"), ('sitelocator site 1\n<X>%s</X>' % self.description(), "site description"), (b"sitelocator site 1\n\0<a/>", "site description")]
        for text, word in rows:
            status, body = self.tell(text, right)
            self.assertEqual((status, word in body), (400, True), "%r: %s" % (text[:200], body))
        for text in (self.description(kind="secondary"), self.description(kind="secondary", parent="PAR"), self.description(kind="central", parent="PAR")):
            self.assertEqual(self.tell(text, right)[0], 409, text)
        self.assertEqual(self.tell(b"x" * (1 << 20), right)[0], 413)
        self.assertEqual(self.get(PARENT, "/sms_site/site?PAR")[0], 405)
        self.assertEqual(self.tell(self.description(made=5, parts='<Unknown/>'), right)[0], 200)


harness.main()
