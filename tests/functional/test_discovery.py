"""Without --source: the directory of the domain found by the DNS and bound to with Kerberos, and what this host's configuration names."""

import os
import subprocess

import badpeer
import certs
import cldap
import dns
import harness
import krb5
import lab
import slp

CONTAINER = "CN=System Management,CN=System,dc=example,dc=com"
SITE = """dn: CN=SMS-Site-PS1,%s
objectClass: mSSMSSite
mSSMSSiteCode: PS1
mSSMSRoamingBoundaries: 10.7.0.0
mSSMSRoamingBoundaries: HQ

dn: CN=SMS-MP-PS1-mp1,%s
objectClass: mSSMSManagementPoint
mSSMSSiteCode: PS1
mSSMSMPName: mp1.example.com
mSSMSDefaultMP: TRUE
""" % (CONTAINER, CONTAINER)
CONTROLLERS, SERVERS = "_ldap._tcp.dc._msdcs.example.com", "_ldap._tcp.example.com"
AT_HQ = "_ldap._tcp.hq._sites.dc._msdcs.example.com"
TRUST_STORE = "/etc/ssl/certs/ca-certificates.crt"


class Host(harness.Case):
    """A host with a resolver, the domain example.com and the address 10.1.2.3/16, in a namespace of its own."""

    def setUp(self):
        super().setUp()
        self.mount(self.write("resolv.conf", "nameserver 127.0.0.1\nsearch example.com\n", 0o644), "/etc/resolv.conf")
        self.dns = dns.Server(self, "127.0.0.1", 53)
        self.dns.records = {("dc1.example.com", dns.A): [(60, "127.0.0.1")], ("dc2.example.com", dns.A): [(60, "127.0.0.1")],
                            ("dc3.example.com", dns.A): [(60, "127.0.0.1")]}
        ip = harness.tool("ip", "iproute2")
        self.run_ok([ip, "link", "add", "sl-host", "type", "veth", "peer", "name", "sl-peer"])
        self.addCleanup(harness.run, [ip, "link", "del", "sl-host"])
        self.run_ok([ip, "addr", "add", "10.1.2.3/16", "dev", "sl-host"])
        for end in ("sl-host", "sl-peer"):
            self.run_ok([ip, "link", "set", end, "up"])

    def mount(self, path, place):
        subprocess.run([harness.tool("mount", "mount"), "--bind", path, place], check=True)
        self.addCleanup(subprocess.run, [harness.tool("umount", "mount"), place], check=True)

    def locator(self, *words, env=None):
        """As a user at a prompt: libldap reads its configuration."""
        return harness.run(["/usr/bin/env", "-u", "LDAPNOINIT", harness.program("locator"), *words, "--json"],
                           env=dict({"LDAPCONF": "/dev/null", "SMB_CONF_PATH": "/dev/null", "HOME": self.folder}, **(env or {})))

    def serve(self, service, *servers):
        """SRV records: (priority, weight, port, host)."""
        self.dns.records[(service, dns.SRV)] = [(600, server) for server in servers]

    def asked(self, found):
        return "\n".join(step["asked"] + " " + step["result"] for step in found.json["steps"])


