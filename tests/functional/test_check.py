"""sitectl check: each rule fires where it should, and not where nothing is wrong; with a real directory, registry and DNS server.

Whatever a test looks at is looked at three times more: as text, and with a threshold at and above what was found.
"""

import re

import harness
import lab
import named

ADDRESS = "127.0.0.11"
MP1, MP2 = lab.MP_ADDRESSES
SEVERITIES = ["note", "warning", "error"]
MP_CN = "CN=SMS-MP-PS1-%s,"


class Check(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port([ADDRESS, "127.0.0.12"])
        self.site = lab.Site(self, http=["%s:%d" % (ADDRESS, self.port), "127.0.0.12:%d" % self.port], addresses=[])

    def check(self, *words):
        return self.site.ctl("check", "--json", *words)

    def rules(self, *words):
        """The ids found, with what was said of each; exit code 1 at the threshold of the worst and below, 0 above; text has what JSON has."""
        found, worst = {}, -1
        done = self.check(*words)
        for row in done.answer:
            found.setdefault(row["rule"], []).append("%s %s" % (row["subject"], row["detail"]))
            worst = max(worst, SEVERITIES.index(row["severity"]))
        self.assertEqual(done.code, int(worst >= SEVERITIES.index("warning")), str(done))
        for at, threshold in enumerate(SEVERITIES):
            text = self.site.ctl("check", "--fail-at", threshold, *words)
            self.assertEqual(text.code, int(at <= worst), "--fail-at %s\n%s" % (threshold, text))
            self.assertEqual([rule for rule in found if not re.search(r"\b%s\b" % rule, text.out)], [], str(text))
        return found

    def assert_worst(self, rule, severity, *words):
        """This rule fires, at this severity, and nothing worse: so the threshold that rules() tried is its own."""
        rows = self.check(*words).answer
        self.assertEqual({row["severity"] for row in rows if row["rule"] == rule}, {severity})
        self.assertEqual([row for row in rows if SEVERITIES.index(row["severity"]) > SEVERITIES.index(severity)], [])
        self.assertIn(rule, self.rules(*words))

    def fill(self, *targets):
        lab.fill(self.site, self.port, targets=targets)

    def test_an_empty_site(self):
        """S2.05 S2.08 no-mp and no-dp fire on a site without either, and not once they are there"""
        self.assertEqual(set(self.rules()), {"no-mp", "no-dp"})
        for rule in ("no-mp", "no-dp"):
            self.assert_worst(rule, "warning")
        self.fill()
        self.assertFalse({"no-mp", "no-dp"} & set(self.rules()))

    def test_S1_04_no_default(self):
        """S1.04 S1.23 no-default-mp and extra-mp; the exit code is 1 at the threshold and above"""
        lab.fill(self.site, self.port, default=None)
        self.assert_worst("no-default-mp", "warning")
        self.assertNotIn("extra-mp", self.rules())
        self.site.ctl_ok("mp", "designate", MP1)
        found = self.rules()
        self.assertNotIn("no-default-mp", found)
        self.assertEqual(found["extra-mp"], [MP2 + " "])
        self.assert_worst("extra-mp", "note")
        self.assertEqual(self.check("--fail-at", "catastrophe").code, 2)

    def test_S1_03_an_mp_that_does_not_answer(self):
        """S1.03 mp-not-answering names the management point without a working endpoint"""
        self.fill()
        self.assertNotIn("mp-not-answering", self.rules())
        self.site.ctl_ok("mp", "add", "mp3.example.org", "--address", ADDRESS, "--port", "1")
        self.assertEqual([said.split()[0] for said in self.rules()["mp-not-answering"]], ["mp3.example.org"])
        self.assert_worst("mp-not-answering", "error")

    def test_S1_22_an_empty_cluster(self):
        """S1.22 empty-cluster fires until the cluster has members"""
        self.fill()
        self.site.ctl_ok("mp", "add", "nlb.example.org", "--address", ADDRESS, "--port", str(self.port))
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "nlb")
        self.assert_worst("empty-cluster", "warning")
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--members", MP1)
        self.site.ctl_ok("mp", "designate", "--vip")
        found = self.rules()
        self.assertNotIn("empty-cluster", found)
        self.assertEqual(found["extra-mp"], [MP2 + " "])

    def test_overlapping_boundaries(self):
        """overlapping-boundaries fires for those of two sites, not for neighbours"""
        self.fill()
        self.run_ok([harness.program("sitectl"), "--db", self.site.db, "init", "PS2", "--domain", "example.org", "--server",
                     "s.example.org", *self.site.state])
        one, two = ["--site", "PS1"], ["--site", "PS2"]
        self.site.ctl_ok("boundary", "add", "range", "10.1.0.0-10.1.255.255", *one)
        self.site.ctl_ok("boundary", "add", "subnet", "10.2.0.0/16", *two)
        self.assertNotIn("overlapping-boundaries", self.rules(*one))
        self.site.ctl_ok("boundary", "add", "subnet", "10.1.128.0/24", *two)
        self.assertEqual([said.split(" ", 1)[1] for said in self.rules(*one)["overlapping-boundaries"]],
                         ["range 10.1.0.0-10.1.255.255 and subnet 10.1.128.0/24 of PS2"])
        self.assert_worst("overlapping-boundaries", "warning", *one)

    def test_a_directory(self):
        """S1.20 two-defaults, stale-object, not-published, target-failed, each by what a real slapd holds"""
        directory = lab.Directory(self)
        self.fill([directory.uri_base, *directory.credentials])
        self.site.publish()
        wrong = {"two-defaults", "stale-object", "not-published", "target-failed"}
        self.assertFalse(wrong & set(self.rules()))
        dn = MP_CN % MP2.upper() + directory.container_dn
        directory.modify("dn: %s\nchangetype: modify\nreplace: mSSMSDefaultMP\nmSSMSDefaultMP: TRUE\n" % dn)
        found = self.rules()
        self.assertEqual(wrong & set(found), {"two-defaults", "not-published"})
        self.assertIn(MP2.upper(), found["two-defaults"][0].upper())
        self.assert_worst("two-defaults", "error")
        self.site.publish()
        directory.modify("dn: %s\nchangetype: delete\n" % dn)
        self.assertEqual(wrong & set(self.rules()), {"not-published"})
        self.assert_worst("not-published", "warning")
        self.site.publish()
        directory.modify("dn: CN=SMS-PS1-10.7.0.0-10.7.0.9,%s\nchangetype: add\nobjectClass: mSSMSRoamingBoundaryRange\n"
                         "cn: SMS-PS1-10.7.0.0-10.7.0.9\nmSSMSSiteCode: PS1\nmSSMSSourceForest: example.org\n" % directory.container_dn)
        self.assertEqual(wrong & set(self.rules()), {"stale-object"})
        self.assert_worst("stale-object", "warning")
        directory.stop()
        self.assertEqual(wrong & set(self.rules()), {"target-failed"})
        self.assert_worst("target-failed", "error")

    def test_S1_20_a_split_directory(self):
        """S1.20 two-defaults: two directories that each name another default management point"""
        one, two = lab.Directory(self, "one"), lab.Directory(self, "two")
        self.fill(*([each.uri_base, *each.credentials] for each in (one, two)))
        self.site.publish()
        self.assertNotIn("two-defaults", self.rules())
        for host, value in ((MP1, "FALSE"), (MP2, "TRUE")):
            dn = MP_CN % host.upper() + two.container_dn
            two.modify("dn: %s\nchangetype: modify\nreplace: mSSMSDefaultMP\nmSSMSDefaultMP: %s\n" % (dn, value))
        [said] = self.rules()["two-defaults"]
        self.assertIn(two.uri, said)
        self.assertIn(MP2.upper(), said)

    def test_srv_without_host(self):
        """srv-without-host fires when the zone has no address of the management point, and not when it has"""
        dns = named.Named(self, updates=["grant site name _mssms_mp_ps1._tcp.example.org. SRV;"], hosts={"mp2": "127.0.0.12"})
        self.fill(["dns://127.0.0.1:%d/example.org" % dns.port, "--tsig-key", dns.key_file])
        self.site.publish()
        self.assertIn(MP1, self.rules()["srv-without-host"][0])
        self.assert_worst("srv-without-host", "error")
        self.site.ctl_ok("mp", "designate", MP2)
        self.site.publish()
        self.assertNotIn("srv-without-host", self.rules())

    def test_wrong_registry(self):
        """wrong-registry: the management point runs a registry of its own and is registered there, not where clients look"""
        port = harness.free_port((ADDRESS, lab.REGISTRY_ADDRESS))
        lab.Registry(self, port)
        own = lab.Registry(self, port, address=ADDRESS)
        self.fill(["wins://%s:%d" % (lab.REGISTRY_ADDRESS, port)])
        self.assertNotIn("wrong-registry", self.rules())
        own.ctl_ok("add", "MP_PS1#1A", ADDRESS)
        self.assertIn(ADDRESS, self.rules()["wrong-registry"][0])
        self.assert_worst("wrong-registry", "error")


harness.main()
