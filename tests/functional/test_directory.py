"""How programs reach a directory: binds, TLS and peers that misbehave, shown with sitectl schema check."""
import os
import signal

import badpeer
import certs
import harness
import krb5
from slapd import Slapd


class DirectoryCase(harness.Case):
    def slapd(self, name="slapd", **how):
        server = Slapd(self.path(name), **how)
        server.start()
        self.addCleanup(server.stop)
        return server

    def check(self, uri, *words, code=0, env=None):
        result = self.run_ok([harness.program("sitectl"), "schema", "check", uri, *words, "--json"], code=code, env=env)
        return result.json.get("message") or ""


class Binds(DirectoryCase):
    def test_simple_bind_with_a_password_file(self):
        server = self.slapd(anonymous="auth")
        words = ["--bind-dn", server.publisher_dn, "--password-file"]
        self.check(server.uri, *words, server.publisher_password_file)
        self.assertIn("(49)", self.check(server.uri, *words, server.admin_password_file, code=6))
        self.assertIn("No such file", self.check(server.uri, *words, self.path("none"), code=2))
        self.assertIn("empty", self.check(server.uri, *words, self.write("empty", "\n"), code=2))
        self.assertIn("belong together", self.check(server.uri, "--bind-dn", server.publisher_dn, code=2))

    def test_sasl_external_on_ldapi(self):
        server = self.slapd(anonymous="none")
        self.check(server.ldapi, "--sasl", "external")
        self.check(server.ldapi, code=6)
        self.assertIn("ldapi", self.check(server.uri, "--sasl", "external", code=2))

    def test_gssapi_from_a_credential_cache(self):
        kdc = krb5.Kdc(self)
        server = self.slapd(anonymous="none", krb5=kdc, tls=True)
        uri = server.uri.replace("127.0.0.1", "localhost")
        self.check(uri, "--sasl", "gssapi", env=kdc.client_environment)
        self.check(uri, "--sasl", "gssapi", "--starttls", "--ca", server.ca_file, env=kdc.client_environment)
        message = self.check(uri, "--sasl", "gssapi", code=6, env=kdc.empty_environment)
        self.assertIn("credential", message)


class Operations(DirectoryCase):
    """Every operation of the client and what it makes of the server's answers (tests/functional/try-ldapc.c)."""

    EXPECTED = {
        "connect": "ok fine 0", "add": "ok fine 0", "add again": "failed exists 68", "add below nothing": "failed absent 32",
        "add unknown class": "failed schema 21", "add unknown attribute": "failed schema 17",
        "add attribute not allowed": "failed schema 65", "compare same": "ok fine 0", "compare other": "ok fine 0",
        "compare without": "ok fine 0", "compare unknown": "failed schema 17", "add value": "ok fine 0",
        "add value again": "failed exists 20", "delete value": "ok fine 0", "delete value again": "failed schema 16",
        "replace": "ok fine 0", "replace by nothing": "ok fine 0", "replace absent by nothing": "ok fine 0",
        "modify nothing": "failed absent 32", "delete": "ok fine 0", "delete again": "failed absent 32",
        "add hostile": "ok fine 0", "delete hostile": "ok fine 0", "search bad filter": "failed refused -7",
    }
    VALUES = {
        "compare same": "1", "compare other": "0", "compare without": "0", "compare unknown": "0", "hostile": "1",
        "search absent": "0 base-absent", "search limited": "10 incomplete",
    }

    def tried(self, entries, administrator=True):
        at = "cn=System Management,cn=System,dc=example,dc=com"
        ldif = "".join(f"dn: cn=e{i},{at}\nobjectClass: applicationProcess\ncn: e{i}\n\n" for i in range(entries))
        server = self.slapd(schema="none", entries=ldif)
        account = [] if administrator else [server.publisher_dn, server.publisher_password_file]
        lines = self.run_ok([harness.program("try-ldapc"), server.ldapi, at, *account]).out.splitlines()
        values = dict(line.split(" = ", 1) for line in lines if " = " in line)
        told = dict(line.split(": ", 1) for line in lines if " = " not in line)
        return server, values, told

    def test_every_operation(self):
        server, values, told = self.tried(entries=30)
        self.assertEqual({name: " ".join(text.split()[:3]) for name, text in told.items()}, self.EXPECTED)
        self.assertEqual(values, {**self.VALUES, "search pages": "30"})
        for name, text in told.items():
            if text.startswith("failed"):
                self.assertIn(server.ldapi, text, name)

    def test_a_size_limit_is_never_all(self):
        """slapd's default limit of 500 holds for paged results too, but not for the administrator."""
        _, values, _ = self.tried(entries=700, administrator=False)
        self.assertEqual(values["search pages"], "500 incomplete")


