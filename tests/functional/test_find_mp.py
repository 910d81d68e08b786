"""find mp against objects that others have published: profiles, doubtful values, provenance, and what --strict makes of a lower source."""

import harness
import lab

CAPABILITIES = "<ClientOperationalSettings><Version>4.00.6487.2000</Version>%s</ClientOperationalSettings>"


class FindMp(harness.Case):

    def setUp(self):
        super().setUp()
        self.directory = lab.Directory(self)

    def add(self, host, **attributes):
        lines = ["dn: CN=SMS-MP-PS1-%s,%s" % (host, self.directory.container_dn), "objectClass: mSSMSManagementPoint", "mSSMSSiteCode: PS1",
                 "mSSMSMPName: " + host] + ["%s: %s" % one for one in attributes.items()]
        self.directory.add("\n".join(lines) + "\n")

    def find(self, *more, sources=()):
        words = [word for uri in sources or [self.directory.uri_base] for word in ("--source", uri)]
        return lab.find("mp", "--site", "PS1", *words, *more)

    def test_two_defaults_are_decided_alike_by_all(self):
        """Q12 after a split of the directory two say they are the default: the first by name, with a warning"""
        for host in ("mp9.example.org", "MP2.example.org", "mp1.example.org"):
            self.add(host, mSSMSDefaultMP="FALSE" if host.startswith("mp1") else "TRUE")
        found = self.find()
        self.assertEqual((found.code, found.answer["mp"], found.answer["default"]), (0, "MP2.example.org", True), str(found))
        self.assertIn("2 default management points", "\n".join(found.json["warnings"]))
        self.assertIn("Q12", found.json["steps"][-1]["rule"])

    def test_none_is_the_default(self):
        """S1.26 Q12 profiles sms2003 and cm2007 have no answer, cb takes the first by name"""
        for host in ("mp2.example.org", "mp1.example.org"):
            self.add(host)
        for profile in ("sms2003", "cm2007"):
            found = self.find("--profile", profile)
            self.assertEqual((found.code, found.json["reason"]), (1, "no-default-mp"), str(found))
        found = self.find("--profile", "cb")
        self.assertEqual((found.code, found.answer["mp"], found.answer["default"]), (0, "mp1.example.org", False), str(found))

    def test_a_site_that_says_none_overrules_the_registry(self):
        """S1.26 J2 a registration that was left behind does not bring back a management point that was withdrawn"""
        self.add("mp1.example.org")
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.11")
        found = self.find(sources=[self.directory.uri_base, registry.uri])
        self.assertEqual((found.code, found.json["reason"]), (1, "no-default-mp"), str(found))

    def test_a_registration_that_is_no_host(self):
        """X02 a group answers with the broadcast address: that is no management point"""
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.1", "--group")
        self.assertEqual(lab.find("name", "MP_PS1#1A", "--source", registry.uri).answer["addresses"], ["255.255.255.255"])
        found = self.find(sources=[registry.uri])
        self.assertEqual((found.code, found.json["reason"], found.answer), (1, "not-found", {}), str(found))

    def test_strict_counts_a_lower_source_as_degraded(self):
        """X02 the answer of a source that is not the first: a warning, and exit code 5 with --strict"""
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "NLB_PS1#1A", "127.0.0.11")
        sources = [self.directory.uri_base, registry.uri]
        for more, code, outcome in (((), 0, "ok"), (("--strict",), 5, "degraded")):
            found = self.find(*more, sources=sources)
            self.assertEqual((found.code, found.json["outcome"], found.answer["address"]), (code, outcome, "127.0.0.11"), str(found))
            self.assertIn("lower-ranked", "\n".join(found.json["warnings"]))
        found = self.find("--strict", sources=sources[::-1])
        self.assertEqual((found.code, [text for text in found.json["warnings"] if "unproven" not in text]), (0, []), str(found))

    def test_port_and_version_come_from_the_capabilities(self):
        """Q1 HTTPPort wherever it stands, bare ampersands; --mp-port overrules it; what is no XML is a warning, not the end"""
        self.add("mp1.example.org", mSSMSDefaultMP="TRUE", mSSMSVersion="6487", mSSMSMPAddress="127.0.0.11",
                 mSSMSCapabilities=CAPABILITIES % "<Any><HTTPPort>8080</HTTPPort><X>a & b</X></Any>")
        answer = self.find().answer
        self.assertEqual((answer["port"], answer["version"], answer["address"]), (8080, "4.00.6487.2000", "127.0.0.11"))
        self.assertEqual(self.find("--mp-port", "81").answer["port"], 81)
        self.assertEqual(self.find("--resolve", "MP1.example.org:[::1]").answer["address"], "::1")
        self.directory.modify("dn: CN=SMS-MP-PS1-mp1.example.org,%s\nchangetype: modify\nreplace: mSSMSCapabilities\n"
                              "mSSMSCapabilities: <broken\n" % self.directory.container_dn)
        found = self.find()
        self.assertEqual((found.code, found.answer["port"], found.answer["version"]), (0, 80, "6487"), str(found))
        self.assertIn("mSSMSCapabilities", "\n".join(found.json["warnings"]))

    def test_provenance(self):
        """X10 source, server, age, trust; the age is reckoned as at --now"""
        self.add("mp1.example.org", mSSMSDefaultMP="TRUE", mSSMSSourceForest="forest.example")
        found = self.find("--now", "4102444800")
        answer, last = found.answer, found.json["steps"][-1]
        self.assertEqual((answer["source"], answer["server"], answer["trust"]), (self.directory.uri_base, self.directory.uri, "unproven"))
        self.assertGreater(answer["age_s"], 3600)
        self.assertEqual((last["owner"], last["verdict"], last["rule"]), ("forest.example", "accepted", "J1 S1.21"))
        self.assertLess(self.find().answer["age_s"], 60)

    def test_mistakes_are_told(self):
        """no source, no site, unknown schemes, addresses that are none, a password file that is not there"""
        found = self.find("--bind-dn", "cn=x", "--password-file", "/nonexistent")
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"], found.answer), (2, "usage", "bad-option", {}))
        for words, text in ((["mp", "--source", "wins://h"], "--site"),
                            (["mp", "--site", "PS1", "--source", "gopher://h"], "ldap://"),
                            (["mp", "--site", "PS1", "--source", "wins://h", "--resolve", "h"], "address"),
                            (["mp", "--site", "PS1", "--source", "wins://h", "--resolve", "h:name"], "name"),
                            (["site", "--source", "ldap://h", "--as-client", "10.0.0.1/40"], "prefix length"),
                            (["dp", "--site", "PS1", "--source", "wins://h"], "--package"),
                            (["name", "TOO#LONG", "--source", "wins://h"], ""),
                            (["name", "A#00", "--source", self.directory.uri_base], "nothing")):
            with self.subTest(words=words):
                found = harness.run([harness.program("locator"), "find"] + words)
                self.assertEqual(found.code, 2, str(found))
                self.assertIn(text, found.err)


harness.main()
