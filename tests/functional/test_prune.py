"""What is left behind and what failed: sitectl list and prune, publishing again with a back-off, directories larger than their limits."""

import re
import urllib.request

import harness
import lab
import named

OLD_SITE = """dn: CN=SMS-Site-OLD,{0}
objectClass: mSSMSSite
mSSMSSiteCode: OLD
mSSMSSourceForest: {1}
mSSMSRoamingBoundaries: 127.0.0.0
mSSMSRoamingBoundaries: 10.77.0.0

dn: CN=SMS-MP-OLD-MP.OLD.ORG,{0}
objectClass: mSSMSManagementPoint
mSSMSSiteCode: OLD
mSSMSDefaultMP: TRUE
mSSMSSourceForest: {1}

dn: CN=SMS-SLP-OLD-SLP.OLD.ORG,{0}
objectClass: mSSMSServerLocatorPoint
mSSMSSiteCode: OLD
mSSMSSourceForest: {1}

"""
STALE = "dn: CN=SMS-MP-PS1-GONE,{0}\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSSourceForest: example.org\n\n"
FOREIGN = "dn: CN=SMS-MP-PS1-FOREIGN,{0}\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSSourceForest: other.org\n\n"


class LeftBehind(harness.Case):

    def prepare(self, *more):
        self.directory = lab.Directory(self)
        self.site = lab.Site(self, roles="server")
        lab.fill(self.site, targets=[[self.directory.uri_base] + self.directory.credentials, *more])
        self.site.publish()
        self.add(STALE, FOREIGN, OLD_SITE)

    def add(self, *texts, forest="old.org"):
        self.directory.add("".join(texts).format(self.directory.container_dn, forest))

    def rows(self, *words, code=0):
        """Action of each object by its cn or name."""
        answer = self.site.ctl_ok(*words, "--json", code=code).answer
        return {row["object"].split(",")[0].partition("=")[2] or row["object"]: row["action"] for row in answer}

    def detail(self, cn, *words):
        return [row["detail"] for row in self.site.ctl_ok(*words, "--json").answer if cn in row["object"]][0]

    def names(self):
        return sorted(entry["cn"][0] for _, entry in self.directory.search(self.directory.container_dn, "(mSSMSSiteCode=*)"))

    def test_list(self):
        """list --stale shows what is left behind, by whom, since when, and the boundaries that clients find twice (KB 2002059)"""
        self.prepare()
        others = {"SMS-Site-OLD": "other-site", "SMS-MP-OLD-MP.OLD.ORG": "other-site", "SMS-SLP-OLD-SLP.OLD.ORG": "other-site"}
        stale = dict(others, **{"SMS-MP-PS1-GONE": "stale", "SMS-MP-PS1-FOREIGN": "other-forest"})
        self.assertEqual(self.rows("list", "--stale"), stale)
        ours = {"SMS-Site-PS1": "same", "SMS-MP-PS1-MP1.EXAMPLE.ORG": "same", "SMS-MP-PS1-MP2.EXAMPLE.ORG": "same"}
        self.assertEqual(self.rows("list"), dict(stale, **ours))
        detail = self.detail("SMS-Site-OLD", "list", "--stale")
        self.assertRegex(detail, r"^site OLD, forest old\.org, changed 20\d{12}Z; shares 127\.0\.0\.0$")
        # A site that is administered here is not stale.
        self.run_ok([harness.program("sitectl"), "--db", self.site.db, "init", "OLD", "--domain", "old.org", "--server", "s.old.org"])
        seen = self.rows("list", "--stale", "--site", "PS1")
        seen.pop("SMS-MP-PS1-GONE", None)       # the new site made the site server publish, which took it away
        self.assertEqual(seen, {"SMS-MP-PS1-FOREIGN": "other-forest"})

    def test_prune(self):
        """prune shows first, removes what is stale of ours and of the sites that are named, and nothing else"""
        self.prepare()
        before = self.names()
        self.assertEqual(self.rows("prune", code=1), {"SMS-MP-PS1-GONE": "remove"})
        named_ = {"SMS-MP-PS1-GONE": "remove", "SMS-Site-OLD": "remove", "SMS-MP-OLD-MP.OLD.ORG": "remove", "SMS-SLP-OLD-SLP.OLD.ORG": "remove"}
        self.assertEqual(self.rows("prune", "--of", "OLD", code=1), named_)
        self.assertEqual(self.rows("prune", "--of", "OLD", "--forest", "nobody.org", code=1), {"SMS-MP-PS1-GONE": "remove"})
        self.assertEqual(self.names(), before, "showing wrote something")
        self.assertEqual(self.rows("prune", "--of", "OLD", "--apply"), named_)
        self.assertEqual(self.names(), sorted(set(before) - set(named_)))
        self.assertEqual(self.rows("prune"), {})
        self.assertEqual(self.rows("prune", "--of", "PS1", "--forest", "other.org", "--apply"), {"SMS-MP-PS1-FOREIGN": "remove"})

    def test_prune_refuses(self):
        """a site of this database is not pruned but unpublished; a code must be one"""
        self.prepare()
        for words in (["--of", "PS1"], ["--of", "PS1", "--forest", "example.org"], ["--of", "toolong"], ["--forest", "x.org"]):
            self.assertEqual(self.site.ctl("prune", *words, "--apply").code, 2, words)
        self.directory.modify("dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: {1}to dn.base=\"CN=SMS-Site-OLD,%s\""
                              " by * read\n" % self.directory.container_dn)
        result = self.site.ctl_ok("prune", "--of", "OLD", "--apply", "--json", code=8).json
        self.assertEqual([row["object"].split(",")[0].lower() for row in result["answer"] if row["action"] == "failed"], ["cn=sms-site-old"])

    def test_prune_names(self):
        """what a site left in the DNS and among static names goes too"""
        owners = ["_mssms_mp_%s._tcp.example.org" % code for code in ("ps1", "old")]
        dns = named.Named(self, updates=["grant site name %s. SRV;" % owner for owner in owners])
        self.run_ok([harness.tool("nsupdate", "bind9-dnsutils"), "-k", dns.key_file],
                    stdin="server 127.0.0.1 %d\nupdate add %s. 60 SRV 0 0 80 mp.old.org.\nsend\n" % (dns.port, owners[1]))
        registry = lab.Registry(self, harness.free_port([lab.REGISTRY_ADDRESS]))
        registry.ctl_ok("add", "MP_OLD#1A", "10.9.9.9")
        self.prepare([dns.target, "--tsig-key", dns.key_file], ["winsd://" + registry.control])
        removed = {owners[1]: "remove", "MP_OLD#1A": "remove"}
        seen = self.rows("prune", "--of", "OLD", "--apply")
        self.assertEqual({name: seen.get(name) for name in removed}, removed)
        self.assertIsNone(registry.record("MP_OLD#1A"))
        self.assertEqual(registry.addresses("MP_PS1#1A"), ["127.0.0.11"])
        self.assertEqual(lab.find("mp", "--site", "OLD", "--source", dns.target).code, 1)
        self.assertEqual(lab.find("mp", "--site", "PS1", "--source", dns.target).code, 0)


