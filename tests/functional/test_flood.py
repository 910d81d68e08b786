"""A flood of damaged packets at a running registry: it lives, does not grow, and never amplifies. SL_PACKETS=N sends N."""

import os
import random
import re
import signal

import harness
import lab
import nbns

SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
PACKETS = int(os.environ.get("SL_PACKETS", "1000000"))
WARM_UP = 50000
GROWTH_KIB = int(os.environ.get("SL_GROWTH_KIB", "16384"))  # beyond what the names need that damaged packets registered
SUDDEN = 40000             # more than the buffer of a socket holds
NAME_OCTETS = 512           # in memory, at most


class Flood(harness.Case):
    def flood(self, packets, seed):
        self.run_ok([harness.program("flood"), self.registry.address, self.registry.port, packets, seed], timeout_s=3600)

    def resident_kib(self):
        with open("/proc/%d/status" % self.registry.process.pid, encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))

    def names(self):
        return self.registry.ctl_ok("stats", "--json").answer["names"]

    def test_nothing_is_dropped_without_a_counter_B02(self):
        """B02: what a server that stood still could not take is counted, to the last datagram"""
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        client = nbns.Client((self.registry.address, self.registry.port))
        self.addCleanup(client.close)
        self.registry.process.signal(signal.SIGSTOP)
        for number in range(SUDDEN):
            client.send(nbns.query(number & 0xffff, "NOBODY", 0x20))
        self.registry.process.signal(signal.SIGCONT)

        def counted():
            stats = self.registry.ctl_ok("stats", "--json").answer
            return stats["received"] + stats["receive_full"], stats["receive_full"]
        harness.wait_until(lambda: counted()[0] == SUDDEN, "every datagram being counted")
        self.assertGreater(counted()[1], 0)
        self.assertEqual(self.registry.ctl_ok("stats", "--json").answer["answered"] + counted()[1], SUDDEN)

    def test_damaged_packets_neither_kill_nor_grow_nor_amplify_R01(self):
        """R01: alive after them, no memory lost, no answer larger than five times its question."""
        print("SL_SEED=%d SL_PACKETS=%d" % (SEED, PACKETS))
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        self.flood(WARM_UP, SEED + 1)
        before_kib, before_names = self.resident_kib(), self.names()
        self.flood(PACKETS, SEED)
        self.registry.process.check_alive()
        grown_kib, new_names = self.resident_kib() - before_kib, self.names() - before_names
        print("%d KiB more for %d names more" % (grown_kib, new_names))
        self.assertLess(grown_kib, GROWTH_KIB + new_names * NAME_OCTETS // 1024)
        self.registry.ctl_ok("add", "GOOD#20", "10.1.1.1")
        self.assertEqual(self.registry.addresses("GOOD#20"), ["10.1.1.1"])


if __name__ == "__main__":
    harness.need_namespace()
    harness.main()
