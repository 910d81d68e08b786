"""find site: boundaries as the site server publishes them, and as others do, matched to clients."""

import harness
import lab


class FindSite(harness.Case):

    def setUp(self):
        super().setUp()
        self.directory = lab.Directory(self)
        site = lab.Site(self, nbt_port=harness.free_port())
        lab.fill(site)
        for kind, value in (("subnet", "10.1.0.0/16"), ("subnet", "10.1.128.0/17"), ("range", "172.16.0.10-172.16.0.20"),
                            ("range", "127.255.255.250-128.0.0.5"), ("ad-site", "Berlin (Mitte)"), ("ipv6-prefix", "2001:db8:1::/48")):
            site.ctl_ok("boundary", "add", kind, value)
        site.ctl_ok("target", "add", self.directory.uri_base, *self.directory.credentials)
        site.publish()

    def find(self, *words):
        return lab.find("site", "--source", self.directory.uri_base, *words)

    def check(self, words, by):
        found = self.find(*words)
        if by is None:
            self.assertEqual((found.code, found.json["reason"]), (1, "not-found"), str(found))
        else:
            expected = {"site": "PS1", "assigned_by": by, "mp": "mp1.example.org", "resident_site": None if by == "site-code" else "PS1",
                        "source": self.directory.uri_base}
            self.assertEqual((found.code, {key: found.answer[key] for key in expected}), (0, expected), str(found))
        return found.json["warnings"]

    def test_clients_inside_and_outside(self):
        """P13 subnet by address and mask, ranges inclusive and unsigned, AD site without regard to case, IPv6 prefix"""
        for address, by in (("10.1.2.3/16", "subnet"), ("10.1.200.3/17", "subnet"), ("10.1.2.3/24", None), ("10.2.0.1/16", None),
                            ("172.16.0.10/24", "range"), ("172.16.0.20/24", "range"), ("172.16.0.9/24", None), ("172.16.0.21/24", None),
                            ("127.255.255.250/32", "range"), ("128.0.0.0/32", "range"), ("128.0.0.5/32", "range"), ("128.0.0.6/32", None),
                            ("2001:db8:1:2::3/64", "subnet"), ("2001:db8:2::3/64", None)):
            with self.subTest(address=address):
                self.assertEqual(self.check(["--as-client", address], by), [])
        self.check(["--ad-site", "berlin (mitte)", "--as-client", "192.0.2.1/24"], "ad-site")
        self.check(["--ad-site", "Berlin", "--as-client", "192.0.2.1/24"], None)

    def test_without_a_mask_there_is_a_warning(self):
        """P13 subnets are published without a mask; a client without one is matched by the longest that fits"""
        warnings = self.check(["--as-client", "10.1.2.3"], "subnet")
        self.assertTrue(any("mask" in warning for warning in warnings), warnings)

    def test_by_code(self):
        """X02 a site that is published, one that is not, and what is no code"""
        self.check(["--site", "ps1"], "site-code")
        self.check(["--site", "PS9"], None)
        self.assertEqual(self.find("--site", "PS1*").code, 2)

    def test_values_are_escaped_in_filters(self):
        """an AD site that looks like a filter matches nothing and breaks nothing"""
        for name in ("*", "*)(objectClass=*", "\\2a", ")(|", "a\\", "\u00e4"):
            with self.subTest(name=name):
                self.check(["--ad-site", name, "--as-client", "192.0.2.1/24"], None)

    def test_several_sites_and_a_secondary(self):
        """P13 KB2002059: the first by code with a warning; a secondary site assigns to its parent"""
        container = self.directory.container_dn
        entries = []
        for code, parent in (("AA1", "PS1"), ("ZZ1", "ZZ1")):
            entries.append("dn: CN=SMS-Site-%s,%s\nobjectClass: mSSMSSite\nmSSMSSiteCode: %s\nmSSMSAssignmentSiteCode: %s\n"
                           "mSSMSRoamingBoundaries: 10.1.0.0\n" % (code, container, code, parent))
        self.directory.add("\n".join(entries))
        found = self.find("--as-client", "10.1.2.3/16")
        self.assertEqual((found.code, found.answer["site"], found.answer["mp"]), (0, "PS1", "mp1.example.org"), str(found))
        text = "\n".join(found.json["warnings"])
        self.assertIn("boundaries of 3 sites", text)
        self.assertIn("lies in site AA1, which assigns its clients to PS1", text)


harness.main()
