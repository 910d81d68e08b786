"""Three OpenLDAP providers set up with the files of docs/replication.md: publishing through any, and what faults do to readers."""

import threading
import time

import harness
import lab
import replicas

OLD, NEW = "mp1.example.org", "mp2.example.org"
ANSWERS = 40    # of each reader while three servers merge, which takes them two or three of their `retry=`


class Reader(threading.Thread):
    """Asks a source again and again, and keeps what was not exactly one answer."""

    def __init__(self, source):
        super().__init__()
        self.source, self.stop, self.answers, self.wrong = source, threading.Event(), 0, []

    def run(self):
        while not self.stop.is_set():
            found = lab.find("mp", "--site", "PS1", "--source", self.source)
            if found.code != 0 or found.answer["mp"] not in (OLD, NEW):
                self.wrong.append(str(found))
            self.answers += 1


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
        readers = [Reader(source) for source in [server.uri_base for server in self.group.servers] + [self.list_of_all()]]
        for reader in readers:
            reader.start()
        try:
            self.group.join(3)
            harness.wait_until(lambda: any(reader.wrong for reader in readers) or min(reader.answers for reader in readers) >= ANSWERS,
                               "readers asking while the servers merge", timeout_s=60)
            self.use_targets(1, 2, 3)
            harness.wait_until(lambda: self.site.ctl("publish", "--apply").code == 0, "publishing everywhere")
            self.wait_until_all_say(OLD)
            self.group.wait_until_equal()
        finally:
            for reader in readers:
                reader.stop.set()
                reader.join()
        for reader in readers:
            self.assertEqual(reader.wrong, [], "%s: %d of %d answers" % (reader.source, len(reader.wrong), reader.answers))
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

    def test_a_second_without_default(self):
        """S1.20 S1.26 a server that replicates is read on for longer, but not beyond the time-out; then the answer is that there is none"""
        self.use_targets(1)
        self.publish()
        server = self.group.servers[0]
        dn = next(dn for dn, _ in server.search(server.container_dn, "(mSSMSDefaultMP=TRUE)"))

        def say(value):
            server.modify("dn: %s\nchangetype: modify\nreplace: mSSMSDefaultMP\nmSSMSDefaultMP: %s\n" % (dn, value))

        def find(*words):
            found = lab.find("mp", "--site", "PS1", "--source", server.uri_base, *words)
            return found, [step["asked"] for step in found.json["steps"]].count("again: its servers may be merging (S1.20)")
        say("FALSE")
        later = threading.Timer(1, say, ("TRUE",))
        later.start()
        found, waits = find("--timeout", "10s")
        later.join()
        self.assertEqual((found.code, found.answer.get("mp")), (0, OLD), str(found))
        self.assertGreater(waits, 0, str(found))
        say("FALSE")
        for words in (["--timeout", "1s"], ["--total-timeout", "1s"]):
            begin = time.monotonic()
            found, waits = find(*words)
            self.assertEqual((found.code, found.json["reason"]), (1, "no-default-mp"), str(found))
            self.assertGreater(waits, 0, str(found))
            self.assertLess(time.monotonic() - begin, 1.5)

    def test_writes_through_all_at_once(self):
        """publishing to three servers that replicate meanwhile: never two objects of one name, equal at the end"""
        for number in range(30):
            self.site.ctl_ok("boundary", "add", "range", "10.3.%d.0-10.3.%d.255" % (number, number))
        self.use_targets(1, 2, 3)
        harness.wait_until(lambda: self.site.ctl("publish", "--apply").code == 0, "publishing everywhere")
        self.group.wait_until_equal()
        self.assertEqual(len(self.group.servers[2].search(self.group.servers[2].container_dn, "(mSSMSSiteCode=PS1)")), 33)


harness.main()
