"""sitectl schema print, check and apply against real OpenLDAP servers with every state of the schema and of the container."""
import os
import subprocess

import harness
from slapd import CONTAINER, Slapd, find_program, schema_text

CLASSES = ["mSSMSManagementPoint", "mSSMSSite", "mSSMSServerLocatorPoint", "mSSMSRoamingBoundaryRange"]
ADDED_2007 = ["mSSMSHealthState", "mSSMSSourceForest", "mSSMSCapabilities", "mSSMSVersion"]
EXTERNAL = ["--sasl", "external"]


class SchemaCase(harness.Case):
    def slapd(self, **how):
        server = Slapd(self.path("slapd"), **how)
        server.start()
        self.addCleanup(server.stop)
        return server

    def sitectl(self, *words, code=0):
        return self.run_ok([harness.program("sitectl"), "schema", *words, "--json"], code=code)

    def check(self, uri, *words, code=0, outcome="ok", reason=""):
        document = self.sitectl("check", uri, *words, code=code).json
        self.assertEqual((document["outcome"], document["reason"]), (outcome, reason), document)
        return document["answer"]

    def apply(self, uri, *words, **more):
        return self.sitectl("apply", uri, *words, **more).json

    def states(self, document):
        return {row["name"]: (row["action"], row["state"]) for row in document["answer"]}


class Print(SchemaCase):
    def printed(self, *words):
        return self.run_ok([harness.program("sitectl"), "schema", "print", *words]).out

    def test_same_text_as_the_installed_files(self):
        self.assertEqual(self.printed("--flavor", "openldap"), schema_text("openldap", "sms"))
        self.assertEqual(self.printed("--flavor", "389ds", "--part", "all"), schema_text("389ds", "all"))
        self.assertEqual(self.printed("--flavor", "ad", "--since", "2003"), schema_text("ad", "sms", 2003))
        for name in ADDED_2007:
            self.assertNotIn(name, self.printed("--since", "2003"))

    def test_slapd_conf_form_is_accepted(self):
        for since in ("2003", "2007"):
            text = self.printed("--flavor", "openldap-conf", "--part", "all", "--since", since)
            schema = self.write(f"all{since}.schema", text)
            conf = self.write("slapd.conf", f"include /etc/ldap/schema/core.schema\ninclude {schema}\n")
            self.run_ok([find_program("slaptest", "slapd"), "-u", "-f", conf])

    def test_json_carries_the_text(self):
        self.assertIn("olcAttributeTypes", self.sitectl("print").answer["schema"])


class Check(SchemaCase):
    def test_extended(self):
        answer = self.check(self.slapd().uri)
        self.assertEqual((answer["schema"], answer["kind"], answer["container_state"]), ("extended", "openldap", "present"))
        self.assertEqual(answer["missing_classes"] + answer["missing_attributes"] + answer["lacking"], [])

    def test_not_extended(self):
        answer = self.check(self.slapd(schema="none").uri, code=1, outcome="negative", reason="schema-not-extended")
        self.assertEqual(answer["missing_classes"], CLASSES)
        self.assertEqual(len(answer["missing_attributes"]), 14)

    def test_as_by_sms_2003(self):
        answer = self.check(self.slapd(schema="2003").uri, code=1, outcome="negative", reason="schema-partly-extended")
        self.assertEqual((answer["schema"], answer["missing_classes"], answer["missing_attributes"]), ("sms2003", [], ADDED_2007))
        self.assertIn("mSSMSManagementPoint/dNSHostName", answer["lacking"])

    def test_partly(self):
        server = self.slapd(schema="none")
        lines = schema_text("openldap", "sms").splitlines()
        kept = ("mSSMSSite'", "BoundaryRange")
        some = [line for line in lines if not line.startswith("olcObjectClasses") or any(word in line for word in kept)]
        server.add(schema_text("openldap", "base") + "\n".join(some) + "\n")
        answer = self.check(server.uri, code=1, outcome="negative", reason="schema-partly-extended")
        self.assertEqual((answer["schema"], answer["missing_classes"]), ("partly", [CLASSES[0], CLASSES[2]]))

    def test_container_absent(self):
        self.check(self.slapd(container=None).uri, code=1, outcome="negative", reason="container-absent")

    def test_base_that_is_not_there(self):
        server = self.slapd()
        for base, why in (("dc=example,dc=org", "none of the naming contexts"), ("ou=gone,dc=example,dc=com", "no such entry")):
            result = self.sitectl("check", server.uri, "--base", base, code=1).json
            self.assertEqual((result["reason"], result["answer"]["container_state"]), ("container-absent", "absent"))
            self.assertIn(f'"{base}": ', result["message"])
            self.assertIn(why, result["message"])

    def test_container_unreadable(self):
        for rights in ("auth", "none"):
            with self.subTest(rights):
                server = Slapd(self.path("slapd-" + rights), anonymous=rights)
                with server:
                    self.check(server.uri, code=6, outcome="denied", reason="container-unreadable")
                    self.check(server.uri, "--bind-dn", server.publisher_dn, "--password-file", server.publisher_password_file)

    def test_container_of_an_ou_tree(self):
        server = self.slapd(suffix="o=acme", container="ou=SMS,ou=Services")
        self.assertEqual(self.check(server.uri, "--container", "ou=SMS,ou=Services")["container"], "ou=SMS,ou=Services,o=acme")
        self.check(server.uri, code=1, outcome="negative", reason="container-absent")

    def test_several_naming_contexts_are_listed(self):
        server = self.slapd(extra_suffixes=("dc=other",))
        result = self.sitectl("check", server.uri, code=2)
        self.assertIn('"dc=example,dc=com", "dc=other"', result.json["message"])
        self.check(server.uri + "/dc=example,dc=com")
        self.check(server.uri, "--base", "dc=example,dc=com")

    def test_server_down(self):
        server = self.slapd()
        server.stop()
        for uri, why in ((server.uri, "Connection refused"), ("ldapi://" + self.path("gone").replace("/", "%2F"), "No such file"),
                         ("ldap://no-such-host.invalid", "ot known")):
            document = self.sitectl("check", uri, code=3).json
            self.assertEqual((document["outcome"], document["reason"]), ("unreachable", "could-not-ask"))
            self.assertIn(why, document["message"])
            self.assertIn(uri, document["message"])

    def test_several_hundred_entries_do_not_hide_the_container(self):
        more = "".join(f"dn: cn=e{i},ou=svc,dc=example,dc=com\nobjectClass: applicationProcess\ncn: e{i}\n\n" for i in range(700))
        self.check(self.slapd(entries=more).uri)


