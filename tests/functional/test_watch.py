"""A directory that is watched: changes as they come, since when it is stale, and answers from the copy."""

import json
import os
import shutil
import signal
import time

import harness
import lab

MP = ("dn: CN=SMS-MP-PS1-%s,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSMPName: %s.example.org\nmSSMSDefaultMP: TRUE\n"
      "mSSMSMPAddress: 127.0.0.11\n")
SITE = "dn: CN=SMS-Site-%s,%s\nobjectClass: mSSMSSite\ncn: SMS-Site-%s\nmSSMSSiteCode: %s\nmSSMSRoamingBoundaries: %s\n"
RANGE = ("dn: CN=%s-%d,%s\nobjectClass: mSSMSRoamingBoundaryRange\ncn: %s-%d\nmSSMSSiteCode: %s\nmSSMSRangedIPLow: %d\nmSSMSRangedIPHigh: %d\n")


class Watch(harness.Case):

    def prepare(self, sync=True):
        self.directory = lab.Directory(self, sync=sync)
        self.file = self.path("kept/cache.db")

    def watch(self, *more):
        return self.start([harness.program("locator"), "watch", "--source", self.directory.uri_base, "--cache", self.file, "--jsonl",
                           "--timeout", "2s", *more], clean_exit=False)

    @staticmethod
    def changes(process):
        rows = [json.loads(line) for line in process.log().splitlines() if line.startswith("{")]
        return [(one["change"], one["dn"].split(",")[0].lower() if one["dn"] else None) for one in rows]

    def wait_for(self, process, *expected):
        harness.wait_until(lambda: self.changes(process) == list(expected), "%s\n%s" % (expected, process.log()), timeout_s=30)

    def find(self, *more, source="cache:"):
        return lab.find(*more, "--source", source, "--cache", self.file)

    def remove(self, host):
        self.directory.modify("dn: CN=SMS-MP-PS1-%s,%s\nchangetype: delete\n" % (host, self.directory.container_dn))

    def add(self, host):
        self.directory.add(MP % (host, self.directory.container_dn, host))

    CONTAINER = ("added", "cn=system management")

    def test_every_change_as_it_comes(self):
        """X18 RFC 4533: add, modify, delete are told and in the copy at once; the last change is not kept back"""
        self.prepare()
        seen = [self.CONTAINER, ("current", None)]
        process = self.watch()
        self.wait_for(process, *seen)
        self.add("mp1")
        seen.append(("added", "cn=sms-mp-ps1-mp1"))
        self.wait_for(process, *seen)
        found = self.find("mp", "--site", "PS1", "--strict")
        self.assertEqual((found.code, found.answer["mp"], found.answer["server"], found.answer["source"]),
                         (0, "mp1.example.org", self.directory.uri, "cache:"), str(found))
        self.assertIn("current", found.json["steps"][0]["result"])
        self.directory.modify("dn: CN=SMS-MP-PS1-mp1,%s\nchangetype: modify\nreplace: mSSMSMPName\nmSSMSMPName: mp2.example.org\n"
                              % self.directory.container_dn)
        seen.append(("changed", "cn=sms-mp-ps1-mp1"))
        self.wait_for(process, *seen)
        self.assertEqual(self.find("mp", "--site", "PS1").answer["mp"], "mp2.example.org")
        self.remove("mp1")
        seen.append(("deleted", "cn=sms-mp-ps1-mp1"))
        self.wait_for(process, *seen)
        self.assertEqual(self.find("mp", "--site", "PS1").json["reason"], "nothing-published")

    def watch_once(self, *expected, more=()):
        watch = self.watch(*more)
        self.wait_for(watch, *expected, ("current", None))
        watch.stop()

    def hosts(self, *more):
        return [one["mp"].split(".")[0] for one in self.find("mp", "--all", *more).answer or []]

    def test_the_next_watch_tells_what_happened_meanwhile(self):
        """what was deleted and added between two watches is told by the second, and nothing else"""
        self.prepare()
        for host in ("mp1", "mp2", "mp3"):
            self.add(host)
        self.watch_once(self.CONTAINER, *[("added", "cn=sms-mp-ps1-" + host) for host in ("mp1", "mp2", "mp3")])
        self.remove("mp2")
        self.add("mp4")
        watch = self.watch("--for", "4s")
        watch.expected_gone = True
        self.wait_for(watch, ("added", "cn=sms-mp-ps1-mp4"), ("deleted", "cn=sms-mp-ps1-mp2"), ("current", None), ("stale", None))

    def test_a_database_restored_and_written_since(self):
        """X18 slapd itself would go on from its older state without a word: what it has lost is told as gone, also when it came back anew"""
        self.prepare()
        self.add("mp1")
        self.directory.stop()
        data = os.path.join(self.directory.folder, "db0")
        shutil.copytree(data, data + ".backup")
        self.directory.start()
        for host in ("mp2", "mp3"):
            self.add(host)
        self.watch_once(self.CONTAINER, *[("added", "cn=sms-mp-ps1-" + host) for host in ("mp1", "mp2", "mp3")])
        self.directory.stop()
        for name in os.listdir(data):
            shutil.copy(os.path.join(data + ".backup", name), os.path.join(data, name))
        self.directory.start()
        for host in ("mp3", "mp4"):
            self.add(host)
        self.watch_once(("added", "cn=sms-mp-ps1-mp3"), ("added", "cn=sms-mp-ps1-mp4"), ("deleted", "cn=sms-mp-ps1-mp2"))
        self.assertEqual(self.hosts(), ["mp1", "mp3", "mp4"])

    def test_the_copy_is_what_the_account_sees(self):
        """X18 one that sees more than the one before, another container: no object is missing and none too many"""
        self.prepare()
        self.add("mp1")
        self.directory.modify("dn: olcDatabase={1}mdb,cn=config\nchangetype: modify\nadd: olcAccess\nolcAccess: {0}to "
                              "dn.regex=\"^cn=sms-mp-ps1-mp1,\" by dn.children=\"ou=svc,dc=example,dc=com\" read by * none\n")
        self.watch_once(self.CONTAINER)
        self.watch_once(("added", "cn=sms-mp-ps1-mp1"), more=self.directory.credentials)
        self.assertEqual(self.hosts(), ["mp1"])
        self.directory.add("dn: CN=Other,dc=example,dc=com\nobjectClass: container\n\n" + MP % ("mp2", "CN=Other,dc=example,dc=com", "mp2"))
        other = ("--container", "CN=Other")
        self.watch_once(("added", "cn=other"), ("added", "cn=sms-mp-ps1-mp2"), ("deleted", "cn=sms-mp-ps1-mp1"),
                        ("deleted", "cn=system management"), more=other)
        self.assertEqual(self.hosts(*other), ["mp2"])

    def test_restart_of_the_server(self):
        """a connection that ends: stale since it was last known to be current; tried again; changes meanwhile are told"""
        self.prepare()
        self.add("mp1")
        process = self.watch()
        seen = [self.CONTAINER, ("added", "cn=sms-mp-ps1-mp1"), ("current", None)]
        self.wait_for(process, *seen)
        before = int(time.time())
        self.directory.stop()
        self.wait_for(process, *seen, ("stale", None))
        row = [json.loads(line) for line in process.log().splitlines() if '"stale"' in line][0]
        self.assertLessEqual(abs(row["stale_since"] - before), 12, row)
        found = self.find("mp", "--site", "PS1", "--strict")
        self.assertEqual((found.code, found.json["reason"], found.answer["mp"]), (5, "stale", "mp1.example.org"), str(found))
        self.assertTrue([text for text in found.json["warnings"] if text.startswith("degraded: ")], str(found))
        self.directory.start()
        self.add("mp2")
        harness.wait_until(lambda: ("added", "cn=sms-mp-ps1-mp2") in self.changes(process), process.log, timeout_s=30)
        harness.wait_until(lambda: self.find("mp", "--site", "PS1", "--strict").code == 0, "current again")

    def test_a_server_that_falls_silent(self):
        """a hung server and a cut cable look alike: noticed by asking, within 10 s and the time-out; told honestly"""
        self.prepare()
        process = self.watch()
        self.wait_for(process, self.CONTAINER, ("current", None))
        self.directory.signal(signal.SIGSTOP)
        harness.wait_until(lambda: ("stale", None) in self.changes(process), process.log, timeout_s=15)
        self.directory.signal(signal.SIGCONT)
        harness.wait_until(lambda: self.changes(process).count(("current", None)) == 2, process.log, timeout_s=15)

    def test_a_watcher_that_was_killed(self):
        """nobody is left to say so, and the copy is stale all the same, since it was last confirmed"""
        self.prepare()
        self.add("mp1")
        process = self.watch()
        harness.wait_until(lambda: ("current", None) in self.changes(process), process.log)
        self.assertEqual(self.find("mp", "--site", "PS1", "--strict").code, 0)
        process.expected_gone = True
        os.kill(process.pid, signal.SIGKILL)
        found = self.find("mp", "--site", "PS1", "--now", str(int(time.time()) + 60))
        self.assertEqual((found.code, found.json["outcome"]), (0, "ok"), str(found))
        self.assertIn("degraded: a stale answer", "\n".join(found.json["warnings"]))
        self.assertIn("nobody watches it", found.json["steps"][0]["result"])
        back = self.find("mp", "--site", "PS1", "--strict", "--now", str(int(time.time()) - 3600))
        self.assertEqual((back.code, back.json["reason"]), (5, "stale"), "the clock was set back\n%s" % back)

    def test_sites_by_address(self):
        """B1 to B5 from the copy as from the directory itself: subnets, ranges that overlap or cross 128.0.0.0, objects in full"""
        self.prepare()
        container = self.directory.container_dn
        ldif = [SITE % (code, container, code, code, net) for code, net in (("PS1", "10.1.0.0"), ("PS2", "10.2.0.0/16"), ("PS3", "Berlin"))]
        low = 0xc0a80000 - (1 << 32)
        for code, first, last in (("PS1", low, low + 255), ("PS2", low + 100, low + 300), ("PS3", 0x7fffff00, -(1 << 31) + 255)):
            ldif.append(RANGE % (code, 1, container, code, 1, code, first, last))
        self.directory.add("\n".join(ldif))
        process = self.watch()
        harness.wait_until(lambda: ("current", None) in self.changes(process), process.log)
        codes = set()
        for client in ("10.1.3.4/16", "10.2.9.9", "192.168.0.50/24", "192.168.0.150/24", "192.168.1.44/24", "192.168.1.45/24", "128.0.0.5/8"):
            copy, live = (lab.find("site", "--as-client", client, "--source", uri, "--cache", self.file)
                          for uri in ("cache:", self.directory.uri_base))
            for member in ("site", "assigned_by", "resident_site"):
                self.assertEqual(copy.answer.get(member), live.answer.get(member), "%s\n%s" % (copy, live))
            self.assertEqual((copy.code, copy.json["reason"], copy.json["steps"][-1]["rule"]),
                             (live.code, live.json["reason"], live.json["steps"][-1]["rule"]), client)
            codes.add(copy.answer.get("site"))
        self.assertEqual(codes, {"PS1", "PS2", "PS3", None})
        copy, live = (lab.find("boundary", "--source", uri, "--cache", self.file).answer for uri in ("cache:", self.directory.uri_base))
        self.assertEqual([(one["site"], one["boundary"]) for one in copy], [(one["site"], one["boundary"]) for one in live])
        self.assertEqual(len(copy), 6)

    def test_a_size_limit(self):
        """X02 what a limit of the server cuts is incomplete, and never a copy"""
        self.directory, self.file = lab.Directory(self, sync=True, config="olcSizeLimit: 1\n"), self.path("kept/cache.db")
        self.add("mp1")
        done = harness.run([harness.program("locator"), "watch", "--source", self.directory.uri_base, "--cache", self.file, "--json"])
        self.assertEqual((done.code, done.out.splitlines()[-1].count('"reason":"incomplete"')), (3, 1), str(done))
        self.assertIn("nothing is watched", self.find("mp", "--site", "PS1").json["message"])

    def test_who_cannot_tell_of_changes(self):
        """a server without RFC 4533, a source that is no directory, an empty cache: told as such"""
        self.prepare(sync=False)
        done = harness.run([harness.program("locator"), "watch", "--source", self.directory.uri_base, "--cache", self.file, "--json"])
        self.assertNotEqual(done.code, 0)
        self.assertIn("RFC 4533", done.out + done.err)
        done = harness.run([harness.program("locator"), "watch", "--source", "dns:example.org", "--cache", self.file, "--json"])
        self.assertEqual(done.code, 2, str(done))
        found = self.find("mp", "--site", "PS1")
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))
        self.assertIn("nothing is watched", found.json["message"])


harness.main()
