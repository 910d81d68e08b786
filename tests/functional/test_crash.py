"""What a registry promised holds when it is killed at any moment (wins.md 2.11, 2.12). SL_KILLS=N kills N times."""

import os
import random

import harness
import lab
import mixed

SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
KILLS = int(os.environ.get("SL_KILLS", "20"))
LIVES_S = (0.02, 0.8)       # how long a server lives under load


class Crash(harness.Case):
    def test_sigkill_under_mixed_load_loses_nothing_2_11_2_12(self):
        """2.11, 2.12: no acknowledged change is lost or comes back, no version id is given twice, no answer is wrong."""
        print("SL_SEED=%d SL_KILLS=%d" % (SEED, KILLS))
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        load = mixed.Load(registry, SEED)
        self.addCleanup(load.close)
        moments = random.Random(SEED)
        for _ in range(KILLS):
            load.run(moments.uniform(*LIVES_S))
            registry.process.kill()
            load.server_died()
            registry.start()
            load.check()
        load.run(LIVES_S[1])
        load.finish()
        load.check()
        print(load.acknowledged)
        for kind, count in load.acknowledged.items():
            self.assertGreater(count, KILLS, kind)


if __name__ == "__main__":
    harness.main()
