"""Everything that sites publish, decoded; what clients of each generation make of it; sources compared; rules and their origin."""

import os
import re

import harness
import lab
import slp

CAPABILITIES = ("<ClientOperationalSettings><Version>4.00.6487.2000</Version><CCM><CommandLine>SMSSITECODE=PS1 A=b & c</CommandLine></CCM>"
                "<RootSiteCode>CAS</RootSiteCode><FSP><FSPServer>fsp1.example.org</FSPServer><FSPServer>fsp2.example.org</FSPServer></FSP>"
                "<SecurityModeMaskEx>63</SecurityModeMaskEx><HTTPPort>8080</HTTPPort><HTTPSPort>8443</HTTPSPort>"
                "<Capabilities SchemaVersion=\"1.0\"><Property Name=\"SSLState\" Value=\"3\"/></Capabilities></ClientOperationalSettings>")

MP1 = {"objectClass": "mSSMSManagementPoint", "mSSMSSiteCode": "PS1", "mSSMSMPName": "MP1", "dNSHostName": "mp1.example.org",
       "mSSMSMPAddress": "10.0.0.11", "mSSMSDefaultMP": "TRUE", "mSSMSDeviceManagementPoint": "FALSE", "mSSMSVersion": "6487",
       "mSSMSSourceForest": "example.org", "mSSMSCapabilities": CAPABILITIES}
SITE = {"objectClass": "mSSMSSite", "mSSMSSiteCode": "PS1", "mSSMSAssignmentSiteCode": "PS1", "mSSMSSourceForest": "example.org",
        "mSSMSHealthState": "PS1.{8F5C8A3E-1F6B-4B6E-9C07-3A1D4D0C2B11}", "mSSMSRoamingBoundaries": ["10.1.0.0", "Berlin", "2001:db8::/32"],
        "mSSMSSiteBoundaries": ["10.1.0.0"]}


def mp(code, host, default=True, address=None, **more):
    entry = {"objectClass": "mSSMSManagementPoint", "mSSMSSiteCode": code, "mSSMSMPName": host, "mSSMSDefaultMP": "TRUE" if default else "FALSE"}
    if address:
        entry["mSSMSMPAddress"] = address
    return dict(entry, **more)


def site(code, assignment=None, boundaries=(), **more):
    entry = {"objectClass": "mSSMSSite", "mSSMSSiteCode": code, "mSSMSAssignmentSiteCode": assignment or code}
    if boundaries:
        entry["mSSMSRoamingBoundaries"] = list(boundaries)
    return dict(entry, **more)


def ldif(entries, container):
    text = ""
    for n, entry in enumerate(entries):
        lines = ["dn: CN=%s,%s" % (entry.get("cn", "o%d" % n), container)]
        for name, values in entry.items():
            lines += ["%s: %s" % (name, value) for value in ([values] if isinstance(values, str) else values)]
        text += "\n".join(lines) + "\n\n"
    return text


class Base(harness.Case):

    def setUp(self):
        super().setUp()
        self.directory = lab.Directory(self)
        self.source = ["--source", self.directory.uri_base]

    def publish(self, *entries):
        self.directory.add(ldif(entries, self.directory.container_dn))

    def locator(self, *words, code=0):
        done = harness.run([harness.program("locator")] + list(words) + ["--json"])
        self.assertEqual(done.code, code, str(done))
        return done

    def find(self, *words, code=0):
        return self.locator("find", *words, *self.source, code=code)

    def rules_of(self, done):
        return [step["rule"] for step in done.json["steps"] if step["rule"]]