class Domain(Host):

    def directory(self, **options):
        return lab.Directory(self, entries=SITE, **options)

    def test_kinit_then_find_site(self):
        """P17 P16 design 6: the first command of an auditor, without any option; and without a ticket, where anonymous may not read"""
        kdc = krb5.Kdc(self, "ldap/dc1.example.com")
        directory = self.directory(anonymous="none", krb5=kdc)
        self.serve(CONTROLLERS, (0, 100, directory.port, "dc1.example.com"))
        cldap.Responder(self, "127.0.0.1", directory.port, domain="example.com", host="dc1.example.com", site="HQ", client_site="HQ")
        found = self.locator("find", "site", env=kdc.client_environment)
        answer = found.answer
        self.assertEqual((found.code, answer["site"], answer["assigned_by"], answer["mp"]), (0, "PS1", "ad-site", "mp1.example.com"), str(found))
        last = [step for step in found.json["steps"] if step["verdict"] == "accepted"][0]
        self.assertEqual((last["source"], last["trust"]), ("ldap:example.com", "directory"))
        self.assertIn("where from domain of resolv.conf", self.asked(found))
        self.assertIn("LDAP ping of 1 dc1.example.com in site HQ; ours is HQ", self.asked(found))
        found = self.locator("find", "site", "--as-client", "10.7.9.9/16", env=kdc.client_environment)
        self.assertEqual((found.code, found.answer["assigned_by"]), (0, "subnet"), str(found))
        found = self.locator("find", "site", "--as-client", "10.1.2.3/16", env=kdc.client_environment)
        self.assertEqual((found.code, found.json["reason"]), (1, "not-found"), "the AD site of this host is not that of another")
        found = self.locator("find", "site", env=kdc.empty_environment)
        self.assertEqual((found.code, found.json["outcome"]), (6, "denied"), str(found))
        self.assertIn("kinit", "\n".join(found.json["warnings"]))
        found = self.locator("find", "site", "--sasl", "none", env=kdc.client_environment)
        self.assertEqual((found.code, found.json["outcome"], found.json["warnings"]), (6, "denied", []), str(found))

    def test_the_closest_site_first(self):
        """P17 the controller that answers is elsewhere: those of our own site are asked before it"""
        directory = self.directory()
        far = harness.free_port()
        self.serve(CONTROLLERS, (0, 0, far, "dc2.example.com"))
        self.serve(AT_HQ, (0, 0, directory.port, "dc1.example.com"))
        cldap.Responder(self, "127.0.0.1", far, domain="example.com", host="dc2.example.com", site="Far", client_site="HQ")
        found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com")
        self.assertEqual((found.code, found.answer["server"]), (0, "ldap://dc1.example.com:%d" % directory.port), str(found))
        self.assertIn("SRV _ldap._tcp.HQ._sites.dc._msdcs.example.com 1 server", self.asked(found))

    def test_controllers_that_are_dead_or_silent(self):
        """P17 P04 one refuses, one is silent, none answers the ping: the third is found within the time-out"""
        directory = self.directory()
        with badpeer.BadPeers() as bad:
            self.serve(CONTROLLERS, (0, 0, bad.refused, "dc1.example.com"), (1, 0, bad.tarpit, "dc2.example.com"),
                       (2, 0, directory.port, "dc3.example.com"))
            found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com", "--timeout", "6s")
        self.assertEqual((found.code, found.answer["server"]), (0, "ldap://dc3.example.com:%d" % directory.port), str(found))
        self.assertLess(found.seconds, 7)

    def test_a_directory_that_is_no_domain_controller(self):
        """P04 RFC 2782 _ldap._tcp alone: the lower priority first, the next when that is dead; anonymous with a warning"""
        directory = self.directory()
        self.serve(SERVERS, (10, 0, directory.port, "dc1.example.com"), (5, 0, harness.free_port(), "dc2.example.com"))
        found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com", env={"KRB5CCNAME": "FILE:" + self.path("none")})
        self.assertEqual((found.code, found.answer["mp"], found.answer["trust"]), (0, "mp1.example.com", "unproven"), str(found))
        self.assertNotIn("ping", self.asked(found))
        self.assertIn("kinit", "\n".join(found.json["warnings"]))

    def test_the_best_of_many_servers(self):
        """P04 RFC 2782: of 150 servers the one of the lowest priority is tried first, though it is the last of the answer"""
        directory = self.directory()
        dead = [(10, 100, 1, "dc2.example.com")] * 149
        self.serve(SERVERS, *dead, (1, 0, directory.port, "dc1.example.com"))
        self.dns.truncated = True
        found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com")
        self.assertEqual((found.code, found.answer["server"]), (0, "ldap://dc1.example.com:%d" % directory.port), str(found))
        self.assertFalse(any("127.0.0.1:1" in text or "dc2" in text for text in found.json["warnings"]), str(found))

    def test_nothing_is_there(self):
        """X02 a domain without a directory: no; a host without an address, a DNS that fails: could not ask; what is no domain: a mistake"""
        find = lambda *more: self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com", *more)
        self.assertEqual((find().code, find().json["reason"]), (1, "not-found"))
        self.serve(CONTROLLERS, (0, 0, self.directory().port, "gone.example.com"))
        self.assertEqual((find().code, find().json["reason"]), (3, "could-not-ask"))
        self.assertEqual(find("--resolve", "gone.example.com:127.0.0.1").answer["mp"], "mp1.example.com")
        self.dns.rcode = 2
        self.assertEqual((find().code, find().json["reason"]), (3, "could-not-ask"))
        for bad in ("ldap:", "ldap:.", "ldap:a b", "ldap:/x", "ldap:a..b", "ldap:" + "a" * 300):
            self.assertEqual(self.locator("find", "mp", "--site", "PS1", "--source", bad).code, 2, bad)

    def test_hostile_pings_change_nothing(self):
        """P17 answers that are cut, loop, lie about the domain or name a site that is none: passed over, the directory is asked all the same"""
        directory = self.directory()
        self.serve(CONTROLLERS, (0, 0, directory.port, "dc1.example.com"))
        responder = cldap.Responder(self, "127.0.0.1", directory.port, domain="example.com", host="dc1.example.com", site="HQ", client_site="HQ")
        good = cldap.netlogon(**responder.names)
        for value in (b"", good[:24], good[:40], good[:-40], good[:24] + b"\xc0\x18" + good[26:], good[:24] + b"\xff" * 200,
                      good[:24] + b"\x3f" * 10, bytes(300), cldap.netlogon("other.com", "dc1.other.com", "HQ", "HQ"),
                      cldap.netlogon("example.com", "dc1.example.com", "HQ", "a b/../c", flags=0)):
            responder.value = value
            found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com")
            self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.com"), "%r\n%s" % (value, found))
        responder.value = cldap.netlogon("example.com", "-dc \x1b[m.example.com", "HQ", "HQ")
        found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com")
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.com"), str(found))
        self.assertRegex(found.json["warnings"][0], "^LDAP ping: DnsHostName \".*\" is no host: the answer does not count")
        responder.value = None
        for target in ("user@dc1.example.com", "-dc1", "dc 1", "dc1,dc2/x", "999.1.1.1"):
            self.serve(CONTROLLERS, (0, 0, directory.port, target), (1, 0, directory.port, "dc1.example.com"))
            found = self.locator("find", "mp", "--site", "PS1", "--source", "ldap:example.com")
            self.assertEqual((found.code, found.answer["server"]), (0, "ldap://dc1.example.com:%d" % directory.port), str(found))
            self.assertRegex(found.json["warnings"][0], "^example.com: the target \".*\" of an SRV record is no host: it does not count")


