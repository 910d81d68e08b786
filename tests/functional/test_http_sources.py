"""http: and slp+http: - the list of a real management point, lists of others, a server locator point, certificates on both sides."""

import socket

import badpeer
import certs
import harness
import lab
import slp

MPLIST = "<MPList>%s</MPList>"
MP = "<MP Name=\"%s\" FQDN=\"%s.example.org\"%s><Version>6487</Version><Capabilities SchemaVersion=\"1.0\"/></MP>"


def say(text, status=200):
    return lambda handler: handler.say(text, status)


class MpList(harness.Case):

    def find(self, source, *more, what="mp", code="PS1"):
        return lab.find(what, "--site", code, "--source", source, "--timeout", "2s", *more)

    def check(self, found, code, outcome, reason):
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"], found.answer), (code, outcome, reason, {}), str(found))

    def test_list_of_a_real_management_point(self):
        """P12 sited's MPLIST1: profile cb takes the first by name, the older ones cannot tell the default one (S1.21)"""
        port = harness.free_port(("127.0.0.11",))
        site = lab.Site(self, http=["127.0.0.11:%d" % port], addresses=["127.0.0.11"], nbt_port=harness.free_port(("127.0.0.11",)))
        site.ctl_ok("mp", "add", "mp1.example.org", "--address", "127.0.0.11", "--port", str(port))
        site.ctl_ok("dp", "add", "dp1.example.org")
        site.ctl_ok("package", "add", lab.PACKAGE, "--version", "3", "--on", "dp1.example.org")
        site.ctl_ok("mp", "designate", "mp1.example.org")
        source = "http://mp1.example.org:%d" % port
        words = ["--resolve", "mp1.example.org:127.0.0.11"]
        for profile in ("sms2003", "cm2007", "cb"):
            found = self.find(source, *words, "--profile", profile)
            self.assertEqual((found.code, found.answer["mp"], found.answer["port"], found.answer["server"]),
                             (0, "mp1.example.org", port, source), str(found))
        found = self.find(source, *words, "--package", lab.PACKAGE, what="dp")
        self.assertEqual((found.code, found.answer["dp"]), (0, "dp1.example.org"), str(found))
        self.check(self.find(source, *words, code="PS9"), 1, "negative", "not-found")
        self.assertEqual(self.find(source, *words, what="site").answer["assigned_by"], "site-code")
        site.ctl_ok("mp", "add", "mp0.example.org", "--address", "127.0.0.12", "--port", "81")
        found = self.find(source, *words, "--profile", "cb")
        self.assertEqual((found.code, found.answer["mp"], found.answer["port"]), (0, "mp0.example.org", 80), str(found))
        self.check(self.find(source, *words), 1, "negative", "not-found")

    def test_lists_of_others(self):
        """P12 the sample of facts (no SiteCode with MPLIST), a blank page of SMS 2003, a database that is down, refusals, nonsense"""
        point = slp.Point(self, scheme="http")
        for behave, code, outcome, reason in (
                (say(""), 1, "negative", "not-found"), (say(MPLIST % ""), 1, "negative", "not-found"),
                (say(MPLIST % (MP % ("a", "a", " SiteCode=\"PS2\""))), 1, "negative", "not-found"),
                (say("", 500), 3, "unreachable", "could-not-ask"), (say("", 403), 6, "denied", "access-refused"),
                (say("", 302), 3, "unreachable", "could-not-ask"), (say("<html/>"), 3, "unreachable", "could-not-ask"),
                (say("<MPList"), 3, "unreachable", "could-not-ask"), (say("x" * (2 << 20)), 3, "unreachable", "could-not-ask")):
            point.behave = behave
            self.check(self.find(point.uri), code, outcome, reason)
        point.behave = say(MPLIST % (MP % ("MSSC1", "MSSC1", " SiteCode=\"ps1\"")))
        found = self.find(point.uri)
        self.assertEqual((found.code, found.answer["mp"], found.answer["version"]), (0, "MSSC1.example.org", "6487"), str(found))
        self.assertEqual(point.asked[-1], "/SMS_MP/.sms_aut?MPLIST1&PS1")
        point.behave = lambda handler: handler.say("", 400) if "MPLIST1" in handler.path else handler.say(MPLIST % (MP % ("b", "b", "")))
        found = self.find(point.uri)
        self.assertEqual((found.code, found.answer["mp"], point.asked[-1]), (0, "b.example.org", "/SMS_MP/.sms_aut?MPLIST"), str(found))
        self.assertIn("does not say of which site", "\n".join(found.json["warnings"]))
        found = lab.find("site", "--as-client", "10.1.2.3/24", "--source", point.uri)
        self.assertEqual((found.code, found.json["reason"]), (2, "not-asked"), str(found))
        point.behave = say(MPLIST % (MP % ("a b/", "a b/", "") + MP % ("c", "c", "")))
        found = self.find(point.uri)
        self.assertEqual((found.code, found.answer["mp"]), (0, "c.example.org"), str(found))
        self.assertIn("\"a b/.example.org\" is no host: it does not count", "\n".join(found.json["warnings"]))

    def test_the_list_itself(self):
        """X05 find mp --all: every one of the list with its site, build and SSL state; nothing is said to be unused, since the list cannot tell"""
        point = slp.Point(self, scheme="http")
        secure = "<MP Name=\"c\" FQDN=\"c.example.org\" SiteCode=\"PS1\"><Capabilities SchemaVersion=\"1.0\"><Property Name=\"SSLState\" Value=\"3\"/></Capabilities></MP>"
        point.behave = say(MPLIST % (MP % ("b", "b", " SiteCode=\"PS1\"") + MP % ("a", "a", " SiteCode=\"PS2\"") + secure))
        found = lab.find("mp", "--all", "--source", point.uri)
        self.assertEqual([(row["site"], row["mp"], row["build"], row["ssl_state"], row["why_unused"]) for row in found.answer],
                         [("PS1", "b.example.org", 6487, 0, None), ("PS1", "c.example.org", None, 3, None), ("PS2", "a.example.org", 6487, 0, None)], str(found))
        self.assertEqual(point.asked, ["/SMS_MP/.sms_aut?MPLIST1"])
        found = lab.find("mp", "--all", "--site", "PS1", "--source", point.uri)
        self.assertEqual(([row["mp"] for row in found.answer], point.asked[-1]), (["b.example.org", "c.example.org"], "/SMS_MP/.sms_aut?MPLIST1&PS1"))
        self.assertEqual(self.find(point.uri, "--all", code="PS9").json["reason"], "not-found")
        self.assertEqual(lab.find("boundary", "--source", point.uri).json["reason"], "not-asked")

    def test_what_is_no_http(self):
        """X02 a server that speaks something else is no mistake of the user: could not ask"""
        point = slp.Point(self, scheme="http")
        point.behave = lambda handler: handler.wfile.write((MPLIST % (MP % ("a", "a", ""))).encode())
        self.check(self.find(point.uri), 3, "unreachable", "could-not-ask")

    def test_dead_and_silent_ones(self):
        """X02 nobody listens, or accepts and is silent: could not ask, within the time-out"""
        self.check(self.find("http://127.0.0.1:%d" % harness.free_port()), 3, "unreachable", "could-not-ask")
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            found = self.find("http://127.0.0.1:%d" % silent.getsockname()[1], "--timeout", "1s")
            self.check(found, 3, "unreachable", "could-not-ask")
            self.assertLess(found.seconds, 3)

    def test_certificates_on_both_sides(self):
        """P12 https: a server of a known authority, of an unknown one, by a wrong name; a client without, with and with an unusable certificate"""
        ours, others = certs.Authority(self.path("ours")), certs.Authority(self.path("others"), "Other CA")
        client, stranger = ours.issue("client", ["DNS:client"]), others.issue("stranger", ["DNS:stranger"])
        point = slp.Point(self, certificate=ours.issue("server", ["DNS:mp1.example.org"]), client_ca=ours.ca_file, scheme="http")
        point.behave = say(MPLIST % (MP % ("mp1", "mp1", "")))
        source = "https://mp1.example.org:%d" % point.port
        words = ["--resolve", "mp1.example.org:127.0.0.1"]
        shown = ["--cert", client[0], "--key", client[1]]
        found = self.find(source, *words, "--ca", ours.ca_file, *shown)
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.org"), str(found))
        self.check(self.find(source, *words, "--ca", ours.ca_file), 6, "denied", "access-refused")
        refused = self.find(source, *words, "--ca", ours.ca_file, "--cert", stranger[0], "--key", stranger[1])
        self.check(refused, 6, "denied", "access-refused")
        self.assertIn("TLS: the server does not accept the certificate of --cert", refused.json["message"])
        self.check(self.find(source, *words, "--ca", others.ca_file, *shown), 4, "untrusted", "certificate-refused")
        self.check(self.find(source.replace("mp1", "mp2"), "--resolve", "mp2.example.org:127.0.0.1", "--ca", ours.ca_file, *shown), 4, "untrusted",
                   "certificate-refused")
        self.check(self.find(source, *words, "--ca", ours.ca_file, "--cert", self.path("gone")), 2, "usage", "bad-option")
        self.check(self.find(source, *words, "--ca", self.path("gone"), *shown), 2, "usage", "bad-option")
        nothing = self.write("nothing.pem", "no certificate\n")
        for mistake, told in ((["--ca", nothing, *shown], "no certificate of an authority could be read from " + nothing),
                              (["--ca", ours.ca_file, "--cert", client[0], "--key", stranger[1]], "with key " + stranger[1]),
                              (["--ca", ours.ca_file, "--cert", client[0]], "with key " + client[0]),
                              (["--ca", ours.ca_file, "--cert", nothing], "certificate " + nothing)):
            found = self.find(source, *words, *mistake)
            self.check(found, 2, "usage", "bad-option")
            self.assertIn(told, found.json["message"])
        naming = slp.Point(self, scheme="http")
        naming.behave = say(MPLIST % ("<MP Name=\"mp1\" FQDN=\"mp1.example.org\"><Capabilities SchemaVersion=\"1.0\">"
                                      "<Property Name=\"SSLState\" Value=\"1\"/></Capabilities></MP>"))
        proven = ["--mp-port", str(point.port), "--pin", "PS1:" + ours.ca_file]
        self.check(self.find(naming.uri, *words, *proven, "--ca", nothing), 2, "usage", "bad-option")
        self.check(self.find(naming.uri, *words, *proven, "--ca", others.ca_file, *shown), 4, "untrusted", "certificate-refused")
        self.assertEqual(self.find(source, *words, "--key", client[1]).code, 2)

    def test_bad_uris(self):
        """a scheme with nothing, a path where none is, ports and hosts that are none"""
        for bad in ("http:", "http://", "http://a/b", "http://a:0", "http://a:65536", "http://[::1", "https://a b", "slp+http://a/x?y",
                    "slp+http://a@b", "http://:80"):
            self.assertEqual(self.find(bad).code, 2, bad)


