"""sitectl publish to what is no directory: the DNS by dynamic update, static names of a registry, files to be applied by hand."""

import os

import harness
import krb5
import lab
import named

SRV = "_mssms_mp_ps1._tcp.example.org"
UPDATES = ["grant site name %s. SRV;" % SRV]
HOSTS = {"mp1": "127.0.0.11", "mp2": "127.0.0.12"}


class TargetCase(harness.Case):

    def prepare(self, *targets, **options):
        self.site = lab.Site(self, roles="server", **options)
        lab.fill(self.site, targets=targets)

    def document(self, *words, code=0, reason=None):
        document = self.site.ctl_ok(*words, "--json", code=code).json
        if reason is not None:
            self.assertEqual(document["reason"], reason, document)
        return document

    def actions(self, document):
        return {row["object"]: row["action"] for row in document["answer"]}

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as text:
            return text.read()

    def find_mp(self, source, *more):
        return lab.find("mp", "--site", "PS1", "--source", source, *more)


class Dns(TargetCase):

    def prepare_dns(self, key=None, **options):
        options.setdefault("hosts", HOSTS)
        self.dns = named.Named(self, updates=UPDATES, **options)
        self.target = [self.dns.target, "--tsig-key", key or self.dns.key_file]

    def test_record_follows_the_designation(self):
        """S1.20 S1.25 the SRV record names the default management point and no other; --diff shows, --apply does, unpublish removes"""
        self.prepare_dns()
        self.prepare()
        self.site.ctl_ok("unpublish", "--apply")    # nothing happens in the background
        self.site.ctl_ok("target", "add", *self.target)
        document = self.document("publish", "--diff", code=1, reason="differs")
        self.assertEqual(self.actions(document), {SRV: "add"})
        self.assertIn("none -> 0 0 80 mp1.example.org (14400 s)", document["answer"][0]["detail"])
        self.assertEqual(self.find_mp(self.dns.target).code, 1, "--diff wrote something")
        self.assertEqual(self.actions(self.document("publish", "--apply", reason="")), {SRV: "add"})
        self.assertEqual(self.actions(self.document("publish", "--diff", reason="")), {SRV: "same"})
        answer = self.find_mp(self.dns.target).json["answer"]
        self.assertEqual((answer["mp"], answer["ttl_s"]), ("mp1.example.org", 14400), answer)
        row, = self.document("mp", "designate", "mp2.example.org", "--wait")["answer"]
        self.assertEqual((row["target"], row["outcome"]), (self.dns.target, "ok"))
        self.assertTrue(0 <= row["ms"] < 5000, row)
        self.assertEqual(self.find_mp(self.dns.target).json["answer"]["mp"], "mp2.example.org")
        self.assertEqual(self.actions(self.document("unpublish", code=1)), {SRV: "remove"})
        self.assertEqual(self.actions(self.document("unpublish", "--apply", reason="")), {SRV: "remove"})
        self.assertEqual(self.find_mp(self.dns.target).code, 1)

    def test_host_record_is_checked(self):
        """an SRV record whose target has no address, or another one, is warned of"""
        self.prepare_dns(hosts={"mp2": "127.0.0.99"})
        self.prepare(self.target)
        self.assertIn("mp1.example.org has no address record", " ".join(self.document("publish", "--apply")["warnings"]))
        self.site.ctl_ok("mp", "designate", "mp2.example.org")
        self.assertIn("has the address 127.0.0.99 there, not 127.0.0.12", " ".join(self.document("publish", "--apply")["warnings"]))

    def test_refused_and_unreachable(self):
        """a wrong key is denied, a key without the right to the name too, a key that is not there is usage, no server is unreachable"""
        self.prepare_dns()
        self.prepare([self.dns.target, "--tsig-key", self.dns.wrong_key_file])
        document = self.document("publish", "--apply", code=6, reason="denied")
        self.assertEqual(self.actions(document), {SRV: "failed"})
        self.assertNotIn("\n", document["message"])
        self.site.ctl_ok("target", "remove", self.dns.target)
        self.site.ctl_ok("target", "add", self.dns.target, "--tsig-key", self.path("no-such-key"))
        self.document("publish", "--apply", code=2, reason="usage")
        self.dns.process.kill()
        self.document("publish", "--apply", code=3, reason="could-not-ask")
        self.assertEqual(self.site.ctl("target", "add", "dns://127.0.0.1/a b").code, 2)

    def test_cluster_is_not_published(self):
        """a cluster is not published in the DNS (facts: not supported), and that is said"""
        self.prepare_dns()
        self.prepare(self.target)
        self.site.ctl_ok("mp", "add", "nlb.example.org", "--address", "127.0.0.13")
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "nlb")
        self.document("publish", "--apply")
        self.site.ctl_ok("mp", "designate", "nlb.example.org")
        document = self.document("publish", "--apply")
        self.assertIn("cluster", " ".join(document["warnings"]))
        self.assertEqual(self.find_mp(self.dns.target).code, 1)

    def test_gss_tsig(self):
        """GSS-TSIG: the ticket of the credential cache is enough, without one it is denied"""
        kdc = krb5.Kdc(self, service="DNS/ns.example.org")
        keytab = kdc.server_environment["KRB5_KTNAME"].partition(":")[2]
        self.dns = named.Named(self, updates=["grant %s@%s name %s. SRV;" % (krb5.USER, krb5.REALM, SRV)], hosts=HOSTS, keytab=keytab,
                               env=kdc.server_environment)
        self.prepare([self.dns.target, "--sasl", "gssapi"], env=kdc.client_environment)
        self.document("publish", "--apply", reason="")
        self.assertEqual(self.find_mp(self.dns.target).json["answer"]["mp"], "mp1.example.org")
        self.site.process.stop()
        self.site.env = kdc.empty_environment
        self.site.start()
        self.site.ctl_ok("mp", "designate", "mp2.example.org")
        self.document("publish", "--apply", code=6, reason="denied")


