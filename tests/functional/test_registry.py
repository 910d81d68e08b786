"""The registry as its administrator and its clients meet it: what was acknowledged stays, what cannot work is refused."""

import csv
import io
import json
import os
import random
import select
import socket
import struct
import time

import harness
import lab
import nbns

SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
REGISTRATIONS = 10000
WINDOW = 64
KILLS = 4


class Burst:
    """Registers names NAME-0, NAME-1 ... with a window of requests under way; remembers which were acknowledged."""

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.server = server
        self.todo = list(range(REGISTRATIONS))
        self.under_way = {}
        self.acknowledged = set()
        self.refused = 0

    @staticmethod
    def name(number):
        return "NAME-%d" % number

    @staticmethod
    def address(number):
        return "10.1.%d.%d" % (number >> 8, number & 255)

    def send(self, number):
        packet = nbns.request(number & 0xffff, nbns.REGISTER, self.name(number), 0x20, self.address(number))
        try:
            self.socket.sendto(packet, self.server)
        except OSError:
            pass    # the port is closed while the server is dead: the request is repeated like a lost one

    def pump(self, until):
        """Registers until that many are acknowledged."""
        last = time.monotonic()
        while len(self.acknowledged) < until:
            while self.todo and len(self.under_way) < WINDOW:
                number = self.todo.pop()
                self.under_way[number] = True
                self.send(number)
            if select.select([self.socket], [], [], 0.2)[0]:
                last = time.monotonic()
                self.receive()
                continue
            for number in self.under_way:
                self.send(number)
            if time.monotonic() - last > harness.DEADLINE_S:
                raise harness.Failed("no answer for %d s, %d acknowledged" % (harness.DEADLINE_S, len(self.acknowledged)))

    def receive(self):
        while True:
            try:
                packet = self.socket.recv(600)
            except (BlockingIOError, ConnectionError):
                return
            number, flags = struct.unpack(">HH", packet[:4])
            if flags & 15:
                self.refused += 1
            elif flags == 0xad80 and self.under_way.pop(number, None):
                self.acknowledged.add(number)


class Durability(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))
        self.registry = lab.Registry(self, self.port)
        self.server = (lab.REGISTRY_ADDRESS, self.port)

    def check_all(self, burst):
        client = nbns.Client(self.server)
        lost = []
        for number in burst.acknowledged:
            answer = client.query(burst.name(number), 0x20)
            if answer is None or answer.addresses != [burst.address(number)]:
                lost.append(number)
        client.close()
        self.assertEqual(lost, [], "seed %d: acknowledged and lost" % SEED)

    def test_sigkill_loses_nothing_acknowledged_2_12(self):
        """2.12: SIGKILL during 10 000 registrations loses no acknowledged one."""
        print("SL_SEED=%d" % SEED)
        burst = Burst(self.server)
        self.addCleanup(burst.socket.close)
        for until in sorted(random.Random(SEED).sample(range(100, REGISTRATIONS), KILLS)):
            burst.pump(until)
            self.registry.process.kill()
            burst.receive()     # what it had still sent counts as acknowledged
            self.registry.start()
            self.check_all(burst)
        burst.pump(REGISTRATIONS)
        self.assertEqual(burst.refused, 0)
        self.check_all(burst)

    def test_restart_keeps_names_and_the_version_counter_2_11(self):
        """2.11, 2.12: names, static names and the version counter come back after a clean restart."""
        client = nbns.Client(self.server, local="127.0.0.3")
        self.addCleanup(client.close)
        self.assertEqual(client.register("HOST", 0x20, "127.0.0.3").rcode, 0)
        self.registry.ctl_ok("add", "FIXED#1C", "10.0.0.1", "10.0.0.2", "--group")
        before = self.registry.record("FIXED#1C")
        self.registry.process.stop()
        self.registry.start()
        self.assertEqual(client.query("HOST", 0x20).addresses, ["127.0.0.3"])
        self.assertEqual(self.registry.record("FIXED#1C"), before)
        self.assertEqual(client.register("OTHER", 0x20, "127.0.0.3").rcode, 0)
        self.assertGreater(self.registry.record("OTHER#20")["version"], before["version"])

    def test_release_is_durable_L08(self):
        """L08, 2.12: an acknowledged release survives SIGKILL."""
        client = nbns.Client(self.server, local="127.0.0.3")
        self.addCleanup(client.close)
        self.assertEqual(client.register("HOST", 0x20, "127.0.0.3").rcode, 0)
        release = nbns.request(client.next_number(), nbns.RELEASE, "HOST", 0x20, "127.0.0.3", flags=0)
        self.assertEqual(client.ask(release).rcode, 0)
        self.registry.process.kill()
        self.registry.start()
        self.assertEqual(client.query("HOST", 0x20).rcode, 3)
        self.assertEqual(self.registry.record("HOST#20")["state"], "released")

    def test_a_second_server_on_the_database_is_refused(self):
        """Two servers on one database would hand out the same version ids."""
        result = self.run_ok([harness.program("winsd"), "--db", self.registry.db, "--listen", "127.0.0.9:%d" % self.port,
                              "--control", self.path("other.sock")], code=7)
        self.assertIn("in use by another server", result.err)


