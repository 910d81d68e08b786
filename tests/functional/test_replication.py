"""Three OpenLDAP providers set up with the files of docs/replication.md: publishing through any, and what faults do to readers."""

import time

import harness
import lab
import replicas

OLD, NEW = "mp1.example.org", "mp2.example.org"


class Replication(harness.Case):

    def setUp(self):
        super().setUp()
        self.group = replicas.Group(self)
        self.site = lab.Site(self, roles="server")
        lab.fill(self.site)
        self.answers = []

    def target(self, number):
        server = self.group.servers[number - 1]
        return [server.uri_base] + server.credentials

    def use_targets(self, *numbers):
        for row in self.site.ctl_ok("target", "list", "--json").answer:
            self.site.ctl_ok("target", "remove", row["target"])
        for number in numbers:
            self.site.ctl_ok("target", "add", *self.target(number))

    def publish(self, code=0):
        return self.site.ctl_ok("publish", "--apply", "--json", code=code).json

    def ask(self, number):
        """The default management point by this server: exactly one answer, or the test fails."""
        result = lab.find("mp", "--site", "PS1", "--source", self.group.servers[number - 1].uri_base)
        self.assertEqual(result.code, 0, str(result))
        return result.answer["mp"]

    def ask_while_merging(self, number):
        """Both sides' writes come one by one, and a server that lost its place waits for its `retry=` in between: no default then."""
        result = lab.find("mp", "--site", "PS1", "--source", self.group.servers[number - 1].uri_base)
        self.assertIn((result.code, result.json["reason"]), ((0, ""), (1, "no-default-mp")), str(result))
        return result.answer.get("mp")

    def list_of_all(self):
        return "ldap://%s/%s" % (",".join("127.0.0.1:%d" % server.port for server in self.group.servers), replicas.SUFFIX)

    def ask_list(self):
        """The same by the list of all servers."""
        result = lab.find("mp", "--site", "PS1", "--source", self.list_of_all())
        self.assertEqual(result.code, 0, str(result))
        return result.answer["mp"]

    def wait_until_all_say(self, mp, numbers=(1, 2, 3)):
        harness.wait_until(lambda: [self.ask(number) for number in numbers] == [mp] * len(numbers), "every server saying %s" % mp)

    def test_publish_through_any(self):
        """X10 what is published through one server is what each answers, with the server that took the write; their content is equal"""
        for number, mp in ((1, OLD), (2, NEW), (3, OLD)):
            self.use_targets(number)
            self.site.ctl_ok("mp", "designate", mp)
            self.publish()
            self.wait_until_all_say(mp)
            self.group.wait_until_equal()
            origin = "sid %03x" % number
            for server in self.group.servers:
                for words in (["find", "mp"], ["explain", "mp"]):
                    told = harness.run([harness.program("locator"), *words, "--site", "PS1", "--source", server.uri_base, "--json"])
                    self.assertEqual((told.code, told.answer["mp"], told.answer["replicated_from"]), (0, mp, origin), str(told))
                listed = lab.find("mp", "--all", "--source", server.uri_base).answer
                self.assertEqual([row["replicated_from"] for row in listed if row["default"]], [origin])

    def test_one_is_killed(self):
        """one of the list killed: partial, and it is named; readers get one answer all the time; after its restart all are equal"""
        self.site.ctl_ok("target", "add", self.list_of_all(), *self.group.servers[0].credentials)
        first = self.publish()
        self.assertEqual(len({row["target"] for row in first["answer"]}), 3, "each server is read back")
        victim = self.group.servers[1]
        victim.process.kill()
        victim.process.wait()
        victim.process = None
        self.site.ctl_ok("mp", "designate", NEW)
        document = self.publish(code=8)
        self.assertIn(victim.uri, document["message"])
        self.wait_until_all_say(NEW, (1, 3))
        self.assertEqual(self.ask_list(), NEW)
        victim.start()
        self.wait_until_all_say(NEW)
        self.group.wait_until_equal()
        self.assertEqual({row["action"] for row in self.publish()["answer"]}, {"same"})

    def test_cut_off_and_changed_on_both_sides(self):
        """S1.20 one cut off, another default and other boundaries on each side, healed: one answer for each reader, equal at the end"""
        self.use_targets(1, 2, 3)
        self.publish()
        self.wait_until_all_say(OLD)
        self.group.cut_off(3)
        # One side has a new default and a new boundary; the other side, not knowing, gets objects of an earlier plan again.
        self.use_targets(1)
        self.site.ctl_ok("mp", "designate", NEW)
        self.site.ctl_ok("boundary", "add", "range", "10.1.0.1-10.1.0.9")
        self.publish()
        self.wait_until_all_say(NEW, (1, 2))
        self.assertEqual(self.ask(3), OLD)
        self.use_targets(3)
        self.site.ctl_ok("mp", "designate", OLD)
        self.site.ctl_ok("boundary", "add", "range", "10.2.0.1-10.2.0.9")
        self.publish()
        self.assertEqual((self.ask(1), self.ask(3)), (NEW, OLD))
        self.group.join(3)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            said = {harness.wait_until(self.ask_list, "an answer by the list")} | {self.ask_while_merging(number) for number in (1, 2, 3)}
            self.assertTrue(said <= {OLD, NEW, None}, said)
        self.use_targets(1, 2, 3)
        harness.wait_until(lambda: self.site.ctl("publish", "--apply").code == 0, "publishing everywhere")
        self.wait_until_all_say(OLD)
        self.group.wait_until_equal()
        self.assertEqual({row["action"] for row in self.publish()["answer"]}, {"same"})
        for server in self.group.servers:
            defaults = [entry["dnshostname"][0] for _, entry in server.search(server.container_dn, "(mSSMSDefaultMP=TRUE)")]
            self.assertEqual(defaults, [OLD])
            self.assertEqual(len(server.search(server.container_dn, "(objectClass=mSSMSRoamingBoundaryRange)")), 2)
        # What was added on both sides can be changed and removed through any of them afterwards.
        for number, words in ((2, ("mp", "designate", NEW)), (1, ("boundary", "remove", "range", "10.1.0.1-10.1.0.9")),
                              (3, ("boundary", "remove", "range", "10.2.0.1-10.2.0.9"))):
            self.use_targets(number)
            self.site.ctl_ok(*words)
            self.publish()
            self.group.wait_until_equal()

    def test_writes_through_all_at_once(self):
        """publishing to three servers that replicate meanwhile: never two objects of one name, equal at the end"""
        for number in range(30):
            self.site.ctl_ok("boundary", "add", "range", "10.3.%d.0-10.3.%d.255" % (number, number))
        self.use_targets(1, 2, 3)
        harness.wait_until(lambda: self.site.ctl("publish", "--apply").code == 0, "publishing everywhere")
        self.group.wait_until_equal()
        self.assertEqual(len(self.group.servers[2].search(self.group.servers[2].container_dn, "(mSSMSSiteCode=PS1)")), 33)


harness.main()
