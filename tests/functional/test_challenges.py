"""Thousands of challenges at once, whose holders are silent: nobody else waits for them (R16, C01). SL_CHALLENGES=N runs N."""

import os
import random
import select
import struct
import time

import harness
import lab
import nbns

CHALLENGES = int(os.environ.get("SL_CHALLENGES", "8192"))
OF_ONE_RIVAL = 256      # as many as one requester may have
FEW = 1024              # while answers are forged
ANSWERS = 20000
LATEST_S = 2.5          # longer than an answer takes on a busy machine, shorter than one silent address is given
OWNER = "127.0.0.3"


class Challenges(harness.Case):
    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)), more=["--workers", "1"])
        self.client = self.new_client(OWNER)
        self.assertEqual(self.client.register("ALIVE", 0x20, OWNER).rcode, 0)

    @staticmethod
    def holder(network, number):
        return "127.%d.%d.%d" % (network, number >> 8, number & 255)    # where nobody listens

    def new_client(self, address):
        client = nbns.Client((self.registry.address, self.registry.port), local=address)
        self.addCleanup(client.close)
        return client

    def stats(self):
        return self.registry.ctl_ok("stats", "--json").answer

    def start_challenges(self, count):
        """Every name, held by a machine with two addresses, is claimed by a rival; returns the rivals once all of them wait."""
        rows = ["name,kind,node,static,expires,addresses"]
        for number in range(count):
            rows.append("HELD%d#20,mhomed,H,false,0,%s %s" % (number, self.holder(20, number), self.holder(21, number)))
        self.registry.ctl_ok("import", self.write("held.csv", "\n".join(rows) + "\n"))
        rivals = [self.new_client("127.30.0.%d" % (1 + n)) for n in range((count + OF_ONE_RIVAL - 1) // OF_ONE_RIVAL)]
        waiting, number = 0, 0
        while waiting < count:
            for _ in range(min(OF_ONE_RIVAL, count - number)):
                rival = rivals[number // OF_ONE_RIVAL]
                rival.send(nbns.request(number, nbns.REGISTER, "HELD%d" % number, 0x20, rival.socket.getsockname()[0]))
                number += 1
            while waiting < number:
                ready = select.select([rival.socket for rival in rivals], [], [], 2)[0]
                self.assertTrue(ready, "R16 %d of %d requests were told to wait" % (waiting, number))
                for one in ready:
                    answer = nbns.Answer(one.recv(600))
                    self.assertEqual(answer.opcode, nbns.WACK, "R16 request %d" % answer.number)
                    waiting += 1
        return rivals

    def all_others_are_served(self, seconds):
        """Queries, new names and refreshes by others, one after another; returns how many."""
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            count += 1
            for what, packet in (("query", nbns.query(count & 0xffff, "ALIVE", 0x20)),
                                 ("registration", nbns.request(0x8000 | count, nbns.REGISTER, "NEW%d" % count, 0x20, OWNER)),
                                 ("refresh", nbns.request(0x4000 | count, nbns.REFRESH, "ALIVE", 0x20, OWNER))):
                answer = self.client.ask(packet, tries=1, timeout_s=LATEST_S)
                self.assertIsNotNone(answer, "%s %d waits for silent holders" % (what, count))
                self.assertEqual(answer.rcode, 0, what)
        return count

    def end_of(self, rivals, count):
        """All silent: each rival gets its names (C01)."""
        granted = 0
        while granted < count:
            ready = select.select([rival.socket for rival in rivals], [], [], 15)[0]
            self.assertTrue(ready, "C01 %d of %d were granted" % (granted, count))
            for one in ready:
                answer = nbns.Answer(one.recv(600))
                self.assertEqual((answer.opcode, answer.rcode), (nbns.REGISTER, 0), "C01 request %d" % answer.number)
                granted += 1
        stats = self.stats()
        self.assertEqual((stats["challenges_running"], stats["challenges_full"]), (0, 0))
        for number in random.sample(range(count), 20):
            self.assertEqual(self.registry.addresses("HELD%d#20" % number), ["127.30.0.%d" % (1 + number // OF_ONE_RIVAL)])

    def test_thousands_of_silent_holders_stop_nobody_R16_C01(self):
        """R16, C01: while thousands of challenges run, queries, registrations and refreshes of others are answered as ever"""
        rivals = self.start_challenges(CHALLENGES)
        self.assertEqual(self.stats()["challenges_running"], CHALLENGES)
        print("%d served meanwhile" % (3 * self.all_others_are_served(1.0)))
        self.end_of(rivals, CHALLENGES)

    def test_a_flood_of_answers_takes_no_room_R16(self):
        """R16: forged answers to challenges never reach the queue of the registrations, and decide nothing"""
        rivals = self.start_challenges(FEW)
        forger = self.new_client("127.40.0.1")
        before = self.stats()
        body = nbns.encode_name("HELD0", 0x20) + struct.pack(">HHIHH4s", nbns.NB, 1, 0, 6, 0x6000, b"\x7f\x14\0\0")
        for number in range(ANSWERS):
            forger.send(nbns.header(number * 3 & 0xffff, 0x8500, answers=1) + body)
            if number % 100 == 0:   # behind which all before it were read
                self.assertIsNotNone(self.client.ask(nbns.query(number & 0xffff, "ALIVE", 0x20), tries=1, timeout_s=LATEST_S))
        self.all_others_are_served(0.2)
        after = self.stats()
        self.assertEqual(after["stray_answers"] - before["stray_answers"], ANSWERS)
        self.assertEqual((after["engine_ignored"], after["queue_full"], after["queue_full_dropped"]), (0, 0, 0))
        self.end_of(rivals, FEW)


if __name__ == "__main__":
    harness.main()
