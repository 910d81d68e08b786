"""What sources name as a host is a host, or does not count: never asked, never shown as one, and the attribute is told."""

import base64
import re
import xml.sax.saxutils

import dns
import harness
import lab
import slp

LONG_LABEL, LONG_NAME = "a" * 64 + ".example.org", "a." * 127 + "org"
HOSTILE = ["mp1 evil", "mp1\nevil", "\x1b[31mred", "user@mp1", "mp1/../x", LONG_LABEL, LONG_NAME, "-mp1", "[::1", "[::1]x", "[mp1]", "mp1:80", "::zz",
           "1.2.3", "999.1.1.1", "mp1..org", "mp1,mp2", "mp1;x", "mp1%20", "mp1\\x", "h\u00e4st"]
CONTAINER = "CN=System Management,CN=System,DC=example,DC=com"
GOOD = "good.example.org"


class HostileNames(harness.Case):

    def check(self, found, attribute):
        """The other one is the answer, a warning names the attribute, and nothing that a terminal would take for a command is shown."""
        self.assertEqual((found.code, found.answer.get("mp")), (0, GOOD), str(found))
        warnings = "\n".join(found.json["warnings"])
        self.assertRegex(warnings, attribute + ".*no host", str(found))
        self.assertIsNone(re.search("[\x00-\x08\x0b-\x1f\x7f]", found.out + found.err), repr(found.out))

    def find(self, source, *more):
        return lab.find("mp", "--site", "PS1", "--source", source, "--timeout", "2s", *more)

    def entry(self, number, **attributes):
        """A default management point, its values in base64 as an octet may be any."""
        lines = ["dn: CN=mp%d,%s" % (number, CONTAINER), "objectClass: mSSMSManagementPoint", "mSSMSSiteCode: PS1", "mSSMSDefaultMP: TRUE"]
        lines += ["%s:: %s" % (name, base64.b64encode(value.encode()).decode()) for name, value in attributes.items()]
        return "\n".join(lines) + "\n\n"

    def test_directory(self):
        """X02 P12 mSSMSMPName and dNSHostName of a dump, in an answer and in a list; a hostile one alone is no answer"""
        good = self.entry(1, mSSMSMPName=GOOD)
        for value in HOSTILE:
            for attribute in ("mSSMSMPName", "dNSHostName"):
                with self.subTest(attribute, value=value):
                    bad = self.entry(0, **dict({"mSSMSMPName": "mp0"}, **{attribute: value}))
                    self.check(self.find("ldif:" + self.write("dump.ldif", bad + good)), attribute)
        alone = self.find("ldif:" + self.write("alone.ldif", self.entry(0, mSSMSMPName="mp1 evil")))
        self.assertEqual((alone.code, alone.answer), (1, {}), str(alone))
        listed = lab.find("mp", "--all", "--source", "ldif:" + self.path("dump.ldif"))
        self.assertEqual([row["mp"] for row in listed.answer], [GOOD], str(listed))

    def test_fallback_status_points(self):
        """X05 FSPServer of mSSMSCapabilities: a document with one that is none does not count, the object does"""
        for value in ("mp1 evil", "user@mp1", "-mp1"):
            document = "<ClientOperationalSettings><FSP><FSPServer>%s</FSPServer></FSP><CCM/></ClientOperationalSettings>" % value
            found = self.find("ldif:" + self.write("dump.ldif", self.entry(1, mSSMSMPName=GOOD, mSSMSCapabilities=document)))
            self.check(found, "FSPServer")

    def test_mp_list(self):
        """X02 Name and FQDN of an MP list; what is no XML at all spoils the list"""
        point = slp.Point(self, scheme="http")
        for value in HOSTILE:
            for attribute, names in (("Name", (value, "")), ("FQDN", ("mp0", value))):
                bad = "<MP Name=%s FQDN=%s/>" % tuple(map(xml.sax.saxutils.quoteattr, names))
                point.behave = lambda handler, bad=bad: handler.say("<MPList>%s<MP Name=\"%s\"/></MPList>" % (bad, GOOD))
                with self.subTest(attribute, value=value):
                    found = self.find(point.uri)
                    if "\x1b" in value or len(value) > 255:
                        self.assertEqual((found.code, found.answer), (3, {}), str(found))
                    else:
                        self.check(found, "MP/@" + attribute)

    def test_dns(self):
        """X02 RFC 2782 targets of SRV records, by the DNS and out of a master file"""
        server, name = dns.Server(self), "_mssms_mp_ps1._tcp.example.org"
        for value in HOSTILE:
            if ".." in value or any(len(label.encode()) > 63 for label in value.split(".")) or len(value) > 253:
                continue    # no octets of a message are such a name
            server.records = {(name, dns.SRV): [(600, (0, 0, 80, value)), (600, (0, 0, 80, GOOD))], (GOOD, dns.A): [(60, "127.0.0.11")]}
            with self.subTest(value=value):
                self.check(self.find("dns://%s/example.org" % server.address), "target")
        for value in ("user@mp1", "-mp1", "mp1/../x", "mp1,mp2", "999.1.1.1"):
            zone = "$ORIGIN example.org.\n$TTL 600\n%s. SRV 0 0 80 %s.\n%s. SRV 0 0 80 %s.\n" % (name, value, name, GOOD)
            with self.subTest(zone=value):
                self.check(self.find("zone:" + self.write("zone", zone)), "target")


harness.main()
