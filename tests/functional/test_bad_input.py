"""Hostile input to running daemons and to the locator: a clear error or silence, never a crash, and everybody else is still served."""

import http.client
import os
import random
import socket
import struct
import zlib

import harness
import lab
import nbns

ONE_MB = 1 << 20
SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

GOOD = nbns.request(0x1001, nbns.REGISTER, "VICTIM", 0x20, "10.9.9.9")
NAME = nbns.encode_name("VICTIM", 0x20)


def with_name(name):
    """A query whose name field is these octets."""
    return nbns.header(0x1002, 0x0100, 1) + name + struct.pack(">HH", nbns.NB, 1)


def with_rdata(length, rdata, ttl_s=1000):
    return (nbns.header(0x1003, 0x2900, 1, 0, 0, 1) + NAME + struct.pack(">HH", nbns.NB, 1) + b"\xc0\x0c"
            + struct.pack(">HHIH", nbns.NB, 1, ttl_s, length) + rdata)


BAD_PACKETS = {
    "empty": b"",
    "one octet": b"\0",
    "header only": nbns.header(1, 0x0100, 1),
    "header that promises 65535 of everything": nbns.header(1, 0x2900, 65535, 65535, 65535, 65535),
    "no question": nbns.header(1, 0x2900, 0, 0, 0, 1) + NAME,
    "two questions": nbns.header(1, 0x0100, 2) + (NAME + struct.pack(">HH", nbns.NB, 1)) * 2,
    "name that points at itself": with_name(b"\xc0\x0c"),
    "two names that point at each other": with_name(b"\xc0\x0e\xc0\x0c"),
    "name that points forward": with_name(b"\xc0\x40"),
    "name that points behind the packet": with_name(b"\xff\xff"),
    "label of 63 octets without an end": with_name(b"\x3f" + b"A" * 63),
    "label with reserved bits 0x40": with_name(b"\x60" + b"A" * 32 + b"\0"),
    "label with reserved bits 0x80": with_name(b"\xa0" + b"A" * 32 + b"\0"),
    "label of 31 letters": with_name(b"\x1f" + b"A" * 31 + b"\0"),
    "letters outside A to P": with_name(b"\x20" + b"Z" * 32 + b"\0"),
    "binary letters": with_name(b"\x20" + bytes(range(0xE0, 0x100)) + b"\0"),
    "scope of 300 octets": with_name(b"\x20" + b"CA" * 16 + (b"\x3b" + b"S" * 59) * 5 + b"\0"),
    "name of 2000 labels": with_name(b"\x20" + b"CA" * 16 + b"\x01s" * 2000 + b"\0"),
    "resource record longer than the packet": with_rdata(600, b"\x60\0\x0a\x09\x09\x09"),
    "resource record of 65535 octets": with_rdata(65535, b""),
    "address list of 5 octets": with_rdata(5, b"\x60\0\x0a\x09\x09"),
    "address list of no octets": with_rdata(0, b""),
    "address list of 90 addresses": with_rdata(540, b"\x60\0\x0a\x09\x09\x09" * 90),
    "trailing octets": GOOD.replace(b"\x10\x01", b"\x10\x05", 1) + b"\xaa" * 500,
    "an answer that nobody asked for": nbns.header(1, 0x8580, 0, 1) + NAME + struct.pack(">HHIHHI", nbns.NB, 1, 0, 6, 0x6000, 0x0A090909),
    "a WACK that nobody asked for": nbns.header(1, 0xBC00, 0, 1) + NAME + struct.pack(">HHIHH", nbns.NB, 1, 9, 2, 0x7800),
    "unknown opcode 3": nbns.header(1, 0x1800, 1) + NAME + struct.pack(">HH", nbns.NB, 1),
    "largest datagram": b"\xff" * 60000,
    "largest datagram with a good beginning": GOOD + b"\0" * 60000,
}


