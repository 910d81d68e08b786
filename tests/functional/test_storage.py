"""A disk, a database file and a clock that fail: a clear error or a refusal to start, never a wrong answer (wins.md 2.12)."""

import os
import pathlib
import random
import resource
import sqlite3
import subprocess

import harness
import lab
import nbns

SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
DISK_OCTETS = 1 << 20
PAGE = 4096
HEAD, FRAME = 32, 24 + PAGE    # of a write-ahead log
NAMES = 400
DAMAGES = 12
KILLS = 20    # until one meets a backup; the first nearly always does
BITS = 10
RECORD = 16 + 1 + 4 + 4 + 16  # octets of a record that are surely its own: name, node, expiry, registrant, member
CLIENT = "127.0.0.3"


class MayRefuse(lab.Registry):
    """One whose start may end with a refusal."""

    def is_ready(self):
        return not self.process.is_alive() or super().is_ready()


class OnDisk(lab.Registry):
    """One whose database is in a folder of its own."""

    def __init__(self, case, port, folder):
        self.folder = folder
        super().__init__(case, port)

    def start(self):
        self.db = os.path.join(self.folder, "wins.db")
        super().start()


class Storage(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))
        self.client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local=CLIENT)
        self.addCleanup(self.client.close)

    def mount(self):
        """A small disk of its own on the place of the database."""
        folder = self.path("disk")
        os.mkdir(folder)
        self.run_ok([harness.tool("mount", "mount"), "-t", "tmpfs", "-o", "size=%d" % DISK_OCTETS, "none", folder])
        self.addCleanup(harness.run, [harness.tool("umount", "mount"), "-l", folder])
        return folder

    def register(self, number):
        return self.client.register("NAME-%d" % number, 0x20, CLIENT).rcode

    def ask(self, number):
        return self.client.query("NAME-%d" % number, 0x20)

    def check_answers(self, known):
        for number in known:
            self.assertEqual(self.ask(number).addresses, [CLIENT], "NAME-%d" % number)

    def refused(self, db, code, *texts):
        """winsd does not start on this file, and says why."""
        result = harness.run([harness.program("winsd"), "--foreground", "--db", db, "--control", self.path("w.sock"),
                              "--listen", "%s:%d" % (lab.REGISTRY_ADDRESS, self.port)])
        self.assertEqual(result.code, code, str(result))
        for text in (os.path.basename(db),) + texts:
            self.assertIn(text, result.err)

    def filled(self, names=NAMES, more=()):
        """A registry with names, stopped; and what it holds."""
        registry = MayRefuse(self, self.port, more=more)
        for number in range(names):
            self.assertEqual(self.register(number), 0)
        records = registry.ctl_ok("list", "--json").answer
        registry.process.stop()
        return registry, {record["name"]: (record["addresses"], record["version"]) for record in records}

    def test_full_disk_refuses_changes_and_answers_queries_2_12(self):
        """2.12: on a full disk changes fail, queries go on; with space again everything works, and no refused name appears."""
        folder = self.mount()
        registry = OnDisk(self, self.port, folder)
        self.assertEqual(self.register(0), 0)
        with open(os.path.join(folder, "filler"), "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * PAGE)
            except OSError:
                pass
        granted, refused = {0}, set()
        for number in range(1, 5000):
            (granted if self.register(number) == 0 else refused).add(number)
            if len(refused) == 20:
                break
        self.assertEqual(len(refused), 20, "the disk did not get full")
        self.assertNotEqual(registry.ctl("add", "FIXED#20", "10.0.0.1").code, 0)
        self.assertIsNone(registry.record("FIXED#20"))
        self.assertIn("commit-failed", registry.process.log())
        self.assertIn("full", registry.process.log())
        self.check_answers(granted)
        for number in refused:
            self.assertEqual(self.ask(number).rcode, 3)
        os.unlink(os.path.join(folder, "filler"))
        self.assertEqual(self.register(6000), 0)
        registry.ctl_ok("add", "FIXED#20", "10.0.0.1")
        registry.process.kill()
        registry.start()
        self.check_answers(granted | {6000})
        for number in refused:
            self.assertEqual(self.ask(number).rcode, 3)

    def test_a_file_that_may_not_grow_is_a_full_disk_2_12(self):
        """2.12: beyond the limit of the size of a file (ulimit -f) changes fail and queries go on; without it changes work again."""
        registry = lab.Registry(self, self.port)
        self.assertEqual(self.register(1), 0)
        resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        self.assertEqual(self.register(2), 2)
        self.assertEqual(self.ask(1).rcode, 0)
        self.assertEqual(self.ask(2).rcode, 3)
        resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(self.register(2), 0)

    def test_a_deletion_that_the_disk_stops_2_12(self):
        """2.12: a deletion of many names that a full disk comes into is partial; what it counted is gone, the others are there."""
        registry = lab.Registry(self, self.port)
        rows = "".join("N%d#20,unique,H,true,0,10.0.0.1\n" % number for number in range(4000))
        registry.ctl_ok("import", self.write("many.csv", "name,kind,node,static,expires,addresses\n" + rows))
        registry.process.stop()
        registry.start()
        resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        result = registry.ctl("delete", "--prefix", "N", "--json")
        self.assertEqual((result.code, result.json["outcome"], result.json["reason"]), (8, "partial", "cut-short"), str(result))
        self.assertIn(os.path.basename(registry.db), result.json["message"])
        changed = result.answer["changed"]
        self.assertTrue(256 <= changed < 4000, changed)
        self.assertEqual(len(registry.ctl_ok("list", "--json").answer), 4000 - changed)
        nothing = registry.ctl("delete", "--prefix", "N", "--json")
        self.assertEqual((nothing.code, nothing.answer["changed"]), (3, 0), str(nothing))
        resource.prlimit(registry.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.assertEqual(registry.ctl_ok("delete", "--prefix", "N", "--json").answer["changed"], 4000 - changed)

    def test_read_only_file_system_is_refused_2_12(self):
        """2.12: a file system that may not be written is told with the name of the file, a new and an old database alike."""
        folder = self.mount()
        registry = OnDisk(self, self.port, folder)
        self.assertEqual(self.register(0), 0)
        registry.process.stop()
        self.run_ok([harness.tool("mount", "mount"), "-o", "remount,bind,ro", folder])
        self.refused(registry.db, 6, "Read-only file system")
        self.refused(os.path.join(folder, "new.db"), 6, "Read-only file system")
        self.run_ok([harness.tool("mount", "mount"), "-o", "remount,bind,rw", folder])
        registry.start()
        self.check_answers({0})

    def refuses(self, registry, octets, what):
        """Whether a start on these octets as the database is refused; the refusal names the file."""
        with open(registry.db, "wb") as file:
            file.write(octets)
        registry.start()
        if registry.process.is_alive():
            return False
        self.assertEqual(registry.process.wait(), 7, what)
        self.assertIn(os.path.basename(registry.db), registry.process.log(), what)
        registry.process.expected_gone = True
        return True

    def test_one_wrong_bit_in_a_record_is_refused_2_12(self):
        """2.12: a bit that the disk has turned over in a name, a number or an address of a record is found, and nothing starts."""
        print("SL_SEED=%d" % SEED)
        dice = random.Random(SEED)
        registry, _ = self.filled(BITS, more=["--journal-max", "0"])    # all in one page, and no name anywhere else
        with open(registry.db, "rb") as file:
            good = file.read()
        start = good.index(b"NAME-%d " % dice.randrange(BITS))
        for at in [start, start + 15] + [start + dice.randrange(RECORD) for _ in range(BITS)]:
            wrong = bytearray(good)
            wrong[at] ^= 1 << dice.randrange(8)
            what = "octet %d of the record" % (at - start)
            self.assertTrue(self.refuses(registry, wrong, what), what)

    def test_damaged_page_is_refused_2_12(self):
        """2.12: a database with a page of garbage or zeros is refused; one that starts all the same holds all that it had."""
        print("SL_SEED=%d" % SEED)
        dice = random.Random(SEED)
        registry, before = self.filled()
        with open(registry.db, "rb") as file:
            good = file.read()
        refusals = 0
        for damage in range(DAMAGES):
            page = 0 if damage == 0 else dice.randrange(len(good) // PAGE)
            junk = dice.randbytes(PAGE) if damage % 2 == 0 else bytes(PAGE)
            if self.refuses(registry, good[:page * PAGE] + junk + good[(page + 1) * PAGE:], "page %d" % page):
                refusals += 1
                continue
            after = {record["name"]: (record["addresses"], record["version"]) for record in registry.ctl_ok("list", "--json").answer}
            self.assertEqual(after, before, "page %d of %d" % (page, len(good) // PAGE))
            registry.process.stop()
        self.assertGreater(refusals, DAMAGES // 4)    # the rest were pages that nothing is in

    def test_cut_write_ahead_log_is_a_past_state_2_12(self):
        """2.12: with the end of its log cut off a registry holds a state that was once true, in the order of the changes."""
        print("SL_SEED=%d" % SEED)
        dice = random.Random(SEED)
        registry = lab.Registry(self, self.port)
        for number in range(NAMES):
            self.assertEqual(self.register(number), 0)
        registry.process.kill()
        size = os.path.getsize(registry.db + "-wal")
        self.assertGreater(size, PAGE)
        os.truncate(registry.db + "-wal", dice.randrange(PAGE, size))
        registry.start()
        there = [registry.record("NAME-%d#20" % number) is not None for number in range(NAMES)]
        self.assertEqual(there, sorted(there, reverse=True))
        self.assertGreaterEqual(registry.ctl_ok("stats", "--json").answer["version"], sum(there))
        self.assertEqual(self.register(NAMES), 0)
        versions = [record["version"] for record in registry.ctl_ok("list", "--json").answer]
        self.assertEqual(len(set(versions)), sum(there) + 1)
        self.assertEqual(max(versions), registry.record("NAME-%d#20" % NAMES)["version"])

    def test_damaged_write_ahead_log_is_refused_2_12(self):
        """2.12: one wrong bit in the log of a killed server, its head or a page with more behind it: nothing starts, nothing changes."""
        print("SL_SEED=%d" % SEED)
        dice = random.Random(SEED)
        registry = lab.Registry(self, self.port)
        for number in range(NAMES // 4):
            self.assertEqual(self.register(number), 0)
        registry.process.kill()
        log = pathlib.Path(registry.db + "-wal")
        good = log.read_bytes()
        for at in [dice.randrange(HEAD)] + [dice.randrange(HEAD, len(good) // 2) for _ in range(BITS)]:
            wrong = bytearray(good)
            wrong[at] ^= 1 << dice.randrange(8)
            log.write_bytes(wrong)
            self.refused(registry.db, 7, "write-ahead log", "damaged at octet %d:" % (at - (at - HEAD) % FRAME if at >= HEAD else 0),
                         "--accept-missing-log")
            self.assertEqual(log.read_bytes(), wrong)
        log.write_bytes(good)
        registry.start()
        self.check_answers(range(NAMES // 4))

    def test_missing_write_ahead_log_is_refused_2_11_2_12(self):
        """2.11, 2.12: without the log of a killed server nothing starts; who accepts that gets version ids never seen before."""
        registry = lab.Registry(self, self.port)
        for number in range(20):
            self.assertEqual(self.register(number), 0)
        registry.process.kill()
        log = registry.db + "-wal"
        os.rename(log, log + ".away")
        for _ in range(2):
            self.refused(registry.db, 7, "write-ahead log", "--accept-missing-log")
        os.rename(log + ".away", log)
        registry.start()
        self.check_answers(range(20))
        registry.ctl_ok("backup", self.path("copy.db"))
        before = registry.ctl_ok("stats", "--json").answer["version"]
        registry.process.kill()
        os.unlink(log)
        registry.more = ["--accept-missing-log"]
        registry.start()
        registry.ctl_ok("add", "NEW#20", "10.0.0.1")
        self.assertGreater(registry.record("NEW#20")["version"], before)
        registry.process.stop()
        registry.more = []
        os.rename(self.path("copy.db"), registry.db)
        registry.start()
        self.check_answers(range(20))

    def test_the_log_of_a_crash_is_not_put_into_a_copy_2_12(self):
        """2.12: a copy restored beside the log that a crash has left is refused, and nothing changes; without the log it starts."""
        registry = lab.Registry(self, self.port)
        for number in range(20):
            self.assertEqual(self.register(number), 0)
        registry.ctl_ok("backup", self.path("copy.db"))
        for number in range(20, 60):
            self.assertEqual(self.register(number), 0)
        registry.process.kill()
        log = registry.db + "-wal"
        self.assertGreater(os.path.getsize(log), PAGE)
        os.rename(self.path("copy.db"), registry.db)
        before = [pathlib.Path(path).read_bytes() for path in (registry.db, log)]
        for _ in range(2):
            self.refused(registry.db, 7, os.path.basename(log), "remove it")
        self.assertEqual([pathlib.Path(path).read_bytes() for path in (registry.db, log)], before)
        os.unlink(log)
        registry.start()
        self.check_answers(range(20))
        self.assertEqual(len(registry.ctl_ok("list", "--json").answer), 20)
        self.assertEqual(self.register(99), 0)
        registry.process.kill()
        registry.start()    # with a log of its own, as ever
        self.check_answers([99])

    def copies(self):
        return [name for name in os.listdir(self.folder) if ".copying" in name]

    def test_a_crash_during_a_backup_leaves_nothing_behind_2_12(self):
        """2.12: what a killed server has left of a backup goes at the next start, its own database's only, and nobody else's files."""
        registry = lab.Registry(self, self.port)
        names = "".join("N%05d#20,unique,H,true,0,10.0.0.1\n" % number for number in range(20000))
        registry.ctl_ok("import", self.write("many.csv", "name,kind,node,static,expires,addresses\n" + names))

        for turn in range(KILLS):
            backup = subprocess.Popen([harness.program("winsctl"), "--control", registry.control, "backup", self.path("%d.db" % turn)],
                                      stderr=subprocess.DEVNULL, preexec_fn=harness.die_with_parent)
            harness.wait_until(lambda: self.copies() or backup.poll() is not None, "the copy being made", poll_s=0)
            registry.process.kill()
            backup.wait()
            if self.copies():
                break
            registry.start()
        self.assertNotEqual(self.copies(), [], "no kill came while the copy was there")
        base = registry.db + ".copying"
        ours = [base, base + "-journal", base + ".aB3dE9", base + ".aB3dE9-wal", base + ".aB3dE9-shm", base + ".aB3dE9-journal"]
        others = [base + ".old", base + ".aB3dE9.gz", base + "-mine", base + ".aB3dE9x", registry.db + ".copy", self.path("x.db.copying")]
        for path in ours + others:
            pathlib.Path(path).touch()
        registry.start()
        self.assertEqual(set(self.copies()), {os.path.basename(path) for path in others if ".copying" in path})
        self.assertTrue(os.path.exists(registry.db + ".copy"))
        registry.ctl_ok("backup", self.path("copy.db"))
        self.assertEqual(len(registry.ctl_ok("list", "--json").answer), 20000)

    def test_files_taken_away_acknowledge_nothing_2_12(self):
        """2.12: with the database or its log unlinked or moved, changes fail and say why, queries go on; back in place, changes too."""
        registry = lab.Registry(self, self.port)
        self.assertEqual(self.register(1), 0)
        for path in (registry.db, registry.db + "-wal"):
            os.rename(path, path + ".away")
            self.assertEqual(self.register(2), 2)
            self.check_answers([1])
            harness.wait_until(lambda: "%s: " % registry.db in registry.process.log() and
                               "was removed or replaced while in use" in registry.process.log(), "the reason in the log")
            os.rename(path + ".away", path)
            self.assertEqual(self.register(1), 0)
            self.assertEqual(self.client.register("NEW", 0x20, CLIENT).rcode, 0)
        os.unlink(registry.db)
        self.assertEqual(self.register(2), 2)
        self.assertIn("export the names before a restart", registry.ctl("add", "FIXED#20", "10.0.0.1").err)
        self.check_answers([1])
        registry.ctl_ok("export", self.path("kept.csv"))
        registry.process.stop()
        for rest in ("-wal", "-shm"):
            os.unlink(registry.db + rest)
        registry.start()
        registry.ctl_ok("import", self.path("kept.csv"))
        self.check_answers([1])

    def test_a_server_that_moves_keeps_its_names_2_11(self):
        """2.11 V01: names registered under the server's former address are its own under the new one, and expire as such."""
        registry = lab.Registry(self, self.port, more=["--ttl-min", "1s"])
        self.assertEqual(self.client.register("NAME-1", 0x20, CLIENT, ttl_s=1).rcode, 0)
        registry.ctl_ok("add", "FIXED#1C", "10.0.0.1", "10.0.0.2", "--group")
        registry.process.stop()
        registry.address = "127.0.0.4"
        registry.start()
        for name in ("NAME-1#20", "FIXED#1C"):
            self.assertEqual(registry.record(name)["owner"], "127.0.0.4")
        self.assertEqual(registry.ctl("check").code, 0)
        harness.wait_until(lambda: registry.record("NAME-1#20")["expires_s"] < 0, "the end of the lease")
        registry.ctl_ok("scavenge")
        self.assertEqual(registry.record("NAME-1#20")["state"], "released")
        registry.ctl_ok("add", "NEW#20", "10.0.0.3")
        self.assertEqual(registry.record("NEW#20")["version"], 3)

    def test_a_version_counter_that_fell_back_leaps_2_11(self):
        """2.11: a counter below a record's version, as an old copy's table or an editor leaves it, is raised and told at the start."""
        registry, records = self.filled(3)
        with sqlite3.connect(registry.db) as file:
            file.execute("UPDATE registry SET version = 1")
        file.close()
        registry.start()
        self.assertIn("version-raised", registry.process.log())
        self.assertEqual(registry.ctl("check").code, 0)
        self.assertEqual(self.register(9), 0)
        self.assertGreater(registry.record("NAME-9#20")["version"], 1 << 32)
        self.assertGreater(1 << 32, max(version for _, version in records.values()))

    def test_newer_database_is_refused_2_12(self):
        """2.12: a database of a newer version is refused and left as it was."""
        registry, _ = self.filled(1)
        with sqlite3.connect(registry.db) as file:
            version = file.execute("PRAGMA user_version").fetchone()[0]
            file.execute("PRAGMA user_version = %d" % (version + 1))
        file.close()
        self.refused(registry.db, 7, "written by a newer version")
        with sqlite3.connect(registry.db) as file:
            self.assertEqual(file.execute("PRAGMA user_version").fetchone()[0], version + 1)
        file.close()

    def test_foreign_database_is_refused_2_12(self):
        """2.12: the database of another program is refused and left as it was."""
        path = self.path("foreign.db")
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE record (name TEXT)")
        file.close()
        with open(path, "rb") as file:
            before = file.read()
        self.refused(path, 7, "another program")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)


if __name__ == "__main__":
    harness.need_namespace("-rnm")
    harness.main()
