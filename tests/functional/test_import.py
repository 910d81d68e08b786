"""Names by the file: import and export of the registry, all or nothing, on disk when the command returns."""

import fcntl
import json
import os
import random
import time

import harness
import lab
import mixed

SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
NAMES = 5000
ALL_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Import(harness.Case):
    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, harness.free_port([lab.REGISTRY_ADDRESS]))

    def take(self, path, *words, code=0):
        result = self.registry.ctl("import", path, "--json", *words)
        self.assertEqual(result.code, code, str(result))
        return json.loads(result.out)

    def exported(self, *words):
        """The exported names as a dictionary from name to row."""
        result = self.registry.ctl_ok("export", "--format", "json", *words)
        return {row["name"]: row for row in map(json.loads, result.out.splitlines())}

    def random_file(self):
        rng = random.Random(SEED)
        print("SL_SEED=%d" % SEED)
        lines = ["VERSION 1 0"]
        for number in rng.sample(range(NAMES), NAMES):
            address = "10.%d.%d.%d" % tuple(rng.randrange(1, 255) for _ in range(3))
            group = rng.random() < 0.1
            expiry = rng.choice((0, int(time.time()) + rng.randrange(3600, 86400)))
            lines.append('"N%d#%02x" %d %s %s' % (number, 0 if group else 0x20, expiry, "0.0.0.0" if group else address,
                                                   "e4R" if group else "66R"))
        return self.write("wins.dat", "\n".join(lines) + "\n")

    def test_an_import_survives_sigkill_and_comes_back_in_every_format(self):
        """An import is on disk when it is acknowledged; csv, json, wins.dat and netsh bring the same names into an empty registry"""
        answer = self.take(self.random_file())["answer"]
        self.assertEqual((answer["added"], answer["conflict"], answer["refused"]), (NAMES, 0, 0))
        before = self.exported()
        self.registry.process.kill()
        self.registry.start()
        self.assertEqual(self.exported(), before, "an acknowledged import was lost")
        files = {name: self.path("export." + name) for name in ("csv", "json", "winsdat", "netsh")}
        for name, path in files.items():
            self.registry.ctl_ok("export", path, "--format", name)
        for number, (name, path) in enumerate(files.items()):
            address = "127.0.0.%d" % (3 + number)
            self.compare(lab.Registry(self, harness.free_port([address]), address=address), name, path, before)

    def compare(self, registry, name, path, before):
        self.registry, first = registry, self.registry
        try:
            self.assertEqual(self.take(path, "--format", name)["answer"]["added"], NAMES, name)
            after = self.exported()
        finally:
            self.registry = first
        if name == "netsh":    # has no place for times: a lease becomes the longest
            before = {key: dict(row, expires=0) for key, row in before.items()}
            after = {key: dict(row, expires=0) for key, row in after.items()}
        self.assertEqual(after, before, name)

    def test_a_bad_line_is_named_and_nothing_is_imported(self):
        """A bad line is reported as FILE:LINE and nothing of the file is imported"""
        path = self.write("wins.dat", 'VERSION 1 0\n"GOOD#20" 0 10.0.0.1 66R\n"BAD#20" 0 10.0.0.300 66R\n')
        self.assertIn(path + ":3: ", self.take(path, code=1)["message"])
        path = self.write("lmhosts", "10.0.0.1 GOOD#20\n10.0.0.2 GOOD#20\n")
        self.assertIn(path + ":2: GOOD#20 does not go together with " + path + ":1", self.take(path, code=7)["message"])
        self.assertEqual(self.exported(), {})

    def test_existing_names_are_met_by_the_rule(self):
        """Static replaces what is there; a lease never replaces a static or live name; a name never allowed is refused (R02)"""
        self.registry.ctl_ok("add", "FIXED#20", "10.0.0.1")
        version = self.registry.record("FIXED#20")["version"]
        path = self.write("wins.dat", 'VERSION 1 0\n"FIXED#20" %d 10.0.0.9 66R\n"NEVER#1d" 0 10.0.0.1 66R\n"OLD#20" 1000 10.0.0.1 66R\n'
                          % (time.time() + 9999))
        told = self.take(path)
        self.assertEqual(told["answer"], {"added": 0, "replaced": 0, "unchanged": 0, "conflict": 1, "refused": 1, "expired": 1, "own": 0})
        self.assertEqual(len(told["warnings"]), 3, told)
        self.assertIn("R02", told["warnings"][2])
        path = self.write("lmhosts", '10.0.0.9 FIXED#20\n10.0.0.8 "MP_PS1         \\0x1a" #PRE\n')
        self.assertEqual(self.take(path, "--dry-run")["answer"]["replaced"], 1)
        self.assertEqual(self.registry.addresses("FIXED#20"), ["10.0.0.1"], "a dry run changed something")
        self.assertEqual(self.registry.process.log().count("verb=import"), 1, "a dry run stands in the log as an import")
        self.assertEqual(self.take(path)["answer"], {"added": 1, "replaced": 1, "unchanged": 0, "conflict": 0, "refused": 0, "expired": 0, "own": 0})
        self.assertEqual(self.registry.addresses("FIXED#20"), ["10.0.0.9"])
        self.assertGreater(self.registry.record("FIXED#20")["version"], version)
        self.assertEqual(self.take(path)["answer"]["unchanged"], 2)
        self.assertEqual(self.take(path, "--dynamic")["answer"]["conflict"], 2)

    def test_what_is_passed_over_is_counted(self):
        """Entries that are over and nmbd's own names (S) stand in the summary and are warned of; a dry run too"""
        lines = ['"LIVE#20" %d 10.0.0.1 66R' % (time.time() + 9999)] + ['"OVER-%d#20" 1000 10.0.0.2 66R' % n for n in range(3)]
        lines += ['"NMBD#%02x" 0 10.0.0.3 66S' % n for n in (0, 3, 0x20)] + ['"__SAMBA__#00" 0 10.0.0.3 66S']
        path = self.write("wins.dat", "\n".join(["VERSION 1 0"] + lines) + "\n")
        for words in (["--dry-run"], []):
            told = self.take(path, *words)
            self.assertEqual(told["answer"], {"added": 1, "replaced": 0, "unchanged": 0, "conflict": 0, "refused": 0, "expired": 3,
                                              "own": 4})
            self.assertEqual([warning.split(" ")[0] for warning in told["warnings"]], ["3", "4"])
        self.assertEqual(list(self.exported()), ["LIVE#20"])
        with open(path, encoding="utf-8") as file:
            piped = self.run_ok([harness.program("winsctl"), "--control", self.registry.control, "import", "-", "--format", "winsdat",
                                 "--plain"], stdin=file.read())
        self.assertRegex(piped.out, r"0\t0\t1\t0\t0\t3\t4")

    def test_lower_case_is_told(self):
        """A script written by hand: names in lower case are found by no client, which is told, with the first"""
        path = self.write("names.cmd", "".join("netsh wins server add name name=%s endchar=20 ip={10.0.0.%d}\n" % (name, n)
                                               for n, name in enumerate(("UPPER", "lower", "Mixed"), 1)))
        told = self.take(path, "--dry-run")
        self.assertEqual(told["answer"]["added"], 3)
        self.assertRegex(told["warnings"][0], r"^2 rows have lower case letters.*the first lower#20")

    def test_filters_and_what_a_format_cannot_tell(self):
        """export --static, --dynamic, --suffix; a normal group has no place in LMHOSTS and is named"""
        path = self.write("names.csv", "name,kind,node,static,expires,addresses\nA#20,unique,H,true,0,10.0.0.1\n"
                          "B#00.scope,unique,H,false,0,10.0.0.2\nG#1E,group,H,true,0,\n")
        self.assertEqual(self.take(path)["answer"]["added"], 3)
        self.assertEqual(sorted(self.exported("--static")), ["A#20", "G#1E"])
        self.assertEqual(sorted(self.exported("--dynamic")), ["B#00.scope"])
        self.assertEqual(sorted(self.exported("--suffix", "20")), ["A#20"])
        result = self.registry.ctl_ok("export", "--format", "lmhosts")
        self.assertEqual(result.out, '10.0.0.1 "A              \\0x20"\n')
        self.assertIn("left out: G#1E", result.err)
        self.assertEqual(self.registry.ctl("export", self.path("names.xml")).code, 2)

    def test_json_in_one_line_and_no_file_in_the_place_of_a_pipe(self):
        """JSON comes back from programs that write it in one line; export takes the place of files alone"""
        rows = [{"name": 'A}%d"#20' % n, "kind": "unique", "node": "H", "static": True, "expires": 0, "addresses": ["10.0.0.%d" % n]}
                for n in range(1, 200)]
        path = self.write("names.json", json.dumps(rows, separators=(",", ":")))
        self.assertEqual(self.take(path)["answer"]["added"], len(rows))
        self.assertEqual(sorted(row["name"] for row in self.exported().values()), sorted(row["name"] for row in rows))
        path = self.write("names.json", json.dumps(rows[:3]) + "\n}")
        self.assertIn(path + ":2: ", self.take(path, code=1)["message"])
        pipe = self.path("pipe.json")
        os.mkfifo(pipe)
        self.assertIn("no plain file", self.registry.ctl("export", pipe).err)
        self.assertEqual(os.listdir(self.folder).count("pipe.json"), 1)
        self.addCleanup(os.umask, os.umask(0o027))
        self.registry.ctl_ok("export", path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o640)

    def test_a_client_that_moves_in_its_file_moves_nobody_else(self):
        """A sealed file is read twice from its beginning, wherever the client that has sent it along stands in it."""
        many = 20 * NAMES
        text = "name,kind,node,static,expires,addresses\n" + "".join("N%05d#20,unique,H,true,0,10.0.0.1\n" % n for n in range(many))
        file = os.memfd_create("rows", os.MFD_ALLOW_SEALING)
        self.addCleanup(os.close, file)
        os.write(file, text.encode())
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, ALL_SEALS)
        asked = mixed.Admin(self.registry.control, "import", [], file=file)
        self.addCleanup(asked.socket.close)

        def end():
            os.lseek(file, len(text) // 3, os.SEEK_SET)
            return asked.read()
        self.assertEqual(harness.wait_until(end, "the end of the import", poll_s=0.001)[0], "ok")
        self.assertEqual(asked.rows, [[str(many), "0", "0", "0", "0"]])


harness.main()