class Registries(TargetCase):

    def prepare_registry(self):
        self.nbt_port = harness.free_port(["127.0.0.11", "127.0.0.13", lab.REGISTRY_ADDRESS])
        self.registry = lab.Registry(self, self.nbt_port)

    def test_static_names(self):
        """static names through the registry's control socket: MP, NLB and server locator point; what another holds is left alone"""
        self.prepare_registry()
        self.prepare(["winsd://" + self.registry.control, "--slp", "127.0.0.20"], nbt_port=self.nbt_port)
        self.document("publish", "--apply", reason="")
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), ["127.0.0.11"])
        self.assertEqual(self.registry.addresses("SMS_SLP#1A"), ["127.0.0.20"])
        self.assertTrue(self.registry.record("MP_PS1#1A")["static"])
        self.assertIsNone(self.registry.record("NLB_PS1#1A"))
        self.site.ctl_ok("mp", "add", "nlb.example.org", "--address", "127.0.0.13")
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "nlb")
        self.site.ctl_ok("mp", "designate", "nlb.example.org")
        self.document("publish", "--apply", reason="")
        self.assertEqual([self.registry.addresses(name) for name in ("MP_PS1#1A", "NLB_PS1#1A")], [["127.0.0.13"], ["127.0.0.13"]])
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "single")
        self.document("publish", "--apply", reason="")
        self.assertIsNone(self.registry.record("NLB_PS1#1A"))
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "nlb")
        self.document("publish", "--apply", reason="")
        self.registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.77")
        self.assertEqual(self.actions(self.document("publish", "--diff", code=1)),
                         {"MP_PS1#1A": "change", "NLB_PS1#1A": "same", "SMS_SLP#1A": "same"})
        self.assertEqual(self.actions(self.document("unpublish", "--apply", reason="")), {"NLB_PS1#1A": "remove", "SMS_SLP#1A": "remove"})
        self.assertEqual(self.registry.addresses("MP_PS1#1A"), ["127.0.0.77"])
        self.registry.process.stop()
        self.document("publish", "--apply", code=3, reason="could-not-ask")

    def test_registered_names(self):
        """S1.06 Q7 the host of a cluster registers both names, and SMS_SLP where it is told; one when it is a single server, none in the end"""
        self.prepare_registry()
        self.prepare([self.registry.uri, "--slp", "127.0.0.13"], nbt_port=self.nbt_port)
        self.site.start_mp_host("127.0.0.13", harness.free_port(["127.0.0.13"]))
        self.site.ctl_ok("mp", "add", "nlb.example.org", "--address", "127.0.0.13")
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "nlb")
        self.site.ctl_ok("mp", "designate", "nlb.example.org")
        names = ("MP_PS1#1A", "NLB_PS1#1A", "SMS_SLP#1A")
        self.document("publish", "--apply", reason="")
        self.assertEqual([self.registry.addresses(name) for name in names], [["127.0.0.13"]] * 3)
        self.assertEqual(self.actions(self.document("publish", "--diff", reason="")), {name: "same" for name in names})
        self.site.ctl_ok("mp", "set", "nlb.example.org", "--kind", "single")
        self.document("publish", "--apply", reason="")
        self.assertEqual([self.registry.addresses(name) for name in names], [["127.0.0.13"], [], ["127.0.0.13"]])
        self.site.ctl_ok("unpublish", "--apply")
        self.assertEqual([self.registry.addresses(name) for name in names], [[]] * 3)