class Apply(SchemaCase):
    def apply_twice(self, server, loaded):
        """The plan changes nothing; --apply loads exactly `loaded` pieces; again there is nothing to do."""
        before = server.search("cn=schema,cn=config")
        plan = self.apply(server.ldapi, *EXTERNAL)
        self.assertEqual({state for _, state in self.states(plan).values()}, {"planned"})
        self.assertEqual(server.search("cn=schema,cn=config"), before)
        done = self.apply(server.ldapi, *EXTERNAL, "--apply")
        self.assertEqual({state for _, state in self.states(done).values()}, {"done"})
        self.assertEqual(len(done["answer"]), loaded)
        after = server.search("cn=schema,cn=config")
        again = self.apply(server.ldapi, *EXTERNAL, "--apply")
        self.assertEqual((again["outcome"], again["answer"]), ("ok", []))
        self.assertEqual(server.search("cn=schema,cn=config"), after)
        self.check(server.uri)
        self.publish(server)
        return done

    def publish(self, server):
        """Entries of all four classes with attributes of both versions are accepted."""
        at = server.container_dn
        server.add(f"dn: cn=SMS-Site-S01,{at}\nobjectClass: mSSMSSite\nmSSMSSiteCode: S01\nmSSMSRoamingBoundaries: 10.0.0.0\n"
                   f"mSSMSRoamingBoundaries: HQ\nmSSMSHealthState: 1\nserviceBindingInformation: x\n\n"
                   f"dn: cn=SMS-MP-S01-MP1,{at}\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: S01\nmSSMSDefaultMP: TRUE\n"
                   f"dNSHostName: mp1.example.com\nmSSMSCapabilities: <a/>\nmSSMSVersion: 4\n\n"
                   f"dn: cn=SMS-SLP,{at}\nobjectClass: mSSMSServerLocatorPoint\nmSSMSMPName: MP1\n"
                   f"mSSMSSourceForest: example.com\n\n"
                   f"dn: cn=SMS-S01-R,{at}\nobjectClass: mSSMSRoamingBoundaryRange\nmSSMSRangedIPLow: -1062731520\n"
                   f"mSSMSRangedIPHigh: -1062731265\n")
        found = server.search(at, "(&(mSSMSRangedIPLow<=-1062731500)(mSSMSRangedIPHigh>=-1062731500))", "cn")
        self.assertEqual(len(found), 1)

    def test_nothing_there(self):
        done = self.apply_twice(self.slapd(schema="none"), 13 + 4 + 14 + 4)
        self.assertEqual(self.states(done)["container"], ("load class", "done"))

    def test_beside_debians_msuser_schema(self):
        done = self.apply_twice(self.slapd(schema="none", msuser=True), 1 + 4 + 14 + 4)
        self.assertEqual([row["name"] for row in done["answer"] if row["part"] == "base"],
                         ["msDS-Settings", "container", "leaf", "connectionPoint", "serviceConnectionPoint"])

    def test_extending_sms_2003(self):
        done = self.apply_twice(self.slapd(schema="2003"), 4 + 4)
        self.assertEqual(self.states(done)["mSSMSSite"], ("extend class", "done"))

    def test_a_class_that_an_administrator_changed_keeps_his_change(self):
        server = self.slapd(schema="2003")
        [(dn, entry)] = [x for x in server.search("cn=schema,cn=config", "(cn=*sms)") if "smsbase" not in x[0]]
        [old] = [value for value in entry["olcobjectclasses"] if "mSSMSSite'" in value]
        new = old.replace("MAY (", "DESC 'ours' MAY ( description $") if "DESC" not in old else old
        server.modify(f"dn: {dn}\nchangetype: modify\ndelete: olcObjectClasses\nolcObjectClasses: {old}\n-\n"
                      f"add: olcObjectClasses\nolcObjectClasses: {new}\n")
        self.apply_twice(server, 4 + 4)
        text = [v for _, e in server.search(dn, scope="base") for v in e["olcobjectclasses"] if "mSSMSSite'" in v][0]
        self.assertIn("description", text)
        self.assertIn("mSSMSHealthState", text)

    def test_only_what_sms_2003_had(self):
        server = self.slapd(schema="none")
        document = self.apply(server.ldapi, *EXTERNAL, "--apply", "--since", "2003")
        self.assertFalse(set(ADDED_2007) & set(self.states(document)))
        self.check(server.uri, code=1, outcome="negative", reason="schema-partly-extended")
        self.apply_twice(server, 4 + 4)

    def test_extended_already(self):
        self.assertEqual(self.apply(self.slapd().uri, "--apply")["answer"], [])

    def test_without_the_right_to_change_it(self):
        server = self.slapd(schema="none")
        for words in ([], ["--bind-dn", server.publisher_dn, "--password-file", server.publisher_password_file]):
            document = self.apply(server.uri, "--apply", *words, code=6)
            self.assertEqual(document["outcome"], "denied")
            self.assertIn("external", document["message"])
        self.check(server.uri, code=1, outcome="negative", reason="schema-not-extended")

    def test_partial_when_a_piece_is_refused(self):
        """Somebody else took an OID of ours under another name: what was loaded before it stays, and that is said."""
        server = self.slapd(schema="none")
        server.add("dn: cn=theirs,cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: theirs\n"
                   "olcObjectClasses: ( 9.9.9.1 NAME 'theirs' SUP top STRUCTURAL MUST cn )\n"
                   "olcAttributeTypes: ( 1.2.840.113556.1.6.29.2.1.7 NAME 'theirIPLow' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 )\n")
        document = self.apply(server.ldapi, *EXTERNAL, "--apply", code=8)
        states = self.states(document)
        self.assertEqual(states["container"], ("load class", "done"))
        self.assertEqual(states["mSSMSSite"], ("load class", "missing"))
        self.assertIn(server.ldapi, document["message"])


