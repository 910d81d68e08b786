"""sitectl publish and unpublish against real directories and a real registry: what is written, what is left alone, what is refused."""

import os

import certs
import harness
import lab

RANGE = "120.0.0.1-200.0.0.5"      # crosses 128.0.0.0: two objects
OURS = ["SMS-MP-PS1-MP1.EXAMPLE.ORG", "SMS-MP-PS1-MP2.EXAMPLE.ORG", "SMS-PS1-120.0.0.1-127.255.255.255",
        "SMS-PS1-128.0.0.0-200.0.0.5", "SMS-Site-PS1"]


class PublishCase(harness.Case):

    def prepare(self, more=(), registry=False, **options):
        """A site with one directory that has never been published to, the site server only."""
        self.directory = lab.Directory(self, **options)
        self.nbt_port = harness.free_port(list(lab.MP_ADDRESSES.values()) + [lab.REGISTRY_ADDRESS])
        self.target = [self.directory.uri_base] + self.directory.credentials + list(more)
        self.targets = [self.target]
        if registry:
            self.registry = lab.Registry(self, self.nbt_port)
            self.targets.append([self.registry.uri])
        self.site = lab.Site(self, nbt_port=self.nbt_port, roles="server")

    def fill(self):
        lab.fill(self.site, targets=self.targets)
        self.site.ctl_ok("boundary", "add", "range", RANGE)
        self.site.ctl_ok("boundary", "add", "ad-site", "Berlin")

    def document(self, *words, code=0, reason=None):
        document = self.site.ctl_ok(*words, "--json", code=code).json
        if reason is not None:
            self.assertEqual(document["reason"], reason, document)
        return document

    def actions(self, document):
        return {row["object"].split(",")[0].partition("=")[2] or row["object"]: row["action"] for row in document["answer"]}

    def names(self):
        """The cn of everything below the container."""
        return sorted(entry["cn"][0] for dn, entry in self.directory.search(self.directory.container_dn)
                      if dn.lower() != self.directory.container_dn.lower())

    def one(self, cn):
        found = self.directory.search(self.directory.container_dn, "(cn=%s)" % cn)
        self.assertEqual(len(found), 1, "%s is not there once: %s" % (cn, found))
        return found[0][1]