class Files(TargetCase):

    def test_files_to_be_applied_by_hand(self):
        """each form is written, is what the locator and the tools read, differs when it is changed, and goes with unpublish"""
        forms = ("ldif", "zone", "lmhosts", "winsdat", "netsh")
        uris = {form: "%s:%s" % (form, self.path("out." + form)) for form in forms}
        self.prepare(*([uri] for uri in uris.values()))
        self.document("publish", "--apply", reason="")
        document = self.document("publish", "--diff", reason="")
        self.assertEqual(set(self.actions(document).values()), {"same"})
        for form in forms:
            more = ["--base", "dc=example,dc=org"] if form == "ldif" else []
            found = self.find_mp(uris[form], *more)
            self.assertEqual(found.code, 0, str(found))
        text = self.read("out.zone")
        self.write("out.zone", text.replace("14400", "300"), 0o644)
        os.unlink(self.path("out.netsh"))
        document = self.document("publish", "--diff", code=1, reason="differs")
        changed = {row["target"].partition(":")[0]: row["action"] for row in document["answer"] if row["action"] != "same"}
        self.assertEqual(changed, {"zone": "change", "netsh": "add"})
        self.document("publish", "--apply", reason="")
        self.assertEqual(self.read("out.zone"), text)
        self.site.ctl_ok("unpublish", "--apply")
        self.assertEqual([form for form in forms if os.path.exists(self.path("out." + form))], [])

    def test_what_is_not_ours_is_refused(self):
        """a file that holds anything else is a conflict and stays as it is; a path must be absolute; options must fit the target"""
        text = "10.0.0.9 \"SERVER         \\0x20\" #PRE\n"
        self.write("lmhosts", text, 0o644)
        self.prepare(["lmhosts:" + self.path("lmhosts")])
        document = self.document("publish", "--apply", code=7, reason="conflict")
        self.assertIn("is not of site PS1", document["message"])
        self.assertEqual(self.read("lmhosts"), text)
        for words in (["zone:relative"], ["zone:/x", "--base", "dc=x"], ["wins://127.0.0.1", "--starttls"], ["gopher://x"],
                      ["dns://127.0.0.1/x", "--sasl", "external"], ["winsd:///x", "--slp", "nobody"]):
            self.assertEqual(self.site.ctl("target", "add", *words).code, 2, words)

    def test_a_file_that_cannot_be_read_is_named(self):
        """P06 that is no difference which publishing would settle: conflict, partial beside a target that works, and it stays as it is"""
        target = "zone:" + self.write("mine.txt", "precious\n", 0o644)
        self.prepare([target])
        for words in (["publish", "--diff"], ["publish", "--apply"]):
            self.assertIn("mine.txt:1: ", self.document(*words, code=7, reason="conflict")["message"])
        self.site.ctl_ok("target", "add", "lmhosts:" + self.path("lmhosts"))
        document = self.document("publish", "--apply", code=8)
        self.assertIn(target, document["message"])
        self.assertEqual(self.read("mine.txt"), "precious\n")

    def test_ldif_is_what_a_directory_takes(self):
        """the LDIF of a site, added with ldapadd, is what publishing to that directory would write"""
        uri = "ldif:" + self.path("site.ldif")
        directory = lab.Directory(self)
        self.prepare([uri, "--base", directory.suffix])
        self.document("publish", "--apply", reason="")
        directory.tool("ldapadd", "-f", self.path("site.ldif"))
        self.site.ctl_ok("unpublish", "--apply")
        self.site.ctl_ok("target", "remove", uri)
        self.site.ctl_ok("target", "add", directory.uri_base, *directory.credentials)
        self.assertEqual(set(self.actions(self.document("publish", "--diff", reason="")).values()), {"same"})


harness.main()
