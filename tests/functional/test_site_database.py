"""The site database is gone, moved away, locked, read-only or of a newer version, when a sited starts and while it runs: what needs it
fails and says why, what does not goes on, and all is well again by itself when the database is (S2.14). tests/functional/test_postgres.py
runs the same on PostgreSQL."""

import concurrent.futures
import http.client
import os
import queue
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import harness
import lab

ADDRESS = "127.0.0.14"
MP1 = "mp1.example.org"
NEWER = 999


class File:
    """A site in a SQLite file, and what may befall it; each way gives the function that mends it."""

    def __init__(self, case, name):
        self.case, self.site = case, case.new_site(name)
        self.db = self.site.db

    def gone(self):
        with sqlite3.connect(self.db, timeout=10) as db, sqlite3.connect(self.db + ".backup") as backup:
            db.backup(backup)
        db.close(), backup.close()
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.db + suffix):
                os.unlink(self.db + suffix)
        return lambda: shutil.copy(self.db + ".backup", self.db)

    def moved(self):
        os.rename(self.db, self.db + ".away")
        return lambda: os.rename(self.db + ".away", self.db)

    def locked(self):
        holder = sqlite3.connect(self.db, timeout=10, isolation_level=None, check_same_thread=False)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE") if not self.site.process.is_alive() else None
        holder.execute("BEGIN IMMEDIATE")
        return lambda: (holder.rollback(), holder.close())

    def is_open(self):
        folder = "/proc/%d/fd" % self.site.process.pid
        return any(os.readlink(os.path.join(folder, fd)) == self.db + ".away" for fd in os.listdir(folder))

    def read_only(self):
        os.rename(self.db, self.db + ".away")       # who has it open may go on writing; so it is closed first, as a disk that is taken out
        is_running = self.site.process.is_alive()
        if is_running:
            harness.wait_until(lambda: self.case.mp_list(self.site) == 500 and self.case.change(self.site).code == 3 and not self.is_open(),
                               "the file closed")
            self.site.process.signal(signal.SIGSTOP)    # and not opened before it is read-only
        os.rename(self.db + ".away", self.db)
        self.case.run_ok(["mount", "--bind", self.db, self.db])
        self.case.run_ok(["mount", "-o", "remount,ro,bind", self.db])
        if is_running:
            self.site.process.signal(signal.SIGCONT)
        return lambda: self.case.run_ok(["umount", "-l", self.db])

    def partly(self):
        def rename(old, new):
            with sqlite3.connect(self.db, timeout=10) as db:
                db.executescript("BEGIN IMMEDIATE; ALTER TABLE %s RENAME TO %s; UPDATE change SET generation = generation + 1; COMMIT" % (old, new))
            db.close()
        rename("dp", "dp_away")
        return lambda: rename("dp_away", "dp")

    def newer(self):
        def set_version(version):
            with sqlite3.connect(self.db, timeout=10) as db:
                old, = db.execute("PRAGMA user_version").fetchone()
                db.execute("PRAGMA user_version = %d" % version)
            db.close()
            return old
        old = set_version(NEWER)
        return lambda: set_version(old)


