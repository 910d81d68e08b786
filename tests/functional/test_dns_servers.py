"""The dns: source and its servers: several, silent, failing and truncating ones, and what SRV records say."""

import socket

import dns
import harness
import lab

NAME = "_mssms_mp_ps1._tcp.example.org"
RECORDS = {(NAME, dns.SRV): [(14400, (0, 0, 8080, "mp1.example.org"))], ("mp1.example.org", dns.A): [(60, "127.0.0.11")]}


class Servers(harness.Case):

    def setUp(self):
        super().setUp()
        self.server = dns.Server(self)
        self.server.records = dict(RECORDS)

    def find(self, *servers, more=()):
        return lab.find("mp", "--site", "PS1", "--source", "dns://%s/example.org" % ",".join(servers), "--timeout", "2s", *more)

    def check(self, found):
        self.assertEqual((found.code, found.answer["mp"], found.answer["address"], found.answer["port"], found.answer["ttl_s"]),
                         (0, "mp1.example.org", "127.0.0.11", 8080, 14400), str(found))

    def test_a_truncated_answer_is_asked_again_over_tcp(self):
        """P03 RFC 7766: the whole answer comes over TCP"""
        self.server.truncated = True
        self.check(self.find(self.server.address))
        self.assertIn((NAME, dns.SRV, "udp"), self.server.asked)
        self.assertIn((NAME, dns.SRV, "tcp"), self.server.asked)

    def test_the_next_server_is_asked(self):
        """P04 one that is silent, one where nothing listens, one that fails: the answer comes from the next, within one time-out"""
        failing = dns.Server(self)
        failing.rcode = 2
        nobody = "127.0.0.1:%d" % harness.free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            for before in (["127.0.0.1:%d" % silent.getsockname()[1]], [nobody], [failing.address],
                           ["127.0.0.1:%d" % silent.getsockname()[1], nobody, failing.address]):
                with self.subTest(before=before):
                    found = self.find(*before, self.server.address)
                    self.check(found)
                    self.assertLess(found.seconds, 2.5)
            found = self.find("127.0.0.1:%d" % silent.getsockname()[1], nobody, failing.address)
            self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))

    def test_servers_that_refuse(self):
        """X02 REFUSED from each server is a refusal; from one of them it leaves it to the next"""
        refusing, other = dns.Server(self), dns.Server(self)
        refusing.rcode = other.rcode = 5
        found = self.find(refusing.address, other.address)
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"]), (6, "denied", "access-refused"), str(found))
        self.check(self.find(refusing.address, self.server.address))

    def test_codes_that_say_nothing_of_the_name(self):
        """X02 only NXDOMAIN means that there is no record; NOTAUTH, NOTZONE and the like: could not ask"""
        for rcode, outcome in ((3, "negative"), (1, "unreachable"), (4, "unreachable"), (6, "unreachable"), (9, "unreachable"), (15, "unreachable")):
            self.server.rcode = rcode
            self.assertEqual(self.find(self.server.address).json["outcome"], outcome, rcode)

    def test_more_records_than_fit_a_datagram(self):
        """P03 every one of 300 records competes: the first by name is the last of the answer"""
        names = ["mp%03d.example.org" % number for number in range(400, 100, -1)]
        self.server.records[(NAME, dns.SRV)] = [(60, (0, 0, 80, name)) for name in names]
        self.server.truncated = True
        found = self.find(self.server.address)
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp101.example.org"), str(found))
        self.assertIn("300 SRV records", "\n".join(found.json["warnings"]))

    def test_priority_and_weight_do_not_count(self):
        """P03 P04 sms.md 4: two records, the better priority on the later name; cm2007 takes the first by name and warns, cb too"""
        self.server.records[(NAME, dns.SRV)] = [(60, (0, 100, 80, "mp2.example.org")), (90, (50, 0, 8080, "mp1.example.org"))]
        found = self.find(self.server.address)
        self.assertEqual((found.code, found.answer["mp"], found.answer["ttl_s"]), (0, "mp1.example.org", 90), str(found))
        self.assertIn("2 SRV records", "\n".join(found.json["warnings"]))

    def test_ipv6_only_and_no_address(self):
        """P03 AAAA counts where there is no A; a target without an address is an answer with a warning"""
        del self.server.records[("mp1.example.org", dns.A)]
        self.server.records[("mp1.example.org", dns.AAAA)] = [(60, "::1")]
        self.assertEqual(self.find(self.server.address).answer["address"], "::1")
        del self.server.records[("mp1.example.org", dns.AAAA)]
        found = self.find(self.server.address)
        self.assertEqual((found.code, found.answer["address"]), (0, None), str(found))
        self.assertIn("no address", "\n".join(found.json["warnings"]))

    def test_an_answer_that_stays_truncated_says_nothing(self):
        """X02 cut over TCP too: neither what there is nor that there is nothing is known"""
        self.server.always_truncated = True
        found = self.find(self.server.address)
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))
        self.assertIn((NAME, dns.SRV, "tcp"), self.server.asked)

    def test_a_question_sent_back_is_no_answer(self):
        """X02 what listens there is no DNS server: could not ask, never that there is no record"""
        self.server.is_echo = True
        found = self.find(self.server.address)
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))

    def test_only_what_was_asked_for_counts(self):
        """P03 a record of another name is no answer, one of an alias is; a TTL above 2^31 - 1 is 0 (RFC 2181 8)"""
        self.server.owners = {NAME: "_mssms_mp_ps1._tcp.example.net"}
        found = self.find(self.server.address)
        self.assertEqual((found.code, found.json["reason"]), (1, "not-found"), str(found))
        self.server.aliases = {NAME: "_mssms_mp_ps1._tcp.example.net"}
        self.check(self.find(self.server.address))
        self.server.owners, self.server.aliases = {}, {}
        self.server.records[(NAME, dns.SRV)] = [(2 ** 31, (0, 0, 8080, "mp1.example.org"))]
        self.assertEqual(self.find(self.server.address).answer["ttl_s"], 0)

    def test_bad_servers_are_told(self):
        """servers are numeric; a list needs no end"""
        for bad in ("ns.example.org", "127.0.0.1:99999", "127.0.0.1,x", ",".join(["127.0.0.1:53"] * 100)):
            self.assertEqual(self.find(bad).code, 2, bad)


harness.main()
