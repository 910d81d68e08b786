"""Directory servers that misbehave: every one ends at the deadline with the outcome that is right, whoever asks; several servers."""
import os
import signal
import time

import badpeer
import harness
import krb5
import lab
from slapd import Slapd

AT = "cn=System Management,cn=System,dc=example,dc=com"
MP = ("dn: cn=SMS-MP-PS1-{0},%s\nobjectClass: mSSMSManagementPoint\ncn: SMS-MP-PS1-{0}\nmSSMSSiteCode: PS1\nmSSMSDefaultMP: TRUE\n"
      "mSSMSMPName: {0}\n\n" % AT)
PEERS = ("blackhole", "tarpit", "reset", "half_tls", "half_bind", "half_hello", "cut", "drip", "flood", "refused")
LIMIT_S = 10    # for --timeout 500ms: a busy machine takes long to start a program; without a deadline it is 27 s, or for ever


class PeerCase(harness.Case):
    def slapd(self, name="slapd", **how):
        server = Slapd(self.path(name), **how)
        server.start()
        self.addCleanup(server.stop)
        return server

    def find(self, uri, *words, code=0, timeout="500ms", env=None):
        argv = [harness.program("locator"), "find", "mp", "--site", "PS1", "--timeout", timeout, "--json", "--source", uri, *words]
        return self.run_ok(argv, code=code, env=env)


class OneServer(PeerCase):
    def test_every_bad_peer_ends_at_the_deadline(self):
        """Silent, dripping, resetting or half-answering, in the clear, with StartTLS and with ldaps."""
        with badpeer.BadPeers() as bad:
            for name in PEERS:
                for scheme, words in (("ldap", []), ("ldap", ["--starttls"]), ("ldaps", [])):
                    with self.subTest(peer=name, scheme=scheme, words=words):
                        uri = f"{scheme}://127.0.0.1:{getattr(bad, name)}/dc=example,dc=com"
                        talks_nonsense = scheme == "ldaps" and name in ("half_tls", "half_bind", "cut", "drip", "flood")
                        result = self.find(uri, *words, **({"code": 4, "timeout": "5s"} if talks_nonsense else {"code": 3}))
                        self.assertEqual(result.json["reason"], "certificate-refused" if talks_nonsense else "could-not-ask")
                        self.assertLess(result.seconds, LIMIT_S, str(result))

    def test_an_endless_answer_is_not_taken(self):
        """X02 an answer of 2 GiB ends the connection before the deadline, and its octets are never kept"""
        with badpeer.BadPeers() as bad:
            result = self.find("ldap://127.0.0.1:%d/dc=example,dc=com" % bad.flood, code=3, timeout="60s")
            self.assertEqual(result.json["reason"], "could-not-ask")
            self.assertLess(result.seconds, LIMIT_S, str(result))

    def test_the_same_for_schema_check(self):
        with badpeer.BadPeers() as bad:
            for name in PEERS:
                uri = "ldap://127.0.0.1:%d" % getattr(bad, name)
                result = self.run_ok([harness.program("sitectl"), "schema", "check", uri, "--timeout", "500ms", "--json"], code=3)
                self.assertEqual(result.json["reason"], "could-not-ask", name)
                self.assertLess(result.seconds, LIMIT_S, str(result))

    def test_hung_server(self):
        """SIGSTOP: the kernel still takes connections."""
        server = self.slapd(tls=True)
        server.signal(signal.SIGSTOP)
        for uri, words in ((server.uri, []), (server.uri, ["--starttls"]), (server.ldaps_uri, []), (server.ldapi, [])):
            with self.subTest(uri=uri, words=words):
                result = self.find(uri, *words, code=3)
                self.assertLess(result.seconds, LIMIT_S, str(result))

    def test_hung_kdc(self):
        """krb5 waits half a minute for a service ticket; the program does not. With the ticket in the cache it needs no KDC."""
        kdc = krb5.Kdc(self)
        server = self.slapd(krb5=kdc, entries=MP.format("mp1"))
        uri = server.uri.replace("127.0.0.1", "localhost")
        kdc.signal(signal.SIGSTOP)
        self.addCleanup(kdc.signal, signal.SIGCONT)
        for mechanism in ("gssapi", "gss-spnego"):
            result = self.find(uri, "--sasl", mechanism, code=3, env=kdc.client_environment)
            self.assertLess(result.seconds, LIMIT_S, str(result))
        kdc.signal(signal.SIGCONT)
        self.find(uri, "--sasl", "gssapi", env=kdc.client_environment, timeout="5s")
        kdc.signal(signal.SIGSTOP)
        self.find(uri, "--sasl", "gssapi", env=kdc.client_environment)