SLP = """
dn: CN=SMS-SLP-PS1-slp1,%s
objectClass: mSSMSServerLocatorPoint
mSSMSSiteCode: PS1
mSSMSMPName: slp1.example.com
""" % CONTAINER
LIST = "<MPList><MP Name=\"MP1\" FQDN=\"mp1.example.com\" SiteCode=\"PS1\"><Version>8239</Version><Capabilities SchemaVersion=\"1.0\"/></MP></MPList>"


class Learned(Host):
    """A server locator point and an MP list that no configuration names, since the directory, the DNS or the registry does."""

    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, 137, address="127.0.0.2")
        self.smb_conf = self.write("smb.conf", "[global]\nwins server = 127.0.0.2\n")
        self.dns.records[("slp1.example.com", dns.A)] = [(60, "127.0.0.9")]

    def directory(self, entries=SITE):
        directory = lab.Directory(self, entries=entries)
        self.env = {"LDAPCONF": self.write("ldap.conf", "URI %s\nBASE %s\n" % (directory.uri, directory.suffix)), "SMB_CONF_PATH": self.smb_conf}
        self.ldap = "%s/%s" % (directory.uri, directory.suffix)

    def find(self, what, *words, profile="cm2007"):
        return self.locator("explain", what, "--profile", profile, "--timeout", "2s", *words, env=self.env)

    def point(self):
        point = slp.Point(self, host="127.0.0.9", port=80)
        point.sites = {"PS7": slp.Site("PS7", mp="mp7.example.com", subnets=("10.1.0.0/16",))}
        return point

    def check(self, found, by):
        source = "slp:%s;wins://127.0.0.2" % self.ldap
        self.assertEqual((found.code, found.answer["site"], found.answer["mp"], found.answer["source"]), (0, "PS7", "mp7.example.com", source), str(found))
        self.assertIn("server locator point by %s slp+http://%s:80" % by, self.asked(found))

    def test_server_locator_point_of_the_directory(self):
        """P12 sms.md 6.1: mSSMSServerLocatorPoint; it knows a site, and the site of a client, that the directory does not; explain shows how it was found"""
        self.directory(SITE + SLP)
        self.registry.ctl_ok("add", "SMS_SLP#1A", "127.0.0.10")
        self.point()
        self.check(self.find("mp", "--site", "PS7"), (self.ldap, "slp1.example.com"))
        self.check(self.find("site", "--as-client", "10.1.9.9/16"), (self.ldap, "slp1.example.com"))
        found = self.find("mp", "--site", "PS1")
        self.assertEqual((found.answer["mp"], found.answer["source"]), ("mp1.example.com", self.ldap), "the directory comes first")

    def test_server_locator_point_of_the_registry(self):
        """P12 sms.md 3: SMS_SLP#1A where the directory names none; and nobody names one, or it is dead"""
        self.directory()
        found = self.find("mp", "--site", "PS7")
        self.assertEqual((found.code, found.json["reason"]), (1, "not-found"), str(found))
        self.assertIn("server locator point by %s not-found" % self.ldap, self.asked(found))
        self.registry.ctl_ok("add", "SMS_SLP#1A", "127.0.0.9")
        found = self.find("mp", "--site", "PS7")
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), "nobody listens where it is registered: %s" % found)
        point = self.point()
        self.check(self.find("mp", "--site", "PS7"), ("wins://127.0.0.2", "127.0.0.9"))
        self.assertEqual(point.asked, [slp.PATH + "?site&sc=PS7"])
        found = self.find("mp", "--site", "PS7", "--profile", "sms2003")
        self.assertEqual(found.json["reason"], "not-found", "SMS 2003 asks directory and registry only: %s" % found)

    def test_mp_list_of_the_management_point_of_the_directory(self):
        """sms.md 6.2: profile cb asks the management point that the directory names for its list, before the directory; a dead one leaves it to that"""
        self.directory(SITE + "mSSMSMPAddress: 127.0.0.9\n")
        found = self.find("mp", "--site", "PS1", profile="cb")
        self.assertEqual((found.code, found.answer["mp"], found.answer["source"]), (0, "mp1.example.com", self.ldap), str(found))
        self.assertIn("lower-ranked", "\n".join(found.json["warnings"]))
        point = slp.Point(self, host="127.0.0.9", port=80, scheme="http")
        point.behave = lambda handler: handler.say(LIST)
        found = self.find("mp", "--site", "PS1", profile="cb")
        expected = (0, "mp1.example.com", "8239", "mplist:%s;dns:example.com" % self.ldap, "http://mp1.example.com:80")
        self.assertEqual((found.code, *(found.answer[key] for key in ("mp", "version", "source", "server"))), expected, str(found))
        self.assertIn("management point by %s http://mp1.example.com:80" % self.ldap, self.asked(found))

    def test_as_a_source(self):
        """slp: and mplist: may be named, too; what names no such thing is a mistake"""
        self.directory(SITE + SLP)
        self.point()
        found = self.locator("find", "mp", "--site", "PS7", "--source", "slp:lmhosts:/dev/null;" + self.ldap)
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp7.example.com"), str(found))
        for bad in ("slp:", "slp:x", "slp:dns:example.com", "slp:slp+http://a", "mplist:wins://127.0.0.2", "mplist:", "mplist:ldap://h:0",
                    "slp:" + ";".join(["wins://127.0.0.2"] * 9)):
            self.assertEqual(self.locator("find", "mp", "--site", "PS1", "--source", bad).code, 2, bad)