class Directory(PublishCase):

    def test_what_failed_the_last_time_comes_last(self):
        """S1.25 a target that is well is not held up by one that failed: that one is written behind it"""
        self.prepare()
        denied = lab.Directory(self, "denied")
        self.targets.insert(0, [denied.uri_base])   # read by everybody, written by nobody
        self.fill()
        harness.wait_until(lambda: self.site.ctl("target", "list", "--json").answer[0]["outcome"] == "denied", "a publication")
        document = self.document("publish", "--apply", code=8)
        self.assertEqual(list(dict.fromkeys(row["target"] for row in document["answer"])), [self.directory.uri_base, denied.uri_base])

    def test_published_once_and_again(self):
        """S1.25 what --diff shows is what --apply does; a second time nothing differs; unpublish removes exactly ours"""
        self.prepare()
        self.fill()
        self.site.publish()
        self.assertEqual(self.names(), sorted(OURS))
        self.assertEqual(set(self.actions(self.document("publish", "--diff", reason="")).values()), {"same"})
        # Drift by other hands: a changed value, a removed object, an object too many.
        self.directory.modify("dn: CN=SMS-Site-PS1,%s\nchangetype: modify\nreplace: mSSMSRoamingBoundaries\n"
                              "mSSMSRoamingBoundaries: 9.9.9.0\n" % self.directory.container_dn)
        self.directory.tool("ldapdelete", "CN=%s,%s" % (OURS[0], self.directory.container_dn))
        self.directory.add("dn: CN=SMS-MP-PS1-GONE,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSDefaultMP: TRUE\n"
                           "mSSMSSourceForest: example.org\n" % self.directory.container_dn)
        expected = {"SMS-Site-PS1": "change", OURS[0]: "add", "SMS-MP-PS1-GONE": "remove", OURS[1]: "same", OURS[2]: "same", OURS[3]: "same"}
        document = self.document("publish", "--diff", code=1, reason="differs")
        self.assertEqual(self.actions(document), expected)
        detail = [row["detail"] for row in document["answer"] if "SMS-Site" in row["object"]][0]
        self.assertIn("mSSMSRoamingBoundaries: 9.9.9.0 -> ", detail)
        self.assertNotIn(OURS[0], self.names(), "--diff wrote something")
        self.assertEqual(self.actions(self.document("publish", "--apply")), expected)
        self.assertEqual(self.names(), sorted(OURS))
        self.assertEqual(sorted(self.one("SMS-Site-PS1")["mssmsroamingboundaries"]), ["127.0.0.0", "Berlin"])

    def test_objects_of_others_are_untouched(self):
        """S2.3 neither publish nor unpublish touches what is not ours: another site, another forest, another class"""
        self.prepare()
        base = self.directory.container_dn
        self.directory.add(
            "dn: CN=SMS-Site-XYZ,%s\nobjectClass: mSSMSSite\nmSSMSSiteCode: XYZ\nmSSMSSourceForest: example.org\n\n"
            "dn: CN=SMS-MP-PS1-FOREIGN,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSSourceForest: other.org\n\n"
            "dn: CN=SMS-SLP-PS1-SLP,%s\nobjectClass: mSSMSServerLocatorPoint\nmSSMSSiteCode: PS1\nmSSMSSourceForest: other.org\n\n"
            "dn: CN=handmade,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\n\n"
            "dn: CN=SMS-PS1-device,%s\nobjectClass: device\n" % (base, base, base, base, base))
        before = sorted(self.directory.search(base, "(!(cn=System Management))", "*", "+"))
        self.fill()
        self.site.publish()
        self.assertEqual(len(self.names()), 5 + len(OURS))
        self.site.ctl_ok("unpublish", "--apply")
        self.assertEqual(sorted(self.directory.search(base, "(!(cn=System Management))", "*", "+")), before)

    def test_a_name_held_by_another_forest_is_a_failure_that_is_told(self):
        """partial: what can be written is written, the rest is named"""
        self.prepare()
        self.directory.add("dn: CN=SMS-Site-PS1,%s\nobjectClass: mSSMSSite\nmSSMSSiteCode: PS1\nmSSMSSourceForest: other.org\n"
                           % self.directory.container_dn)
        self.fill()
        document = self.document("publish", "--apply", code=8, reason="partial")
        self.assertEqual(self.actions(document)["SMS-Site-PS1"], "failed")
        self.assertIn("other.org", document["message"])
        self.assertEqual(self.names(), sorted(OURS))
        self.assertEqual(self.one("SMS-Site-PS1")["mssmssourceforest"], ["other.org"])

    def test_one_default_at_any_instant(self):
        """S1.20 whatever still says that it is the default goes before another becomes it; what cannot be cleared stays the only one"""
        self.prepare()
        self.fill()
        self.site.publish()
        self.directory.add("dn: CN=SMS-MP-PS1-GONE,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSDefaultMP: TRUE\n"
                           "mSSMSSourceForest: example.org\n" % self.directory.container_dn)
        self.directory.tool("ldapdelete", "CN=%s,%s" % (OURS[0], self.directory.container_dn))
        order = list(self.actions(self.document("publish", "--apply")).items())     # in the order of writing
        self.assertLess(order.index(("SMS-MP-PS1-GONE", "remove")), order.index((OURS[0], "add")), order)
        self.directory.modify("dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: {1}to dn.base=\"CN=%s,%s\""
                              " by * read\n" % (OURS[0], self.directory.container_dn))
        self.site.ctl_ok("mp", "designate", "mp2.example.org")
        document = self.document("publish", "--apply", code=8)
        self.assertEqual({cn: action for cn, action in self.actions(document).items() if "-MP-" in cn},
                         {OURS[0]: "failed", OURS[1]: "failed"})
        self.assertEqual([self.one(cn)["mssmsdefaultmp"] for cn in OURS[:2]], [["TRUE"], ["FALSE"]])

    def test_what_is_published_all_the_same_is_warned_of(self):
        """Q4 S1.20 a name too long for a cn; another forest's object that says it is the default of the same site"""
        self.prepare()
        self.directory.add("dn: CN=SMS-MP-PS1-FOREIGN,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSDefaultMP: TRUE\n"
                           "mSSMSSourceForest: other.org\n" % self.directory.container_dn)
        self.fill()
        self.site.ctl_ok("mp", "add", "m" * 60 + ".example.org", "--address", "127.0.0.13")
        document = self.document("publish", "--apply", reason="")
        self.assertEqual(len(document["answer"]), len(OURS) + 1)
        self.assertEqual(len(document["warnings"]), 2, document["warnings"])
        self.assertIn("too long for a cn", " ".join(document["warnings"]))
        self.assertIn("CN=SMS-MP-PS1-FOREIGN".lower(), " ".join(document["warnings"]).lower())

    def test_unpublish_shows_first(self):
        """unpublish without --apply only shows"""
        self.prepare()
        self.fill()
        self.site.publish()
        document = self.document("unpublish", code=1)
        self.assertEqual(self.actions(document), {cn: "remove" for cn in OURS})
        self.assertEqual(self.names(), sorted(OURS))