class Objects(Base):

    def test_every_attribute_of_a_management_point(self):
        """P01 find mp --all decodes the capabilities with a bare ampersand, version, ports, mask, fallback status points"""
        self.publish(MP1)
        [found] = self.find("mp", "--all", "--site", "PS1").answer
        age, dn = found.pop("age_s"), found.pop("dn")
        self.assertEqual(found, {
            "site": "PS1", "mp": "mp1.example.org", "address": "10.0.0.11", "default": True, "role": "primary-contact", "why_unused": None, "device_mp": False,
            "mp_name": "MP1", "version": "4.00.6487.2000", "build": 6487, "http_port": 8080, "https_port": 8443, "ssl_state": 3,
            "security_mask": 63, "site_type": "primary", "root_site": "CAS", "command_site": "PS1",
            "fsps": ["fsp1.example.org", "fsp2.example.org"], "owner": "example.org", "source": self.directory.uri_base,
            "server": self.directory.uri, "replicated_from": None, "trust": "unproven"})
        self.assertLess(age, 60)
        self.assertEqual(dn.lower(), ("CN=o0," + self.directory.container_dn).lower())

    def test_every_attribute_of_a_site(self):
        """P01 find site --all: boundaries of both attributes, assignment, health state and the GUID in it"""
        self.publish(SITE)
        [found] = self.find("site", "--all").answer
        self.assertEqual((found["site"], found["assignment_site"], found["owner"]), ("PS1", "PS1", "example.org"))
        self.assertEqual(found["site_guid"], "{8F5C8A3E-1F6B-4B6E-9C07-3A1D4D0C2B11}")
        self.assertEqual((found["health_state"], found["site_boundaries"]), (SITE["mSSMSHealthState"], ["10.1.0.0"]))
        self.assertEqual(sorted(found["roaming_boundaries"]), sorted(SITE["mSSMSRoamingBoundaries"]))

    def test_boundaries_of_every_kind(self):
        """P01 P13 find boundary: kinds, a boundary of both attributes once, range integers signed, unsigned and across the middle"""
        ranges = {"o": ("-1062731520", "-1062731265"), "p": ("3232235776", "3232236031"), "q": ("2147483642", "-2147483643")}
        self.publish(SITE, *[{"objectClass": "mSSMSRoamingBoundaryRange", "cn": "r" + name, "mSSMSSiteCode": "PS1", "mSSMSRangedIPLow": low,
                              "mSSMSRangedIPHigh": high} for name, (low, high) in ranges.items()])
        found = [(one["kind"], one["boundary"]) for one in self.find("boundary", "--site", "PS1").answer]
        self.assertEqual(sorted(found), [("ad-site", "Berlin"), ("ipv6-prefix", "2001:db8::/32"), ("range", "127.255.255.250-128.0.0.5"),
                                         ("range", "192.168.1.0-192.168.1.255"), ("subnet", "10.1.0.0")])

    def test_server_locator_points(self):
        """P01 find slp-role: host, site, forest"""
        self.publish({"objectClass": "mSSMSServerLocatorPoint", "mSSMSSiteCode": "CEN", "mSSMSMPName": "SLP1", "dNSHostName": "slp1.example.org",
                      "mSSMSSourceForest": "example.org"})
        [found] = self.find("slp-role").answer
        self.assertEqual((found["site"], found["host"], found["mp_name"], found["owner"]), ("CEN", "slp1.example.org", "SLP1", "example.org"))
        self.publish(dict(SITE, cn="site"))
        self.assertEqual(self.find("slp-role", "--site", "PS1", code=1).json["reason"], "not-found")

    def test_why_a_management_point_is_not_used(self):
        """S1.07 S1.23 S1.26 Q12 further MPs, second defaults and sites without one are told apart; profile cb uses all"""
        self.publish(mp("PS1", "a"), mp("PS1", "b", default=False), mp("PS2", "c"), mp("PS2", "d"), mp("PS3", "e", default=False))
        found = {one["mp"]: one["why_unused"] for one in self.find("mp", "--all").answer}
        self.assertEqual(found, {"a": None, "b": "not-default-not-in-cluster", "c": None, "d": "second-default", "e": "no-default-mp"})
        found = {one["mp"]: one["role"] for one in self.find("mp", "--all").answer}
        self.assertEqual(found, {"a": "primary-contact", "b": "extra", "c": "primary-contact", "d": "extra", "e": "extra"})
        self.assertEqual(self.find("mp", "--site", "PS1").answer["role"], "primary-contact", "S1.07")
        found = {one["mp"]: (one["why_unused"], one["role"]) for one in self.find("mp", "--all", "--profile", "cb").answer}
        self.assertEqual(found, {name: (None, "primary-contact" if name in "acd" else None) for name in "abcde"})

    def test_who_names_no_host_does_not_count(self):
        """X02 S1.26 a default MP without a name, or with an address that is none, is no answer; the warning names the object"""
        nameless = {name: value for name, value in mp("PS1", "a", address="somewhere").items() if name != "mSSMSMPName"}
        self.publish(dict(nameless, cn="nameless"), mp("PS2", "b", address="10.0.0.1 10.0.0.2"))
        done = self.find("mp", "--site", "PS1", code=1)
        self.assertEqual(done.json["reason"], "not-found", str(done))
        warnings = "\n".join(done.json["warnings"])
        self.assertIn("\"somewhere\" is no address", warnings)
        self.assertRegex(warnings, "nameless,.* names no host")
        answer = self.find("mp", "--site", "PS2").answer
        self.assertEqual((answer["mp"], answer["address"]), ("b", None))

    def test_nothing_to_list(self):
        """X02 an empty list says why, as everything else does"""
        done = self.find("mp", "--all", "--site", "PS9", code=1)
        self.assertEqual((done.json["reason"], done.answer), ("nothing-published", []))


