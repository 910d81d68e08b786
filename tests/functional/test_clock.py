"""A clock that jumps back and forth under a running registry (wins.md 2.7, 2.11): leases follow it, answers and versions do not."""

import datetime
import glob
import os

import harness
import lab
import nbns

CLIENT, OTHER = "127.0.0.3", "127.0.0.4"
DAY_S = 86400
JUMPS_DAYS = (10, -20, 400, -3, 0)
BASE = datetime.datetime(2026, 3, 1, 12, 0, 0)


class Faked(lab.Registry):
    """A registry whose real-time clock is what a file says; the monotonic one goes on."""

    def __init__(self, case, port):
        library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not library:
            raise harness.Failed("libfaketimeMT is missing: install the package faketime")
        self.clock = case.path("clock")
        self.env = {"LD_PRELOAD": library[0], "FAKETIME_TIMESTAMP_FILE": self.clock, "FAKETIME_NO_CACHE": "1",
                    "FAKETIME_DONT_FAKE_MONOTONIC": "1", "TZ": "UTC"}
        self.set(0)
        super().__init__(case, port)

    def set(self, days):
        """The clock stands at that day at noon from here on, by a rename, so that no half line is read."""
        with open(self.clock + ".new", "w", encoding="ascii") as out:
            out.write((BASE + datetime.timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S\n"))
        os.rename(self.clock + ".new", self.clock)

    def start(self):
        self.process = self.case.start(
            [harness.program("winsd"), "--db", self.db, "--listen", "%s:%d" % (self.address, self.port), "--control", self.control,
             "--nbt-port", self.port], env=self.env)
        harness.wait_until(self.is_ready, "winsd under a faked clock")


class Clock(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))
        self.registry = Faked(self, self.port)

    def client(self, address):
        client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local=address)
        self.addCleanup(client.close)
        return client

    def check_all(self, client, names):
        for name in names:
            self.assertEqual(client.query(name, 0x20).addresses, [CLIENT], name)

    def test_jumps_of_the_clock_lose_no_name_and_repeat_no_version_2_7_2_11(self):
        """2.7, 2.11: forth and back by days, with and without a restart: every name is answered, version ids only grow."""
        client, names, highest = self.client(CLIENT), [], 0
        for number, days in enumerate(JUMPS_DAYS):
            for restart in (False, True):
                name = "N%d%s" % (number, "R" if restart else "")
                self.assertEqual(client.register(name, 0x20, CLIENT).rcode, 0)
                names.append(name)
                record = self.registry.record(name + "#20")
                self.assertGreater(record["version"], highest)
                highest = record["version"]
                self.check_all(client, names)
                self.registry.set(days)
                if restart:
                    self.registry.process.kill()
                    self.registry.start()
                self.check_all(client, names)
                self.assertEqual(client.register(names[0], 0x20, CLIENT, opcode=nbns.REFRESH).rcode, 0)
                harness.wait_until(lambda: 0 < self.registry.record(names[0] + "#20")["expires_s"] <= 6 * DAY_S,
                                   "a lease by the clock of now")     # a refresh is answered before it is written
        stats = self.registry.ctl_ok("stats", "--json").answer
        self.assertEqual(stats["scavenges"], 0)
        self.registry.ctl_ok("check")

    def test_a_jump_does_not_stop_a_challenge_2_3(self):
        """2.3: a challenge is timed by the clock that never jumps: a silent holder loses its name in seconds, ten years later."""
        client, other = self.client(CLIENT), self.client(OTHER)
        self.assertEqual(client.register("NAME", 0x20, "127.0.0.99").rcode, 0)
        number = other.next_number()
        other.send(nbns.request(number, nbns.REGISTER, "NAME", 0x20, OTHER))
        self.assertEqual(other.receive().opcode, nbns.WACK)
        self.registry.set(3650)
        answer = other.receive(harness.DEADLINE_S)
        self.assertEqual((answer.number, answer.rcode), (number, 0))
        self.assertEqual(client.query("NAME", 0x20).addresses, [OTHER])


if __name__ == "__main__":
    harness.main()
