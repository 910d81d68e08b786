"""Everything at once on one registry: mixed load, reloads, administration, metrics. SL_SECONDS=N keeps it up for N seconds."""

import os
import random
import threading
import urllib.request

import harness
import lab
import mixed

SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SECONDS = float(os.environ.get("SL_SECONDS", "3"))


class Threads(harness.Case):
    def administer(self, done):
        """What an administrator may do at any time, again and again; the first failure is kept."""
        turn = 0
        try:
            while not done.is_set():
                turn += 1
                self.write("winsd.conf", 'ttl_max = "%dd"\njournal_max = %d\nquery_rate = 900%03d\n' % (1 + turn % 5, turn % 3 * 1000, turn % 1000))
                self.registry.process.signal(1)
                for words in (["stats"], ["top"], ["watch", "--timeout", "100ms"], ["list"], ["check"], ["scavenge", "--dry-run"],
                              ["explain", "HOST-1#20", "10.0.0.1"], ["backup", self.path("copy-%d.db" % turn)]):
                    self.registry.ctl_ok(*words)
                self.assertIn(self.registry.ctl("history", "HOST-1#20").code, (0, 1))
                with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.metrics, timeout=harness.DEADLINE_S) as page:
                    self.assertIn(b"winsd_names", page.read())
                os.unlink(self.path("copy-%d.db" % turn))
        except Exception as problem:     # pylint: disable=broad-except
            self.problem = problem
        self.turns = turn

    def test_everything_at_once(self):
        """2.12: under all of it no answer is wrong, every reload works, and the end is clean."""
        print("SL_SEED=%d SL_SECONDS=%g" % (SEED, SECONDS))
        self.metrics, self.problem, self.turns = harness.free_port(), None, 0
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)),
                                     more=["--config", self.write("winsd.conf", ""), "--metrics", "127.0.0.1:%d" % self.metrics,
                                           "--workers", "3"])
        load = mixed.Load(self.registry, SEED)
        self.addCleanup(load.close)
        done = threading.Event()
        thread = threading.Thread(target=self.administer, args=(done,))
        thread.start()
        try:
            load.run(SECONDS)
        finally:
            done.set()
            thread.join()
        load.finish()
        load.check()
        if self.problem:
            raise self.problem
        print(load.acknowledged, "%d turns of administration" % self.turns)
        self.assertGreater(min(load.acknowledged.values()), 0)
        self.assertGreater(self.turns, 1)
        self.registry.process.stop()
        log = self.registry.process.log()
        self.assertNotIn("reload-failed", log)
        self.assertNotIn("ThreadSanitizer", log)


if __name__ == "__main__":
    harness.main()