class WhatIf(Base):

    def test_schema_no(self):
        """X08 S1.19 what if the schema were not extended: the registry decides, without the directory being asked"""
        self.publish(MP1)
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.99")
        self.source += ["--source", registry.uri]
        self.assertEqual(self.find("mp", "--site", "PS1").answer["address"], "10.0.0.11")
        done = self.find("mp", "--site", "PS1", "--schema", "no")
        self.assertEqual(done.answer["address"], "10.0.0.99")
        self.assertIn("J3 S1.19", self.rules_of(done))

    def test_forest(self):
        """X08 F1 a directory serves clients of its own forest; where the forest is not published there is a warning"""
        self.publish(MP1, mp("PS2", "mp2"))
        self.assertEqual(self.find("mp", "--site", "PS1", "--forest", "EXAMPLE.org").answer["mp"], "mp1.example.org")
        done = self.find("mp", "--site", "PS1", "--forest", "other.example", code=1)
        self.assertEqual((done.json["reason"], self.rules_of(done)), ("not-found", ["J3 F1"]))
        self.assertIn("forest", "".join(self.find("mp", "--site", "PS2", "--forest", "other.example").json["warnings"]))

    def test_mask(self):
        """X08 P13 --mask beside --as-client; a mask that is none is told; ::ffff:a.b.c.d is the IPv4 address"""
        self.publish(site("PS1", boundaries=["10.1.0.0"]), MP1)
        for words in (["--as-client", "10.1.2.3", "--mask", "255.255.0.0"], ["--as-client", "::ffff:10.1.2.3", "--mask", "255.255.0.0"],
                      ["--as-client", "::ffff:10.1.2.3/112"]):
            done = self.find("site", *words)
            self.assertEqual((done.answer["site"], done.json["warnings"]), ("PS1", []))
        self.find("site", "--as-client", "10.1.2.3", "--mask", "255.255.255.0", code=1)
        for bad in ("255.0.255.0", "x", "::"):
            self.find("site", "--as-client", "10.1.2.3", "--mask", bad, code=2)

    def test_advanced_clients_never_get_the_site_server(self):
        """S1.02 a site whose server and server locator point are published, and no management point: no answer, not one of these"""
        self.publish(SITE, {"objectClass": "mSSMSServerLocatorPoint", "cn": "slp", "mSSMSSiteCode": "PS1", "mSSMSMPName": "server.example.org"})
        done = self.find("mp", "--site", "PS1", "--client-type", "advanced", code=1)
        self.assertEqual((done.json["reason"], done.answer), ("no-default-mp", {}))
        self.assertNotIn("server.example.org", done.out)

    def test_legacy_clients_never_get_a_management_point(self):
        """S1.09 client type legacy gets client access points, of which a directory and a registry know nothing"""
        self.publish(MP1)
        done = self.find("mp", "--site", "PS1", "--client-type", "legacy", code=2)
        self.assertEqual((done.json["reason"], done.answer), ("not-asked", {}))
        self.assertNotIn("mp1", done.out)

    def test_legacy_clients_get_client_access_points(self):
        """S1.09 a server locator point tells them, and a source that knows nothing of the kind is not asked"""
        self.publish(MP1)
        point = slp.Point(self)
        point.sites["PS1"] = slp.Site("PS1", mp="mp1.example.org", caps=("cap1.example.org", "cap2.example.org"))
        point.sites["PS2"] = slp.Site("PS2", mp="mp2.example.org")
        self.source += ["--source", point.uri]
        done = self.find("mp", "--site", "PS1", "--client-type", "legacy")
        self.assertEqual((done.answer["caps"], done.answer["source"]), (["cap1.example.org", "cap2.example.org"], point.uri))
        self.assertEqual(self.rules_of(done), ["J6", "J1 S1.09"])
        self.assertNotIn("mp1", done.out)
        self.assertEqual(self.find("mp", "--site", "PS2", "--client-type", "legacy", code=1).json["reason"], "not-found")
        self.assertEqual(self.find("mp", "--site", "PS1", "--client-type", "advanced").answer["mp"], "mp1.example.org")

    def test_boundaries_with_a_mask_of_their_own(self):
        """P13 a subnet that is stored with its mask matches by that, whatever the client's"""
        self.publish(site("PS1", boundaries=["10.1.0.0/16"]), MP1)
        for address in ("10.1.2.3", "10.1.2.3/24", "10.1.2.3/8"):
            done = self.find("site", "--as-client", address)
            self.assertEqual((done.answer["site"], done.json["warnings"]), ("PS1", []))

    def test_first_valid_site(self):
        """B5 B7 KB2002059 of several sites the first that is not older than the client"""
        old, new = CAPABILITIES.replace("6487.2000", "6221.1000"), CAPABILITIES
        self.publish(site("AA1", boundaries=["10.1.0.0"]), mp("AA1", "a", mSSMSCapabilities=old), site("BB1", boundaries=["10.1.0.0"]),
                     mp("BB1", "b", mSSMSCapabilities=new))
        for version, expected in ((None, "AA1"), ("4.00.6221.9999", "AA1"), ("4.00.6487.0000", "BB1")):
            words = ["--client-version", version] if version else []
            done = self.find("site", "--as-client", "10.1.2.3/16", *words)
            self.assertEqual(done.answer["site"], expected, version)
            self.assertIn("boundaries of 2 sites", "".join(done.json["warnings"]))
        done = self.find("site", "--as-client", "10.1.2.3/16", "--client-version", "5.00.7958.1000", code=1)
        self.assertEqual((done.json["reason"], self.rules_of(done)[-1]), ("not-found", "J3 B7"))