class RegistryUnderFire(harness.Case):

    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        self.client = nbns.Client((self.registry.address, self.registry.port))
        self.addCleanup(self.client.close)
        self.registry.ctl_ok("add", "GOOD#20", "10.1.1.1")

    def check_still_serving(self, after):
        self.registry.process.check_alive()
        asker = nbns.Client((self.registry.address, self.registry.port), local="127.0.0.9")
        self.addCleanup(asker.close)
        answer = asker.query("GOOD", 0x20)
        self.assertIsNotNone(answer, "no answer to a good query after %s" % after)
        self.assertEqual(answer.addresses, ["10.1.1.1"], after)

    def test_every_kind_of_bad_packet(self):
        """R01 truncated, looping, oversized and miscounted packets: silence or an error, nothing registered, still serving"""
        for what, packet in BAD_PACKETS.items():
            with self.subTest(what):
                self.client.send(packet)
                self.check_still_serving(what)
        while True:
            answer = self.client.receive(0.3)
            if answer is None:
                break
            self.assertTrue(answer.is_response)
        self.assertEqual(self.registry.ctl_ok("stats", "--json").json["outcome"], "ok")
        victim = self.registry.record("VICTIM#20")
        if victim:
            self.assertEqual(victim["addresses"], ["10.9.9.9"], "an address list that was damaged is in the database")

    def test_every_truncation_of_a_good_registration(self):
        """R01 a registration cut at every octet registers nothing"""
        for length in range(len(GOOD)):
            self.client.send(GOOD[:length])
        self.check_still_serving("truncations")
        self.assertIsNone(self.registry.record("VICTIM#20"), "a truncated packet registered a name")
        self.assertEqual(self.client.ask(GOOD).rcode, 0)
        self.assertEqual(self.registry.addresses("VICTIM#20"), ["10.9.9.9"])

    def test_random_damage(self):
        """R01 3000 damaged registrations, queries and releases (the seed is printed)"""
        print("SL_SEED=%d" % SEED)
        dice = random.Random(SEED)
        seeds = [GOOD, with_name(NAME), nbns.request(7, nbns.RELEASE, "OTHER", 3, "10.9.9.8"), nbns.query(8, "*", 0, kind=nbns.NBSTAT)]
        for _ in range(3000):
            packet = bytearray(dice.choice(seeds))
            for _ in range(dice.randrange(1, 6)):
                packet[dice.randrange(len(packet))] = dice.randrange(256)
            self.client.send(bytes(packet[:dice.randrange(1, len(packet) + 1)] if dice.random() < 0.3 else packet))
        self.check_still_serving("damage with SL_SEED=%d" % SEED)

    def test_garbage_on_the_control_socket(self):
        """A control socket that gets garbage, a megabyte, or a client that leaves in the middle still serves the next client"""
        for garbage in (b"", b"\0", b"\xff" * 64, b"GET / HTTP/1.0\r\n\r\n", struct.pack(">I", 0xFFFFFFFF) + b"x" * 100, os.urandom(ONE_MB)):
            with socket.socket(socket.AF_UNIX) as one:
                one.settimeout(5)
                one.connect(self.registry.control)
                try:
                    one.sendall(garbage)
                    one.shutdown(socket.SHUT_WR)
                    one.recv(65536)
                except OSError:
                    pass
            self.check_still_serving("%d octets of garbage on the control socket" % len(garbage))
            self.registry.ctl_ok("stats")

    def test_names_and_addresses_that_winsctl_refuses(self):
        """winsctl says what is wrong with an argument and ends with 2"""
        for words in (["add", "NAMETHATISMUCHTOOLONG#20", "10.1.1.2"], ["add", "NAME#XYZ", "10.1.1.2"], ["add", "NAME#20", "10.1.1.256"],
                      ["add", "NAME#20", "10.1.1.2\n"], ["add", "NAME#20"], ["show", "#"], ["add", "A#20", "::1"], ["nonsense"]):
            result = self.registry.ctl(*words)
            self.assertEqual(result.code, 2, "wrong exit code\n%s" % result)
            self.assertTrue(result.err.strip(), "no error text\n%s" % result)
        self.check_still_serving("bad arguments")