class TlsFailures(harness.Case):
    """X13 what is wrong with TLS is told in the same words, with the same outcome, whatever is spoken inside it."""

    HOST = "mp1.example.org"
    UNTRUSTED, DENIED, USAGE = (4, "untrusted", "certificate-refused"), (6, "denied", "access-refused"), (2, "usage", "bad-option")

    def setUp(self):
        super().setUp()
        self.ours, self.others = certs.Authority(self.path("ours")), certs.Authority(self.path("others"), "Other CA")
        self.naming = slp.Point(self, scheme="http")
        self.naming.behave = say(MPLIST % ("<MP Name=\"mp1\" FQDN=\"%s\"><Capabilities SchemaVersion=\"1.0\">"
                                           "<Property Name=\"SSLState\" Value=\"1\"/></Capabilities></MP>" % self.HOST))
        self.root = self.path("root.pem")
        self.run_ok(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.path("root.key")])
        self.run_ok(["openssl", "ec", "-in", self.path("root.key"), "-pubout", "-out", self.root])

    def asks(self, port):
        """A directory, an MP list, a server locator point, a proof and a content location, from whom is at the port: the words of each."""
        place = "%s:%d" % (self.HOST, port)
        through = ["--source", self.naming.uri, "--mp-port", str(port)]
        return {
            "directory": ["mp", "--source", "ldaps://%s/dc=x" % place],
            "list": ["mp", "--source", "https://" + place],
            "slp": ["mp", "--source", "slp+https://" + place],
            "proof": ["mp", *through, "--pin", "PS1:" + self.root, "--trust", "proven"],
            "content": ["dp", *through, "--package", lab.PACKAGE],
        }

    def find(self, words, *more):
        return lab.find(*words, "--site", "PS1", "--resolve", self.HOST + ":127.0.0.1", "--timeout", "3s", *more)

    def each(self, port, wanted, told, *more):
        for name, words in self.asks(port).items():
            with self.subTest(name, told=told):
                found = self.find(words, *more)
                self.assertEqual((found.code, found.json["outcome"], found.json["reason"]), wanted, str(found))
                self.assertIn(told, found.json["message"])

    def serve(self, host, **how):
        """The port of a server whose certificate is for `host`."""
        client_ca = how.pop("client_ca", None)
        certificate = self.ours.issue("server%d" % harness.free_port(), ["DNS:" + host], **how)
        return slp.Point(self, certificate=certificate, client_ca=client_ca).port

    def test_certificate_of_the_server(self):
        """P12 X13 unknown authority, another name, expired, not yet valid: untrusted, and why"""
        trusted = ["--ca", self.ours.ca_file]
        good = self.serve(self.HOST)
        self.each(good, self.UNTRUSTED, "TLS: server not trusted: its certificate is not signed by an authority in %s (issuer CN=Test CA)"
                  % self.others.ca_file, "--ca", self.others.ca_file)
        self.each(self.serve("mp2.example.org"), self.UNTRUSTED,
                  "TLS: server not trusted: its certificate is not for the name " + self.HOST, *trusted)
        self.each(self.serve(self.HOST, expired=True), self.UNTRUSTED,
                  "TLS: server not trusted: its certificate expired on 2020-02-01", *trusted)
        self.each(self.serve(self.HOST, early=True), self.UNTRUSTED,
                  "TLS: server not trusted: its certificate is valid only from 2049-01-01 on", *trusted)

    def test_files_that_cannot_be_read(self):
        """P12 the file of the authorities is not there, or may not be read, or holds none: usage, with its name"""
        port, gone, junk = self.serve(self.HOST), self.path("gone.pem"), self.write("junk.pem", "no certificate\n")
        self.each(port, self.USAGE, gone + ": No such file or directory", "--ca", gone)
        self.each(port, self.USAGE, "no certificate of an authority could be read from " + junk, "--ca", junk)

    def test_client_certificate_wanted(self):
        """P12 X13 the server wants a client certificate and there is none: denied, and what to do"""
        port = self.serve(self.HOST, client_ca=self.others.ca_file)
        self.each(port, self.DENIED, "TLS: the server wants a client certificate: name one with --cert", "--ca", self.ours.ca_file)

    def test_what_is_not_tls(self):
        """X02 X13 plain HTTP on the port of TLS: untrusted; TLS 1.1: untrusted; silence: unreachable, all within the time-out"""
        certificate = self.ours.issue("old", ["DNS:" + self.HOST])
        with badpeer.BadPeers() as bad, badpeer.OldTls(*certificate) as old:
            trusted = ["--ca", self.ours.ca_file]
            self.each(bad.plain, self.UNTRUSTED, "TLS: protocol refused: what the server sends is not TLS", *trusted)
            self.each(old.ldaps, self.UNTRUSTED, "TLS: protocol refused: the server", *trusted)
            for name, words in self.asks(bad.tarpit).items():
                with self.subTest(name):
                    found = self.find(words, *trusted, "--timeout", "500ms")
                    self.assertEqual((found.code, found.json["outcome"]), (3, "unreachable"), str(found))
                    self.assertIn("TLS handshake: no answer in time", found.json["message"])
                    self.assertLess(found.seconds, 2)