class Challenge(harness.Case):
    def setUp(self):
        super().setUp()
        addresses = (lab.REGISTRY_ADDRESS, "127.0.0.3", "127.0.0.4")
        self.port = harness.free_port(addresses, kinds=(socket.SOCK_DGRAM,))
        self.registry = lab.Registry(self, self.port)
        self.server = (lab.REGISTRY_ADDRESS, self.port)
        self.holder = nbns.Client(self.server, local="127.0.0.3", port=self.port)
        self.rival = nbns.Client(self.server, local="127.0.0.4", port=self.port)
        self.addCleanup(self.holder.close)
        self.addCleanup(self.rival.close)
        self.assertEqual(self.holder.register("NAME", 0x20, "127.0.0.3").rcode, 0)

    def test_a_living_holder_keeps_its_name_C03(self):
        """R16, C03: WACK, a challenge from the address and port that clients talk to, then ACT."""
        number = self.rival.next_number()
        self.rival.send(nbns.request(number, nbns.REGISTER, "NAME", 0x20, "127.0.0.4"))
        wack = self.rival.receive()
        self.assertEqual((wack.number, wack.opcode, wack.ttl_s), (number, nbns.WACK, 9))
        self.holder.socket.settimeout(5)
        packet, source = self.holder.socket.recvfrom(600)
        self.assertEqual(source, self.server)
        self.assertEqual(packet[2:], nbns.query(0, "NAME", 0x20)[2:])
        self.holder.send(packet[:2] + nbns.header(0, 0x8580, 0, 1)[2:] + nbns.encode_name("NAME", 0x20)
                         + struct.pack(">HHIHH", nbns.NB, 1, 0, 6, 0x6000) + socket.inet_aton("127.0.0.3"))
        self.assertEqual(self.rival.receive().rcode, 6)
        self.assertEqual(self.registry.addresses("NAME#20"), ["127.0.0.3"])

    def test_a_silent_holder_loses_it_C01(self):
        """R16, C01: three packets without an answer, then the request is granted."""
        self.assertEqual(self.rival.register("NAME", 0x20, "127.0.0.4").rcode, 0)
        self.assertEqual(self.registry.addresses("NAME#20"), ["127.0.0.4"])
        self.holder.socket.setblocking(False)
        challenges = [self.holder.socket.recv(600)[2:] for _ in range(3)]
        self.assertEqual(challenges, [nbns.query(0, "NAME", 0x20)[2:]] * 3)
        with self.assertRaises(BlockingIOError):
            self.holder.socket.recv(600)