class Roaming(Base):

    def setUp(self):
        super().setUp()
        self.publish(site("PS1", boundaries=["10.1.0.0"]), mp("PS1", "mp1"), site("SEC", "PS1", ["10.2.0.0"]), mp("SEC", "proxy"),
                     site("SE2", "PS1", ["10.3.0.0"]), site("PS2", boundaries=["10.4.0.0"]), mp("PS2", "mp2"), site("PS3", boundaries=["10.5.0.0"]))

    def check(self, address, rule, **expected):
        done = self.find("mp", "--site", "PS1", "--roaming", "--as-client", address)
        keys = ("site", "mp", "assigned_mp", "resident_site", "resident_mp", "proxy_mp")
        wanted = dict(dict.fromkeys(keys), assigned_mp="mp1", **expected)
        self.assertEqual({key: done.answer[key] for key in keys}, wanted, str(done))
        self.assertEqual(self.rules_of(done)[-1], rule, str(done))

    def test_where_a_client_asks(self):
        """R1 R2 R3 assigned, resident and proxy management point apart, by where the client is"""
        self.check("10.1.2.3/16", "R1", site="PS1", mp="mp1", resident_site="PS1", resident_mp="mp1")
        self.check("10.9.2.3/16", "R1", site="PS1", mp="mp1")
        self.check("10.2.2.3/16", "R2", site="SEC", mp="proxy", resident_site="SEC", proxy_mp="proxy")
        self.check("10.3.2.3/16", "R2", site="PS1", mp="mp1", resident_site="SE2")
        self.check("10.4.2.3/16", "R3", site="PS2", mp="mp2", resident_site="PS2", resident_mp="mp2")
        self.check("10.5.2.3/16", "R3", site="PS1", mp="mp1", resident_site="PS3")

    def test_without_a_directory(self):
        """R4 regional roaming: who finds its MP in the registry keeps asking it"""
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.11")
        done = self.locator("find", "mp", "--site", "PS1", "--roaming", "--as-client", "10.4.2.3/16", "--source", registry.uri)
        self.assertEqual((done.answer["mp"], done.answer["source"], self.rules_of(done)[-1]), ("10.0.0.11", registry.uri, "R4"))

    def test_the_outcome_is_that_of_the_answer(self):
        """R1 a --strict warning about a lower source is not lost by asking where the client is"""
        dead = "ldap://127.0.0.1:%d/dc=example,dc=com" % harness.free_port()
        done = self.locator("find", "mp", "--site", "PS1", "--roaming", "--strict", "--as-client", "10.1.2.3/16", "--source", dead, *self.source, code=5)
        self.assertEqual(done.answer["mp"], "mp1")