class Unpublished(PublishCase):

    def test_it_stays_so_until_it_is_published_again(self):
        """unpublish --apply also has the MP's host release the name, and neither a change nor a restart publishes again"""
        self.prepare(registry=True)
        self.site.start_mp_host("127.0.0.11", harness.free_port(["127.0.0.11"]))
        self.fill()
        self.site.publish()
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), ["127.0.0.11"])
        expected = dict({cn: "remove" for cn in OURS}, **{"MP_PS1#1A": "remove"})
        self.assertEqual(self.actions(self.document("unpublish", code=1, reason="differs")), expected)
        done = self.actions(self.document("unpublish", "--apply", reason=""))
        done.setdefault("MP_PS1#1A", "remove") # its host looks at the database itself, and may have been quicker
        self.assertEqual(done, expected)
        self.site.ctl_ok("boundary", "add", "subnet", "10.9.0.0/16")
        self.site.process.stop()
        self.site.start()
        harness.wait_until(lambda: self.site.ctl("status", "--json").answer["publishing"] == 0, "the site server having looked")
        status = self.document("status")
        self.assertTrue(any("PS1 is unpublished" in warning for warning in status["warnings"]), status)
        self.assertEqual((self.names(), self.registry.addresses("MP_PS1#1A")), ([], []))
        self.assertEqual(self.actions(self.document("unpublish", "--apply", reason="")), {})
        self.assertEqual(set(self.actions(self.document("publish", "--diff", code=1, reason="differs")).values()), {"add"})
        done = self.actions(self.document("publish", "--apply"))
        self.assertIn(done.pop("MP_PS1#1A"), ("add", "same"))   # as above
        self.assertEqual(done, {cn: "add" for cn in OURS})
        self.assertEqual((self.names(), self.registry.addresses("MP_PS1#1A")), (sorted(OURS), ["127.0.0.11"]))

    def test_a_name_that_another_holds_is_left(self):
        """unpublish does not ask for the release of a name that no management point of the site holds"""
        self.prepare(registry=True)
        self.registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.77")
        self.fill()
        self.assertNotIn("MP_PS1#1A", self.actions(self.document("unpublish", "--apply", reason="")))
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), ["127.0.0.77"])


    def test_a_name_that_another_holds_is_a_conflict(self):
        """S1.19 a static registration never gives way: conflict, with the holder named, and the directory is published to all the same"""
        self.prepare(registry=True)
        self.site.start_mp_host("127.0.0.11", harness.free_port(["127.0.0.11"]))
        self.registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.77")
        self.fill()
        document = self.document("publish", "--apply", code=8, reason="name-held")
        self.assertIn("MP_PS1#1A is held by 127.0.0.77", document["message"])
        self.assertEqual((self.actions(document)["MP_PS1#1A"], self.names()), ("failed", sorted(OURS)))
        self.registry.ctl_ok("delete", "MP_PS1#1A")
        self.site.publish()
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), ["127.0.0.11"])