class Server:
    """The same in a PostgreSQL."""

    def __init__(self, case, name):
        self.case, self.site = case, case.new_site(name)
        self.name = self.site.db.rsplit("/", 1)[1]
        self.user = "reader_" + self.name
        if name == "read_only":
            self.sql(self.name, "CREATE USER %s" % self.user, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO %s" % self.user)
            self.site.db = self.site.db.replace("//site@", "//%s@" % self.user)
            self.right = True

    def sql(self, database, *texts):
        words = [word for text in texts for word in ("-c", text)]
        return self.case.run_ok(["psql", "-X", "-q", "-A", "-t", "-d", "%s/%s" % (lab.SITE_SERVER, database)] + words).out.strip()

    def end_all(self):
        return "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % self.name

    def gone(self):
        self.sql("postgres", "ALTER DATABASE %s WITH ALLOW_CONNECTIONS false" % self.name, self.end_all())
        return lambda: self.sql("postgres", "ALTER DATABASE %s WITH ALLOW_CONNECTIONS true" % self.name)

    def moved(self):
        self.sql("postgres", "ALTER DATABASE %s WITH ALLOW_CONNECTIONS false" % self.name, self.end_all())
        self.sql("postgres", "ALTER DATABASE %s RENAME TO %s_away" % (self.name, self.name))
        return lambda: self.sql("postgres", "ALTER DATABASE %s_away RENAME TO %s" % (self.name, self.name),
                                "ALTER DATABASE %s WITH ALLOW_CONNECTIONS true" % self.name)

    def locked(self):
        holder = subprocess.Popen(["psql", "-X", "-q", "-d", "%s/%s" % (lab.SITE_SERVER, self.name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        holder.stdin.write("BEGIN; LOCK TABLE change, site, mp IN ACCESS EXCLUSIVE MODE;\n\\echo locked\n")
        holder.stdin.flush()
        self.case.assertEqual(holder.stdout.readline(), "locked\n")
        return lambda: holder.communicate("ROLLBACK;\n")

    def read_only(self):
        self.sql(self.name, "REVOKE INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public FROM %s" % self.user)
        return lambda: self.sql(self.name, "GRANT ALL ON ALL TABLES IN SCHEMA public TO %s" % self.user)

    def partly(self):
        counted = "UPDATE change SET generation = generation + 1"
        self.sql(self.name, "ALTER TABLE dp RENAME TO dp_away", counted)
        return lambda: self.sql(self.name, "ALTER TABLE dp_away RENAME TO dp", counted)

    def newer(self):
        old = self.sql(self.name, "SELECT version FROM sitelocator_schema")
        self.sql(self.name, "UPDATE sitelocator_schema SET version = %d" % NEWER)
        return lambda: self.sql(self.name, "UPDATE sitelocator_schema SET version = " + old)


# way: what MPLIST answers meanwhile, exit code and words of a change
WAYS = {
    "gone": (500, 3, None),
    "moved": (500, 3, None),
    "locked": (500, 3, None),
    "read_only": (200, 6, None),
    "newer": (500, 7, "newer version"),
}


class Ways(harness.Case):

    def new_site(self, name):
        port = harness.free_port([ADDRESS])
        site = lab.Site(self, http=["%s:%d" % (ADDRESS, port)], roles="server,mp,dp", name=name)
        site.port = port
        site.ctl_ok("mp", "add", MP1, "--address", ADDRESS, "--port", str(port))
        site.ctl_ok("mp", "designate", MP1)
        return site

    def mp_list(self, site, verb="MPLIST"):
        one = http.client.HTTPConnection(ADDRESS, site.port, timeout=30)
        try:
            one.request("GET", "/SMS_MP/.sms_aut?" + verb)
            return one.getresponse().status
        finally:
            one.close()

    def change(self, site):
        return site.ctl("boundary", "add", "ad-site", "Berlin", "--json")

    def check_broken(self, site, way, when):
        status, code, words = WAYS[way]
        if way == "locked" and lab.SITE_SERVER is None and when == "running":
            status = 200    # who only reads a file does not wait for who writes it
        with concurrent.futures.ThreadPoolExecutor(1) as other:    # one who waits for a lock takes 5 s
            listed = other.submit(harness.wait_until, lambda: self.mp_list(site) == status, "S2.14 %s %s: MPLIST answered %d" % (way, when, status))
            harness.wait_until(lambda: self.change(site).code == code, "S2.14 %s %s: no administration, exit code %d" % (way, when, code))
            listed.result()
        if words:
            self.assertIn(words, self.change(site).json["message"])
        if way == "read_only":
            self.assertEqual([site.ctl(*words).code for words in (["mp", "list"], ["status"])], [0, 0], "S2.14 %s: looking changes nothing" % when)
        self.assertEqual(self.mp_list(site, "MPCERT"), 200, "S2.14 %s %s: the certificate needs no database" % (way, when))

    def check_good(self, site, way, when):
        harness.wait_until(lambda: self.mp_list(site) == 200, "S2.14 %s %s: MPLIST again by itself" % (way, when))
        harness.wait_until(lambda: self.change(site).code == 0, "S2.14 %s %s: administration again by itself" % (way, when))

    def start(self, argv, **more):
        with self.starting:
            return super().start(argv, **more)

    def one_way(self, kind, way):
        place = kind(self, way)
        place.site.process.stop()
        self.assertFalse(os.path.exists(place.site.db + "-wal"), "a file is left whole")
        mend = getattr(place, way)()
        process = self.restart(place.site)
        self.check_broken(place.site, way, "at the start")
        if WAYS[way][0] == 500:
            self.assertIn("database-lost", process.log())
        mend()
        self.check_good(place.site, way, "after the start")
        mend = getattr(place, way)()
        self.check_broken(place.site, way, "running")
        mend()
        self.check_good(place.site, way, "running")
        process.check_alive()

    def restart(self, site):
        argv = [harness.program("sited"), "--db", site.db, "--control", site.control, "--role", site.roles, "--content", site.content, *site.state,
                "--http", site.http[0]]
        site.process = self.start(argv)
        harness.wait_until(lambda: site.process.check_alive() or " ready " in site.process.log(), "sited serving without its database",
                           timeout_s=30)
        return site.process

    def test_S2_14_a_lock_does_not_keep_it_from_stopping(self):
        """S2.14 SIGTERM ends it at once while a verb waits for another program's lock"""
        place = (Server if lab.SITE_SERVER else File)(self, "stopping")
        mend = place.locked()
        with concurrent.futures.ThreadPoolExecutor(1) as other:
            changed = other.submit(self.change, place.site)
            time.sleep(0.3)
            start = time.monotonic()
            place.site.process.stop()
            self.assertLess(time.monotonic() - start, 2, "S2.14 SIGTERM")
            self.assertEqual(changed.result().code, 3, str(changed.result()))
        mend()

    def test_S2_14_a_site_that_is_read_in_part_stays_as_it_was(self):
        """S2.14 a database that fails in the middle of a look takes nothing away: the certificate stays, until all can be read again"""
        place = (Server if lab.SITE_SERVER else File)(self, "partly")
        harness.wait_until(lambda: self.mp_list(place.site, "MPCERT") == 200, "the certificate")
        mend = place.partly()
        harness.wait_until(lambda: "database-lost" in place.site.process.log(), "the look that fails")
        self.assertEqual(self.mp_list(place.site, "MPCERT"), 200, "S2.14 the certificate needs no database")
        mend()
        harness.wait_until(lambda: "database-back" in place.site.process.log(), "the look that goes well")
        self.assertEqual(self.mp_list(place.site, "MPCERT"), 200)

    def test_a_state_folder_that_is_read_only_is_told(self):
        """who has to write into the state folder does not start without, and names the file; who has not, starts"""
        state = self.path("state")
        os.mkdir(state)
        self.run_ok(["mount", "--bind", state, state])
        self.addCleanup(self.run_ok, ["umount", "-l", state])
        self.run_ok(["mount", "-o", "remount,ro,bind", state])
        argv = [harness.program("sited"), "--db", self.path("none.db"), "--control", self.path("c.sock"), "--state", state, "--role"]
        refused = harness.run(argv + ["mp"])
        self.assertEqual((refused.code, state + "/site-outbox" in refused.err, "Read-only file system" in refused.err), (6, True, True), str(refused))
        process = self.start(argv + ["slp"])
        harness.wait_until(lambda: process.check_alive() or " ready " in process.log(), "one that has nothing to write")

    def setUp(self):
        self.starting, self.over = threading.Lock(), threading.Event()
        self.addCleanup(self.over.set)      # last: a program ends with the thread that has started it
        super().setUp()

    def in_thread(self, way, results):
        try:
            self.one_way(Server if lab.SITE_SERVER else File, way)
            results.put((way, None))
        except BaseException as failure:    # to be raised in the main thread
            results.put((way, failure))
        self.over.wait()

    def test_S2_14_five_ways_to_be_without_a_database(self):
        """S2.13 S2.14 each way, at the start and later: told, survived, and over by itself"""
        results = queue.Queue()
        for way in WAYS:
            threading.Thread(target=self.in_thread, args=(way, results), daemon=True).start()
        for _ in WAYS:
            way, failure = results.get(timeout=60)
            with self.subTest(way):
                if failure:
                    raise failure


if __name__ == "__main__":
    harness.need_namespace("-rm")
    harness.main()
