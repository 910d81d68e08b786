"""A domain controller of Active Directory's kind (Samba): schema, publishing, and every way to find what was published. Needs root."""
import os
import shutil
import tempfile
import unittest

import ad
import fixtures
import harness
import lab

class ActiveDirectory(harness.Case):
    """One controller for all; its schema is extended and a site published before the tests, which is itself a test."""

    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="slt-ad-")
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        os.chmod(cls.shared, 0o755)
        cls.dc = ad.DomainController(cls.shared)
        cls.addClassCleanup(cls.dc.stop)
        cls.dc.start()
        cls.publisher, cls.reader = cls.dc.tickets("smspub"), cls.dc.tickets("reader")
        cls.protected = [cls.dc.ldaps_uri, "--ca", cls.dc.ca_file, *cls.dc.simple("reader")]
        story = cls("publish_a_site")
        story.setUp()
        try:
            story.publish_a_site()
        finally:
            story.doCleanups()

    def publish_a_site(self):
        """kinit; sitectl schema apply; sited with a credential cache publishes."""
        check = [harness.program("sitectl"), "schema", "check"]
        self.assertEqual(self.run_ok([*check, *self.protected, "--json"], code=1).json["reason"], "schema-not-extended")
        self.run_ok([harness.program("sitectl"), "schema", "apply", self.dc.uri, "--sasl", "gssapi", "--apply", "--timeout", "20s"],
                    env=self.dc.tickets("administrator"))
        row = self.run_ok([*check, *self.protected, "--json"]).answer
        self.assertEqual((row["kind"], row["schema"], row["container_state"]), ("ad", "extended", "present"), row)
        site = lab.Site(self, code="AD1", domain=ad.DOMAIN, roles="server", env=self.publisher)
        site.ctl_ok("mp", "add", "mp1.lab.example", "--address", "10.99.0.11", "--port", "80")
        site.ctl_ok("mp", "designate", "mp1.lab.example")
        for kind, value in (("ad-site", ad.AD_SITE), ("subnet", "10.77.0.0/16"), ("range", "192.168.7.10-192.168.7.20")):
            site.ctl_ok("boundary", "add", kind, value)
        site.ctl_ok("target", "add", self.dc.uri, "--sasl", "gssapi", "--timeout", "5s")
        site.publish()
        self.assertEqual(site.ctl_ok("publish", "--diff", "--json").json["outcome"], "ok")

    def find(self, what, uri, *words, code=0, env=None):
        argv = [harness.program("locator"), "find", what, "--json", "--timeout", "5s", "--source", uri, *words]
        return self.run_ok(argv, code=code, env=env)

    def test_find_mp_over_every_protected_way(self):
        """P16: LDAPS, GSSAPI and GSS-SPNEGO sealed, StartTLS, and the global catalog in the clear and over TLS."""
        simple = ["--ca", self.dc.ca_file, *self.dc.simple("reader")]
        for uri, words in ((self.dc.ldaps_uri, simple), (self.dc.uri, ["--starttls", *simple]), (self.dc.uri, ["--sasl", "gssapi"]),
                           (self.dc.uri, ["--sasl", "gss-spnego"]), (self.dc.gc_uri, ["--sasl", "gssapi"]),
                           (self.dc.gc_uri, ["--sasl", "gss-spnego"]), (self.dc.gc_ldaps_uri, simple)):
            with self.subTest(uri=uri, words=words):
                answer = self.find("mp", uri, "--site", "AD1", *words, env=self.reader).answer
                self.assertEqual((answer["mp"], answer["trust"]), ("mp1.lab.example", "directory"))

    def test_where_an_answer_comes_from(self):
        """X10: an ordinary account is told which controller took the last write, as Samba itself decodes it, by both ports; a list costs one question more"""
        wanted = self.dc.origin("CN=SMS-MP-AD1-MP1.LAB.EXAMPLE,CN=System Management,CN=System," + ad.BASE)
        self.assertEqual(wanted, ad.HOST)
        for uri in (self.dc.uri, self.dc.gc_uri):
            told = self.find("mp", uri, "--site", "AD1", "--sasl", "gssapi", env=self.reader)
            self.assertEqual(told.answer["replicated_from"], wanted)
            listed = self.find("mp", uri, "--all", "--sasl", "gssapi", env=self.reader)
            self.assertEqual({row["replicated_from"] for row in listed.answer}, {wanted})
            for steps in (told.json["steps"], listed.json["steps"]):
                self.assertEqual([step["result"] for step in steps if step["asked"] == "servers of the forest"], ["1 server"])

    def test_watch(self):
        """X18: a domain's own controller, change notification and reading again: a change at once, a deletion by the controller's USN; answers from the copy."""
        file, name = self.path("kept/cache.db"), "CN=SMS-MP-AD1-watched.lab.example,CN=System Management,CN=System,%s" % ad.BASE
        watch = self.start([harness.program("locator"), "watch", "--source", "ldap:" + ad.DOMAIN, "--cache", file, "--jsonl",
                            "--timeout", "5s"], env=self.reader, clean_exit=False)

        def told(change, words):
            return any('"change":"%s"' % change in line and words in line for line in watch.log().splitlines())
        harness.wait_until(lambda: told("current", ""), "the first reading", timeout_s=30)
        found = self.find("mp", "cache:", "--site", "AD1", "--cache", file, "--strict").answer
        self.assertEqual((found["mp"], found["trust"]), ("mp1.lab.example", "directory"))
        self.dc.add("dn: %s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: AD1\nmSSMSMPName: watched.lab.example\n" % name)
        harness.wait_until(lambda: told("added", "watched.lab.example"), "the addition", timeout_s=5)
        self.dc.add("dn: %s\nchangetype: delete\n" % name)
        harness.wait_until(lambda: told("deleted", "watched.lab.example"), "the deletion", timeout_s=5)     # not at the next reading, after 10 s

    def test_find_site_by_boundaries(self):
        """P13: AD site, subnet and range, from the controller and from the global catalog."""
        for uri in (self.dc.uri, self.dc.gc_uri):
            for words, by in ((["--ad-site", ad.AD_SITE, "--as-client", "172.31.0.1/16"], "ad-site"),
                              (["--as-client", "10.77.3.4/16"], "subnet"), (["--as-client", "192.168.7.15/24"], "range")):
                with self.subTest(uri=uri, by=by):
                    answer = self.find("site", uri, "--sasl", "gssapi", *words, env=self.reader).answer
                    self.assertEqual((answer["site"], answer["assigned_by"]), ("AD1", by))
            self.find("site", uri, "--sasl", "gssapi", "--as-client", "172.31.0.1/16", code=1, env=self.reader)

    def test_the_first_command_of_an_auditor(self):
        """P17 design 6: kinit, then locator find site, with no option: SRV, LDAP ping, Kerberos; the AD site comes from the ping."""
        ip = harness.tool("ip", "iproute2")
        self.run_ok([ip, "link", "add", "sl-host", "type", "veth", "peer", "name", "sl-peer"])
        self.addCleanup(harness.run, [ip, "link", "del", "sl-host"])
        for words in (["addr", "add", "172.31.0.5/16", "dev", "sl-host"], ["link", "set", "sl-host", "up"], ["link", "set", "sl-peer", "up"]):
            self.run_ok([ip] + words)
        env = dict(self.reader, LDAPCONF="/dev/null", SMB_CONF_PATH="/dev/null")
        find = ["/usr/bin/env", "-u", "LDAPNOINIT", harness.program("locator"), "find"]
        answer = self.run_ok([*find, "site", "--json"], env=env).answer
        self.assertEqual((answer["site"], answer["assigned_by"], answer["mp"], answer["trust"], answer["source"]),
                         ("AD1", "ad-site", "mp1.lab.example", "directory", "ldap:" + ad.DOMAIN))
        answer = self.run_ok([*find, "mp", "--site", "AD1", "--json"], env=env).answer
        self.assertEqual((answer["mp"], answer["server"]), ("mp1.lab.example", "ldap://%s:389" % ad.HOST))

    def test_what_the_controller_refuses_is_denied(self):
        """Simple bind in the clear (8), Kerberos inside TLS (8), a wrong password (49), no bind at all (1)."""
        wrong = ["--bind-dn", "reader@lab.example", "--password-file", self.dc.password_files["smspub"]]
        for words, text in (([self.dc.uri, *self.dc.simple("reader")], "(8)"),
                            ([self.dc.uri, "--sasl", "gssapi", "--starttls", "--ca", self.dc.ca_file], "(8)"),
                            ([self.dc.ldaps_uri, "--ca", self.dc.ca_file, *wrong], "(49)"), ([self.dc.uri], "(1)")):
            with self.subTest(words=words):
                result = self.find("mp", *words, "--site", "AD1", code=6, env=self.reader)
                self.assertIn(text, result.json["message"])

    def test_certificates_of_the_controller(self):
        self.assertIn("not for the name", self.find("mp", "ldaps://localhost", "--site", "AD1", "--resolve", "localhost:" + ad.ADDRESS,
                                                    "--ca", self.dc.ca_file, *self.dc.simple("reader"), code=4).json["message"])
        self.assertIn("not signed by", self.find("mp", self.dc.ldaps_uri, "--site", "AD1", *self.dc.simple("reader"),
                                                 code=4).json["message"])

    def test_an_account_without_rights_changes_nothing(self):
        """What the delegation does not give is denied, and told so."""
        site = lab.Site(self, code="AD2", domain=ad.DOMAIN, roles="server", env=self.reader)
        site.ctl_ok("target", "add", self.dc.uri, "--sasl", "gssapi", "--timeout", "5s")
        self.assertEqual(site.ctl("publish", "--apply", "--json").code, 6)

    def test_values_by_range(self):
        """An attribute of which the server gives a part is read to its end."""
        values = "".join("mSSMSRoamingBoundaries: 10.50.%d.0\n" % n for n in range(25))
        dn = "CN=SMS-Site-RNG," + ad.CONTAINER
        self.dc.add(f"dn: {dn}\nobjectClass: mSSMSSite\nmSSMSSiteCode: RNG\n{values}\n")
        account = ["reader@lab.example", self.dc.password_files["reader"]]
        for first, count in (("0-9", 25), ("0-0", 25), ("0-*", 25), ("20-21", 5)):
            result = self.run_ok([harness.program("try-ldapc"), self.dc.ldaps_uri, dn, *account, self.dc.ca_file,
                                  "mSSMSRoamingBoundaries;range=" + first])
            self.assertIn("values = %d\n" % count, result.out, first)

    def test_the_sample_container(self):
        """Objects of the product's own form (tests/fixtures), beside ours."""
        self.dc.add(fixtures.for_ad())
        for code, mp in fixtures.DEFAULT_MPS.items():
            answer = self.find("mp", self.dc.gc_uri, "--site", code, "--sasl", "gssapi", env=self.reader).answer
            self.assertEqual(answer["mp"].lower(), mp)


if __name__ == "__main__":
    if os.getuid() != 0:
        raise SystemExit("FAIL: %s needs root: the domain controller owns files of other users" % os.path.basename(__file__))
    ad.prepare_namespace()
    unittest.TestCase.maxDiff = None
    harness.main()
