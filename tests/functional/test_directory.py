"""How programs reach a directory: binds, TLS and operations (peers that misbehave: test_peers.py)."""
import os
import socket

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

    def test_kerberos_from_a_credential_cache(self):
        """GSSAPI and GSS-SPNEGO, alone (then they seal) and inside TLS (then they do not)."""
        kdc = krb5.Kdc(self)
        server = self.slapd(anonymous="none", krb5=kdc, tls=True)
        uri = server.uri.replace("127.0.0.1", "localhost")
        for mechanism in ("gssapi", "gss-spnego"):
            with self.subTest(mechanism):
                self.check(uri, "--sasl", mechanism, env=kdc.client_environment)
                self.check(uri, "--sasl", mechanism, "--starttls", "--ca", server.ca_file, env=kdc.client_environment)
                message = self.check(uri, "--sasl", mechanism, code=6, env=kdc.empty_environment)
                self.assertIn("redential", message)
        self.check(uri, "--sasl", "gssapi", env=kdc.keytab_environment)     # a daemon without kinit
        message = self.check(uri, "--sasl", "gssapi", "--bind-dn", "x", "--password-file", "/x", code=2)
        self.assertIn("takes no bind DN", message)

    def test_a_connection_that_is_not_sealed_is_not_used(self):
        """A server that only signs (maxssf=1), or neither signs nor seals, is not trusted."""
        kdc = krb5.Kdc(self)
        for most in (0, 1):
            server = self.slapd("most%d" % most, anonymous="none", krb5=kdc,
                                config="olcSaslSecProps: noanonymous,maxssf=%d\n" % most)
            uri = server.uri.replace("127.0.0.1", "localhost")
            message = self.check(uri, "--sasl", "gssapi", code=4, env=kdc.client_environment)
            self.assertIn("does not seal the connection (strength %d" % most, message)

    def test_scram_with_a_password_file(self):
        server = self.slapd(tls=True)
        for mechanism in ("scram-sha-1", "scram-sha-256", "scram-sha-512"):
            with self.subTest(mechanism):
                words = ["--sasl", mechanism, "--bind-dn", "publisher", "--password-file"]
                self.check(server.uri, *words, server.publisher_password_file)
                self.check(server.ldaps_uri, *words, server.publisher_password_file, "--ca", server.ca_file)
                self.check(server.uri, *words, server.admin_password_file, code=6)
                self.assertIn("needs a user", self.check(server.uri, "--sasl", mechanism, code=2))

    def test_channel_binding_where_the_server_offers_it(self):
        """A bind inside TLS holds for that TLS only: one that somebody with another good certificate relays is refused."""
        kdc, authority = krb5.Kdc(self), certs.Authority(self.path("ca"))
        server = self.slapd(certificate=authority.issue("server", certs.local_hosts()), krb5=kdc,
                            config="olcSaslCBinding: tls-endpoint\n")
        account = ["--bind-dn", "publisher", "--password-file", server.publisher_password_file]
        with badpeer.Relay(authority.issue("relay", certs.local_hosts()), server.ldaps_port) as relay:
            direct, relayed = ("ldaps://localhost:%d" % port for port in (server.ldaps_port, relay.port))
            for words in (["gssapi"], ["gss-spnego"], ["scram-sha-256", *account]):
                with self.subTest(words[0]):
                    words = ["--ca", authority.ca_file, "--sasl", *words]
                    self.check(direct, *words, env=kdc.client_environment)
                    self.check(relayed, *words, code=6, env=kdc.client_environment)
            self.check(relayed, "--ca", authority.ca_file)      # the relay as such works

    def test_trust_is_directory_only_when_protected(self):
        """An answer has the trust `directory` when server and connection are protected, whoever asks."""
        kdc = krb5.Kdc(self)
        at = "cn=System Management,cn=System,dc=example,dc=com"
        ldif = (f"dn: cn=SMS-MP-PS1-mp1,{at}\nobjectClass: mSSMSManagementPoint\ncn: SMS-MP-PS1-mp1\nmSSMSSiteCode: PS1\n"
                "mSSMSDefaultMP: TRUE\nmSSMSMPName: mp1\n\n")
        server = self.slapd(krb5=kdc, tls=True, entries=ldif)
        uri, ca = server.uri.replace("127.0.0.1", "localhost"), ["--ca", server.ca_file]
        scram = ["--sasl", "scram-sha-256", "--bind-dn", "publisher", "--password-file", server.publisher_password_file]
        for trust, words in (("unproven", [uri]), ("unproven", [uri, *scram]), ("directory", [uri, "--starttls", *ca]),
                             ("directory", [server.ldaps_uri, *ca, *scram]), ("directory", [uri, "--sasl", "gssapi"]),
                             ("directory", [uri, "--sasl", "gss-spnego"]), ("directory", [server.ldapi, "--sasl", "external"])):
            with self.subTest(words=words):
                answer = self.run_ok([harness.program("locator"), "find", "mp", "--site", "PS1", "--json", "--source", *words],
                                     env=kdc.client_environment).answer
                self.assertEqual(answer["trust"], trust)


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

    def test_a_certificate_for_localhost(self):
        """libldap takes localhost for the machine's own name, which such a certificate does not bear: told as what it is"""
        authority = certs.Authority(self.path("ca"))
        server = self.slapd(certificate=authority.issue("local", ["DNS:localhost"]))
        uri = server.ldaps_uri.replace("127.0.0.1", "localhost")
        own = socket.getaddrinfo(socket.gethostname(), None, flags=socket.AI_CANONNAME)[0][3]
        if own == "localhost":
            self.check(uri, "--ca", authority.ca_file)
        else:
            self.assertIn("this machine's own name", self.check(uri, "--ca", authority.ca_file, code=4))

    def test_authority_file_that_is_none(self):
        server = self.slapd(tls=True)
        self.assertIn("No such file", self.check(server.uri, "--starttls", "--ca", self.path("none"), code=2))
        junk = self.write("junk.pem", "hello\n")
        self.assertIn("no certificate of an authority could be read from " + junk,
                      self.check(server.uri, "--starttls", "--ca", junk, code=2))

    def test_several_reasons_are_all_told(self):
        authority = certs.Authority(self.path("ca"))
        server = self.slapd(certificate=authority.issue("bad", ["DNS:ldap.example.com"], expired=True))
        message = self.check(server.ldaps_uri, "--ca", certs.Authority(self.path("other"), "Other CA").ca_file, code=4)
        for reason in ("expired on", "not signed by", "not for the name 127.0.0.1"):
            self.assertIn(reason, message)

    def test_chain_with_an_intermediate_authority(self):
        """The chain that the server sends counts, not its own certificate alone."""
        root = certs.Authority(self.path("root"), "Root CA")
        issuing = root.intermediate(self.path("issuing"), "Issuing CA")
        server = self.slapd(certificate=issuing.issue("server", certs.local_hosts()))
        self.check(server.ldaps_uri, "--ca", root.ca_file)
        wrong = self.slapd("wrong", certificate=issuing.issue("wrong", ["DNS:ldap.example.com"]))
        message = self.check(wrong.ldaps_uri, "--ca", root.ca_file, code=4)
        self.assertIn("not for the name", message)
        self.assertNotIn("not signed by", message)

    def test_a_port_without_tls(self):
        """X02 what is reset in the handshake is no time-out: said at once, and truly, each time"""
        server = self.slapd()
        for _ in range(5):
            told = self.check(server.uri.replace("ldap:", "ldaps:"), "--timeout", "5s", code=3)
            self.assertIn("closed the connection during the handshake", told)

    def test_client_certificates(self):
        """SASL EXTERNAL inside TLS with a server that demands a certificate, and maps its name to an account; each mistake is named"""
        ours, others = certs.Authority(self.path("tls")), certs.Authority(self.path("others"), "Other CA")
        os.chmod(self.folder, 0o755)
        server = self.slapd(certificate=ours.issue("server", certs.local_hosts()), anonymous="none", config=(
            "olcTLSCACertificateFile: %s\nolcTLSVerifyClient: demand\nolcAuthzRegexp: {2}cn=publisher-cert cn=publisher,ou=svc,dc=example,dc=com\n"
            % ours.ca_file))
        (cert, key), (stranger, strange_key) = ours.issue("publisher-cert", ["DNS:pc1"]), others.issue("publisher-cert", ["DNS:pc1"])
        both = self.write("both.pem", open(cert).read() + open(key).read())
        for uri, more in ((server.ldaps_uri, []), (server.uri, ["--starttls"])):
            words = ["--ca", ours.ca_file, *more]
            find = lambda *shown: harness.run([harness.program("locator"), "find", "mp", "--site", "PS1", "--source", uri, *words, *shown, "--json"])
            for shown in (["--cert", cert, "--key", key], ["--cert", both]):
                self.check(uri, *words, *shown, "--sasl", "external")
                found = find(*shown, "--sasl", "external")
                self.assertEqual((found.code, found.json["reason"]), (1, "nothing-published"), str(found))
                self.assertEqual(find(*shown).json["reason"], "container-unreadable", "the certificate alone is nobody's account")
            for shown, code, told in (([], 6, "wants a client certificate"),
                                      (["--cert", stranger, "--key", strange_key], 6, "does not accept the certificate"),
                                      (["--cert", cert, "--key", strange_key], 2, "do not match"), (["--cert", self.path("gone")], 2, "gone: No such file"),
                                      (["--cert", key, "--key", key], 2, key), (["--key", key], 2, "a key without a certificate"),
                                      (["--sasl", "external"], 2, "with a client certificate")):
                found = find(*shown)
                self.assertEqual((found.code, told in found.json["message"]), (code, True), str(found))

    def test_protocol_that_is_refused_is_named(self):
        """A server of an old TLS, and one that does not speak TLS at all, are told apart from a bad certificate."""
        authority = certs.Authority(self.path("ca"))
        with badpeer.OldTls(*authority.issue("old", certs.local_hosts())) as old:
            for words in (["ldaps://127.0.0.1:%d" % old.ldaps], ["ldap://127.0.0.1:%d" % old.ldap, "--starttls"]):
                message = self.check(*words, "--ca", authority.ca_file, code=4)
                self.assertIn("protocol refused", message)
                self.assertIn("TLS 1.2", message)
        with badpeer.BadPeers() as bad:
            message = self.check("ldaps://127.0.0.1:%d" % bad.half_bind, code=4)
            self.assertIn("not TLS", message)

    def test_no_fall_back_to_clear_text(self):
        """A server without TLS refuses StartTLS: nothing is asked in the clear."""
        self.assertIn("StartTLS", self.check(self.slapd().uri, "--starttls", code=7))


if __name__ == "__main__":
    harness.main()
