"""X13 trust: management points that prove themselves with the site's trusted root key, and rogues of every kind that do not."""

import http.client
import http.server
import os
import shutil
import socket
import subprocess
import threading

import harness
import lab
import slp

MP, ROGUE = "127.0.0.11", "127.0.0.13"
NAME = "mp1.example.org"
PATH = "/SMS_MP/.sms_aut?"
NONCE, PROOF = "Sitelocator-Nonce", "Sitelocator-Proof"


def ask(address, port, verb, headers=(), method="GET", body=None):
    """One HTTP exchange: status, headers, body."""
    one = http.client.HTTPConnection(address, port, timeout=10)
    try:
        one.request(method, verb if verb.startswith("/") else PATH + verb, body, dict(headers))
        got = one.getresponse()
        return got.status, got.headers, got.read()
    finally:
        one.close()


def envelope(body, source, properties):
    """A CCM message with the hook clientauth, from the description of the format."""
    hook = "".join('<Property Name="%s">%s</Property>' % one for one in properties.items())
    header = ('<Msg SchemaVersion="1.1"><Body Type="ByteRange" Offset="0" Length="%d"/><Hooks><Hook2 Name="clientauth">%s</Hook2></Hooks>'
              '<ID>{11111111-2222-3333-4444-555555555555}</ID><SourceID>%s</SourceID><SourceHost>pc1</SourceHost>'
              '<TargetAddress>mp:MP_LocationManager</TargetAddress><TargetEndpoint>MP_LocationManager</TargetEndpoint></Msg>' % (len(body), hook, source))
    return (b"--aAbB\r\ncontent-type: text/plain; charset=UTF-16\r\n\r\n" + b"\xff\xfe" + header.encode("utf-16-le")
            + b"\r\n--aAbB\r\ncontent-type: application/octet-stream\r\n\r\n" + body + b"\r\n--aAbB--\r\n")


class Signer:
    """A client's RSA key: its PUBLICKEYBLOB, and signatures with their octets reversed, all by openssl."""

    def __init__(self, case):
        self.case, self.openssl = case, harness.tool("openssl", "openssl")
        self.path = case.path("client-%d.key" % len(os.listdir(case.folder)))
        case.run_ok([self.openssl, "genrsa", "-out", self.path, "2048"])
        modulus = bytes.fromhex(case.run_ok([self.openssl, "rsa", "-in", self.path, "-noout", "-modulus"]).out.strip().partition("=")[2])
        self.key = (bytes.fromhex("0602000000A40000525341310008000001000100") + modulus[::-1]).hex().upper()

    def sign(self, octets):
        signature = subprocess.run([self.openssl, "dgst", "-sha256", "-sign", self.path], input=octets, stdout=subprocess.PIPE, check=True).stdout
        return signature[::-1].hex().upper()


class Rogue(http.server.BaseHTTPRequestHandler):
    """Says what the test put into `server.says`: status, headers, body for the headers that came."""

    def do_GET(self):
        self.server.seen.append(self.path)
        status, headers, body = self.server.says(self)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_CCM_POST = do_GET

    def log_message(self, *_):
        pass