class Refusals(harness.Case):
    def winsd(self, *words):
        return harness.run([harness.program("winsd"), "--foreground", "--db", self.path("w.db"), "--control", self.path("w.sock")]
                           + list(words))

    def test_wildcard_is_refused(self):
        """A wildcard address is refused with the reason, before anything is created."""
        for address in ("0.0.0.0", "0.0.0.0:10137", "[::]:10137"):
            result = self.winsd("--listen", address)
            self.assertEqual(result.code, 2, str(result))
            self.assertIn("wildcard", result.err)
            self.assertIn("its own challenges", result.err)
        self.assertEqual(os.listdir(self.folder), [])

    def test_no_address_is_refused(self):
        """Without --listen there is nothing to serve."""
        result = self.winsd()
        self.assertEqual(result.code, 2, str(result))
        self.assertIn("--listen", result.err)

    def test_the_holder_of_a_port_is_named(self):
        """A port that another program holds is told with that program's name and process."""
        for bound_to in ("127.0.0.1", "0.0.0.0"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
                held.bind((bound_to, 0))
                result = self.winsd("--listen", "127.0.0.1:%d" % held.getsockname()[1])
                self.assertEqual(result.code, 7, str(result))
                with open("/proc/self/comm", encoding="ascii") as comm:
                    self.assertIn("held by %s (pid %d)" % (comm.read().strip(), os.getpid()), result.err)

    def test_a_second_registry_on_the_port_is_named(self):
        """A registry shares its port among its own workers, not with another registry of the same user."""
        port = harness.free_port((lab.REGISTRY_ADDRESS,))
        registry = lab.Registry(self, port)
        result = self.winsd("--listen", "%s:%d" % (lab.REGISTRY_ADDRESS, port))
        self.assertEqual(result.code, 7, str(result))
        self.assertIn("held by winsd (pid %d)" % registry.process.pid, result.err)

    def test_files_that_are_not_ours_are_refused(self):
        """A database of something else is refused by name and left alone."""
        path = self.write("other.db", "x" * 4096)
        port = harness.free_port()
        result = harness.run([harness.program("winsd"), "--db", path, "--control", self.path("w.sock"),
                              "--listen", "127.0.0.1:%d" % port])
        self.assertEqual(result.code, 7, str(result))
        self.assertIn("other.db", result.err)
        self.assertEqual(os.path.getsize(path), 4096)

    def test_configuration_is_checked_with_file_and_line(self):
        """--check-config tells what is wrong with file and line; the command line may give what the file lacks."""
        good = self.write("good.conf", 'listen = {"127.0.0.1:10137"}\nworkers = 2\nnetbios_name = "SERVER"\n')
        self.run_ok([harness.program("winsd"), "--check-config", "--config", good])
        for text, told in (('listen = {"127.0.0.1"}\nworkers = 1000\n', ":2"),
                           ('listen = {"127.0.0.1"}\n\ncolour = "red"\n', ":3"),
                           ('listen = {"127.0.0.1"}\nnetbios_name = "SIXTEENOCTETSLONG"\n', "bad.conf:2: netbios-name"),
                           ('listen = {"0.0.0.0"}\n', "bad.conf:1: listen: 0.0.0.0:137: a wildcard"),
                           ('\nlisten = {"127.0.0.1",\n  "127.0.0.2:1137", "127.0.0.1:137"}\n',
                            "bad.conf:2: listen: 127.0.0.1:137 is given twice"),
                           ('listen = {"127.0.0.1"}\nnetbios_name = "X\\', "bad.conf:2: "),
                           ('# loopback only\n\nmetrics = "192.0.2.1:9137"\n', "bad.conf:3: metrics"),
                           ('/* a program\n */\nhook = "relative"\n', "bad.conf:3: hook")):
            result = self.run_ok([harness.program("winsd"), "--check-config", "--config", self.write("bad.conf", text)], code=2)
            self.assertIn(told, result.err)
            self.assertEqual(result.out, "", text)
        twice = self.run_ok([harness.program("winsd"), "--check-config", "--listen", "127.0.0.1", "--listen", "127.0.0.1"], code=2)
        self.assertIn("listen: 127.0.0.1:137 is given twice", twice.err)
        self.run_ok([harness.program("winsd"), "--check-config", "--config", self.write("part.conf", "workers = 2\n"), "--listen", "127.0.0.1"])


class Administration(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))
        self.registry = lab.Registry(self, self.port)
        self.ctl = self.registry.ctl_ok

    def test_add_show_delete_in_every_format(self):
        """add is static, infinite and on disk; show and list say the same in every format."""
        added = self.ctl("add", "MP_PS1#1A", "10.0.0.1", "10.0.0.2", "--json").json
        self.assertEqual(added["outcome"], "ok")
        record = added["answer"]
        self.assertEqual((record["type"], record["state"], record["static"], record["expires_s"]),
                         ("mhomed", "active", True, None))
        self.assertEqual(record["addresses"], ["10.0.0.1", "10.0.0.2"])
        self.assertEqual(record["owner"], lab.REGISTRY_ADDRESS)
        self.registry.process.kill()
        self.registry.start()
        self.assertEqual(self.ctl("show", "MP_PS1#1A", "--json").answer, record)
        self.assertEqual(self.ctl("list", "--json").answer, [record])
        self.assertEqual([json.loads(line)["name"] for line in self.ctl("list", "--jsonl").out.splitlines() if '"name"' in line],
                         ["MP_PS1#1A"])
        rows = list(csv.DictReader(io.StringIO(self.ctl("list", "--csv").out)))
        self.assertEqual((rows[0]["name"], rows[0]["type"]), ("MP_PS1#1A", "mhomed"))
        self.assertEqual(self.ctl("list", "--plain").out.split("\t")[:3], ["MP_PS1#1A", "mhomed", "active"])
        table = self.ctl("list", "--table").out.splitlines()
        self.assertTrue(table[0].startswith("NAME") and table[1].startswith("MP_PS1#1A"), table)
        self.ctl("delete", "MP_PS1#1A")
        self.assertIsNone(self.registry.record("MP_PS1#1A"))

    def test_unknown_names_are_negative_with_a_reason(self):
        """show and delete of an unknown name: negative, not-found, exit code 1."""
        for verb in ("show", "delete"):
            result = self.registry.ctl(verb, "NOBODY#20", "--json")
            self.assertEqual((result.code, result.json["outcome"], result.json["reason"]), (1, "negative", "not-found"),
                             str(result))

    def test_bad_arguments_are_usage(self):
        """A name without a type, a wrong or repeated address, an unknown word: usage, exit code 2, nothing added."""
        for words in (("show", "NOTYPE"), ("add", "A#20", "10.0.0.256"), ("add", "A#20", "10.0.0.1", "10.0.0.1"), ("add", "A#20"),
                      ("list", "--type", "blue"), ("list", "--suffix", "1"), ("show", "SIXTEENOCTETSSSS#20")):
            self.assertEqual(self.registry.ctl(*words).code, 2, words)
        self.assertEqual(self.ctl("list").out, "")

    def test_names_that_the_rules_forbid_conflict_R03(self):
        """R03, R04: what no client may register cannot be added either."""
        self.assertEqual(self.registry.ctl("add", "DOM#1B", "10.0.0.1", "--group").code, 7)
        self.assertEqual(self.registry.ctl("add", "DOM#1C", "10.0.0.1").code, 7)

    def test_groups_Q03_Q06(self):
        """Q03, Q06: a static group answers 255.255.255.255, a static 1C group its members."""
        self.ctl("add", "LAB#00", "10.0.0.1", "--group")
        self.ctl("add", "LAB#1C", "10.0.0.2", "10.0.0.1", "--group")
        client = nbns.Client((lab.REGISTRY_ADDRESS, self.port))
        self.addCleanup(client.close)
        self.assertEqual(client.query("LAB", 0x00).addresses, ["255.255.255.255"])
        self.assertEqual(client.query("LAB", 0x1C).addresses, ["10.0.0.1", "10.0.0.2"])

    def test_list_streams_and_filters(self):
        """Three thousand names are listed whole; filters combine."""
        burst = Burst((lab.REGISTRY_ADDRESS, self.port))
        self.addCleanup(burst.socket.close)
        burst.todo = burst.todo[:3000]
        burst.pump(3000)
        self.ctl("add", "FIXED#1A", "10.0.0.1")
        names = [line.split("\t")[0] for line in self.ctl("list").out.splitlines()]
        self.assertEqual(len(names), 3001)
        self.assertEqual(len(set(names)), 3001)
        self.assertEqual(self.ctl("list", "--static").out.split("\t")[0], "FIXED#1A")
        self.assertEqual(self.ctl("list", "--suffix", "1a", "--type", "unique").out.split("\t")[0], "FIXED#1A")
        self.assertEqual(len(self.ctl("list", "--prefix", "NAME-299").out.splitlines()), 11)
        self.assertEqual(self.ctl("list", "--state", "released").out, "")
        self.assertEqual(len(self.ctl("list", "--owner", lab.REGISTRY_ADDRESS).out.splitlines()), 3001)

    def explain(self, *words):
        answer = self.ctl("explain", *words, "--json").answer
        self.assertTrue(answer["meaning"])
        return answer["rule"], answer["then"], answer["answer"], answer["effect"], answer["addresses"]

    def test_explain_tells_the_rule_and_changes_nothing(self):
        """explain: the row that a request would meet, for every operation, without a trace of it."""
        self.assertEqual(self.explain("HOST#20", "127.0.0.3"), ("R08", None, "ok", "stored-with-new-version", []))
        client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local="127.0.0.3")
        self.addCleanup(client.close)
        client.register("HOST", 0x20, "127.0.0.3")
        self.ctl("add", "FIXED#00", "10.0.0.1")
        before = self.ctl("stats", "--json").answer, self.ctl("list", "--json").answer
        for words, told in (
                (("HOST#20", "127.0.0.3"), ("R15", None, "ok", "lease-extended", [])),
                (("HOST#20", "127.0.0.3", "--op", "refresh"), ("R15", None, "ok", "lease-extended", [])),
                (("HOST#20", "127.0.0.4"), ("R16", None, "WACK", "challenge", ["127.0.0.3"])),
                (("HOST#20", "127.0.0.4", "--as", "group"), ("R14", None, "WACK", "challenge", ["127.0.0.3"])),
                (("DOM#1B", "127.0.0.3", "--as", "group"), ("R03", None, "RFS_ERR", "none", [])),
                (("DOM#1C", "127.0.0.3", "--as", "mhomed"), ("R04", None, "RFS_ERR", "none", [])),
                (("FIXED#00", "10.0.0.1"), ("R10", None, "ACT_ERR", "none", [])),
                (("HOST#20", "127.0.0.3", "--op", "release"), ("L08", "L10", "ok", "stored", [])),
                (("HOST#20", "127.0.0.4", "--op", "release"), ("L07", None, "ok", "none", [])),
                (("HOST#20", "127.0.0.4", "--op", "query"), ("Q05", None, "ok", "none", ["127.0.0.3"])),
                (("NONE#20", "127.0.0.4", "--op", "query"), ("Q11", None, "NAM_ERR", "none", []))):
            self.assertEqual(self.explain(*words), told, words)
        after = self.ctl("stats", "--json").answer, self.ctl("list", "--json").answer
        self.assertEqual((after[0]["rules"], after[0]["version"]), (before[0]["rules"], before[0]["version"]))
        self.assertEqual([row["version"] for row in after[1]], [row["version"] for row in before[1]])
        self.assertIn("active unique, version 1", self.ctl("explain", "HOST#20", "127.0.0.4", "--json").answer["record"])
        self.assertEqual(self.registry.ctl("explain", "HOST#20", "nowhere").code, 2)

    def test_stats_count(self):
        """stats counts names, queries and decisions by rule."""
        client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local="127.0.0.3")
        self.addCleanup(client.close)
        client.register("HOST", 0x20, "127.0.0.3")
        client.query("HOST", 0x20)
        client.query("NOBODY", 0x20)
        stats = self.ctl("stats", "--json").answer
        self.assertEqual((stats["names"], stats["version"], stats["received"], stats["answered"], stats["queued"]),
                         (1, 1, 3, 2, 1))
        self.assertEqual(sorted(stats["rules"]), ["Q05 1", "Q11 1", "R08 1"])

    def test_without_a_daemon(self):
        """winsctl names the socket that nobody serves."""
        result = harness.run([harness.program("winsctl"), "--control", self.path("none.sock"), "list"])
        self.assertEqual(result.code, 3, str(result))
        self.assertIn("none.sock", result.err)