class Compare(Base):

    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        self.source += ["--source", self.registry.uri]

    def compare(self, *words, code=0):
        done = self.locator("compare", *words, *self.source, code=code)
        return [(one["verdict"], one["result"]) for one in done.answer], done

    def test_agreement_conflict_and_silence(self):
        """X09 exit 0 when all that answer agree, 7 when they differ; who does not answer is silent, with the reason"""
        self.publish(MP1, site("PS1"))
        self.assertEqual(self.compare("mp", "--site", "PS1")[0], [("agrees", "answer"), ("silent", "not-found")])
        self.registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.11")
        verdicts, done = self.compare("mp", "--site", "PS1")
        self.assertEqual(verdicts, [("agrees", "answer"), ("agrees", "answer")])
        self.assertEqual([one["said"] for one in done.answer], ["mp1.example.org 10.0.0.11", "10.0.0.11"])
        self.assertEqual([one["owner"] for one in done.answer], ["example.org", None])
        self.registry.ctl_ok("delete", "MP_PS1#1A")
        self.registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.12")
        verdicts, done = self.compare("mp", "--site", "PS1", code=7)
        self.assertEqual((verdicts, done.json["outcome"], done.json["reason"]),
                         ([("agrees", "answer"), ("differs", "answer")], "conflict", "sources-differ"))

    def test_a_name_and_an_address(self):
        """X09 C1 what cannot be compared is undecided, with a warning, until --resolve tells the name's address"""
        self.publish(mp("PS1", "mp1.example.org"))
        self.registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.11")
        verdicts, done = self.compare("mp", "--site", "PS1")
        self.assertEqual(verdicts, [("agrees", "answer"), ("undecided", "answer")])
        self.assertIn("--resolve", "".join(done.json["warnings"]))
        self.assertEqual(self.compare("mp", "--site", "PS1", "--resolve", "mp1.example.org:10.0.0.11")[0][1][0], "agrees")
        self.assertEqual(self.compare("mp", "--site", "PS1", "--resolve", "mp1.example.org:10.0.0.12", code=7)[0][1][0], "differs")

    def test_a_site_without_a_default_contradicts_a_registration(self):
        """X09 S1.26 "no default management point" is an answer"""
        self.publish(site("PS1"))
        self.registry.ctl_ok("add", "MP_PS1#1A", "10.0.0.11")
        self.assertEqual(self.compare("mp", "--site", "PS1", code=7)[0], [("agrees", "no-default-mp"), ("differs", "answer")])

    def test_names_and_sites(self):
        """X09 two registries about a name; a site, of which a registry knows nothing"""
        other = lab.Registry(self, harness.free_port(("127.0.0.3",)), address="127.0.0.3")
        for one in (self.registry, other):
            one.ctl_ok("add", "HOST#20", "10.0.0.5")
        self.source += ["--source", other.uri]
        self.assertEqual(self.compare("name", "HOST#20")[0], [("silent", "not-asked"), ("agrees", "answer"), ("agrees", "answer")])
        self.publish(site("PS1", boundaries=["10.1.0.0"]))
        self.assertEqual(self.compare("site", "--as-client", "10.1.2.3/16")[0][0], ("agrees", "answer"))

    def test_nobody_answers(self):
        """X09 X02 the outcome is that of find"""
        verdicts, done = self.compare("mp", "--site", "PS9", code=1)
        self.assertEqual((verdicts, done.json["reason"]), ([("silent", "nothing-published"), ("silent", "not-found")], "nothing-published"))