class TrustCase(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port((MP, ROGUE))
        self.site = lab.Site(self, http=["%s:%d" % (MP, self.port)])
        self.site.ctl_ok("mp", "add", NAME, "--address", MP, "--port", str(self.port))
        self.site.ctl_ok("mp", "designate", NAME)
        self.site.ctl_ok("dp", "add", "dp1.example.org")
        self.site.ctl_ok("package", "add", lab.PACKAGE, "--version", "3", "--on", "dp1.example.org")
        self.key = self.path("root.pem")
        self.site.ctl_ok("key", "export", self.key)
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))

    def register(self, address):
        """The registry's word on who the management point is; anybody may have registered it."""
        self.registry.ctl("delete", "MP_PS1#1A")
        self.registry.ctl_ok("add", "MP_PS1#1A", address)
        return self.registry.uri

    def zone(self, address):
        """A zone that says the same of the management point by its name."""
        return "zone:" + self.write("zone-" + address, "$ORIGIN example.org.\n$TTL 3600\n@ IN SOA ns root 1 2 3 4 5\n_mssms_mp_ps1._tcp IN SRV 0 0 "
                                    "%d mp1\nmp1 IN A %s\n" % (self.port, address), 0o644)

    def find(self, source, *more, pin=True, what=("mp",)):
        sources = [source] if isinstance(source, str) else source
        return lab.find(*what, "--site", "PS1", *[word for one in sources for word in ("--source", one)], "--mp-port", str(self.port),
                        "--timeout", "2s", *(["--pin", "PS1:" + self.key] if pin else []), *more)

    def check(self, found, code, outcome, reason, trust=None):
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"]), (code, outcome, reason), str(found))
        if code:
            self.assertEqual(found.answer, {}, "an answer beside a refusal")
        if trust:
            self.assertEqual(found.json["steps"][-1]["trust"], trust, str(found))
        return found

    def check_proven(self, found):
        self.assertEqual((found.code, found.json["warnings"]), (0, []), str(found))
        self.assertEqual(found.answer["trust"], "proven", str(found))

    def check_refuted(self, source, reason, *more, **options):
        found = self.check(self.find(source, *more, **options), 4, "untrusted", reason, "refuted")
        self.assertIn("J7 T", found.json["steps"][-1]["rule"])
        return found

    def start_rogue(self, says):
        rogue = http.server.ThreadingHTTPServer((ROGUE, self.port), Rogue)
        rogue.says, rogue.seen, rogue.daemon_threads = says, [], True
        threading.Thread(target=rogue.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(rogue.server_close)
        self.addCleanup(rogue.shutdown)
        return rogue

    def start_site(self, name, code, address):
        """Another site server with a management point of the same name, as somebody else would set it up."""
        other = lab.Site(self, code=code, http=["%s:%d" % (address, self.port)], name=name)
        other.ctl_ok("mp", "add", NAME, "--address", address, "--port", str(self.port))
        other.ctl_ok("mp", "designate", NAME)
        return other


class Proof(TrustCase):

    def test_proven_by_name_and_by_address(self):
        """X13 T0 a management point of the registry, and of the DNS, proves itself; explain shows how"""
        self.check_proven(self.find(self.register(MP)))
        self.check_proven(self.find(self.zone(MP)))
        resolve = ["--resolve", "%s:%s" % (NAME, MP)]
        self.check_proven(self.find("http://%s:%d" % (MP, self.port), *resolve))
        point = slp.Point(self)
        point.sites = {"PS1": slp.Site("PS1", mp=NAME, port=self.port)}
        self.check_proven(self.find(point.uri, *resolve))
        self.check_proven(self.find(self.registry.uri, "--trusted-root-key", self.key, pin=False))
        found = self.find(self.registry.uri, what=("dp", "--package", lab.PACKAGE))
        self.assertEqual((found.code, found.answer["dp"]), (0, "dp1.example.org"), str(found))
        told = harness.run([harness.program("locator"), "explain", "mp", "--site", "PS1", "--source", self.zone(MP), "--mp-port", self.port, "--pin",
                            "PS1:" + self.key, "--json"])
        steps = {step["asked"].split(":")[0].split(" ")[0]: step for step in told.json["steps"]}
        self.assertIn("200", steps["MPCERT"]["result"])
        self.assertIn("with a proof", steps["MPCERT"]["result"])
        self.assertIn("of mp1.example.org, site PS1, until ", steps["certificate"]["result"])
        self.assertEqual(steps["proof"]["result"], "proven")
        last = told.json["steps"][-1]
        self.assertEqual((last["verdict"], last["rule"], last["trust"]), ("accepted", "J1 T0", "proven"), str(told))

    def test_the_first_that_proves_itself(self):
        """Q12 of several default ones the first by name that proves itself, with a warning for each before it; when none does, the first is told"""
        self.start_rogue(lambda handler: (404, {}, b""))
        address = {"rogue": ROGUE, "good": MP, "dead": "127.0.0.99"}
        names = ("mp0", "mp1", "mp2")
        zone = lambda *hosts: "zone:" + self.write("zone-" + "-".join(hosts), "$ORIGIN example.org.\n$TTL 3600\n" + "".join(
            "_mssms_mp_ps1._tcp IN SRV 0 0 %d %s\n%s IN A %s\n" % (self.port, name, name, address[host])
            for host, name in zip(hosts, names)), 0o644)
        there = ["--resolve", NAME + ":" + MP]
        found = self.find(zone("rogue", "good"), *there)
        self.assertEqual((found.code, found.answer["mp"], found.answer["trust"]), (0, NAME, "proven"), str(found))
        self.assertIn("mp0.example.org does not prove itself", "\n".join(found.json["warnings"]))
        self.assertEqual(self.find(zone("dead", "good", "rogue"), *there).answer["mp"], NAME)
        cache = ["--cache", self.path("cache.db")]
        number = self.find(zone("rogue", "good", "dead"), *there, *cache).answer["answer_id"]
        self.run_ok([harness.program("locator"), "report-failure", number, *cache])
        found = self.find(zone("rogue", "good", "dead"), *there, *cache)
        self.assertEqual((found.answer["mp"], found.json["steps"][-1]["rule"]), (NAME, "J9 Q12 T0"), "X23 J8: the next one has proven nothing: %s" % found)
        found = self.check(self.find(zone("rogue", "dead")), 4, "untrusted", "no-certificate", "refuted")
        self.assertIn("mp0.example.org does not prove itself", found.json["message"])

    def test_without_a_pinned_key_nothing_is_refuted(self):
        """X13 no key, or that of another site only: unproven, ok, a warning, and nobody is asked"""
        rogue = self.start_rogue(lambda handler: (404, {}, b""))
        for more in ([], ["--pin", "XYZ:" + self.key], ["--trust", "unproven"]):
            found = self.check(self.find(self.register(ROGUE), *more, pin=False), 0, "ok", "", "unproven")
            self.assertIn("no trusted root key is pinned for site PS1", "\n".join(found.json["warnings"]))
        self.assertEqual(self.find(self.registry.uri, "--trust", "any", pin=False).json["warnings"], [])
        self.assertEqual(rogue.seen, [])
        self.check(self.find(self.registry.uri, "--trust", "proven", pin=False), 4, "untrusted", "trust-too-low", "unproven")

    def test_mistakes_are_told(self):
        """a key file that is none, a site code that is none, a word that is none: usage, and the file is named"""
        self.register(MP)
        empty = self.write("empty.pem", "")
        for more, text in ((["--pin", "PS1:/nonexistent"], "/nonexistent"), (["--pin", "PS1:" + empty], empty), (["--pin", "PS1"], "SITE:FILE"),
                           (["--pin", "toolong:" + self.key], "toolong"), (["--trusted-root-key", "/"], "/"), (["--trust", "much"], "much")):
            found = self.find(self.registry.uri, *more, pin=False)
            self.assertEqual((found.code, text in found.out + found.err), (2, True), str(found))

    def test_least_trust(self):
        """X13 --trust: any, unproven, proven, directory"""
        self.register(MP)
        for least, code in (("any", 0), ("unproven", 0), ("proven", 0), ("directory", 4)):
            found = self.find(self.registry.uri, "--trust", least)
            self.assertEqual((found.code, found.json["reason"]), (code, "trust-too-low" if code else ""), str(found))

    def test_replaced_key(self):
        """X13 T3 after sitectl key replace the old pin refutes, the new key proves; everything is signed anew"""
        self.register(MP)
        old = self.site.ctl_ok("key", "show", "--json").answer
        new = self.site.ctl_ok("key", "replace", "--json").answer
        self.assertEqual(new["previous"], old["fingerprint"])
        self.assertNotEqual(new["fingerprint"], old["fingerprint"])
        harness.wait_until(lambda: self.find(self.registry.uri).code == 4, "the new certificate")
        self.check_refuted(self.registry.uri, "other-root-key")
        self.site.ctl_ok("key", "export", self.key)
        self.check_proven(self.find(self.registry.uri))
        self.site.process.stop()
        self.site.start()
        self.check_proven(self.find(self.registry.uri))

    def test_a_key_made_beforehand(self):
        """X13 a key of openssl's in the place of the old one, both pinned: clients notice nothing"""
        openssl, new = harness.tool("openssl", "openssl"), self.path("new.key")
        self.run_ok([openssl, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", new])
        self.run_ok([openssl, "pkey", "-in", new, "-pubout", "-out", self.path("new.pem")])
        self.register(MP)
        both = ["--pin", "PS1:" + self.path("new.pem")]
        self.check_proven(self.find(self.registry.uri, *both))
        self.check_refuted(self.registry.uri, "other-root-key", *both, pin=False)
        os.chmod(new, 0o600)
        os.rename(new, self.site.db + "-PS1.key")
        self.site.process.stop()
        self.site.start()
        self.check_proven(self.find(self.registry.uri, *both))
        self.check_proven(self.find(self.registry.uri, *both, pin=False))
        self.check_refuted(self.registry.uri, "other-root-key")

    def test_expired(self):
        """X13 T6 a certificate is good from an hour before it was issued until its days are over"""
        self.register(MP)
        self.check_refuted(self.registry.uri, "certificate-expired", "--now", "4102444800")
        self.check_refuted(self.registry.uri, "certificate-not-yet-valid", "--now", "1000000000")


class Rogues(TrustCase):

    def test_rogue_registration(self):
        """X13 T3 somebody registers a management point of their own with a site of the same code: refused, for packages too"""
        self.start_site("rogue", "PS1", ROGUE)
        self.check_refuted(self.register(ROGUE), "other-root-key")
        self.check_refuted(self.zone(ROGUE), "other-root-key")
        self.check_refuted(self.registry.uri, "other-root-key", what=("dp", "--package", lab.PACKAGE))

    def test_the_next_source_is_taken(self):
        """X13 J7 what is refuted decides nothing: the next source does, with a warning; alone it makes the outcome"""
        self.start_site("rogue", "PS1", ROGUE)
        found = self.find([self.zone(ROGUE), self.register(MP)])
        self.assertEqual((found.code, found.answer["address"], found.answer["trust"]), (0, MP, "proven"), str(found))
        self.assertIn("does not prove itself", "\n".join(found.json["warnings"]))
        dead = "wins://%s:%d" % (ROGUE, harness.free_port((ROGUE,)))
        self.check(self.find([dead, self.zone(ROGUE)]), 4, "untrusted", "other-root-key")

    def test_other_site(self):
        """X13 T4 a management point of another site of the same hierarchy, so of the same root key"""
        shutil.copy(self.site.db + "-PS1.key", self.path("other.db-XYZ.key"))
        self.start_site("other", "XYZ", ROGUE)
        self.check_refuted(self.zone(ROGUE), "other-site")

    def test_a_relay_is_another_host(self):
        """X13 T5 a rogue that hands our question on to the real one: its certificate is for another address"""
        def relay(handler):
            status, headers, body = ask(MP, self.port, handler.path, {NONCE: handler.headers[NONCE]})
            return status, {PROOF: headers[PROOF]}, body
        rogue = self.start_rogue(relay)
        self.check_refuted(self.register(ROGUE), "other-host")
        self.assertEqual(len(rogue.seen), 1)

    def test_a_replayed_proof(self):
        """X13 T8 a recorded certificate and proof, under the right name: the nonce is another one"""
        status, headers, body = ask(MP, self.port, "MPCERT", {NONCE: "00" * 32})
        self.assertEqual(status, 200)
        self.start_rogue(lambda handler: (200, {PROOF: headers[PROOF]}, body))
        source = self.zone(ROGUE)
        self.check_refuted(source, "proof-wrong")
        self.check_refuted(source, "proof-wrong", "--trust", "unproven")
        found = self.find(source, "--trust", "any")
        self.assertEqual((found.code, found.answer["trust"]), (0, "refuted"), str(found))
        self.assertIn("does not prove itself", "\n".join(found.json["warnings"]))

    def test_no_proof(self):
        """X13 T1 T2 T7 no certificate, a broken one, one without a proof, a broken proof; without demand the missing ones are unproven"""
        body = ask(MP, self.port, "MPCERT")[2]
        answers = [("no-certificate", (404, {}, b"no")), ("no-certificate", (500, {}, body)), ("no-certificate", (200, {}, b"")),
                   ("certificate-unreadable", (200, {}, b"<html/>")), ("certificate-unreadable", (200, {}, body[:-2])), ("no-proof", (200, {}, body)),
                   ("proof-unreadable", (200, {PROOF: "2 00"}, body)), ("proof-unreadable", (200, {PROOF: "1 " + "00" * 1100}, body)),
                   ("no-proof", (200, {PROOF: "1 " + "00" * 3000}, body))]
        rogue = self.start_rogue(None)
        source = self.zone(ROGUE)
        for reason, answer in answers:
            with self.subTest(reason, answer=answer):
                rogue.says = lambda handler, answer=answer: answer
                self.check_refuted(source, reason)
                if PROOF not in answer[1]:
                    found = self.check(self.find(source, "--trust", "unproven"), 0, "ok", "", "unproven")
                    self.assertIn("gives no proof", "\n".join(found.json["warnings"]))

    def test_out_of_reach(self):
        """X13 X02 nobody there, or somebody who never answers: not refuted but not proven either, in one timeout"""
        source = self.zone(ROGUE)
        self.check(self.find(source), 3, "unreachable", "proof-not-obtained")
        with socket.socket() as silent:
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            silent.bind((ROGUE, self.port))
            silent.listen()
            found = self.check(self.find(source, "--timeout", "1s"), 3, "unreachable", "proof-not-obtained")
            self.assertLess(found.seconds, 3)
            self.assertIn("MPCERT: ", found.json["message"], "what failed is the request to its address, not a look-up of its name")
        found = self.check(self.find(source, "--trust", "unproven"), 0, "ok", "", "unproven")
        self.assertIn("cannot be asked for its proof", "\n".join(found.json["warnings"]))


class Directory(TrustCase):

    def test_a_directory_is_believed_or_proven(self):
        """X13 an authenticated directory is trusted and its management point not asked; an anonymous one is, and proves itself"""
        directory = lab.Directory(self)
        self.site.ctl_ok("target", "add", directory.uri_base, *directory.credentials)
        self.site.publish()
        self.check_proven(self.find(directory.uri_base, "--resolve", "%s:%s" % (NAME, MP)))
        published = directory.published("mSSMSSite")[0]["servicebindinginformation"]
        self.assertEqual(published, [self.site.ctl_ok("key", "show", "--json").answer["root_key"]])
        self.key = self.write("hex.key", published[0] + "\n")
        self.check_proven(self.find(self.register(MP)))
        certificate = directory.published("mSSMSManagementPoint")[0]["servicebindinginformation"]
        self.assertEqual(certificate, [ask(MP, self.port, "MPCERT")[2].decode()])
        self.site.ctl_ok("key", "replace")
        self.site.publish()
        self.assertNotEqual(directory.published("mSSMSSite")[0]["servicebindinginformation"], published)
        self.site.process.stop()
        found = self.find(directory.ldapi, "--sasl", "external", "--trust", "directory")
        self.assertEqual((found.code, found.answer["trust"], found.json["warnings"]), (0, "directory", []), str(found))


class ManagementPoint(TrustCase):

    def test_the_four_verbs(self):
        """facts 5.1 MPCERT, MPCERT1, MPKEYINFORMATION, SITESIGNCERT, as openssl reads them, whatever the case"""
        openssl = harness.tool("openssl", "openssl")

        def read(hexadecimal):
            path = self.path("certificate.der")
            with open(path, "wb") as out:
                out.write(bytes.fromhex(hexadecimal))
            return self.run_ok([openssl, "x509", "-inform", "DER", "-in", path, "-noout", "-subject", "-issuer", "-ext", "subjectAltName"]).out
        status, headers, body = ask(MP, self.port, "mpCert", {NONCE: "ab" * 32})
        self.assertEqual((status, headers["Content-Type"], headers[PROOF][:2]), (200, "text/plain", "1 "))
        text = read(body.decode())
        for part in ("CN = mp1.example.org", "O = SMS:PS1", "issuer=O = SMS:PS1, CN = Site Server", "DNS:mp1.example.org", "IP Address:" + MP):
            self.assertIn(part, text)
        self.assertEqual(ask(MP, self.port, "MPCERT1")[2], body)
        keys = ask(MP, self.port, "MPKEYINFORMATION")[2].decode()
        for part in ("<FQDN>mp1.example.org</FQDN>", "<SITECODE>PS1</SITECODE>", self.site.ctl_ok("key", "show", "--json").answer["root_key"]):
            self.assertIn(part, keys)
        root = ask(MP, self.port, "SITESIGNCERT")[2].decode()
        text = read(root.partition("<X509Certificate>")[2].partition("<")[0])
        for part in ("issuer=O = SMS:PS1, CN = Site Server", "DNS:server.example.org"):
            self.assertIn(part, text)
        for nonce in ("", "00", "zz" * 32, "00" * 33, "00" * 32 + " PS12"):
            self.assertEqual(ask(MP, self.port, "MPCERT", {NONCE: nonce})[0], 400, nonce)
        self.assertEqual(ask(MP, self.port, "MPCERT", {NONCE: "00" * 32 + " XYZ"})[2], body)

    def test_signed_messages(self):
        """facts 5.3 the signatures of a client's message are checked where it has some: one wrong octet anywhere is 403"""
        signer = Signer(self)
        body = ("<ContentLocationRequest SchemaVersion=\"1.0\"><Package ID=\"%s\" Version=\"3\"/><AssignedSite SiteCode=\"PS1\"/></ContentLocationRequest>"
                % lab.PACKAGE).encode("utf-16-le") + b"\0\0"
        good = {"PublicKey": signer.key, "PayloadSignature": signer.sign(body), "ClientIDSignature": signer.sign("GUID:1".encode("utf-16-le") + b"\0\0"),
                "HashAlgorithm": "1.2.840.113549.1.1.11", "AuthSenderMachine": "pc1"}
        other = Signer(self)

        def post(status, source="GUID:1", octets=body, **changed):
            properties = {name: value for name, value in dict(good, **changed).items() if value is not None}
            got = ask(MP, self.port, "/ccm_system/request", {"Content-Type": "multipart/mixed; boundary=aAbB"}, "CCM_POST",
                      envelope(octets, source, properties))
            self.assertEqual(got[0], status, (changed, got[2]))
        post(200)
        post(200, ClientIDSignature=None, HashAlgorithm=None)
        post(403, PayloadSignature=None)
        post(403, PublicKey=None)
        post(403, octets=body.replace(b"3", b"4", 1))
        post(403, source="GUID:2")
        post(403, PublicKey=other.key)
        post(403, PayloadSignature=other.sign(body))
        post(403, PayloadSignature=good["ClientIDSignature"])
        post(403, ClientIDSignature=good["PayloadSignature"])
        for wrong in ("", "zz", "00" * 1025):
            post(400, PayloadSignature=wrong)
        for wrong in ("", "00", good["PublicKey"][:-2], good["PublicKey"].replace("52534131", "52534132"), good["PublicKey"].replace("00080000", "00000100")):
            post(400, PublicKey=wrong)
        post(415, HashAlgorithm="1.3.14.3.2.26")

    def test_without_the_database(self):
        """facts 5.1 S2.14 with the database away MPLIST is 500 and MPCERT is not, and the proof still counts"""
        self.register(MP)
        os.rename(self.site.db, self.site.db + ".away")
        self.assertEqual(ask(MP, self.port, "MPLIST")[0], 500)
        self.check_proven(self.find(self.registry.uri))
        os.rename(self.site.db + ".away", self.site.db)

    def test_every_host_of_the_database_proves_itself(self):
        """X13 two management points in processes of their own on one database; each is itself by name and by address"""
        self.site.ctl_ok("mp", "add", "mp2.example.org", "--address", ROGUE, "--port", str(self.port))
        self.site.nbt_port = harness.free_port((ROGUE,))
        self.site.start_mp_host(ROGUE, self.port)
        harness.wait_until(lambda: self.find(self.register(ROGUE)).code == 0, "the certificate of mp2")
        self.check_proven(self.find(self.registry.uri))
        self.check_proven(self.find(self.register(MP)))

    def test_a_management_point_on_a_machine_of_its_own(self):
        """X13 with a state folder of its own a host makes a key of its own, and proves itself with what the site server has signed"""
        folder = self.path("state")
        os.mkdir(folder, 0o700)
        self.site.ctl_ok("mp", "add", "mp2.example.org", "--address", ROGUE, "--port", str(self.port))
        argv = [harness.program("sited"), "--db", self.site.db, "--control", self.path("mp2.sock"), "--role", "mp", "--state", folder,
                "--http", "%s:%d" % (ROGUE, self.port)]
        alone = self.start(argv)
        harness.wait_until(lambda: ask(ROGUE, self.port, "MPCERT")[0] == 200, "the certificate of mp2")
        self.check_proven(self.find(self.register(ROGUE)))
        with open(self.site.db + "-mp.key", "rb") as ours, open(os.path.join(folder, "site-mp.key"), "rb") as theirs:
            self.assertNotEqual(ours.read(), theirs.read(), "no private key travels")
        alone.stop()
        with open(os.path.join(folder, "site-mp.certificates"), "a", encoding="ascii") as kept:
            kept.write("PS1 mp3.example.org 127.0.0.1 00 00 00\nnonsense\n")
        os.rename(self.site.db, self.site.db + ".away")
        self.start(argv)
        harness.wait_until(lambda: ask(ROGUE, self.port, "MPCERT")[0] == 200, "S2.14 the certificate without the database")
        self.check_proven(self.find(self.registry.uri))
        os.rename(self.site.db + ".away", self.site.db)

    def test_keys_are_kept_from_others(self):
        """X13 the key files are 0600 and not in the database; one that others may read is not used"""
        for name in ("PS1", "mp"):
            path = "%s-%s.key" % (self.site.db, name)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            with open(path, encoding="ascii") as key:
                secret = key.read().split("\n")[1]
            for file in (self.site.db, self.site.db + "-wal"):
                with open(file, "rb") as octets:
                    self.assertNotIn(secret.encode(), octets.read())
        os.chmod(self.site.db + "-PS1.key", 0o644)
        self.site.ctl_ok("mp", "add", "mp2.example.org", "--address", ROGUE)
        harness.wait_until(lambda: "certificates-not-issued" in self.site.process.log(), "the refusal in the log")
        self.assertIn("PS1.key", self.site.process.log())
        os.chmod(self.site.db + "-PS1.key", 0o600)
        harness.wait_until(lambda: "certificates-issued" in self.site.process.log(), "tried again without a change", timeout_s=30)
        rows = self.site.ctl_ok("key", "show", "--json").answer["certificates"]
        self.assertTrue(any("mp2.example.org" in row for row in rows), rows)
        os.chmod(self.site.db + "-PS1.key", 0o644)
        self.site.ctl_ok("key", "replace", code=0)
        self.assertEqual(os.stat(self.site.db + "-PS1.key").st_mode & 0o777, 0o600)

    def test_certificates_are_renewed(self):
        """X13 a certificate of few days is issued anew when the site server is told to give more"""
        before = self.site.ctl_ok("key", "show", "--json").answer["certificates"]
        self.site.process.stop()
        self.site.process = self.start([harness.program("sited"), "--db", self.site.db, "--control", self.site.control, "--certificate-days",
                                        "3650", "--http", "%s:%d" % (MP, self.port)])
        harness.wait_until(lambda: self.site.ctl("status").code in (0, 1), "sited answering")
        after = self.site.ctl_ok("key", "show", "--json").answer["certificates"]
        self.assertNotEqual(after, before)
        self.check_proven(self.find(self.register(MP)))


harness.main()
