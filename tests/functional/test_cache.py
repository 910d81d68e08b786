"""Answers that are kept: used without asking while they are fresh, as degraded when nobody can be asked, never silently."""

import concurrent.futures
import contextlib
import os
import sqlite3
import subprocess

import bench
import harness
import lab
import slapd

MP = ("dn: CN=SMS-MP-PS1-%s,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSMPName: %s.example.org\nmSSMSDefaultMP: TRUE\n"
      "mSSMSMPAddress: 127.0.0.11\n")


class Cache(harness.Case):

    def setUp(self):
        super().setUp()
        self.directory = lab.Directory(self)
        self.directory.add(MP % ("mp1", self.directory.container_dn, "mp1"))
        self.file = self.path("kept/cache.db")

    def find(self, *more, what=("mp", "--site", "PS1"), sources=(), cache=True):
        words = [word for uri in sources or [self.directory.uri_base] for word in ("--source", uri)]
        return lab.find(*what, *words, *(["--cache", self.file] if cache else []), *more)

    def show(self, *more):
        return harness.run([harness.program("locator"), "cache", *more, "--cache", self.file, "--json"])

    def report(self, *words):
        return harness.run([harness.program("locator"), "report-failure", *words, "--cache", self.file, "--json"])

    def rename_mp(self):
        self.directory.modify("dn: CN=SMS-MP-PS1-mp1,%s\nchangetype: modify\nreplace: mSSMSMPName\nmSSMSMPName: mp2.example.org\n"
                              % self.directory.container_dn)

    @staticmethod
    def degraded(done):
        return [text for text in done.json["warnings"] if text.startswith("degraded: ")]

    def test_fresh_enough_is_not_asked(self):
        """X18 K1 --max-age takes what was kept, with its provenance and age; without it, or beyond it, the source is asked"""
        self.assertEqual(self.find("--now", "2000000000").answer["mp"], "mp1.example.org")
        self.rename_mp()
        kept = self.find("--max-age", "1m", "--now", "2000000060")
        self.assertEqual((kept.code, kept.answer["mp"], kept.answer["cached_s"], kept.answer["source"], kept.answer["server"]),
                         (0, "mp1.example.org", 60, self.directory.uri_base, self.directory.uri), str(kept))
        self.assertEqual([(one["asked"], one["result"]) for one in kept.json["steps"]],
                         [("cache", "kept 60 s ago"), ("find mp PS1", "answer")], str(kept))
        self.assertEqual(self.degraded(kept), [])
        asked = self.find("--max-age", "1m", "--now", "2000000061")
        self.assertEqual((asked.answer["mp"], asked.answer.get("cached_s")), ("mp2.example.org", None), str(asked))

    def test_age_and_ttl_go_on(self):
        """X10 a kept answer ages: its age grows, its TTL runs out, and then it is not used whatever --max-age says"""
        zone = self.write("zone", "_mssms_mp_ps1._tcp.example.org. 60 IN SRV 0 0 80 mp7.example.org.\n", 0o644)
        os.utime(zone, (2000000000, 2000000000))
        sources = ["zone:" + zone]
        self.find("--now", "2000000005", sources=sources)
        os.unlink(zone)
        kept = self.find("--max-age", "1h", "--now", "2000000035", sources=sources)
        self.assertEqual((kept.code, kept.answer["ttl_s"], kept.answer["age_s"], kept.answer["cached_s"]), (0, 30, 35, 30), str(kept))
        late = self.find("--max-age", "1h", "--now", "2000000066", sources=sources)
        self.assertEqual((late.code, late.answer["ttl_s"], len(self.degraded(late))), (0, 0, 1), str(late))

    def test_another_question_is_another_answer(self):
        """what an answer depends on is part of the question: profile, account, client, demanded trust"""
        self.find()
        self.rename_mp()
        for more in (("--profile", "sms2003"), self.directory.credentials, ("--trust", "any"), ("--mp-port", "81")):
            self.assertEqual(self.find("--max-age", "1h", *more).answer["mp"], "mp2.example.org", more)
        self.assertEqual(self.find("--max-age", "1h").answer["mp"], "mp1.example.org")
        self.assertEqual(self.find("--max-age", "1h", "--trust", "directory").code, 4)

    def test_stale_only_as_degraded(self):
        """features 4.1 K2 nobody can be asked: the old answer, word and warning always, exit code 5 with --strict; without a cache 3"""
        self.find("--now", "2000000000")
        self.directory.stop()
        for more, code, outcome in (((), 0, "ok"), (("--strict",), 5, "degraded")):
            done = self.find("--now", "2000003600", *more)
            self.assertEqual((done.code, done.json["outcome"], done.answer["mp"], done.answer["cached_s"]),
                             (code, outcome, "mp1.example.org", 3600), str(done))
            self.assertIn("kept 3600 s ago", self.degraded(done)[0])
            self.assertEqual(done.json["steps"][-1]["rule"], "K2")
        self.assertEqual(self.find(cache=False).code, 3)
        self.assertEqual(self.find(what=("mp", "--site", "PS9")).code, 3)

    def test_no_is_no(self):
        """J3 what a source denies is not answered from an old yes, and a refusal is not covered up either"""
        self.find()
        self.directory.modify("dn: CN=SMS-MP-PS1-mp1,%s\nchangetype: delete\n" % self.directory.container_dn)
        self.assertEqual(self.find().code, 1)
        self.directory.stop()
        self.assertEqual(self.find().code, 3)

    def test_what_a_management_point_said(self):
        """X18 X23 J8 K1 K2 its reply about a package is kept too: within --max-age it is not asked, and when it is away the reply is degraded"""
        port = harness.free_port(["127.0.0.11"])
        site = lab.Site(self, http=["127.0.0.11:%d" % port])
        lab.fill(site, port)
        what = ("dp", "--site", "PS1", "--package", lab.PACKAGE, "--mp-port", str(port), "--seed", "7")
        fresh = self.find("--now", "2000000000", what=what)
        self.assertEqual((fresh.code, fresh.answer.get("cached_s")), (0, None), str(fresh))
        self.assertEqual({one["asked"] for one in self.show("show").answer}, {"find mp PS1", "find dp " + lab.PACKAGE})
        self.assertEqual(self.report(fresh.answer["answer_id"], "--for", "1m", "--now", "2000000000").code, 0)
        other = self.find("--now", "2000000001", what=what)
        self.assertEqual((other.code, set(other.answer["candidates"])), (0, set(fresh.answer["candidates"]) - {fresh.answer["url"]}), str(other))
        self.assertIn("%s: answer %s is suspect until" % (fresh.answer["url"], fresh.answer["answer_id"]), "\n".join(other.json["warnings"]))
        self.assertEqual(other.json["steps"][-1]["rule"], "J1 S1.16 J8")
        self.assertEqual(self.find("--now", "2000000060", what=what).answer["dp"], fresh.answer["dp"])
        self.find("--now", "2000000000", what=what)
        site.process.stop()
        kept = self.find("--max-age", "1m", "--now", "2000000060", what=what)
        self.assertEqual((kept.code, kept.answer["dp"], kept.answer["cached_s"]), (0, fresh.answer["dp"], 60), str(kept))
        self.assertEqual([one["result"] for one in kept.json["steps"] if one["asked"] == "cache"], ["kept 60 s ago"] * 2, str(kept))
        self.assertEqual(self.degraded(kept), [])
        self.assertEqual(set(self.find("--max-age", "1m", "--now", "2000000060", what=what[:-1] + ("8",)).answer["candidates"]),
                         set(fresh.answer["candidates"]))
        old = self.find("--max-age", "1m", "--now", "2000000300", "--strict", what=what)
        self.assertEqual((old.code, old.json["reason"], old.answer["url"], old.answer["cached_s"]), (5, "stale", fresh.answer["url"], 300), str(old))
        self.assertEqual(len(self.degraded(old)), 1, str(old))
        self.assertEqual(self.find("--now", "2000000001", what=what, cache=False).code, 3)
        self.assertEqual(self.find(what=what[:4] + ("PS100099",) + what[5:]).code, 3, "another package")

    def test_damage_costs_a_warning(self):
        """a cache that is no database, or broken inside, is set aside and begun anew; the lookup answers"""
        self.find()
        for harm in (lambda f: f.write(b"garbage" * 1000), lambda f: (f.seek(4096), f.write(os.urandom(60000)))):
            for name in os.listdir(os.path.dirname(self.file)):
                if name != "cache.db":
                    os.unlink(self.path("kept/" + name))
            with open(self.file, "r+b") as file:
                harm(file)
            done = self.find("--max-age", "1h")
            self.assertEqual((done.code, done.answer["mp"]), (0, "mp1.example.org"), str(done))
            self.assertIn("the cache was damaged", "\n".join(done.json["warnings"]))
            self.assertTrue(os.path.exists(self.file + ".damaged"))
            self.assertEqual(self.find("--max-age", "1h").answer["cached_s"] >= 0, True)

    def test_what_is_not_ours_is_left_alone(self):
        """a database of another program, one of a newer version, a file that others may write, one that cannot be made: a warning, and the file as it was"""
        os.makedirs(os.path.dirname(self.file))
        with sqlite3.connect(self.file) as other:
            other.execute("CREATE TABLE precious (x)")
        other.close()
        os.chmod(self.file, 0o600)
        with open(self.file, "rb") as file:
            before = file.read()
        done = self.find()
        self.assertEqual((done.code, done.answer["mp"]), (0, "mp1.example.org"), str(done))
        self.assertIn("another program", "\n".join(done.json["warnings"]))
        with open(self.file, "rb") as file:
            self.assertEqual(file.read(), before)
        os.unlink(self.file)
        self.find()
        with contextlib.closing(sqlite3.connect(self.file)) as newer:
            newer.execute("PRAGMA user_version = 999")
        done = self.find("--max-age", "1h")
        self.assertEqual((done.code, done.answer.get("cached_s")), (0, None), str(done))
        self.assertIn("newer version", "\n".join(done.json["warnings"]))
        self.assertEqual([name for name in os.listdir(os.path.dirname(self.file)) if "damaged" in name], [])
        os.unlink(self.file)
        with open(self.file, "wb"):
            os.chmod(self.file, 0o666)
        self.assertIn("others may write it", "\n".join(self.find().json["warnings"]))
        self.file = "/proc/no/cache.db"
        done = self.find("--max-age", "1h")
        self.assertEqual((done.code, len(done.json["warnings"])), (0, 2), str(done))

    def test_show_and_flush(self):
        """P21 cache show: question, source, age, trust; flush --expired forgets by TTL and --max-age, flush everything"""
        zone = self.write("zone", "_mssms_mp_ps1._tcp.example.org. 60 IN SRV 0 0 80 mp7.example.org.\n", 0o644)
        self.find("--now", "2000000000")
        self.find("--now", "2000000500", sources=["zone:" + zone])
        rows = self.show("show", "--now", "2000000600").answer
        self.assertEqual([(one["asked"], one["source"], one["cached_s"], one["ttl_s"], one["expired"], one["trust"]) for one in rows],
                         [("find mp PS1", "zone:" + zone, 100, 60, True, "unproven"),
                          ("find mp PS1", self.directory.uri_base, 600, None, False, "unproven")])
        self.assertEqual(self.show("flush", "--expired", "--now", "2000000600").code, 0)
        self.assertEqual([one["source"] for one in self.show("show").answer], [self.directory.uri_base])
        self.assertEqual(self.show("flush", "--expired", "--max-age", "599s", "--now", "2000000600").code, 0)
        self.assertEqual(self.show("show").answer, [])
        self.find()
        self.assertEqual((self.show("flush").code, self.show("show").answer), (0, []))

    def test_the_usual_file(self):
        """--max-age alone keeps answers below XDG_CACHE_HOME, for this user alone"""
        home = self.path("xdg")
        os.makedirs(home)
        os.chmod(home, 0o777)
        program, more = bench.program_itself("locator")
        rights, uid, _ = slapd.drop_rights()
        self.assertNotEqual(uid, 0)
        words = [program, "find", "mp", "--site", "PS1", "--source", self.directory.uri_base, "--max-age", "1m", "--json"]
        for _ in range(2):
            done = subprocess.run(words, env=dict(more, XDG_CACHE_HOME=home), cwd="/", capture_output=True, text=True, check=True, **rights)
        self.assertIn('"cached_s":', done.stdout)
        self.assertEqual(os.stat(home + "/sitelocator/cache.db").st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(home + "/sitelocator").st_mode & 0o777, 0o700)

    def test_a_reported_answer_is_passed_over(self):
        """X23 J8 J9 report-failure: other processes with this cache get the next source's answer, until the time is over or --clear;
        an answer without another is given with a warning; who has no cache sees nothing of it"""
        zone = "zone:" + self.write("zone", "_mssms_mp_ps1._tcp.example.org. 60 IN SRV 0 0 80 mp7.example.org.\n", 0o644)
        both = [self.directory.uri_base, zone]

        def find(at_s, *more, **how):
            done = self.find("--now", str(2000000000 + at_s), *more, **how)
            rules = [(one["verdict"], one["rule"]) for one in done.json["steps"] if one["rule"]]
            return done, done.answer["mp"].split(".")[0], rules, "\n".join(done.json["warnings"])

        first = find(0, sources=both)
        number = first[0].answer["answer_id"]
        self.assertRegex(number, "^[0-9A-F]{16}$")
        self.assertEqual((first[1], first[2]), ("mp1", [("accepted", "J1 S1.21"), ("outranked", "J5")]))
        self.assertEqual(find(9, sources=both, cache=False)[0].answer["answer_id"], number, "the same answer, the same id")
        self.assertNotEqual(find(0, sources=[zone])[0].answer["answer_id"], number)
        for _ in range(2):
            told = self.report(number, "--for", "10m", "--now", "2000000000")
            self.assertEqual((told.code, told.answer), (0, {"answer_id": number, "suspect_until": 2000000600}), str(told))
        until = "answer %s is suspect until 2033-05-18T03:43:20Z" % number
        for more in ((), ("--max-age", "1h"), ("--sequential",)):
            done, mp, rules, warnings = find(1, *more, sources=both)
            self.assertEqual((done.code, mp, rules), (0, "mp7", [("suspect", "J8 S1.21"), ("accepted", "J1")]), str(done))
            self.assertIn("answered by a lower-ranked source; %s: %s" % (both[0], until), warnings)
        self.assertEqual((find(1, "--strict", sources=both)[0].code, find(1, sources=both, cache=False)[1]), (5, "mp1"))
        for sources in ([both[0]], [both[0], "zone:" + self.write("none", "a.example.org. 60 IN A 10.0.0.1\n", 0o644)]):
            done, mp, rules, warnings = find(1, sources=sources)
            self.assertEqual((done.code, mp, rules[0]), (0, "mp1", ("accepted", "J9 S1.21")), str(done))
            self.assertIn("%s: %s" % (both[0], until), warnings)
        strict = find(1, "--strict")[0]
        self.assertEqual((strict.code, strict.json["reason"]), (5, "suspect"), str(strict))
        self.assertEqual((find(599, sources=both)[1], find(600, sources=both)[1]), ("mp7", "mp1"))
        self.assertEqual((self.report(number, "--now", "2000000700").answer["suspect_until"], find(700, sources=both)[1]), (2000001000, "mp7"))
        cleared = self.report(number, "--clear", "--now", "2000000700")
        self.assertEqual((cleared.code, cleared.answer), (0, {"answer_id": number, "suspect_until": None}), str(cleared))
        self.assertEqual(find(700, sources=both)[1:], first[1:])
        self.assertEqual(self.report(number, "--clear").code, 0)
        self.report(number, "--now", "2000000700")
        os.unlink(zone[len("zone:"):])
        self.directory.stop()
        done, mp, rules, warnings = find(701, sources=both)
        self.assertEqual((done.code, mp, rules[-1]), (0, "mp7", ("accepted", "K2")), "of old answers too: %s" % done)
        self.assertIn("%s: %s" % (both[0], "answer %s is suspect until" % number), warnings)

    def test_a_reported_default_of_several(self):
        """X23 J8 J9 Q12 of several defaults in one source the next by name, also of a kept answer; then the next source; none left: the first"""
        self.directory.add(MP % ("mp2", self.directory.container_dn, "mp2"))
        zone = "zone:" + self.write("zone", "_mssms_mp_ps1._tcp.example.org. 60 IN SRV 0 0 80 mp7.example.org.\n", 0o644)
        both = [self.directory.uri_base, zone]

        def find(*more, sources=both):
            done = self.find("--now", "2000000001", *more, sources=sources)
            return done, done.answer["mp"].split(".")[0], [(one["verdict"], one["rule"]) for one in done.json["steps"] if one["rule"]]
        done, mp, rules = find()
        self.assertEqual((mp, rules[0]), ("mp1", ("accepted", "J1 Q12")), str(done))
        first = done.answer["answer_id"]
        self.report(first, "--now", "2000000000")
        for more in ((), ("--max-age", "1h"), ("--max-age", "1h")):
            done, mp, rules = find("--strict", *more)
            self.assertEqual((done.code, mp, rules[0]), (0, "mp2", ("accepted", "J1 J8 Q12")), str(done))
            self.assertIn("%s: answer %s is suspect until 2033-05-18T03:38:20Z" % (both[0], first), done.json["warnings"])
            self.assertIn("2 default management points", "\n".join(done.json["warnings"]))
        self.assertNotEqual(done.answer["answer_id"], first)
        self.assertIsNone(done.answer["age_s"])
        self.report(done.answer["answer_id"], "--now", "2000000000")
        done, mp, rules = find()
        self.assertEqual((done.code, mp, rules), (0, "mp7", [("suspect", "J8 Q12"), ("accepted", "J1")]), str(done))
        done, mp, rules = find(sources=[both[0]])
        self.assertEqual((done.code, mp, rules), (0, "mp1", [("accepted", "J9 Q12")]), str(done))
        self.report(first, "--clear")
        done, mp, rules = find("--max-age", "1h")
        self.assertEqual((mp, rules[0]), ("mp1", ("accepted", "J1 Q12")), "what was kept is what the directory said: %s" % done)

    def test_what_cannot_be_reported(self):
        """X23 a report is on disk or an error: no id, too long, a cache that is not ours, not to be written, not to be made; one that is
        damaged is begun anew, and finders go on without"""
        number = self.find().answer["answer_id"]
        for words in ((number[:-1],), (number + "0",), (number.lower() if number.lower() != number else "g" * 16,), ("",), (),
                      (number, "--for", "25h"), (number, "--for", "0s")):
            self.assertEqual(self.report(*words).code, 2, words)
        program, more = bench.program_itself("locator")
        rights, _, _ = slapd.drop_rights()
        os.chmod(self.file, 0)
        refused = subprocess.run([program, "report-failure", number, "--cache", self.file], env=more, cwd="/", capture_output=True, text=True,
                                 check=False, **rights)
        self.assertEqual(refused.returncode, 6, refused.stderr)
        self.assertIn("Permission denied", refused.stderr)
        os.chmod(self.file, 0o600)
        with open(self.file, "r+b") as file:
            file.write(b"garbage" * 1000)
        done = self.report(number)
        self.assertEqual(done.code, 0, str(done))
        self.assertIn("the cache was damaged", "\n".join(done.json["warnings"]))
        self.assertEqual(self.find().json["steps"][-1]["rule"], "J9 S1.21")
        with open(self.file, "r+b") as file:
            file.write(b"garbage" * 1000)
        self.assertEqual(self.find().json["steps"][-1]["rule"], "J1 S1.21")
        os.chmod(self.file, 0o666)
        self.assertEqual((self.report(number).code, self.find().json["steps"][-1]["rule"]), (6, "J1 S1.21"))
        self.file = "/proc/no/cache.db"
        self.assertEqual(self.report(number).code, 3)

    def test_several_at_once(self):
        """processes that keep and read the same file at the same time: every one answers, none complains"""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = list(pool.map(lambda n: self.find(*(("--max-age", "1h") if n % 2 else ())), range(24)))
        for one in done:
            self.assertEqual((one.code, one.answer["mp"]), (0, "mp1.example.org"), str(one))
            self.assertEqual([text for text in one.json["warnings"] if "unproven" not in text], [], str(one))
        self.assertEqual(len(self.show("show").answer), 1)


harness.main()
