"""A site in a real 389 Directory Server: schema, publishing, finding, designating, pruning."""

import json

import ds389
import harness
import lab


class DirectoryServer389(harness.Case):

    def test_from_schema_to_prune(self):
        """P03 P17 S1.20 X03: what OpenLDAP and Active Directory are taken through, on the third kind of directory"""
        server = self.server()
        self.schema(server)
        done = harness.run([harness.program("locator"), *self.watching(server)])
        self.assertEqual((done.code, "plugins Content Synchronization and Retro Changelog" in done.out + done.err), (1, True), str(done))
        site = lab.Site(self, roles="server")
        lab.fill(site, targets=[[server.uri_base, *server.credentials, "--timeout", "10s"]])
        site.ctl_ok("boundary", "add", "range", "192.168.1.0-192.168.1.255")
        self.publish(site, server)
        self.prune(site, server)

    def server(self, **options):
        server = ds389.Ds389(self.path("ds"), **options)
        self.addCleanup(server.stop)
        server.start()
        return server

    def watching(self, server):
        return ["watch", "--source", server.uri_base, *server.credentials, "--cache", self.path("kept/cache.db"), "--timeout", "10s"]

    def test_watch(self):
        """X18 RFC 4533 by the plugin Content Synchronization: what is published is told as it comes and answered from the copy; stale when it is down"""
        server = self.server(plugins=["Content Synchronization", "Retro Changelog Plugin"])
        self.schema(server)
        container = "CN=System Management,CN=System," + ds389.SUFFIX
        site = lab.Site(self, roles="server")
        lab.fill(site, targets=[[server.uri_base, *server.credentials, "--timeout", "10s"]])
        site.publish()
        process = self.start([harness.program("locator"), *self.watching(server), "--jsonl"], clean_exit=False)

        def changes():
            rows = [json.loads(line) for line in process.log().splitlines() if line.startswith("{")]
            return [(one["change"], (one["dn"] or "").split(",")[0].lower()) for one in rows]

        def wait_for(*expected):
            harness.wait_until(lambda: changes()[-len(expected):] == list(expected), "%s\n%s" % (expected, process.log()), timeout_s=30)
        wait_for(("current", ""))
        self.assertIn(("added", "cn=sms-site-ps1"), changes())
        site.ctl_ok("mp", "designate", "mp2.example.org", "--wait")
        wait_for(("changed", "cn=sms-mp-ps1-mp1.example.org"), ("changed", "cn=sms-mp-ps1-mp2.example.org"))
        found = lab.find("mp", "--site", "PS1", "--source", "cache:", "--cache", self.path("kept/cache.db"), "--strict")
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp2.example.org"), str(found))
        server.tool("ldapdelete", "CN=SMS-Site-PS1," + container)
        wait_for(("deleted", "cn=sms-site-ps1"))
        server.stop()
        harness.wait_until(lambda: ("stale", "") in changes(), process.log(), timeout_s=30)

    def schema(self, server):
        def sitectl(*words, code=0):
            return self.run_ok([harness.program("sitectl"), "schema", *words, server.uri_base, *server.credentials, "--timeout", "10s", "--json"], code=code).json
        self.assertEqual(sitectl("check", code=1)["reason"], "schema-not-extended")
        self.assertEqual({row["state"] for row in sitectl("apply")["answer"]}, {"planned"})
        self.assertEqual({row["state"] for row in sitectl("apply", "--apply")["answer"]}, {"done"})
        self.assertEqual(sitectl("apply", "--apply")["answer"], [])
        checked = sitectl("check", code=1)
        self.assertEqual((checked["reason"], checked["answer"]["kind"], checked["answer"]["schema"]),
                         ("container-absent", "389ds", "extended"))

    def find(self, server, *words):
        found = lab.find(*words, "--source", server.uri_base, "--timeout", "10s")
        self.assertEqual(found.code, 0, str(found))
        return found.answer

    def publish(self, site, server):
        site.publish()
        self.assertEqual({row["action"] for row in site.ctl_ok("publish", "--diff", "--json").answer}, {"same"})
        self.assertEqual(self.find(server, "mp", "--site", "PS1")["mp"], "mp1.example.org")
        self.assertEqual(self.find(server, "site", "--as-client", "192.168.1.7/24")["assigned_by"], "range")
        site.ctl_ok("mp", "designate", "mp2.example.org", "--wait")
        self.assertEqual(self.find(server, "mp", "--site", "PS1")["mp"], "mp2.example.org")
        site.ctl_ok("boundary", "remove", "range", "192.168.1.0-192.168.1.255")
        site.publish()
        self.assertEqual({row["action"] for row in site.ctl_ok("publish", "--diff", "--json").answer}, {"same"})

    def prune(self, site, server):
        """Objects of a site that nobody administers any more."""
        container = "CN=System Management,CN=System," + ds389.SUFFIX
        server.tool("ldapadd", stdin="dn: CN=SMS-Site-OLD,%s\nobjectClass: mSSMSSite\ncn: SMS-Site-OLD\nmSSMSSiteCode: OLD\n" % container)
        self.assertEqual([row["action"] for row in site.ctl_ok("list", "--stale", "--json").answer], ["other-site"])
        site.ctl_ok("prune", "--of", "OLD", "--apply")
        self.assertEqual(site.ctl_ok("list", "--stale", "--json").answer, [])
        left = server.tool("ldapsearch", "-LLL", "-b", container, "-s", "one", "1.1")
        self.assertEqual(left.count("dn:"), 3, left)


harness.main()
