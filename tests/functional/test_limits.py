"""More objects than a server sends at once, and a container as the product itself fills it."""
import collections

import fixtures
import harness
import lab

RANGES = 1300       # of one site; slapd sends 500 whatever is asked


class Limits(harness.Case):
    """slapd's default limit of 500 entries, which holds over all pages, for an account that is not the administrator."""

    def published(self, directory):
        return collections.Counter(entry["objectclass"][-1] for _, entry in directory.search(directory.container_dn, "(mSSMSSiteCode=PS1)",
                                                                                             "objectClass"))

    def site(self, directory, count):
        site = lab.Site(self, roles="server")
        lab.fill(site, targets=[[directory.uri_base, *directory.credentials]])
        words = ["range %d.%d.%d.0-%d.%d.%d.99" % ((100 + n // 20, n % 20, 7) * 2) for n in range(count)]
        for word in words:
            site.ctl_ok("boundary", "add", *word.split())
        return site

    def test_a_site_of_more_objects_than_the_limit(self):
        """Published whole, found unchanged, changed and removed by what is really there, and found by clients."""
        directory = lab.Directory(self)
        ranges = "".join(
            "dn: cn=SMS-PS1-old%d,%s\nobjectClass: mSSMSRoamingBoundaryRange\ncn: SMS-PS1-old%d\nmSSMSSiteCode: PS1\n"
            "mSSMSSourceForest: example.org\nmSSMSRangedIPLow: %d\nmSSMSRangedIPHigh: %d\n\n"
            % (n, directory.container_dn, n, low, low + 99)
            for n, low in enumerate(range(-2000000000, -2000000000 + RANGES * 1000, 1000)))
        site = self.site(directory, 40)
        site.publish()
        directory.add(ranges)
        diff = site.ctl_ok("publish", "--diff", "--json", code=1).json
        actions = collections.Counter(row["action"] for row in diff["answer"])
        self.assertEqual(actions["remove"], RANGES)
        site.publish()
        self.assertEqual(self.published(directory), {"mSSMSSite": 1, "mSSMSManagementPoint": 2, "mSSMSRoamingBoundaryRange": 40})
        self.assertEqual(site.ctl_ok("publish", "--diff", "--json").json["outcome"], "ok")

    def test_finding_among_more_objects_than_the_limit(self):
        """Every management point is found, and what is not there is not found, however many ranges stand beside."""
        directory = lab.Directory(self)
        at = directory.container_dn
        directory.add("".join(
            "dn: cn=SMS-PS1-R%d,%s\nobjectClass: mSSMSRoamingBoundaryRange\ncn: SMS-PS1-R%d\nmSSMSSiteCode: PS1\n"
            "mSSMSRangedIPLow: %d\nmSSMSRangedIPHigh: %d\n\n" % (n, at, n, n * 1000, n * 1000 + 99) for n in range(RANGES)))
        directory.add("dn: cn=SMS-Site-PS1,%s\nobjectClass: mSSMSSite\ncn: SMS-Site-PS1\nmSSMSSiteCode: PS1\n\n"
                      "dn: cn=SMS-MP-PS1-mp9,%s\nobjectClass: mSSMSManagementPoint\ncn: SMS-MP-PS1-mp9\nmSSMSSiteCode: PS1\n"
                      "mSSMSDefaultMP: TRUE\nmSSMSMPName: mp9\n\n" % (at, at))
        source = ["--source", directory.uri_base]
        self.assertEqual(lab.find("mp", "--site", "PS1", *source).answer["mp"], "mp9")
        found = lab.find("site", "--as-client", "0.19.136.10/24", *source)      # 1280010, the range 1280
        self.assertEqual((found.code, found.answer["site"]), (0, "PS1"), str(found))
        self.assertEqual(lab.find("site", "--as-client", "0.19.137.10/24", *source).code, 1)

    def test_what_cannot_be_told_in_parts_is_incomplete(self):
        """Neither "not found" nor a removal, when a limit hides the rest: more of one class and value than the server sends."""
        directory = lab.Directory(self)
        directory.add("".join(
            "dn: cn=SMS-MP-PS1-m%d,%s\nobjectClass: mSSMSManagementPoint\ncn: SMS-MP-PS1-m%d\nmSSMSSiteCode: PS1\n"
            "mSSMSSourceForest: example.org\nmSSMSDefaultMP: FALSE\nmSSMSMPName: m%d\n\n" % (n, directory.container_dn, n, n)
            for n in range(520)))
        found = lab.find("mp", "--site", "PS1", "--source", directory.uri_base)
        self.assertEqual((found.code, found.json["reason"]), (3, "incomplete"), str(found))
        site = self.site(directory, 0)
        report = site.ctl("publish", "--apply", "--json")
        self.assertEqual((report.code, report.json["reason"]), (3, "incomplete"), str(report))
        self.assertEqual(self.published(directory)["mSSMSManagementPoint"], 520)


class Sample(harness.Case):
    """tests/fixtures/ad-sample.ldif, read as a dump and from an OpenLDAP that holds the same."""

    def sources(self):
        directory = lab.Directory(self, suffix="dc=lab,dc=example")
        directory.add(fixtures.for_openldap())
        return ["ldif:" + fixtures.AD_SAMPLE, directory.uri]

    def test_the_default_management_points(self):
        for source in self.sources():
            for code, mp in fixtures.DEFAULT_MPS.items():
                with self.subTest(source=source, code=code):
                    found = lab.find("mp", "--site", code, "--source", source)
                    self.assertEqual(found.answer["mp"].lower(), mp)
            version = lab.find("mp", "--site", "P01", "--source", source).answer["version"]
            self.assertEqual(version, "5.00.9106.1000")     # behind a bare "&" in the capabilities
            found = lab.find("mp", "--site", "CAD", "--source", source)
            self.assertEqual(found.json["reason"], "no-default-mp", str(found))
            self.assertEqual(lab.find("mp", "--site", "CAD", "--profile", "cb", "--source", source).answer["mp"], "mbr02.range.example")

    def test_the_boundaries(self):
        for source in self.sources():
            for words, code in ((["--ad-site", "Branch-Office", "--as-client", "172.31.1.1/16"], "PS1"),
                                (["--as-client", "10.20.3.4/16"], "P01"), (["--as-client", "127.255.255.9/24"], "C07"),
                                (["--as-client", "128.0.0.200/24"], "C07"), (["--as-client", "192.168.1.77/24"], "C07")):
                with self.subTest(source=source, words=words):
                    found = lab.find("site", *words, "--source", source)
                    self.assertEqual((found.code, (found.json["answer"] or {}).get("site")), (0, code), str(found))


if __name__ == "__main__":
    harness.main()
