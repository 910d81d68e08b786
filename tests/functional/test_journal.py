"""What became of a name and by whom (X16), changes as they happen, and who asks most."""

import fcntl
import json
import signal
import socket
import struct
import subprocess
import time

import harness
import lab
import nbns

CLIENT, OTHER = "127.0.0.3", "127.0.0.4"
MANY = 6000     # more changes than a watcher's buffers hold
SEARCHES = 16   # that may read the journal at once
READ_LOCKS = (123, 5)   # octets of SQLite's -shm: whoever reads the log holds one of them


class Journal(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))

    def serve(self, *more):
        self.registry = lab.Registry(self, self.port, more=more)

    def client(self, address):
        client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local=address)
        self.addCleanup(client.close)
        return client

    def history(self, name):
        return self.registry.ctl_ok("history", name, "--json").answer

    def release(self, client, name, address):
        return client.ask(nbns.request(client.next_number(), nbns.RELEASE, name, 0x20, address, flags=0)).rcode

    def test_history_tells_who_what_rule_when_old_and_new_X16(self):
        """X16: each change with its origin and both states, in order, after a crash too; a plain refresh is no change."""
        self.serve()
        client = self.client(CLIENT)
        self.assertEqual(client.register("HOST", 0x20, CLIENT).rcode, 0)
        self.assertEqual(client.register("HOST", 0x20, CLIENT, opcode=nbns.REFRESH).rcode, 0)
        self.assertEqual(self.release(client, "HOST", CLIENT), 0)
        self.assertEqual(self.client(OTHER).register("HOST", 0x20, OTHER).rcode, 0)
        self.registry.ctl_ok("add", "HOST#20", "10.0.0.1")
        self.registry.ctl_ok("tombstone", "HOST#20")
        self.registry.ctl_ok("delete", "HOST#20")
        self.registry.process.kill()
        self.registry.start()
        rows = self.history("HOST#20")
        self.assertEqual([(row["change"], row["by"], row["source"], row["rule"]) for row in rows],
                         [("added", "client", CLIENT, "R08"), ("released", "client", CLIENT, "L08"), ("added", "client", OTHER, "R13"),
                          ("changed", "admin", None, None), ("tombstone", "admin", None, None), ("deleted", "admin", None, None)])
        self.assertEqual([row["old_addresses"] for row in rows], [[], [CLIENT], [CLIENT], [OTHER], ["10.0.0.1"], ["10.0.0.1"]])
        self.assertEqual([row["addresses"] for row in rows], [[CLIENT], [CLIENT], [OTHER], ["10.0.0.1"], ["10.0.0.1"], []])
        self.assertEqual([row["version"] for row in rows], [1, 1, 2, 3, 4, None])
        for row in rows:
            self.assertRegex(row["at"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(self.registry.ctl("history", "NOBODY#20").code, 1)

    def test_scavenger_and_import_are_named_X16(self):
        """X16: what time and an import did stands under their names."""
        self.serve("--ttl-min", "1s", "--ttl-max", "1s")
        self.assertEqual(self.client(CLIENT).register("OLD", 0x20, CLIENT).rcode, 0)
        self.registry.ctl_ok("import", self.write("names.csv", "name,kind,node,static,expires,addresses\nIN#20,unique,H,true,0,10.0.0.1\n"))

        def is_released():
            self.registry.ctl_ok("scavenge")
            return len(self.history("OLD#20")) == 2
        harness.wait_until(is_released, "the end of the lease")
        self.assertEqual([(row["by"], row["rule"], row["change"]) for row in self.history("OLD#20")],
                         [("client", "R08", "added"), ("scavenger", "V01", "released")])
        self.assertEqual([(row["by"], row["change"]) for row in self.history("IN#20")], [("import", "added")])

    def test_the_journal_is_bounded_and_can_be_off_X16(self):
        """X16: no more than --journal-max changes stay; 0 keeps none."""
        self.serve("--journal-max", "10")
        for _ in range(20):
            self.registry.ctl_ok("add", "HOST#20", "10.0.0.1")
        self.assertEqual([row["version"] for row in self.history("HOST#20")], list(range(11, 21)))
        self.registry.process.stop()
        self.registry.more = ["--journal-max", "0"]
        self.registry.start()
        self.registry.ctl_ok("add", "HOST#20", "10.0.0.1")
        self.assertEqual(self.registry.ctl("history", "HOST#20").code, 1)

    def test_a_bound_that_is_lowered_holds_without_any_traffic_X16(self):
        """X16: a journal that SIGHUP has made too long is cut slice by slice, though nobody registers, and the newest changes stay."""
        config = self.write("winsd.conf", "journal_max = 100000\n")
        self.serve("--config", config)
        names = "".join("N%05d#20,unique,H,true,0,10.0.0.1\n" % number for number in range(3 * MANY))
        self.registry.ctl_ok("import", self.write("many.csv", "name,kind,node,static,expires,addresses\n" + names))
        self.registry.ctl_ok("add", "LAST#20", "10.0.0.1")
        self.assertEqual(len(self.history("N00000#20")), 1)
        before = self.registry.ctl_ok("stats", "--json").answer["commits"]
        self.write("winsd.conf", "journal_max = 10\n")
        self.registry.process.signal(signal.SIGHUP)
        harness.wait_until(lambda: self.registry.ctl("history", "N%05d#20" % (3 * MANY - 1000)).code == 1, "the journal being cut")
        self.assertGreaterEqual(self.registry.ctl_ok("stats", "--json").answer["commits"], before + 4)
        self.assertEqual([row["change"] for row in self.history("LAST#20")], ["added"])

    def search(self, name):
        process = subprocess.Popen([harness.program("winsctl"), "--control", self.registry.control, "history", name],
                                   stdout=subprocess.DEVNULL, preexec_fn=harness.die_with_parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_a_disk_that_hangs_holds_up_nobody_but_the_search_X16(self):
        """X16: while the journal cannot be read the control socket answers; searches are bounded, end in time, and go on with the disk."""
        self.serve()
        self.registry.ctl_ok("add", "HOST#20", "10.0.0.1")
        with open(self.registry.db + "-shm", "r+b") as shm:
            fcntl.lockf(shm, fcntl.LOCK_EX, READ_LOCKS[1], READ_LOCKS[0])
            searches = [self.search("HOST#20") for _ in range(SEARCHES + 1)]
            harness.wait_until(lambda: any(process.poll() is not None for process in searches), "one more than may being refused")
            begun = time.monotonic()
            self.registry.ctl_ok("stats")
            self.registry.ctl_ok("show", "HOST#20")
            self.assertLess(time.monotonic() - begun, 2, "the control socket waits for the disk")
            self.assertEqual(sorted(process.wait(harness.DEADLINE_S) for process in searches), [3] * SEARCHES + [7])
        harness.wait_until(lambda: self.registry.ctl("history", "HOST#20").code == 0, "the journal being read again")
        self.assertEqual([row["change"] for row in self.history("HOST#20")], ["added"])

    def test_an_end_while_a_search_waits_for_the_disk_is_clean_X16(self):
        """X16: SIGTERM with searches under way ends them and the registry, cleanly."""
        self.serve()
        self.registry.ctl_ok("add", "HOST#20", "10.0.0.1")
        with open(self.registry.db + "-shm", "r+b") as shm:
            fcntl.lockf(shm, fcntl.LOCK_EX, READ_LOCKS[1], READ_LOCKS[0])
            searches = [self.search("HOST#20") for _ in range(3)]
            time.sleep(0.3)     # they are under way then, or begin in vain
            self.registry.process.signal(signal.SIGTERM)
            self.assertEqual([process.wait(harness.STOP_S) for process in searches], [3] * 3)
        self.registry.process.expected_gone = True
        self.assertEqual(self.registry.process.wait(), 0)

    # ---- watch

    def watch(self, *words):
        self.out = open(self.path("watch.out"), "w+", encoding="utf-8")
        self.addCleanup(self.out.close)
        process = subprocess.Popen([harness.program("winsctl"), "--control", self.registry.control, "watch"] + list(words),
                                   stdout=self.out, preexec_fn=harness.die_with_parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.registry.ctl_ok("add", "READY#20", "10.0.0.1")

        def has_begun():
            self.registry.ctl_ok("add", "READY#20", "10.0.0.1")
            return "READY#20" in self.written()
        if "READY#20" in words or not [word for word in words if "#" in word]:
            harness.wait_until(has_begun, "watch showing a change")
        return process

    def written(self):
        with open(self.out.name, encoding="utf-8") as out:
            return out.read()

    def test_watch_shows_changes_as_they_happen(self):
        """Each change at once, one JSON object a line; SIGINT ends it with 0 and a whole document."""
        self.serve()
        process = self.watch("--jsonl")
        self.assertEqual(self.client(CLIENT).register("HOST", 0x20, CLIENT).rcode, 0)
        harness.wait_until(lambda: "HOST#20" in self.written(), "the change")
        row = [json.loads(line) for line in self.written().splitlines()][-1]
        self.assertEqual((row["name"], row["change"], row["source"], row["addresses"]), ("HOST#20", "added", CLIENT, [CLIENT]))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(harness.STOP_S), 0)

    def test_watch_ends_after_count_and_timeout_and_takes_a_pattern(self):
        """--count, --timeout and a pattern; a pattern that is none is a usage mistake."""
        self.serve()
        process = self.watch("READY#20", "--count", "2", "--json")
        self.registry.ctl_ok("add", "UNSEEN#20", "10.0.0.1")
        for _ in range(2):
            self.registry.ctl("add", "READY#20", "10.0.0.1")
        self.assertEqual(process.wait(harness.STOP_S), 0)
        self.assertEqual([row["name"] for row in json.loads(self.written())["answer"]], ["READY#20"] * 2)
        self.assertEqual(self.registry.ctl_ok("watch", "--timeout", "200ms", "--json").answer, [])
        self.assertEqual(self.registry.ctl("watch", "NOTHING").code, 2)

    def test_a_slow_watcher_is_told_what_it_lost(self):
        """A watcher that does not read costs nobody anything and learns how many changes it missed."""
        self.serve()
        slow = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(slow.close)
        slow.connect(self.registry.control)
        body = b"Qwatch\0\0"
        slow.sendall(struct.pack(">I", len(body)) + body)
        harness.wait_until(lambda: slow.recv(65536, socket.MSG_PEEK), "the columns")
        names = "".join("N%05d#20,unique,H,true,0,10.0.0.1\n" % number for number in range(MANY))
        self.registry.ctl_ok("import", self.write("many.csv", "name,kind,node,static,expires,addresses\n" + names))
        self.assertEqual(self.registry.addresses("N00001#20"), ["10.0.0.1"])
        seen, lost, octets = 0, 0, b""
        slow.settimeout(harness.DEADLINE_S)
        while seen + lost < MANY:
            octets += slow.recv(65536)
            while len(octets) >= 4 and len(octets) >= 4 + struct.unpack(">I", octets[:4])[0]:
                length = struct.unpack(">I", octets[:4])[0]
                frame, octets = octets[4:4 + length], octets[4 + length:]
                words = frame[1:].split(b"\0")
                if frame[:1] == b"R" and words[2] == b"lost":
                    lost += int(words[15])
                elif frame[:1] == b"R":
                    seen += 1
        self.assertGreater(lost, 0)
        self.assertEqual(seen + lost, MANY)

    # ---- top

    def test_top_names_who_asks_most(self):
        """The busiest source and the most wanted name first, with count and share, over all workers."""
        self.serve("--workers", "3")
        self.registry.ctl_ok("add", "WANTED#20", "10.0.0.1")
        for number in range(30):
            self.client(CLIENT).query("WANTED", 0x20)
        for number in range(10):
            self.client(OTHER).query("NAME-%d" % number, 0x20)
        rows = self.registry.ctl_ok("top", "--json").answer
        self.assertEqual([row["who"] for row in rows if row["kind"] == "source"], [CLIENT, OTHER])
        source, name = (next(row for row in rows if row["kind"] == kind) for kind in ("source", "name"))
        self.assertEqual((source["count"], source["least"], source["share_percent"]), (30, 30, 75.0))
        self.assertEqual((name["who"], name["count"]), ("WANTED#20", 30))
        self.assertEqual(len(self.registry.ctl_ok("top", "--of", "name", "--lines", "3", "--json").answer), 3)


if __name__ == "__main__":
    harness.main()