class Surroundings(SchemaCase):
    def test_no_ldaprc_and_no_variable_has_a_say(self):
        """A client configuration that points elsewhere and forbids everything changes nothing."""
        server = self.slapd(tls=True)
        bad = ("URI ldap://127.0.0.1:1\nBASE dc=wrong\nBINDDN cn=wrong\nTIMELIMIT 1\nSIZELIMIT 1\nDEREF always\n"
               "TLS_CACERT /nonexistent\nTLS_REQCERT never\n")
        home = self.path("home")
        os.makedirs(home)
        for name in ("ldaprc", ".ldaprc"):
            self.write("home/" + name, bad)
        env = {name: value for name, value in os.environ.items() if not name.startswith("LDAP")}
        env.update(HOME=home, LDAPBASE="dc=wrong", LDAPTLS_REQCERT="never", LDAPSIZELIMIT="1", LC_ALL="C")

        def check(*words):
            argv = [harness.program("sitectl"), "schema", "check", *words]
            return subprocess.run(argv, cwd=home, env=env, capture_output=True).returncode

        self.assertEqual(check(server.uri, "--starttls", "--ca", server.ca_file), 0)
        self.assertEqual(check(server.uri, "--starttls"), 4)    # TLS_REQCERT never must not be obeyed


if __name__ == "__main__":
    harness.main()