class SeveralServers(PeerCase):
    def test_the_next_server_is_asked_within_the_deadline(self):
        """Whatever is wrong with the first, the second answers in time, and the first is named in a warning."""
        server = self.slapd(entries=MP.format("mp1"))
        good = "127.0.0.1:%d/dc=example,dc=com" % server.port
        with badpeer.BadPeers() as bad:
            for name in ("blackhole", "tarpit", "reset", "half_hello", "refused"):
                with self.subTest(peer=name):
                    first = "ldap://127.0.0.1:%d" % getattr(bad, name)
                    result = self.find(f"{first},{good}", timeout="1s")
                    self.assertEqual(result.answer["server"], server.uri)
                    self.assertTrue(any(w.startswith(first + ": ") for w in result.json["warnings"]), result.json["warnings"])
                    self.assertLess(result.seconds, LIMIT_S)
            every = ",".join("127.0.0.1:%d" % getattr(bad, name) for name in ("blackhole", "tarpit", "reset", "refused"))
            self.find(f"ldap://{every},{good}", timeout="2s")
            self.assertLess(self.find(f"ldap://{every}", timeout="1s", code=3).seconds, LIMIT_S)

    def test_a_silent_server_that_took_the_connection(self):
        """libldap's own list of URIs stays with a server that took the connection; ours does not."""
        hung, good = self.slapd("hung", entries=MP.format("mp1")), self.slapd("good", entries=MP.format("mp2"))
        uri = "ldap://127.0.0.1:%d,127.0.0.1:%d/dc=example,dc=com" % (hung.port, good.port)
        self.assertEqual(self.find(uri).answer["mp"], "mp1")
        hung.signal(signal.SIGSTOP)
        result = self.find(uri)
        self.assertEqual(result.answer["mp"], "mp2")
        self.assertIn(hung.uri, result.json["warnings"][0])

    def test_a_refused_account_is_not_tried_elsewhere(self):
        """Wrong passwords at every server would lock an account."""
        servers = [self.slapd("s%d" % n) for n in range(2)]
        uri = "ldap://" + ",".join("127.0.0.1:%d" % s.port for s in servers)
        result = self.find(uri, "--bind-dn", servers[0].publisher_dn, "--password-file", servers[0].admin_password_file, code=6)
        self.assertIn(servers[0].uri, result.json["message"])
        self.assertNotIn(servers[1].uri, result.json["message"])

    def test_a_bad_certificate_leaves_it_to_the_next(self):
        bad, good = self.slapd("bad", tls=True), self.slapd("good", tls=True, entries=MP.format("mp1"))
        uri = "ldaps://127.0.0.1:%d,127.0.0.1:%d/dc=example,dc=com" % (bad.ldaps_port, good.ldaps_port)
        result = self.find(uri, "--ca", good.ca_file, timeout="2s")
        self.assertEqual(result.answer["trust"], "directory")
        self.assertIn("not signed by", result.json["warnings"][0])


class Publishing(PeerCase):
    """The same peers as targets of a site."""

    def test_bad_targets_do_not_hold_up_the_good_one(self):
        server = lab.Directory(self)
        site = lab.Site(self, roles="server")
        lab.fill(site)
        with badpeer.BadPeers() as bad:
            names = ("tarpit", "half_bind", "refused")
            site.ctl_ok("unpublish", "--apply")     # nothing is published while targets come, so once to all of them
            for name in names:
                site.ctl_ok("target", "add", "ldap://127.0.0.1:%d/dc=example,dc=com" % getattr(bad, name), "--timeout", "300ms")
            site.ctl_ok("target", "add", server.uri_base, *server.credentials)
            start = time.monotonic()
            report = site.ctl("publish", "--apply", "--json")
            self.assertEqual(report.code, 8, str(report))
            # one that answers the bind and then nothing is given up at the deadline of a target, the others at --timeout
            self.assertLess(time.monotonic() - start, 45)
            for name in names:
                uri = "ldap://127.0.0.1:%d" % getattr(bad, name)
                self.assertTrue(any(uri in w and "unreachable" in w for w in report.json["warnings"]), (name, report.json["warnings"]))
        self.assertEqual(len(server.published("mSSMSManagementPoint")), 2)

    def test_a_list_of_servers_as_a_target(self):
        """Every server of a list is published to; a dead one holds up no other and is named."""
        server = lab.Directory(self)
        site = lab.Site(self, roles="server")
        lab.fill(site)
        with badpeer.BadPeers() as bad:
            dead = "ldap://127.0.0.1:%d" % bad.tarpit
            site.ctl_ok("target", "add", "%s,127.0.0.1:%d/%s" % (dead, server.port, server.suffix), *server.credentials, "--timeout", "2s")
            report = site.ctl_ok("publish", "--apply", "--json", code=8).json
            self.assertTrue(any(dead + ": " in w for w in report["warnings"]), report)
        self.assertEqual(len(server.published("mSSMSManagementPoint")), 2)

    def test_a_server_that_hangs_meanwhile(self):
        """What a hung server may have been told is read back and mended when it is well again."""
        server = lab.Directory(self)
        site = lab.Site(self, roles="server")
        lab.fill(site, targets=[[server.uri_base, *server.credentials, "--timeout", "1s"]])
        site.publish()
        server.signal(signal.SIGSTOP)
        site.ctl_ok("mp", "designate", "mp2.example.org")
        report = site.ctl("publish", "--apply", "--json")
        self.assertEqual((report.code, report.json["reason"]), (3, "could-not-ask"), str(report))
        server.signal(signal.SIGCONT)
        site.publish()
        defaults = [entry["mssmsmpname"] for entry in server.published("mSSMSManagementPoint") if entry["mssmsdefaultmp"] == ["TRUE"]]
        self.assertEqual(defaults, [["mp2.example.org"]])

    def test_sasl_words_of_a_target(self):
        site = lab.Site(self, roles="server")
        site.ctl_ok("target", "add", "ldap://h", "--sasl", "gss-spnego")
        site.ctl_ok("target", "add", "ldap://i", "--sasl", "scram-sha-256", "--bind-dn", "u", "--password-file", "/x")
        for words in (["--sasl", "gssapi", "--bind-dn", "u", "--password-file", "/x"], ["--sasl", "scram-sha-256"], ["--sasl", "plain"]):
            site.ctl_ok("target", "add", "ldap://j", *words, code=2)


if __name__ == "__main__":
    harness.main()