class LocatorPoint(harness.Case):

    def setUp(self):
        super().setUp()
        self.point = slp.Point(self)
        self.point.sites = {
            "PS1": slp.Site("PS1", subnets=("10.1.0.0/16", "2001:db8::/64"), ad_sites=("Berlin (Mitte)",), mp="mp1.example.org",
                            address="127.0.0.11", port=8080),
            "PS2": slp.Site("PS2"),
            "SEC": slp.Site("SEC", assignment="PS1", subnets=("10.2.0.0/16",), mp="mp1.example.org", address="127.0.0.11", port=8080)}

    def find(self, what, *words):
        return lab.find(what, "--source", self.point.uri, "--timeout", "2s", *words)

    def test_default_mp_of_a_site(self):
        """Q5 P12 ?site&sc=: the MP with port, address, version and forest; a site without one, a site that is not there"""
        found = self.find("mp", "--site", "ps1")
        self.assertEqual((found.code, found.answer["mp"], found.answer["address"], found.answer["port"], found.answer["version"]),
                         (0, "mp1.example.org", "127.0.0.11", 8080, "6487"), str(found))
        self.assertEqual((self.point.asked[-1], found.json["steps"][-1]["owner"]), (slp.PATH + "?site&sc=PS1", "example.org"))
        for code, reason in (("PS2", "no-default-mp"), ("PS9", "not-found")):
            found = self.find("mp", "--site", code)
            self.assertEqual((found.code, found.json["reason"]), (1, reason), str(found))
        self.assertEqual(self.find("site", "--site", "PS2").code, 0)

    def test_site_of_a_client(self):
        """Q5 P13 ?site&ip=&ad=: by address and mask, IPv6, AD site; a secondary site assigns to its parent; outside of all"""
        for words, site, by in ((["--as-client", "10.1.2.3/16"], "PS1", "subnet"), (["--as-client", "2001:db8::5/64"], "PS1", "subnet"),
                                (["--ad-site", "Berlin (Mitte)", "--as-client", "192.0.2.1/24"], "PS1", "ad-site"),
                                (["--as-client", "10.2.2.3/16"], "PS1", "subnet")):
            found = self.find("site", *words)
            expected = {"site": site, "assigned_by": by, "mp": "mp1.example.org", "source": self.point.uri, "owner": "example.org"}
            self.assertEqual((found.code, {key: found.answer[key] for key in expected}), (0, expected), str(found))
        self.assertIn("ip=10.2.2.3/16", self.point.asked[-1])
        found = self.find("site", "--as-client", "10.9.9.9/24")
        self.assertEqual((found.code, found.json["reason"]), (1, "not-found"), str(found))

    def test_another_path(self):
        """Q5 the path is configurable; where nothing is, could not ask"""
        self.point.path = "/other/place"
        self.assertEqual(self.find("mp", "--site", "PS1").json["reason"], "could-not-ask")
        found = lab.find("mp", "--site", "PS1", "--source", self.point.uri + "/other/place")
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.org"), str(found))

    def test_odd_answers(self):
        """X02 another document, another site, too long a name, no code, a port, host or address that is none: could not ask"""
        for text in ("<Other/>", "", "<SLPReply><Site SiteCode=\"PS9\"><MP Name=\"x\"/></Site></SLPReply>", "<SLPReply><Site/></SLPReply>",
                     "<SLPReply><Site SiteCode=\"PS1\"><MP Name=\"%s\"/></Site></SLPReply>" % ("x" * 300),
                     "<SLPReply><Site SiteCode=\"PS1\"><MP Name=\"x\" Port=\"70000\"/></Site></SLPReply>",
                     "<SLPReply><Site SiteCode=\"PS1\"><MP Name=\"http://x/\"/></Site></SLPReply>",
                     "<SLPReply><Site SiteCode=\"PS1\"><MP Name=\"x&#10;port: 9\"/></Site></SLPReply>",
                     "<SLPReply><Site SiteCode=\"PS1\"><MP Name=\"x\" Address=\"10.0.0.256\"/></Site></SLPReply>",
                     "<SLPReply><Site SiteCode=\"PS1\"><MP Name=\"x\"/><CAP Name=\"a b\"/></Site></SLPReply>",
                     "<SLPReply><Site SiteCode=\"PS1\"><MP/></Site></SLPReply>", "<SLPReply><Site SiteCode=\"PS1*\"/></SLPReply>"):
            self.point.behave = say(text)
            found = self.find("mp", "--site", "PS1")
            self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), text)


harness.main()
