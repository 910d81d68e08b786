"""What the site published, read by programs that nobody here wrote: ldapsearch, curl, Python's XML parser."""

import base64
import xml.etree.ElementTree

import harness
import lab


class PublishedObjects(harness.Case):

    def setUp(self):
        super().setUp()
        self.directory = lab.Directory(self)
        port = harness.free_port(lab.MP_ADDRESSES.values())
        self.port = port
        self.site = lab.Site(self, nbt_port=harness.free_port(), http=["127.0.0.11:%d" % port])
        lab.fill(self.site, port, targets=[[self.directory.uri_base] + self.directory.credentials])
        self.site.ctl_ok("boundary", "add", "range", "192.168.1.0-192.168.1.255")
        self.site.ctl_ok("boundary", "add", "ad-site", "Berlin")
        self.site.publish()

    def ldapsearch(self, *words):
        """What an anonymous ldapsearch over TCP reads, as a list of {attribute: [values]}."""
        found = self.run_ok([harness.tool("ldapsearch", "ldap-utils"), "-LLL", "-o", "ldif-wrap=no", "-x", "-H", self.directory.uri, "-b",
                             self.directory.container_dn] + list(words))
        entries = []
        for block in found.out.strip().split("\n\n"):
            entry = {}
            for line in block.splitlines():
                name, _, value = line.partition(": ")
                if name.endswith(":"):
                    name, value = name[:-1], base64.b64decode(value).decode()
                entry.setdefault(name, []).append(value)
            entries.append(entry)
        return entries

    def test_ldapsearch_reads_site_management_point_and_boundaries(self):
        """P01 S1.25 the objects of a site have the names and value formats of the real product"""
        sites = self.ldapsearch("(objectClass=mSSMSSite)")
        self.assertEqual(len(sites), 1, sites)
        self.assertEqual(sites[0]["cn"], ["SMS-Site-PS1"])
        self.assertEqual(sites[0]["mSSMSSiteCode"], ["PS1"])
        self.assertEqual(sites[0]["mSSMSAssignmentSiteCode"], ["PS1"])
        self.assertEqual(sorted(sites[0]["mSSMSRoamingBoundaries"]), ["127.0.0.0", "Berlin"])

        default = self.ldapsearch("(&(objectClass=mSSMSManagementPoint)(mSSMSSiteCode=PS1)(mSSMSDefaultMP=TRUE))")
        self.assertEqual(len(default), 1, "S1.08 exactly one default MP\n%s" % default)
        self.assertEqual(default[0]["cn"], ["SMS-MP-PS1-MP1.EXAMPLE.ORG"])
        self.assertEqual(default[0]["dNSHostName"], ["mp1.example.org"])
        self.assertEqual(default[0]["mSSMSMPAddress"], ["127.0.0.11"])
        self.assertEqual(default[0]["mSSMSVersion"], ["6487"])

        ranges = self.ldapsearch("(objectClass=mSSMSRoamingBoundaryRange)")
        self.assertIn(("SMS-PS1-192.168.1.0-192.168.1.255", "-1062731520", "-1062731265"),
                      [(one["cn"][0], one["mSSMSRangedIPLow"][0], one["mSSMSRangedIPHigh"][0]) for one in ranges],
                      "addresses from 128.0.0.0 up are stored as negative numbers")

    def test_capabilities_are_xml_that_others_read(self):
        """P01 mSSMSCapabilities is a ClientOperationalSettings document with the MP's port"""
        entry = self.ldapsearch("(&(objectClass=mSSMSManagementPoint)(mSSMSDefaultMP=TRUE))", "mSSMSCapabilities")[0]
        root = xml.etree.ElementTree.fromstring(entry["mSSMSCapabilities"][0])
        self.assertEqual(root.tag, "ClientOperationalSettings", entry)
        self.assertEqual(root.findtext(".//RootSiteCode"), "PS1")
        self.assertEqual(root.findtext(".//HTTPPort"), str(self.port))

    def test_curl_fetches_the_list_of_management_points(self):
        """P12 S1.03 GET /SMS_MP/.sms_aut?MPLIST answers every MP of the site; names of the path in any case"""
        curl = harness.tool("curl", "curl")
        for path in ("/SMS_MP/.sms_aut?MPLIST", "/sms_mp/.sms_aut?mplist"):
            got = self.run_ok([curl, "-sS", "--fail", "http://127.0.0.11:%d%s" % (self.port, path)])
            root = xml.etree.ElementTree.fromstring(got.out)
            self.assertEqual(root.tag, "MPList")
            self.assertEqual(sorted(mp.get("FQDN") for mp in root.findall("MP")), ["mp1.example.org", "mp2.example.org"])
        got = self.run_ok([curl, "-sS", "--fail", "http://127.0.0.11:%d/SMS_MP/.sms_aut?MPLIST1&PS1" % self.port])
        self.assertEqual({mp.get("SiteCode") for mp in xml.etree.ElementTree.fromstring(got.out).findall("MP")}, {"PS1"})

    def test_second_publish_changes_nothing_ldapsearch_can_see(self):
        """S1.25 publishing is idempotent: not even the modification time moves"""
        before = self.ldapsearch("(objectClass=*)", "*", "+")
        self.site.publish()
        self.assertEqual(self.ldapsearch("(objectClass=*)", "*", "+"), before)


harness.main()
