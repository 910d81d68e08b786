"""The life of a record in the real daemon: leases end, restarts do not put that off, an administrator may look before."""

import contextlib
import os
import sqlite3
import subprocess
import time

import harness
import lab
import mixed
import nbns


class Life(harness.Case):
    def start_registry(self, *more):
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))
        self.registry = lab.Registry(self, self.port, more=["--ttl-min", "1s", "--ttl-max", "1s"] + list(more))
        self.client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local="127.0.0.3")
        self.addCleanup(self.client.close)
        self.assertEqual(self.client.register("HOST", 0x20, "127.0.0.3").rcode, 0)
        self.registry.ctl_ok("add", "FIXED#20", "10.0.0.1")

    def rules(self):
        return self.registry.ctl_ok("stats", "--json").answer["rules"]

    def test_a_name_lives_and_dies_V01_V02_V03(self):
        """V01, V02, V03: active, released, tombstone, gone; a static name stays."""
        self.start_registry("--scavenge-period", "1s", "--extinction-interval", "1s", "--extinction-timeout", "1s",
                            "--tombstone-hold", "0s")
        harness.wait_until(lambda: self.registry.record("HOST#20") is None, "the end of HOST")
        decided = [rule for rule in self.rules() if rule.startswith("V")]
        self.assertEqual(decided, ["V01 1", "V02 1", "V03 1"])
        self.assertEqual(self.registry.ctl_ok("stats", "--json").answer["version"], 3)
        self.assertEqual(self.registry.record("FIXED#20")["state"], "active")
        self.assertEqual(self.client.query("HOST", 0x20).rcode, 3)

    def test_restarts_do_not_put_scavenging_off_V01(self):
        """V01, 2.7: a server that never runs for a whole period scavenges all the same."""
        self.start_registry("--scavenge-period", "3s")
        began = time.monotonic()
        while self.registry.record("HOST#20")["state"] == "active":
            self.assertLess(time.monotonic() - began, harness.DEADLINE_S)
            self.registry.process.stop()
            self.registry.start()
            time.sleep(0.5)
        self.assertEqual(self.registry.record("HOST#20")["state"], "released")
        self.assertEqual(self.registry.record("HOST#20")["version"], 1)

    def test_look_before_V01(self):
        """--dry-run shows rule and new state and changes nothing; scavenge is on disk when it returns."""
        self.start_registry("--scavenge-period", "1h")
        time.sleep(1.1)
        rows = self.registry.ctl_ok("scavenge", "--dry-run", "--json").answer
        self.assertEqual([(row["rule"], row["name"], row["state"], row["becomes"], row["new_version"]) for row in rows],
                         [("V01", "HOST#20", "active", "released", False)])
        self.assertEqual(self.registry.record("HOST#20")["state"], "active")
        done = {row["rule"]: row["names"] for row in self.registry.ctl_ok("scavenge", "--json").answer}
        self.assertEqual(done, {"V01": 1, "V02": 0, "V03": 0, "V05": 0, "V06": 0})
        self.registry.process.kill()
        self.registry.start()
        self.assertEqual(self.registry.record("HOST#20")["state"], "released")
        self.assertEqual(self.registry.ctl_ok("scavenge", "--dry-run").out, "")

    def test_an_administrator_ends_names_L10(self):
        """L10, 2.11: release and tombstone are on disk when they return; release keeps the version, tombstone takes a new one."""
        self.start_registry("--scavenge-period", "1h")
        self.assertEqual(self.client.register("OTHER", 0x20, "127.0.0.3").rcode, 0)
        version = self.registry.record("OTHER#20")["version"]
        released = self.registry.ctl_ok("release", "HOST#20", "--json").answer
        buried = self.registry.ctl_ok("tombstone", "OTHER#20", "--json").answer
        self.registry.ctl_ok("tombstone", "FIXED#20")
        self.registry.process.kill()
        self.registry.start()
        self.assertEqual((released["state"], released["version"]), ("released", 1))
        self.assertEqual((buried["state"], buried["version"]), ("tombstone", version + 1))
        for name, state in (("HOST#20", "released"), ("OTHER#20", "tombstone"), ("FIXED#20", "tombstone")):
            record = self.registry.record(name)
            self.assertEqual((record["state"], record["static"]), (state, False))
            self.assertEqual(self.client.query(name[:-3], 0x20).rcode, 3)
        self.registry.ctl_ok("add", "FIXED#20", "10.0.0.1")
        self.assertEqual(self.registry.ctl("release", "FIXED#20").code, 7)
        for verb in ("release", "tombstone"):
            self.assertEqual(self.registry.ctl(verb, "NOBODY#20").code, 1)

    def test_backup_while_registrations_go_on(self):
        """2.12: a backup has all that was acknowledged before, serves as a database, and overwrites nothing."""
        self.start_registry("--scavenge-period", "1h")
        burst = [("NAME%d" % number, "10.1.%d.%d" % (number >> 8, number & 255)) for number in range(600)]
        for name, address in burst[:300]:
            self.assertEqual(self.client.register(name, 0x20, address).rcode, 0)
        copy = self.path("copy.db")
        begun = subprocess.Popen([harness.program("winsctl"), "--control", self.registry.control, "backup", copy])
        for name, address in burst[300:]:
            self.assertEqual(self.client.register(name, 0x20, address).rcode, 0)
        self.assertEqual(begun.wait(harness.DEADLINE_S), 0)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith("copy.db")], ["copy.db"])
        before = os.stat(copy)
        self.assertEqual(self.registry.ctl("backup", copy).code, 7)
        self.assertEqual(os.stat(copy).st_mtime_ns, before.st_mtime_ns)
        relative = harness.run([harness.program("winsctl"), "--control", self.registry.control, "backup", "relative.db"], cwd=self.folder)
        self.assertEqual((relative.code, os.stat(self.path("relative.db")).st_mode & 0o777), (0, 0o600), "where the administrator is")
        self.assertNotEqual(self.registry.ctl("backup", self.path("no", "folder.db")).code, 0)
        self.registry.process.stop()
        self.registry.db = copy
        self.registry.start()
        names = {row["name"] for row in self.registry.ctl_ok("list", "--json").answer}
        self.assertLessEqual({name + "#20" for name, _ in burst[:300]} | {"FIXED#20"}, names)
        self.assertGreaterEqual(self.registry.ctl_ok("stats", "--json").answer["version"], 302)

    def test_a_name_in_lower_case_is_added_with_a_warning(self):
        """1.5: names compare as they are and clients ask in upper case, so `add` tells who types lower case."""
        self.start_registry()
        told = self.registry.ctl_ok("add", "low#20", "10.0.0.1", "--json")
        self.assertIn("upper case", str(told.json["warnings"]))
        self.assertEqual(self.registry.record("low#20")["addresses"], ["10.0.0.1"])
        self.assertEqual(self.registry.ctl_ok("add", "HIGH-1#20", "10.0.0.1", "--json").json["warnings"], [])

    def change_behind_its_back(self, sql):
        with contextlib.closing(sqlite3.connect(self.registry.db, timeout=harness.DEADLINE_S)) as database:
            database.execute(sql)
            database.commit()

    def test_check_finds_what_differs(self):
        """check: nothing is wrong while names change; a record changed, lost or too new in the database is told by name."""
        self.start_registry("--scavenge-period", "1h")
        begun = subprocess.Popen([harness.program("winsctl"), "--control", self.registry.control, "check"],
                                 stdout=subprocess.DEVNULL)
        for number in range(300):
            self.assertEqual(self.client.register("N%d" % (number % 100), 0x20, "127.0.0.3").rcode, 0)
        self.assertEqual(begun.wait(harness.DEADLINE_S), 0)
        self.assertEqual(self.registry.ctl_ok("check", "--json").answer, {"names": 102, "problems": []})
        self.change_behind_its_back("UPDATE record SET owner = 1 WHERE name = CAST('FIXED           ' AS BLOB)")
        self.change_behind_its_back("DELETE FROM record WHERE name = CAST('HOST            ' AS BLOB)")
        self.change_behind_its_back("UPDATE record SET version = 1000 WHERE name = CAST('N7              ' AS BLOB)")
        result = self.registry.ctl("check", "--json")
        self.assertEqual((result.code, result.json["reason"]), (7, "damaged"), str(result))
        self.assertEqual(result.answer["names"], 101)
        self.assertEqual(sorted(result.answer["problems"]),
                         ["%s differs between table and database" % name for name in ("FIXED#20", "HOST#20", "N7#20")]
                         + ["the record of %s is not what was written" % name for name in ("FIXED#20", "N7#20")]
                         + ["the version counter is 102, a record has 1000"])

    def test_checks_that_nobody_waits_for_do_not_pile_up(self):
        """check: one at a time, whether or not who asked for it has given up; another one meanwhile is a conflict."""
        self.start_registry("--scavenge-period", "1h")
        names = "".join("N%05d#20,unique,H,true,0,10.0.0.1\n" % number for number in range(50000))
        self.registry.ctl_ok("import", self.write("many.csv", "name,kind,node,static,expires,addresses\n" + names))
        asked = [mixed.Admin(self.registry.control, "check", []) for _ in range(20)]
        ends = [harness.wait_until(one.read, "the end of a check") for one in asked]
        for one in asked:
            one.socket.close()
        self.assertEqual({end[0] for end in ends}, {"ok", "conflict"})
        self.assertEqual({end[2] for end in ends if end[0] == "conflict"}, {"another check is under way"})
        self.registry.ctl_ok("check")

    def test_intervals_are_checked(self):
        """Leases of at least more than at most are refused; the file takes the same keys."""
        winsd = [harness.program("winsd"), "--check-config", "--listen", "127.0.0.1"]
        result = self.run_ok(winsd + ["--ttl-min", "2h", "--ttl-max", "1h"], code=2)
        self.assertIn("--ttl-min", result.err)
        text = 'ttl_min = "40m"\nttl_max = "4d"\nextinction_interval = "4d"\nextinction_timeout = "6d"\n' \
               'tombstone_hold = "3d"\nscavenge_period = "2d"\n'
        self.run_ok(winsd + ["--config", self.write("good.conf", text)])
        for crossed in ('ttl_min = "3h"\nttl_max = "1h"\n', 'ttl_max = "1h"\n'):
            result = self.run_ok(winsd + ["--config", self.write("crossed.conf", "# leases\n" + crossed)], code=2)
            self.assertIn("crossed.conf:2: --ttl-min is longer than --ttl-max", result.err)
        result = self.run_ok(winsd + ["--config", self.write("bad.conf", text + 'scavenge_period = "soon"\n')], code=2)
        self.assertIn(":7", result.err)


if __name__ == "__main__":
    harness.main()