class Retry(harness.Case):

    def test_what_failed_is_tried_again(self):
        """a directory that was down gets everything soon after it is back, without a command; the waits grow and are logged"""
        directory = lab.Directory(self)
        directory.stop()
        site = lab.Site(self, roles="server")
        lab.fill(site, targets=[[directory.uri_base] + directory.credentials])

        def waits():
            return [(int(attempt), int(ms)) for attempt, ms in
                    re.findall(r"publication-retry site=PS1 attempt=(\d+) in_ms=(\d+)", site.process.log())]
        harness.wait_until(lambda: len(waits()) >= 2, "a second attempt being planned")
        for attempt, ms in waits():
            self.assertTrue(1000 << (attempt - 1) <= ms <= 2000 << (attempt - 1), waits())
        directory.start()
        harness.wait_until(lambda: len(directory.published("mSSMSManagementPoint")) == 2, "the site being published by itself", timeout_s=20)
        harness.wait_until(lambda: site.ctl("target", "list", "--json").answer[0]["outcome"] == "ok", "the target being fine")


class Limits(harness.Case):

    def test_more_objects_than_a_search_may_give(self):
        """a directory that gives fewer entries than the site has is published to and read back all the same"""
        directory = lab.Directory(self)
        directory.modify("dn: cn=config\nchangetype: modify\nreplace: olcSizeLimit\nolcSizeLimit: 20\n")
        site = lab.Site(self, roles="server")
        lab.fill(site)
        for number in range(25):
            site.ctl_ok("boundary", "add", "range", "10.%d.0.0-10.%d.0.9" % (number, number))
        site.ctl_ok("target", "add", directory.uri_base, *directory.credentials)
        site.publish()
        self.assertEqual(len(directory.published("mSSMSRoamingBoundaryRange")), 25)
        answer = site.ctl_ok("publish", "--diff", "--json").answer
        self.assertEqual({row["action"] for row in answer}, {"same"})

    def test_what_cannot_be_read_back_is_not_mended(self):
        """X09 of a list of servers one cuts the answer to what was just written: its objects have failed, and count as no others"""
        servers = [lab.Directory(self, "whole"), lab.Directory(self, "cutting", config="olcSizeLimit: 4\n")]
        page = "127.0.0.1:%d" % harness.free_port(("127.0.0.1",))
        site = lab.Site(self, roles="server", more=["--metrics", page])
        for number in range(8):
            site.ctl_ok("mp", "add", "mp%d.example.org" % number, "--address", "127.0.0.%d" % (20 + number))
        uri = "ldap://%s/dc=example,dc=com" % ",".join("127.0.0.1:%d" % server.port for server in servers)
        site.ctl_ok("target", "add", uri, *servers[0].credentials)
        harness.wait_until(lambda: site.ctl("target", "list", "--json").answer[0]["outcome"] == "partial", "a publication")
        with urllib.request.urlopen("http://%s/metrics" % page, timeout=20) as got:
            mended, = re.findall(r"^sited_target_mended_total\{.*\} (\d+)$", got.read().decode(), re.M)
        self.assertEqual([len(server.published("mSSMSManagementPoint")) for server in servers], [8, 8])
        self.assertIn(int(mended), range(9, 18), "those of one server, and its management points again when they have certificates")

    def test_one_transaction(self):
        """RFC 5805 with --transactions all is written at once where the directory can, and what hinders one write is told at it alone"""
        directory = lab.Directory(self)
        site = lab.Site(self, roles="server")
        lab.fill(site)
        site.ctl_ok("target", "add", directory.uri_base, *directory.credentials, "--transactions")
        site.publish()
        site.ctl_ok("mp", "designate", "mp2.example.org")
        site.publish()
        self.assertEqual([entry["dnshostname"][0] for _, entry in directory.search(directory.container_dn, "(mSSMSDefaultMP=TRUE)")],
                         ["mp2.example.org"])
        site.ctl_ok("unpublish", "--apply")
        directory.add(FOREIGN.replace("SMS-MP-PS1-FOREIGN", "SMS-Site-PS1").replace("mSSMSManagementPoint", "mSSMSSite")
                      .format(directory.container_dn))
        answer = site.ctl_ok("publish", "--apply", "--json", code=8).answer
        self.assertEqual(sorted(row["action"] for row in answer), ["add", "add", "failed"])


harness.main()
