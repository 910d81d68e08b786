"""The life of a record in the real daemon: leases end, restarts do not put that off, an administrator may look before."""

import contextlib
import json
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
        self.assertEqual(self.registry.ctl_ok("check", "--json").answer, {"names": 102, "problems": [], "more": 0})
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

    def test_check_counts_what_it_has_no_room_for(self):
        """check: of thousands of problems the first 64 KiB are shown, and the others counted."""
        self.start_registry("--scavenge-period", "1h")
        names = "".join("N%05d#20,unique,H,true,0,10.0.0.1\n" % number for number in range(3000))
        self.registry.ctl_ok("import", self.write("many.csv", "name,kind,node,static,expires,addresses\n" + names))
        self.change_behind_its_back("UPDATE record SET owner = 1")
        result = self.registry.ctl("check", "--json")
        self.assertEqual((result.code, len(result.answer["problems"]) + result.answer["more"]), (7, 2 * 3002))
        self.assertLess(len("".join(result.answer["problems"])), 64 << 10)
        self.assertRegex(self.registry.ctl("check", "--table").out, r"(?m)^more *:? *[1-9][0-9]{3}$")

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


class Many(harness.Case):
    """delete, release and tombstone of all names that the filters of `list` match."""

    OLD, SLICE = 5000, 256

    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        self.client = nbns.Client((lab.REGISTRY_ADDRESS, self.registry.port), local="127.0.0.3")
        self.addCleanup(self.client.close)

    def fill(self, old=OLD):
        """OLD-n#20, every tenth static; 50 each of NEW-n#20 and DOM-n#1C."""
        rows = ["OLD-%d#20,unique,H,%s,0,10.1.%d.%d" % (n, "true" if n % 10 == 0 else "false", n >> 8, n & 255) for n in range(old)]
        rows += ["NEW-%d#20,unique,H,false,0,10.2.0.%d" % (n, n) for n in range(50)]
        rows += ["DOM-%d#1C,sgroup,H,false,0,10.3.0.%d" % (n, n) for n in range(50)]
        self.registry.ctl_ok("import", self.write("names.csv", "\n".join(["name,kind,node,static,expires,addresses"] + rows) + "\n"))

    def states(self, *filters):
        return {row["name"]: row["state"] for row in self.registry.ctl_ok("list", "--json", *filters).answer}

    def begin(self, *words):
        return subprocess.Popen([harness.program("winsctl"), "--control", self.registry.control, "--json"] + list(words),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")

    def test_delete_by_prefix_while_requests_go_on(self):
        """netsh delete records: thousands go by one command, durable, in the journal, while others register and ask."""
        self.fill()
        begun, asked = self.begin("delete", "--prefix", "OLD-"), 0
        while begun.poll() is None or asked < 50:
            self.assertEqual(self.client.query("NEW-%d" % (asked % 50), 0x20).addresses, ["10.2.0.%d" % (asked % 50)])
            self.assertEqual(self.client.register("MINE-%d" % asked, 0x20, "127.0.0.3").rcode, 0)
            asked += 1
        out, err = begun.communicate()
        self.assertEqual((begun.returncode, json.loads(out)["answer"]), (0, {"changed": self.OLD, "unchanged": 0}), out + err)
        history = self.registry.ctl_ok("history", "OLD-77#20", "--json").answer
        self.assertEqual([(row["by"], row["change"]) for row in history], [("import", "added"), ("admin", "deleted")])
        self.assertIn('verb=delete filters="prefix=OLD-" changed=%d result=ok' % self.OLD, self.registry.process.log())
        self.registry.process.kill()
        self.registry.start()
        self.assertEqual(len(self.states()), 100 + asked)
        self.assertEqual(self.states("--prefix", "OLD-"), {})
        gone = self.registry.ctl("delete", "--prefix", "OLD-", "--json")
        self.assertEqual((gone.code, gone.json["reason"], gone.answer), (1, "not-found", {"changed": 0, "unchanged": 0}))

    def test_what_list_shows_is_what_changes(self):
        """L10: filters combine as those of list; a dry run changes nothing; static names stay where release would refuse them."""
        self.fill(30)
        before = self.states()
        dry = self.registry.ctl_ok("delete", "--suffix", "20", "--prefix", "OLD", "--dynamic", "--dry-run", "--json").answer
        self.assertEqual((dry["changed"], dry["unchanged"], len(dry["first"])), (27, 0, 20))
        self.assertLess(set(dry["first"]), set(self.states("--suffix", "20", "--prefix", "OLD", "--dynamic")))
        self.assertEqual(self.states(), before)
        self.assertEqual(self.registry.ctl_ok("release", "--prefix", "OLD", "--json").answer, {"changed": 27, "unchanged": 3})
        self.assertEqual(self.registry.ctl_ok("tombstone", "--suffix", "1c", "--json").answer, {"changed": 50, "unchanged": 0})
        self.assertEqual(self.registry.ctl_ok("tombstone", "--suffix", "1C", "--json").answer, {"changed": 0, "unchanged": 50})
        expected = {name: "tombstone" if name.startswith("DOM") else "active" if name.startswith("NEW") or int(name[4:-3]) % 10 == 0
                    else "released" for name in before}
        self.assertEqual(self.states(), expected)
        self.assertEqual(self.client.query("DOM-7", 0x1C).rcode, 3)
        versions = {row["version"] for row in self.registry.ctl_ok("list", "--suffix", "1C", "--json").answer}
        self.assertEqual((len(versions), min(versions)), (50, 131), "tombstones have new versions, which partners learn")
        for verb in ("delete", "release", "tombstone"):
            for words in ((), ("--prefix", ""), ("NEW-1#20", "--suffix", "20"), ("NEW-1#20", "--dry-run"), ("--dry-run",),
                          ("--static", "--dynamic"), ("--suffix", "XY")):
                self.assertEqual(self.registry.ctl(verb, *words).code, 2, (verb, words))
        self.assertEqual(self.states(), expected)
        self.registry.ctl_ok("delete", "--owner", lab.REGISTRY_ADDRESS)
        self.assertEqual(self.states(), {})

    def cut_short(self, end):
        """A deletion that `end` comes into; what it told as done is gone after the next start, the others are as they were."""
        begun = self.begin("delete", "--prefix", "OLD-")
        harness.wait_until(lambda: self.registry.ctl("stats", "--json").answer["names"] < self.total - 2 * self.SLICE, "deletions",
                           poll_s=0)
        end()
        if end == self.registry.process.stop:
            self.assertIn("result=cut-short", self.registry.process.log())
        out, err = begun.communicate(timeout=harness.DEADLINE_S)
        told = json.loads(out)
        self.assertEqual((begun.returncode, told["outcome"], told["reason"]), (8, "partial", "cut-short"), out + err)
        self.registry.start()
        left = self.states()
        self.assertLessEqual(len(left), self.total - told["answer"]["changed"])
        self.assertGreaterEqual(told["answer"]["changed"], self.SLICE)
        self.assertLessEqual(set(self.kept), set(left))
        self.assertEqual(self.registry.ctl_ok("check", "--json").answer, {"names": len(left), "problems": [], "more": 0})
        self.total = len(left)

    def test_what_was_counted_is_gone_2_12(self):
        """2.12: SIGKILL and SIGTERM in the middle of a deletion: exit code 8, no name that was counted comes back, no other goes."""
        self.fill(30000)
        self.kept = self.states("--prefix", "NEW-") | self.states("--suffix", "1C")
        self.total = 30100
        self.cut_short(self.registry.process.kill)
        self.cut_short(self.registry.process.stop)
        begun = self.begin("delete", "--prefix", "OLD-")
        harness.wait_until(lambda: self.registry.ctl("stats", "--json").answer["names"] < self.total, "deletions", poll_s=0)
        begun.kill()
        begun.communicate()
        harness.wait_until(lambda: "result=cut-short" in self.registry.process.log(), "the end of the work of who has gone")
        self.assertGreater(len(self.states("--prefix", "OLD-")), 0)


if __name__ == "__main__":
    harness.main()