class SiteUnderFire(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port(lab.MP_ADDRESSES.values())
        self.site = lab.Site(self, nbt_port=harness.free_port(lab.MP_ADDRESSES.values()), http=["127.0.0.11:%d" % self.port])
        lab.fill(self.site, self.port)

    def ask(self, method, path, body=b"", headers=()):
        """Status and body of the answer; None when the server just hangs up."""
        one = http.client.HTTPConnection("127.0.0.11", self.port, timeout=20)
        try:
            one.request(method, path, body, dict(headers))
            got = one.getresponse()
            return got.status, got.read()
        except (http.client.HTTPException, ConnectionError):
            return None
        finally:
            one.close()

    def check_still_serving(self, after):
        self.site.process.check_alive()
        got = self.ask("GET", "/SMS_MP/.sms_aut?MPLIST")
        self.assertIsNotNone(got, after)
        self.assertEqual(got[0], 200, after)

    def check_refused(self, what, got):
        if got is not None:
            self.assertTrue(400 <= got[0] < 600 and got[0] != 500, "%s was answered with %d" % (what, got[0]))
        self.check_still_serving(what)

    @staticmethod
    def envelope(payload, body="<ContentLocationRequest/>", compress=False):
        """A CCM message: two parts of a multipart/mixed, both texts UTF-16."""
        second = body.encode("utf-16-le") + b"\0\0"
        if compress:
            second = zlib.compress(second)
        first = b"\xff\xfe" + payload.encode("utf-16-le")
        return (b"--sl\r\ncontent-type: text/plain; charset=UTF-16\r\n\r\n" + first
                + b"\r\n--sl\r\ncontent-type: application/octet-stream\r\n\r\n" + second + b"\r\n--sl--")

    def post(self, body, kind="multipart/mixed; boundary=\"sl\""):
        return self.ask("CCM_POST", "/ccm_system/request", body, {"Content-Type": kind})

    GOOD = ("<ContentLocationRequest SchemaVersion=\"1.0\"><Package ID=\"%s\" Version=\"3\"/><AssignedSite SiteCode=\"PS1\"/>"
            "<ClientLocationInfo><ADSite Name=\"\"/><IPAddresses><IPAddress SubnetAddress=\"10.0.0.0\" Address=\"10.0.0.5\"/></IPAddresses>"
            "</ClientLocationInfo></ContentLocationRequest>" % lab.PACKAGE)
    HEADER = ("<Msg SchemaVersion=\"1.1\"><Body Type=\"ByteRange\" Length=\"%d\" Offset=\"0\"/><TargetAddress>mp:MP_LocationManager</TargetAddress>"
              "<TargetEndpoint>MP_LocationManager</TargetEndpoint><ReplyMode>Sync</ReplyMode></Msg>" % (2 * len(GOOD) + 2))

    @staticmethod
    def text_of(answer):
        """All that can be read in an answer, whatever its encoding."""
        return answer.replace(b"\0", b"")

    def test_a_good_message_is_answered(self):
        """P12 S1.15 the envelope of these tests, with a good request in it, gets both distribution points: what is refused is the damage"""
        status, body = self.post(self.envelope(self.HEADER, self.GOOD))
        self.assertEqual(status, 200, body)
        for host in lab.DPS:
            self.assertIn(host.encode(), self.text_of(body))

    def test_paths_methods_and_headers(self):
        """P12 unknown paths, methods, verbs and oversized lines are refused"""
        for what, method, path in (("unknown path", "GET", "/nothing"), ("parent folders", "GET", "/SMS_MP/../../etc/passwd"),
                                   ("encoded zero", "GET", "/SMS_MP/.sms_aut?%00"), ("unknown verb", "GET", "/SMS_MP/.sms_aut?NOSUCH"),
                                   ("wrong method", "DELETE", "/SMS_MP/.sms_aut?MPLIST"), ("long query", "GET", "/SMS_MP/.sms_aut?" + "A" * 60000),
                                   ("SQL in the site code", "GET", "/SMS_MP/.sms_aut?MPLIST1&PS1'%20OR%20'1'='1")):
            with self.subTest(what):
                got = self.ask(method, path)
                if what == "SQL in the site code" and got and got[0] == 200:
                    self.assertNotIn(b"mp1.example.org", got[1], "a site code with SQL in it found something")
                else:
                    self.check_refused(what, got)

    def test_bodies(self):
        """P12 bodies that are no messages: binary, a megabyte, broken UTF-16, broken and hostile XML"""
        header = self.HEADER
        entities = "<!DOCTYPE a [<!ENTITY b \"" + "x" * 1000 + "\">]><ContentLocationRequest>" + "&b;" * 1000 + "</ContentLocationRequest>"
        external = "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><ContentLocationRequest><Package ID=\"x\"/>&b;</ContentLocationRequest>"
        deep = "<a>" * 20000 + "</a>" * 20000
        for what, body, kind in (
                ("nothing", b"", None), ("binary", os.urandom(5000), None), ("a megabyte of binary", os.urandom(ONE_MB), None),
                ("a megabyte of blanks", b" " * ONE_MB, None), ("ten megabytes", b"A" * (10 * ONE_MB), None),
                ("no multipart", b"<Msg/>", "text/xml"), ("no boundary", self.envelope(header), "multipart/mixed"),
                ("half a message", self.envelope(header, self.GOOD)[:150], None), ("odd UTF-16", self.envelope(header + "x")[:-60], None),
                ("binary in XML", self.envelope("\x01\x02\ud7ff<\x00>"), None), ("no XML in the body", self.envelope(header, "\x00\x01"), None),
                ("an unclosed element", self.envelope(header, "<ContentLocationRequest><Package"), None),
                ("an unknown endpoint", self.envelope(header.replace("LocationManager", "Nobody")), None),
                ("a megabyte of attributes", self.envelope(header, "<ContentLocationRequest a=\"" + "x" * ONE_MB + "\"/>"), None),
                ("a compressed megabyte", self.envelope(header, " " * (64 * ONE_MB), compress=True), None),
                ("entities that multiply", self.envelope(header, entities), None), ("an external entity", self.envelope(header, external), None),
                ("20000 nested elements", self.envelope(header, deep), None)):
            with self.subTest(what):
                got = self.post(body, kind) if kind else self.post(body)
                if got is not None:
                    self.assertNotIn(b"root:", self.text_of(got[1]), "a file of the server in the answer to %s" % what)
                    self.assertNotIn(b"dp1.example.org", self.text_of(got[1]), "%s found distribution points" % what)
                self.check_refused(what, got)

    def test_raw_sockets(self):
        """P12 requests that never end, lie about their length or are no HTTP do not keep others from being served"""
        held = []
        for raw in (b"GET / HTTP/1.1\r\nHost: x\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: x\r\n"
                    b"Content-Length: 99999999999999999999\r\n\r\n", b"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n\r\nabc",
                    b"CCM_POST /ccm_system/request HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nabc"):
            one = socket.create_connection(("127.0.0.11", self.port), 5)
            held.append(one)
            self.addCleanup(one.close)
            one.sendall(raw)
            self.check_still_serving("the open request %r" % raw[:40])

    def test_arguments_that_sitectl_refuses(self):
        """sitectl says what is wrong with a value and ends with 2; nothing is stored"""
        before = self.site.ctl_ok("status").out
        for words in (["mp", "add", "bad host", "--address", "127.0.0.11"], ["mp", "add", "mp3.example.org", "--address", "nowhere"],
                      ["mp", "add", "mp3.example.org\n", "--address", "127.0.0.13"], ["mp", "add", "x" * 300, "--address", "127.0.0.13"],
                      ["boundary", "add", "subnet", "10.0.0.1/8"], ["boundary", "add", "subnet", "10.0.0.0/33"],
                      ["boundary", "add", "range", "10.0.0.9-10.0.0.1"], ["boundary", "add", "planet", "Mars"],
                      ["package", "add", "'; DROP TABLE mp; --", "--version", "1", "--on", lab.DPS[0]], ["target", "add", "gopher://x"],
                      ["mp", "designate", "nobody.example.org"], ["package", "add", "PS100002", "--version", "-1", "--on", lab.DPS[0]]):
            result = self.site.ctl(*words)
            self.assertEqual(result.code, 2, "wrong exit code\n%s" % result)
            self.assertTrue(result.err.strip(), "no error text\n%s" % result)
        self.assertEqual(self.site.ctl_ok("status").out, before)
        self.check_still_serving("bad arguments")


class NamesWithSpecialCharacters(harness.Case):
    """Every character that means something in a DN (RFC 4514) or a filter (RFC 4515), in the places where an administrator chooses names."""

    RDN = r"OU=a\,b\+c\"d\\e\<f\>g\;h\=i \#j\20"
    PLAIN = r'a,b+c"d\e<f>g;h=i #j '

    def test_container_named_with_every_special_character(self):
        """S1.25 publishing into, and finding in, a container whose name needs every escape"""
        directory = lab.Directory(self, container=None, publisher_scope="base")
        escaped = self.RDN + "," + directory.suffix
        directory.add("dn: %s\nobjectClass: organizationalUnit\nou: a,b+c\"d\\e<f>g;h=i #j\n\n" % escaped)
        flags = ["--base", directory.suffix, "--container", self.RDN]
        port = harness.free_port()
        site = lab.Site(self, nbt_port=harness.free_port(), http=["127.0.0.11:%d" % port])
        lab.fill(site, port, targets=[[directory.uri] + flags + directory.credentials])
        site.publish()
        found = lab.find("mp", "--site", "PS1", "--source", directory.uri, *flags)
        self.assertEqual(found.code, 0, str(found))
        self.assertEqual(found.answer["mp"], "mp1.example.org")

    def test_site_codes_and_names_in_filters(self):
        """A site code with filter characters is refused or finds nothing; it never finds another site"""
        directory = lab.Directory(self)
        site = lab.Site(self, nbt_port=harness.free_port())
        lab.fill(site, targets=[[directory.uri_base] + directory.credentials])
        site.publish()
        for code in ("*", "P*1", "PS1)(objectClass=*", "\\2a", "PS\0"[:2] + "\x01", "(", ")"):
            found = harness.run([harness.program("locator"), "find", "mp", "--site", code, "--source", directory.uri_base])
            self.assertIn(found.code, (1, 2), "wrong exit code\n%s" % found)
            self.assertNotIn("mp1.example.org", found.out)

    def test_control_characters_from_a_directory_are_escaped(self):
        """X02 values of a hostile directory reach the terminal escaped, and break neither JSON nor the locator"""
        directory = lab.Directory(self)
        import base64
        evil = base64.b64encode("mp\x1b[31mred\x07.example.org".encode()).decode()
        capabilities = base64.b64encode(b"<a>" * 5000 + b"\x01&&&").decode()
        directory.add("dn: cn=SMS-MP-PS1-EVIL,%s\nobjectClass: mSSMSManagementPoint\ncn: SMS-MP-PS1-EVIL\nmSSMSSiteCode: PS1\nmSSMSDefaultMP: TRUE\n"
                      "mSSMSMPName:: %s\ndNSHostName:: %s\nmSSMSCapabilities:: %s\nmSSMSVersion: -2147483648\n\n"
                      % (directory.container_dn, evil, evil, capabilities))
        for more in ([], ["--json"], ["--plain"]):
            found = harness.run([harness.program("locator"), "find", "mp", "--site", "PS1", "--source", directory.uri_base] + more)
            self.assertIn(found.code, (0, 1, 4), "wrong exit code\n%s" % found)
            self.assertNotIn("\x1b", found.out + found.err)
            self.assertNotIn("\x07", found.out + found.err)
            if "--json" in more:
                self.assertEqual(found.json["v"], 1)


class Options(harness.Case):
    """What an administrator names is looked at before anything is asked, and without waiting."""

    def find(self, *words):
        found = lab.find("mp", "--site", "PS1", *words)
        self.assertLess(found.seconds, 10, str(found))
        return found

    def test_a_pipe_in_the_place_of_a_file(self):
        """X02 nobody ever writes into it: refused at once, and named, as configuration, key, authority, password, certificate, dump"""
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        ldaps, https = ["--source", "ldaps://127.0.0.1:1"], ["--source", "https://127.0.0.1:1"]
        account = ["--bind-dn", "cn=a", "--password-file", pipe]
        for words, code in ((["--config", pipe], 2), (["--pin", "PS1:" + pipe], 2), (["--trusted-root-key", pipe], 2),
                            ([*ldaps, "--ca", pipe], 2), ([*ldaps, *account], 2), ([*https, "--ca", pipe], 2),
                            ([*https, "--cert", pipe], 2), *((["--source", kind + pipe], 3) for kind in ("ldif:", "zone:", "winsdat:", "lmhosts:", "netsh:"))):
            found = self.find(*words)
            self.assertEqual(found.code, code, str(found))
            self.assertIn("%s: a pipe or a socket; a file is wanted" % pipe, found.json["message"])
        self.assertEqual(self.find("--config", "/dev/null", "--source", "lmhosts:/dev/null").code, 1, "a device that ends at once will do")

    def test_a_pin_says_its_form(self):
        """SITE:FILE, with each part"""
        for pin in ("PS1", "PS1:", ":/key", "PS:/key", "PS12:/key"):
            found = self.find("--pin", pin, "--source", "lmhosts:/dev/null")
            self.assertEqual(found.code, 2, str(found))
            self.assertIn("SITE:FILE", found.json["message"])


harness.main()