class Trees(PublishCase):

    def test_container_is_created_with_what_is_above_it(self):
        """the container is created when it is absent and the account may"""
        self.prepare(container=None, publisher_scope="base")
        self.fill()
        self.site.publish()
        self.directory.container_dn = "CN=System Management,CN=System," + self.directory.suffix
        self.assertEqual(self.names(), sorted(OURS))
        self.assertEqual(self.one("System Management")["objectclass"], ["container"])

    def test_ou_tree(self):
        """an ou= tree, not there yet: organizationalUnits are made and published into"""
        self.prepare(container=None, publisher_scope="base", more=["--container", "ou=sms,ou=it"])
        self.fill()
        self.site.publish()
        self.directory.container_dn = "ou=sms,ou=it," + self.directory.suffix
        entries = self.directory.search(self.directory.container_dn, "(objectClass=organizationalUnit)")
        self.assertEqual([dn for dn, _ in entries], [self.directory.container_dn])
        self.assertEqual(len(self.directory.search(self.directory.container_dn, "(mSSMSSiteCode=PS1)")), len(OURS))
        self.assertEqual(set(self.actions(self.document("publish", "--diff", reason="")).values()), {"same"})

    def test_containers_are_told_however_they_are_written(self):
        """a DN with blanks, and one whose RDN has two parts, which the server writes in another order than we do"""
        self.prepare(container=None, publisher_scope="base")
        self.targets = []
        self.fill()
        for container in ("OU = sms , OU = it", "ou=sms+l=here", "ou=\\#a\\, b\\+\\\"c"):
            with self.subTest(container=container):
                self.site.ctl_ok("target", "add", *self.target, "--container", container)
                self.site.publish()
                self.assertEqual(set(self.actions(self.document("publish", "--diff", reason="")).values()), {"same"})
                self.assertEqual(len(self.directory.search(self.directory.suffix, "(mSSMSSiteCode=PS1)")), len(OURS))
                self.site.ctl_ok("unpublish", "--apply")
                self.assertEqual(self.directory.search(self.directory.suffix, "(mSSMSSiteCode=PS1)"), [])
                self.site.ctl_ok("target", "remove", self.directory.uri_base)

    def test_container_that_may_not_be_created(self):
        """denied is denied, and says what"""
        self.prepare(container=None, publisher_scope="container", more=["--container", "ou=nowhere"])
        self.directory.modify("dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nreplace: olcAccess\n"
                              "olcAccess: to attrs=userPassword by anonymous auth by * none\nolcAccess: to * by * read\n")
        self.fill()
        self.document("publish", "--apply", code=6, reason="denied")

    def test_schema_of_sms_2003(self):
        """only the attributes that the schema knows are written, and ours are still told from others"""
        self.prepare(schema="2003")
        self.directory.add("dn: CN=handmade,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\n" % self.directory.container_dn)
        self.fill()
        self.site.publish()
        entry = self.one(OURS[0])
        self.assertEqual((entry["mssmsdefaultmp"], entry["mssmsmpname"]), (["TRUE"], ["mp1.example.org"]))
        self.assertFalse({"mssmsversion", "mssmscapabilities", "mssmssourceforest", "dnshostname"} & set(entry), entry)
        self.assertEqual(set(self.actions(self.document("publish", "--diff", reason="")).values()), {"same"})
        self.site.ctl_ok("unpublish", "--apply")
        self.assertEqual(self.names(), ["handmade"])


