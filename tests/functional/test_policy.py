"""The policy of the registry: refusals are answered, counted and logged with the rule; a reload loses no packet."""

import os
import signal
import threading
import urllib.request

import harness
import lab
import nbns

OF_ONE_SOCKET = 100     # answers find room in it


class Policy(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))
        self.server = (lab.REGISTRY_ADDRESS, self.port)
        self.config = self.write("winsd.conf", "")

    def serve(self, text, more=()):
        self.write("winsd.conf", text)
        self.registry = lab.Registry(self, self.port, more=["--config", self.config] + list(more))

    def client(self, address, port=0):
        client = nbns.Client(self.server, local=address, port=port)
        self.addCleanup(client.close)
        return client

    def decided(self, rule):
        rules = dict(line.split(" ") for line in self.registry.ctl_ok("stats", "--json").answer["rules"])
        return int(rules.get(rule, 0))

    def reload(self, text, told="reloaded"):
        before = self.registry.process.log().count(told)
        self.write("winsd.conf", text)
        self.registry.process.signal(1)
        harness.wait_until(lambda: self.registry.process.log().count(told) > before, told)

    def test_refusals_are_answered_counted_and_logged_P01_P02_P04(self):
        """P01, P02, P04: code 5, a counter and a line of the log each."""
        self.serve('deny_query = {"127.0.0.9"}\ndeny_register = {"127.0.0.8"}\npin = {"MP_*#1A 127.0.0.3"}\n')
        self.assertEqual(self.client("127.0.0.9").query("HOST", 0x20).rcode, 5)
        self.assertEqual(self.client("127.0.0.8").register("HOST", 0x20, "127.0.0.8").rcode, 5)
        self.assertEqual(self.client("127.0.0.4").register("MP_PS1", 0x1a, "127.0.0.4").rcode, 5)
        self.assertEqual(self.client("127.0.0.3").register("MP_PS1", 0x1a, "127.0.0.3").rcode, 0)
        for rule in ("P01", "P02", "P04"):
            harness.wait_until(lambda: self.decided(rule) == 1, "the counter of " + rule)
        log = self.registry.process.log()
        self.assertIn("refused rule=P01 source=127.0.0.9", log)
        self.assertIn("rule=P02", log)
        self.assertRegex(log, r'rule=P04 name="?MP_PS1#1A"? address=127.0.0.4 source=127.0.0.4')

    def test_explain_knows_the_policy_P01_P02_P04(self):
        """P01, P02, P04: explain names the rule of the policy, which it neither counts nor logs."""
        self.serve('deny_query = {"127.0.0.9"}\ndeny_register = {"127.0.0.8"}\npin = {"MP_*#1A 127.0.0.3"}\n')
        for words, rule in ((("HOST#20", "127.0.0.9", "--op", "query"), "P01"), (("HOST#20", "127.0.0.8"), "P02"),
                            (("MP_PS1#1A", "127.0.0.4"), "P04"), (("MP_PS1#1A", "127.0.0.3"), "R08")):
            answer = self.registry.ctl_ok("explain", *words, "--json").answer
            self.assertEqual((answer["rule"], answer["answer"]), (rule, "ok" if rule == "R08" else "RFS_ERR"))
        self.assertNotIn("refused", self.registry.process.log())

    def test_the_log_is_limited_P02(self):
        """P02: a flood of refusals makes few lines, and the counter has them all; it hides nothing that another rule refuses."""
        self.serve('deny_register = {"127.0.0.8"}\npin = {"MP_*#1A 127.0.0.3"}\n')
        client, other = self.client("127.0.0.8"), self.client("127.0.0.4")
        for number in range(200):
            self.assertEqual(client.register("HOST", 0x20, "127.0.0.8").rcode, 5)
            if number % 50 == 49:
                self.assertEqual(other.register("MP_PS1", 0x1a, "127.0.0.4").rcode, 5)
        harness.wait_until(lambda: self.decided("P02") == 200, "the counter of P02")
        self.assertLess(self.registry.process.log().count("rule=P02"), 100)
        self.assertEqual(self.registry.process.log().count("rule=P04"), 4)

    def test_one_source_cannot_ask_without_end_P07_P08(self):
        """P07, P08: what is beyond the rate is dropped and counted; another source is served."""
        self.serve("query_rate = 5\nregister_rate = 5\n", more=["--workers", "1"])
        client = self.client("127.0.0.3")
        for number in range(100):
            client.send(nbns.query(number, "HOST", 0x20))
            client.send(nbns.request(number + 100, nbns.REGISTER, "HOST", 0x20, "127.0.0.3"))
        self.assertEqual(self.client("127.0.0.4").register("OTHER", 0x20, "127.0.0.4").rcode, 0)
        for rule in ("P07", "P08"):
            harness.wait_until(lambda: 50 <= self.decided(rule) <= 90, "the counter of " + rule)
        told = self.registry.process.log()
        self.assertRegex(told, r"refused rule=P0[78] source=127\.0\.0\.3 ")
        self.assertLess(told.count("rule=P07") + told.count("rule=P08"), 20)

    def test_mistakes_are_told_with_file_and_line(self):
        """A network, pattern or pin that cannot be understood: file and line, or the option."""
        for text, told in (('\ndeny_query = {"10.0.0.0/99"}\n', "winsd.conf:2: deny-query"),
                           ('pin = {"MP_*#1A 10.0.0.0/8",\n  "WPAD 10.0.0.1"}\n', "winsd.conf:2: pin"),
                           ('first_owner = {"HOST"}\n', "winsd.conf:1: first-owner")):
            self.write("winsd.conf", text)
            result = self.run_ok([harness.program("winsd"), "--check-config", "--listen", "127.0.0.1", "--config", self.config],
                                 code=2)
            self.assertIn(told, result.err)
        result = self.run_ok([harness.program("winsd"), "--check-config", "--listen", "127.0.0.1", "--pin", "X"], code=2)
        self.assertIn("--pin", result.err)

    def test_reload_takes_over_the_policy_P04(self):
        """P04: SIGHUP takes over the file's policy, keeps the command line's, and keeps all of the old one when it is wrong."""
        self.serve("", more=["--pin", "CMD#20 127.0.0.3"])
        client = self.client("127.0.0.4")
        self.assertEqual(client.register("FIRST", 0x20, "127.0.0.4").rcode, 0)
        self.reload('first_owner = {"FIRST#20"}\ndeny_register = {"127.0.0.8"}\n')
        self.assertEqual(self.client("127.0.0.5").register("FIRST", 0x20, "127.0.0.5").rcode, 5)
        self.assertEqual(client.register("CMD", 0x20, "127.0.0.4").rcode, 5)
        self.reload('first_owner = {"FIRST"}\n', told="reload-failed")
        self.assertIn("winsd.conf:1", self.registry.process.log())
        self.assertEqual(self.client("127.0.0.8").register("OTHER", 0x20, "127.0.0.8").rcode, 5)
        self.reload("")
        self.assertEqual(self.client("127.0.0.8").register("OTHER", 0x20, "127.0.0.8").rcode, 0)
        self.assertEqual(client.register("CMD", 0x20, "127.0.0.4").rcode, 5)

    def test_a_request_behind_a_challenge_meets_the_policy_of_its_end_P04(self):
        """P04: the policy that counts is that of the moment in which the name would change hands."""
        self.serve("")
        holder, thief = self.client("127.0.0.4", port=self.port), self.client("127.0.0.5")
        self.assertEqual(holder.register("HOST", 0x20, "127.0.0.4").rcode, 0)
        thief.send(nbns.request(7, nbns.REGISTER, "HOST", 0x20, "127.0.0.5"))
        self.assertEqual(thief.receive().opcode, nbns.WACK)
        challenge = holder.socket.recv(1024)
        self.reload('pin = {"HOST#20 127.0.0.4"}\n')
        denial = nbns.header(int.from_bytes(challenge[:2], "big"), 0x8583, answers=1)
        holder.send(denial + challenge[12:46] + bytes((0, nbns.NULL, 0, 1)) + bytes(6))
        self.assertEqual(thief.receive().rcode, 5)
        self.assertEqual(self.registry.addresses("HOST#20"), ["127.0.0.4"])
        self.assertIn("refused rule=P04", self.registry.process.log())

    def register_all_at_once(self, names):
        """Registrations that wait for a server that stood still; the codes and times to live of the answers, by name."""
        clients = [self.client("127.0.0.3") for _ in range(0, len(names), OF_ONE_SOCKET)]
        self.registry.process.signal(signal.SIGSTOP)
        for number, (name, suffix) in enumerate(names):
            clients[number // OF_ONE_SOCKET].send(nbns.request(number, nbns.REGISTER, name, suffix, "127.0.0.3"))
        self.registry.process.signal(signal.SIGCONT)
        answers = {}
        for number in range(len(names)):
            answer = clients[number // OF_ONE_SOCKET].receive()
            self.assertIsNotNone(answer, "%d of %d answers" % (len(answers), len(names)))
            answers[names[answer.number]] = (answer.rcode, answer.ttl_s)
        return answers

    def test_the_burst_rule_is_an_option_and_spares_protected_names_B01(self):
        """B01: off by default; on, what waits is granted shortly and not stored, but never a pinned or locked name, nor against policy"""
        plain = [("NAME%d" % number, 0x20) for number in range(1000)]
        guarded = [("MP_%03d" % number, 0x1a) for number in range(100)] + [("KEEP%d" % number, 0x20) for number in range(100)]
        foreign = [("NLB_%03d" % number, 0x1a) for number in range(100)]
        mixed = [name for four in zip(plain[::10], guarded[:100], guarded[100:], foreign) for name in four] + plain
        names = list(dict.fromkeys(mixed))
        rules = 'pin = {"MP_*#1A 127.0.0.3", "NLB_*#1A 127.0.0.9"}\nfirst_owner = {"KEEP*#20"}\n'
        for burst in ("", "burst = 5\n"):
            self.serve(rules + burst)
            answers = self.register_all_at_once(names)
            harness.wait_until(lambda: self.decided("P04") == len(foreign), "the refusals being counted")
            stored = {(record["name"][:-3], int(record["name"][-2:], 16)) for record in self.registry.ctl_ok("list", "--json").answer}
            granted = {name for name in plain if name not in stored}
            self.assertEqual(len(granted), self.decided("B01"))
            self.assertEqual(bool(granted), bool(burst))
            self.assertLessEqual(set(guarded), stored, "B01 a protected name was granted unseen")
            self.assertEqual({answers[name][0] for name in plain + guarded}, {0})
            self.assertEqual({answers[name][0] for name in foreign}, {5})
            self.assertTrue(all(answers[name][1] <= 3000 for name in granted), "B01 a grant of more than 50 minutes")
            self.registry.process.stop()
            os.unlink(self.registry.db)

    def test_new_names_are_refused_beyond_the_bound_P09(self):
        """P09: of what comes at once exactly as many names as may be are stored; the rest is refused, counted, logged and explained"""
        self.serve("names_max = 10\n", more=["--metrics", "127.0.0.1:%d" % harness.free_port()])
        names = [("NAME%d" % number, 0x20) for number in range(100)]
        answers = self.register_all_at_once(names)
        stored = [name for name in names if answers[name][0] == 0]
        self.assertEqual([answers[name][0] for name in names].count(5), 90)
        stats = self.registry.ctl_ok("stats", "--json").answer
        self.assertEqual((stats["names"], stats["names_max"], self.decided("P09"), self.decided("R08")), (10, 10, 90, 10))
        self.assertRegex(self.registry.process.log(), r'refused rule=P09 name="?NAME\d+#20"? address=127.0.0.3 source=127.0.0.3')
        with urllib.request.urlopen("http://%s/metrics" % self.registry.more[-1]) as page:
            text = page.read().decode()
        self.assertIn('winsd_decisions_total{rule="P09"} 90\n', text)
        self.assertIn("winsd_names_max 10\n", text)
        client = self.client("127.0.0.3")
        self.assertEqual(client.register(*stored[0], "127.0.0.3", opcode=nbns.REFRESH).rcode, 0)
        self.registry.ctl_ok("release", "%s#20" % stored[1][0])
        self.assertEqual(client.register(*stored[1], "127.0.0.3").rcode, 0)
        answer = self.registry.ctl_ok("explain", "NEW#20", "127.0.0.3", "--json").answer
        self.assertEqual((answer["rule"], answer["answer"], answer["effect"]), ("P09", "RFS_ERR", "none"))
        self.registry.ctl_ok("add", "FIXED#20", "10.0.0.1")
        self.registry.ctl_ok("import", self.write("names.csv", "name,kind,node,static,expires,addresses\nIN#20,unique,H,false,0,10.0.0.2\n"))
        self.assertEqual(self.registry.addresses("IN#20"), ["10.0.0.2"])
        self.assertEqual(client.register("NEW", 0x20, "127.0.0.3").rcode, 5)
        for bound in ("names_max = 13\n", "names_max = 0\n"):
            self.reload(bound)
            self.assertEqual(client.register("NEW" + bound[-3], 0x20, "127.0.0.3").rcode, 0)

    def test_reload_loses_no_packet(self):
        """While the policy is replaced again and again, every query and registration is answered, none with a mistake."""
        self.serve('deny_query = {"127.0.0.9"}\n')
        done, wrong = threading.Event(), []

        def reload():
            for i in range(20):
                self.reload('deny_query = {"127.0.0.9"}\n' if i % 2 else 'deny_query = {"127.0.0.9"}\npin = {"A#20 127.0.0.9"}\n')
            done.set()

        thread = threading.Thread(target=reload)
        thread.start()
        asked = 0
        client = self.client("127.0.0.3")
        while not done.is_set():
            number = client.next_number() & 0xffff
            packet = nbns.request(number, nbns.REGISTER, "B", 0x20, "127.0.0.3") if asked % 2 else nbns.query(number, "B", 0x20)
            answer = client.ask(packet, tries=1)
            asked += 1
            if answer is None or answer.rcode not in (0, 3) or (asked > 2 and answer.rcode):
                wrong.append((asked, answer and answer.rcode))
        thread.join()
        self.assertEqual(wrong, [], "of %d" % asked)
        self.assertGreater(asked, 20)


if __name__ == "__main__":
    harness.main()
