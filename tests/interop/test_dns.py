"""The dns: source against a real DNS server (dnsmasq): SRV records of management points and the addresses of their hosts."""

import socket

import harness
import lab


class ServiceRecords(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port()
        server = self.start([harness.tool("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--no-hosts", "--no-resolv", "--conf-file=/dev/null",
                             "--listen-address=127.0.0.1", "--bind-interfaces", "--port=%d" % self.port, "--user=", "--group=", "--pid-file=",
                             "--local=/example.org/", "--srv-host=_mssms_mp_ps1._tcp.example.org,mp1.example.org,8080",
                             "--srv-host=_mssms_mp_ps2._tcp.example.org,gone.example.org,80",
                             "--host-record=mp1.example.org,127.0.0.11", "--local-ttl=14400"], clean_exit=False)

        def is_ready():
            server.check_alive()
            return harness.is_accepting("127.0.0.1", self.port)
        harness.wait_until(is_ready, "dnsmasq")
        self.source = "dns://127.0.0.1:%d/example.org" % self.port

    def find(self, code, source=None, *more):
        return lab.find("mp", "--site", code, "--source", source or self.source, "--timeout", "1s", *more)

    def test_srv_record_gives_host_address_and_port(self):
        """P03 _mssms_mp_<code>._tcp names the MP, its port and the age of the answer; its host record the address"""
        found = self.find("PS1")
        self.assertEqual(found.code, 0, str(found))
        self.assertEqual((found.answer["mp"], found.answer["address"], found.answer["port"]), ("mp1.example.org", "127.0.0.11", 8080))
        self.assertEqual(found.answer["ttl_s"], 14400)
        self.assertEqual(found.answer["source"].split(":")[0], "dns")

    def test_no_record_is_a_no(self):
        """X02 a name server that knows no such site: the answer is no"""
        found = self.find("PS9")
        self.assertEqual((found.code, found.json["outcome"]), (1, "negative"), str(found))

    def test_no_server_is_could_not_ask(self):
        """X02 no name server, or a silent one: the answer is not known"""
        found = self.find("PS1", "dns://127.0.0.1:%d/example.org" % harness.free_port())
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            found = self.find("PS1", "dns://127.0.0.1:%d/example.org" % silent.getsockname()[1])
            self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))
            self.assertLess(found.seconds, 4, "it waited longer than its timeout")

    def test_dns_stands_in_for_a_directory_without_the_schema(self):
        """P03 S1.19 directory without the schema first, DNS second: DNS answers"""
        bare = lab.Directory(self, schema="none")
        found = self.find("PS1", bare.uri_base, "--source", self.source)
        self.assertEqual((found.code, found.answer["address"]), (0, "127.0.0.11"), str(found))


harness.main()