class Tls(DirectoryCase):
    def test_starttls_and_ldaps_with_the_right_authority(self):
        server = self.slapd(tls=True)
        self.check(server.uri, "--starttls", "--ca", server.ca_file)
        self.check(server.ldaps_uri, "--ca", server.ca_file)
        self.assertIn("StartTLS is for ldap://", self.check(server.ldaps_uri, "--starttls", code=2))

    def test_wrong_authority_is_named(self):
        server = self.slapd(tls=True)
        other = certs.Authority(self.path("other"), "Other CA").ca_file
        for words in ([server.uri, "--starttls"], [server.ldaps_uri]):
            message = self.check(*words, "--ca", other, code=4)
            self.assertIn("not signed by an authority in " + other, message)
            self.assertIn("Test CA", message)
            self.assertIn("server not trusted", self.check(*words, code=4))

    def test_wrong_name_and_expired_are_named(self):
        authority = certs.Authority(self.path("ca"))
        wrong = self.slapd("wrong", certificate=authority.issue("wrong", ["DNS:ldap.example.com"]))
        self.assertIn("not for the name 127.0.0.1", self.check(wrong.uri, "--starttls", "--ca", authority.ca_file, code=4))
        old = self.slapd("old", certificate=authority.issue("old", certs.local_hosts(), expired=True))
        self.assertIn("expired on 2020-02-01", self.check(old.ldaps_uri, "--ca", authority.ca_file, code=4))

    def test_authority_file_that_is_none(self):
        server = self.slapd(tls=True)
        self.assertIn("No such file", self.check(server.uri, "--starttls", "--ca", self.path("none"), code=2))
        junk = self.write("junk.pem", "hello\n")
        self.assertIn(junk, self.check(server.uri, "--starttls", "--ca", junk, code=4))

    def test_no_fall_back_to_clear_text(self):
        """A server without TLS refuses StartTLS: nothing is asked in the clear."""
        self.assertIn("StartTLS", self.check(self.slapd().uri, "--starttls", code=7))


class BadPeers(DirectoryCase):
    """Every bad peer ends at the deadline, with the outcome "unreachable"."""

    def test_every_bad_peer_ends_at_the_deadline(self):
        with badpeer.BadPeers() as bad:
            for name in ("blackhole", "tarpit", "reset", "half_tls", "half_bind", "refused"):
                for uri, words in (("ldap", []), ("ldap", ["--starttls"]), ("ldaps", [])):
                    with self.subTest(peer=name, uri=uri, words=words):
                        server = f"{uri}://127.0.0.1:{getattr(bad, name)}"
                        result = self.run_ok([harness.program("sitectl"), "schema", "check", server, *words, "--timeout", "500ms",
                                              "--json"], code=3)
                        self.assertEqual(result.json["reason"], "could-not-ask")
                        self.assertLess(result.seconds, 2.5)

    def test_server_that_hangs_after_the_connection(self):
        server = self.slapd()
        server.signal(signal.SIGSTOP)
        result = self.run_ok([harness.program("sitectl"), "schema", "check", server.uri, "--timeout", "500ms"], code=3)
        self.assertLess(result.seconds, 2.5)

    def test_silent_kdc(self):
        """krb5 blocks for many seconds; the program does not."""
        with badpeer.BadPeers() as bad:
            conf = self.write("krb5.conf", "[libdefaults]\n default_realm = X\n dns_lookup_kdc = false\n"
                              " udp_preference_limit = 1\n[realms]\n X = {\n  kdc = 127.0.0.1:%d\n }\n" % bad.tarpit)
            server = self.slapd()
            argv = [harness.program("sitectl"), "schema", "check", server.uri, "--sasl", "gssapi", "--timeout", "500ms"]
            result = harness.run(argv, env={"KRB5_CONFIG": conf, "KRB5CCNAME": "FILE:" + os.path.join(self.folder, "cc")})
            self.assertIn(result.code, (3, 6))
            self.assertLess(result.seconds, 2.5)


if __name__ == "__main__":
    harness.main()