class Configuration(Host):

    def origins(self, found):
        return [(step["source"], step["result"], step["verdict"]) for step in found.json["steps"] if step["asked"] == "where from"]

    def order(self, found):
        seen = []
        for step in found.json["steps"]:
            if step["asked"] != "where from" and step["source"] not in seen:
                seen.append(step["source"])
        return seen

    def test_what_the_host_names(self):
        """design 6: URI and BASE of ldap.conf, resolv.conf, wins server of smb.conf, in the order of each profile"""
        directory = lab.Directory(self, entries=SITE)
        registry = lab.Registry(self, 137, address="127.0.0.2")
        registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.11")
        ldap_conf = self.write("ldap.conf", "URI %s\nBASE %s\n" % (directory.uri, directory.suffix))
        smb_conf = self.write("smb.conf", "[global]\n workgroup = X\n ; wins server = 10.9.9.9\n WINS Server = no/host eth0:127.0.0.2\n[share]\n wins server = 10.8.8.8\n")
        env = {"LDAPCONF": ldap_conf, "SMB_CONF_PATH": smb_conf}
        ldap, name, wins = "%s/%s" % (directory.uri, directory.suffix), "dns:example.com", "wins://127.0.0.2"
        slp_point, mp_list = "slp:%s;%s" % (ldap, wins), "mplist:%s;%s" % (ldap, name)
        for profile, order in (("sms2003", [ldap, wins]), ("cm2007", [ldap, name, slp_point, wins]), ("cb", [mp_list, ldap, name])):
            found = self.locator("explain", "mp", "--site", "PS1", "--profile", profile, env=env)
            self.assertEqual((found.code, found.answer["mp"], found.answer["source"]), (0, "mp1.example.com", ldap), str(found))
            self.assertEqual(self.order(found), order)
            passed = lambda source: "" if source in order else "not in profile " + profile
            learned = {"cm2007": [(slp_point, "server locator point that the others name", "")],
                       "cb": [(mp_list, "management point that the others name", "")]}.get(profile, [])
            self.assertEqual(self.origins(found), learned + [(ldap, "URI of ldap.conf", ""), (name, "domain of resolv.conf", passed(name)),
                                                   (wins, "wins server of smb.conf", passed(wins))])
        found = self.locator("find", "mp", "--site", "PS1", env={"SMB_CONF_PATH": smb_conf})
        self.assertEqual((found.code, found.answer["address"]), (0, "127.0.0.11"), str(found))
        self.assertEqual(self.order(found), ["ldap:example.com", name, "slp:ldap:example.com;" + wins, wins])

    def test_what_is_odd_about_the_files(self):
        """design 6: what of ldap.conf, resolv.conf and smb.conf cannot be read or used is told with FILE:LINE, and the rest counts"""
        ldap_conf = self.write("ldap.conf", "# x\nBASE x y\nURL ldap://127.0.0.1\nURI\nURI htp://x\nTLS_REQCERT demand\n%s\n" % ("#" * 5000))
        smb_conf = self.write("smb.conf", "[global\n[global]\nworkgroup\ninclude = /x\nlog file = a \\\nlog.b\nwins server = 127.0.0.9 \\\nbad_host! \x1b[m\n= x\n"
                              "wins server = 127.0.0.9 \\\n\nworkgroup = X\n")
        self.mount(self.write("odd.conf", "nameserver 127.0.0.1\nnameserver ns1\nsearch example.com a..b\nnamserver 1.2.3.4\noptions\n", 0o644), "/etc/resolv.conf")
        wanted = [ldap_conf + ":2: BASE: \"x y\" is no DN", ldap_conf + ":3: \"URL\" is no option of ldap.conf(5)", ldap_conf + ":4: URI: its value",
                  ldap_conf + ":5: URI: \"htp://x\" is no URI of a directory", ldap_conf + ":7: longer than", "/etc/resolv.conf:2: nameserver: \"ns1\"",
                  "/etc/resolv.conf:3: search: \"a..b\" is not a domain", "/etc/resolv.conf:4: \"namserver\" is no keyword", "/etc/resolv.conf:5: options: ",
                  smb_conf + ":1: \"[global\" is no section", smb_conf + ":3: \"workgroup\" is no section, parameter or comment", smb_conf + ":4: include: ",
                  smb_conf + ":8: wins server: \"bad_host!\" is no host", smb_conf + ":8: wins server: \"\\x1b[m\"", smb_conf + ":9: \"= x\""]
        env = {"LDAPCONF": ldap_conf, "SMB_CONF_PATH": smb_conf}
        for words in (("explain", "mp"), ("find", "mp")):
            found = self.locator(*words, "--site", "PS1", "--timeout", "500ms", env=env)
            warnings = found.json["warnings"]
            for text in wanted:
                self.assertEqual(len([one for one in warnings if one.startswith(text)]), 1, "%s\n%s" % (text, "\n".join(warnings)))
            self.assertEqual([source for source, *_ in self.origins(found) if source.startswith("wins:")], ["wins://127.0.0.9"])
        fifo = self.path("pipe")
        os.mkfifo(fifo)
        found = self.locator("explain", "mp", "--site", "PS1", "--timeout", "500ms", env={"SMB_CONF_PATH": fifo, "LDAPCONF": self.folder})
        self.assertIn(fifo + ": a pipe or a socket; a file is wanted: it does not count", found.json["warnings"])
        self.assertIn(self.folder + ": Is a directory: it does not count", found.json["warnings"])
        found = self.locator("explain", "mp", "--site", "PS1", "--timeout", "500ms", env={"SMB_CONF_PATH": self.path("none")})
        self.assertFalse([one for one in found.json["warnings"] if "none" in one], "a file that is not there is none")
        found = self.locator("explain", "mp", "--site", "PS1", "--timeout", "500ms", env={"LDAPURI": "ldap://" + "h" * 1100})
        self.assertRegex("\n".join(found.json["warnings"]), "(?m)^URI of ldap.conf \"ldap://h+\" cannot be asked: .*longer than 1023 octets")

    def test_a_host_without_authorities(self):
        """X02 P12 a server of https: that is not reached is unreachable there too; one that is reached is untrusted, and the file is named"""
        self.mount(self.write("empty.crt", "", 0o644), TRUST_STORE)
        point = slp.Point(self, certificate=certs.Authority(self.path("ours")).issue("server", ["IP:127.0.0.1"]), scheme="http")
        for source, code, text in (("https://127.0.0.1:%d" % harness.free_port(), 3, "onnect"),
                                   (point.uri, 4, "no certificate of an authority could be read from " + TRUST_STORE)):
            found = self.locator("find", "mp", "--site", "PS1", "--source", source)
            self.assertEqual((found.code, text in found.json["message"]), (code, True), str(found))

    def test_the_own_host_where_it_is_configured(self):
        """design 6: ldap://localhost, which libldap also names when nothing is configured, counts where ldap.conf, ldaprc or LDAPURI says so"""
        conf = self.write("ldap.conf", "# comment\nBASE dc=example,dc=com\nuri\tldap://localhost\n")
        rc = self.write("other-rc", "HOST localhost\n")
        ask = lambda env: self.order(self.locator("find", "mp", "--site", "PS1", "--timeout", "1s", env=env))[0]
        self.assertEqual(ask({"LDAPCONF": conf}), "ldap://localhost:389/dc=example,dc=com")
        self.assertEqual(ask({"LDAPRC": rc}), "ldap://localhost:389")
        self.assertEqual(ask({"LDAPURI": "ldap://localhost"}), "ldap://localhost:389")
        self.assertEqual(ask({"LDAPCONF": self.write("none.conf", "#URI ldap://localhost\nURILIST x\n")}), "ldap:example.com")

    def test_named_sources_that_the_profile_would_not_ask(self):
        """X08 they are asked, since they were named, with a warning that clients of that generation do not"""
        for profile, source, told in (("sms2003", "dns:example.com", "the DNS"), ("sms2003", "slp+http://127.0.0.1:1", "a server locator point"),
                                      ("cb", "wins://127.0.0.2:1", "a name registry"), ("cm2007", "dns:example.com", None)):
            found = self.locator("find", "mp", "--site", "PS1", "--profile", profile, "--source", source)
            warning = "clients of profile %s never ask %s: %s is asked because it was named" % (profile, told, source)
            self.assertEqual([text for text in found.json["warnings"] if "never ask" in text], [warning] if told else [], str(found))

    def test_configuration_file(self):
        """design 6: sources of locator.conf in the order of the profile, before the host's own; the command line wins"""
        directory = lab.Directory(self, entries=SITE, anonymous="none")
        point = slp.Point(self)
        point.sites = {"PS1": slp.Site("PS1", mp="mp9.example.com")}
        wins, name = "wins://127.0.0.2:%d" % harness.free_port(("127.0.0.2",)), "dns:example.com"
        conf = self.write("locator.conf", "source = {\"%s\", \"%s\", \"%s\", \"%s\"}\nbase = \"%s\"\nbind_dn = \"%s\"\npassword_file = \"%s\"\n"
                          "profile = cm2007\ntimeout = 1s\n" % (wins, point.uri, directory.uri, name, directory.suffix, directory.publisher_dn,
                                                                directory.publisher_password_file))
        found = self.locator("find", "mp", "--site", "PS1", "--config", conf)
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.com"), str(found))
        self.assertEqual(self.order(found), [directory.uri, name, point.uri, wins])
        self.assertEqual({origin for _, origin, _ in self.origins(found)}, {conf})
        alone = self.write("alone.conf", "source = {\"%s\"}\n" % point.uri)
        found = self.locator("find", "mp", "--site", "PS1", "--config", alone, env={"LDAPURI": directory.uri, "LDAPBASE": directory.suffix})
        self.assertEqual(self.order(found), ["%s/%s" % (directory.uri, directory.suffix), name, point.uri], str(found))
        found = self.locator("find", "mp", "--site", "PS1", "--config", conf, "--profile", "sms2003")
        self.assertEqual(self.order(found), [directory.uri, wins])
        found = self.locator("find", "mp", "--site", "PS1", "--config", conf, "--source", point.uri)
        self.assertEqual((found.code, found.answer["mp"], self.order(found), self.origins(found)), (0, "mp9.example.com", [point.uri], []), str(found))

    def test_mistakes_of_a_configuration_file(self):
        """usage and FILE:LINE for an unknown key, a word that is none, a time; a file that was named and is not there"""
        for text, where in (("bas = \"x\"\n", ":1:"), ("base = \"dc=x\"\nprofile = sms1999\n", ":2:"), ("timeout = soon\n", ":1:"),
                            ("source = {\"ldap:x\"\n\n", ":")):
            conf = self.write("bad.conf", text)
            found = self.locator("find", "mp", "--site", "PS1", "--config", conf)
            self.assertEqual((found.code, found.json["outcome"]), (2, "usage"), str(found))
            self.assertIn(conf + where, found.json["message"])
        found = self.locator("find", "mp", "--site", "PS1", "--config", self.path("gone"))
        self.assertEqual(found.code, 2, str(found))
        found = self.locator("find", "mp", "--site", "PS1", "--config", self.write("gopher.conf", "source = {\"gopher://x\"}\n"))
        self.assertEqual(found.code, 2, str(found))
        self.assertIn("unknown scheme", found.json["message"])


if __name__ == "__main__":
    harness.need_namespace("-rnm")
    harness.main()