class Rules(Base):

    def test_every_rule_tells_its_origin(self):
        """X22 locator rules: id, profiles, text, origin; every rule that a step names is in the table"""
        rules = {one["id"]: one for one in self.locator("rules").answer}
        for one in rules.values():
            self.assertTrue(one["rule"] and one["origin"], one)
            self.assertTrue(set(one["profiles"].split()) <= {"sms2003", "cm2007", "cb"} and one["profiles"], one)
        with open(os.path.join(harness.SRCDIR, "docs", "locator.md"), encoding="utf-8") as page:
            told = set(re.findall(r"^\| ([A-Z]\d[.\d]*) \|", page.read(), re.MULTILINE))
        self.assertEqual(told, set(rules), "the rules of docs/locator.md")
        self.assertEqual(rules["S1.26"]["profiles"], "sms2003 cm2007")
        for profile in ("sms2003", "cm2007", "cb"):
            self.assertEqual({one["id"] for one in self.locator("rules", "--profile", profile).answer},
                             {name for name, one in rules.items() if profile in one["profiles"].split()})
        self.assertNotIn("S1.26", {one["id"] for one in self.locator("rules", "--profile", "cb").answer})
        self.assertIn("cc180189", rules["S1.26"]["origin"])
        self.publish(site("PS1", boundaries=["10.1.0.0", "Berlin"]), mp("PS1", "a"), mp("PS1", "b"), site("PS2"))
        named = set()
        for words in (["mp", "--site", "PS1"], ["mp", "--site", "PS2"], ["mp", "--site", "PS1", "--schema", "no"], ["name", "A#20"],
                      ["site", "--as-client", "10.1.2.3/16", "--client-version", "4.0"], ["site", "--as-client", "10.1.2.3"], ["mp", "--all"],
                      ["mp", "--site", "PS1", "--roaming", "--as-client", "10.1.2.3"]):
            done = harness.run([harness.program("locator"), "find"] + words + self.source + ["--json"])
            named |= {rule for step in done.json["steps"] for rule in step["rule"].split()}
        self.assertTrue({"J1", "J2", "J3", "J6", "Q12", "S1.26", "S1.19", "B2", "B3", "B7", "R1"} <= named, named)
        self.assertEqual(named - set(rules), set())

    def test_one_after_another(self):
        """P04 --sequential is the original's behaviour: a source that nobody needs is not asked, and dead ones add up"""
        with harness.socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            dead = "ldap://127.0.0.1:%d/dc=example,dc=com" % silent.getsockname()[1]
            self.publish(MP1)
            done = self.locator("find", "mp", "--site", "PS1", *self.source, "--source", dead, "--sequential")
            self.assertEqual([step["result"] for step in done.json["steps"] if step["source"] == dead], ["not waited for"])
            silent.setblocking(False)
            with self.assertRaises(BlockingIOError):
                silent.accept()
            done = self.locator("find", "mp", "--site", "PS1", "--source", dead, "--source", dead, *self.source, "--sequential", "--timeout", "500ms")
            self.assertGreater(done.seconds, 1.0, "the second dead source was asked beside the first")
            self.assertEqual(done.answer["mp"], "mp1.example.org")


harness.main()