class WithoutSchema(PublishCase):

    def test_refused_without_a_registry(self):
        """S1.19 no schema and no registry: refused with conflict, and the rule is named"""
        self.prepare(schema="none")
        self.fill()
        for mode in ("--apply", "--diff"):
            document = self.document("publish", mode, code=7, reason="schema-not-extended")
            self.assertIn("S1.19", document["message"])
        self.assertEqual(len(self.directory.search(self.directory.container_dn)), 1, "nothing was written")

    def test_passed_over_with_a_registry(self):
        """S1.19 with a registry target the directory is passed over with a warning, and the name is registered"""
        self.prepare(schema="none", registry=True)
        self.site.start_mp_host("127.0.0.11", harness.free_port(["127.0.0.11"]))
        self.fill()
        document = self.document("publish", "--apply")
        self.assertTrue(any("schema-not-extended" in warning for warning in document["warnings"]), document)
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), ["127.0.0.11"])
        document = self.document("publish", "--diff", reason="")
        self.assertEqual(self.actions(document), {"MP_PS1#1A": "same"})

    def test_registry_alone(self):
        """publishing to a registry waits for the MP's own host; the registry being down is told"""
        self.prepare(registry=True)
        self.targets = self.targets[1:]
        self.fill()
        document = self.document("publish", "--diff", code=1, reason="differs")
        self.assertEqual(self.actions(document), {"MP_PS1#1A": "add"})
        self.site.start_mp_host("127.0.0.11", harness.free_port(["127.0.0.11"]))
        self.document("publish", "--apply", reason="")
        self.registry.process.kill()
        document = self.document("publish", "--apply", code=3, reason="could-not-ask")
        self.assertEqual(self.actions(document), {"MP_PS1#1A": "failed"})

    def test_directory_that_demands_a_client_certificate(self):
        """P16 P19 SASL EXTERNAL with --cert and --key of a target: published, listed; without, with another's or with a wrong key: told which"""
        ours, others = certs.Authority(self.path("tls")), certs.Authority(self.path("others"), "Other CA")
        os.chmod(self.folder, 0o755)
        self.prepare(certificate=ours.issue("server", certs.local_hosts()), anonymous="none", config=(
            "olcTLSCACertificateFile: %s\nolcTLSVerifyClient: demand\nolcAuthzRegexp: {2}cn=publisher-cert cn=publisher,ou=svc,dc=example,dc=com\n"
            % ours.ca_file))
        (cert, key), (stranger, strange_key) = ours.issue("publisher-cert", ["DNS:pc1"]), others.issue("publisher-cert", ["DNS:pc1"])
        uri = "%s/%s" % (self.directory.ldaps_uri, self.directory.suffix)
        external = ["--ca", ours.ca_file, "--sasl", "external"]
        self.targets = [[uri, *external, "--cert", cert, "--key", key]]
        self.fill()
        self.site.publish()
        self.assertEqual(self.names(), sorted(OURS))
        row, = self.document("target", "list")["answer"]
        self.assertEqual((row["target"], row["cert"], row["key"], row["sasl"], row["outcome"]), (uri, cert, key, "external", "ok"))
        self.assertIn(key, self.site.ctl_ok("target", "list").out)
        self.assertEqual(self.document("target", "add", *self.targets[0])["answer"]["change"], "unchanged")
        self.site.ctl_ok("target", "add", uri, *external, "--cert", cert, "--key", strange_key, code=7)
        for words in ((uri, *external), (uri, "--key", key), ("wins://127.0.0.1", "--cert", cert), ("ldif:" + self.path("x"), "--cert", cert)):
            self.site.ctl_ok("target", "add", *words, code=2)
        starttls = "%s/%s" % (self.directory.uri, self.directory.suffix)
        for words, code, told in (([starttls, "--starttls", "--ca", ours.ca_file], 6, "wants a client certificate"),
                                  ([uri, *external, "--cert", stranger, "--key", strange_key], 6, "does not accept the certificate of --cert"),
                                  ([uri, *external, "--cert", cert, "--key", strange_key], 2, "certificate %s with key %s" % (cert, strange_key)),
                                  ([uri, *external, "--cert", self.path("gone")], 2, "gone: No such file")):
            with self.subTest(told):
                self.site.ctl_ok("target", "remove", uri)
                uri = words[0]
                self.site.ctl_ok("target", "add", *words)
                self.assertIn(told, self.document("publish", "--apply", code=code)["message"])

    def test_one_of_two_targets_down(self):
        """partial: the other target is published all the same"""
        self.prepare()
        dead = "ldap://127.0.0.1:%d/dc=x" % harness.free_port()
        self.targets.append([dead])
        self.fill()
        document = self.document("publish", "--apply", code=8)
        self.assertIn(dead, document["message"])
        self.assertTrue(any("unreachable" in warning for warning in document["warnings"]), document)
        self.assertEqual(self.names(), sorted(OURS))


harness.main()