class OwnNames(harness.Case):
    def test_the_host_name_is_defended_by_default_Q09_R20(self):
        """Q09, R20: without --netbios-name the server has the first label of the host name, in node status and defended."""
        port = harness.free_port((lab.REGISTRY_ADDRESS,))
        lab.Registry(self, port)
        client = nbns.Client((lab.REGISTRY_ADDRESS, port))
        self.addCleanup(client.close)
        name = socket.gethostname().split(".")[0][:15].upper()
        status = client.ask(nbns.header(7, 0, 1) + b"\x20CK" + b"A" * 30 + b"\0" + struct.pack(">HH", nbns.NBSTAT, 1))
        names = [status.rdata[at:at + 16] for at in range(1, 1 + 18 * status.rdata[0], 18)]
        self.assertEqual(names, [name.encode().ljust(15) + bytes([suffix]) for suffix in (0x00, 0x03, 0x20)])
        self.assertEqual(client.register(name, 0x20, "10.0.0.1").rcode, 6)


class Addresses(harness.Case):
    def test_answers_come_from_the_address_that_was_asked(self):
        """Several --listen: answers and WACKs come from the address and port that was asked."""
        port = harness.free_port(("127.0.0.2", "127.0.0.7"), kinds=(socket.SOCK_DGRAM,))
        lab.Registry(self, port, more=["--listen", "127.0.0.7:%d" % port, "--workers", "3"])
        for server in ("127.0.0.2", "127.0.0.7"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.settimeout(5)
                client.bind(("127.0.0.3", 0))
                for packet in (nbns.request(7, nbns.REGISTER, "HOST", 0x20, "127.0.0.3"), nbns.query(8, "HOST", 0x20)):
                    client.sendto(packet, (server, port))
                    answer, source = client.recvfrom(600)
                    self.assertEqual(source, (server, port))
                    self.assertEqual(nbns.Answer(answer).rcode, 0)


if __name__ == "__main__":
    harness.main()
