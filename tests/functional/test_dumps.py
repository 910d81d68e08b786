"""Sources that are files: dumps of a directory, zones, wins.dat, LMHOSTS and netsh scripts, as real tools write them, and bad ones."""

import os
import subprocess

import harness
import lab
import slapd

CONTAINER = "CN=System Management,CN=System,DC=example,DC=com"
MP = """dn: CN=SMS-MP-PS1-mp1.example.org,%s
objectClass: top
objectClass: mSSMSManagementPoint
mSSMSSiteCode: PS1
mSSMSMPName: mp1.example.org
mSSMSDefaultMP: TRUE
""" % CONTAINER
HOLDER = "dn: %s\nobjectClass: container\ncn: System Management\n\n" % CONTAINER
SUBSCHEMA = "dn: cn=Subschema\nobjectClass: subschema\nobjectClasses: ( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )\n\n"


class Dumps(harness.Case):

    def find(self, source, what="mp", *more):
        words = {"mp": ["--site", "PS1"], "site": ["--site", "PS1"], "name": ["MP_PS1#1A"], "client": []}[what]
        return lab.find("site" if what == "client" else what, *words, "--source", source, *more)

    def ldif(self, text, name="dump.ldif"):
        return "ldif:" + self.write(name, text)

    def check(self, found, code, outcome, reason, *texts):
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"]), (code, outcome, reason), str(found))
        for text in texts:
            self.assertIn(text, found.json["message"])

    def test_dump_of_a_real_directory_answers_like_the_directory(self):
        """X03 ldapsearch and slapcat of a published site, one source live, the others files: the same mp and the same site"""
        directory = lab.Directory(self)
        site = lab.Site(self, nbt_port=harness.free_port())
        lab.fill(site, targets=[[directory.uri_base, *directory.credentials]])
        site.ctl_ok("boundary", "add", "range", "172.16.0.10-172.16.0.20")
        site.publish()
        ldapsearch = directory.tool("ldapsearch", "-b", directory.suffix, "-o", "ldif-wrap=40", "*", "+").stdout
        paged = directory.tool("ldapsearch", "-b", directory.container_dn, "-E", "pr=2/noprompt").stdout
        slapcat = subprocess.run([slapd.find_program("slapcat", "slapd"), "-F", os.path.join(directory.folder, "conf"), "-n1"],
                                 check=True, capture_output=True, text=True, env=dict(os.environ, LDAPNOINIT="1")).stdout
        self.assertIn("\n ", ldapsearch)
        for name, text in (("ldapsearch", ldapsearch), ("paged", paged), ("slapcat", slapcat), ("crlf", ldapsearch.replace("\n", "\r\n"))):
            for words in (("mp",), ("client", "--as-client", "127.1.2.3/8"), ("client", "--as-client", "172.16.0.15/24"), ("site",)):
                with self.subTest(dump=name, words=words):
                    live = self.find(directory.uri_base, *words)
                    found = self.find(self.ldif(text, name), *words, "--now", "4102444800")
                    self.assertEqual((live.code, found.code), (0, 0), str(found))
                    for key in set(live.answer) - {"source", "server", "age_s", "answer_id"}:
                        self.assertEqual(found.answer[key], live.answer[key], key)
        answer = self.find(self.ldif(ldapsearch), "mp", "--now", str(int(os.stat(self.path("dump.ldif")).st_mtime) + 90)).answer
        line = int(answer["server"].rsplit(":", 1)[1])
        self.assertEqual((answer["server"].rsplit(":", 1)[0], answer["age_s"]), (self.path("dump.ldif"), 90))
        self.assertIn("SMS-MP-PS1", "".join(ldapsearch.splitlines()[line - 1:line + 3]))

    def test_what_ldifde_writes(self):
        """X03 changetype: add, base64, comments, a folded name; P01 every value as it stands"""
        found = self.find(self.ldif("\ufeff# ldifde\n" + MP.replace("objectClass: top", "changetype: add", 1)
                                    .replace("mSSMSMPName: mp1.example.org", "mSSMSMPName:: bXAxLmV4YW1wbGUub3Jn")
                                    .replace(",CN=System M", ",CN=Sys\n tem M")))
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.org"), str(found))

    def test_why_a_dump_has_no_answer(self):
        """X02 what the dump shows and what it cannot show are told apart"""
        for text, code, outcome, reason in (
                (HOLDER, 1, "negative", "nothing-published"),
                ("dn: DC=example,DC=com\nobjectClass: domain\n", 1, "negative", "nothing-published"),
                (HOLDER + SUBSCHEMA, 1, "negative", "schema-not-extended"),
                (HOLDER + SUBSCHEMA.replace("objectClass: subschema\n", ""), 1, "negative", "schema-not-extended"),    # ldapsearch ... +
                (HOLDER + "dn: cn=Subschema\nobjectClass: subschema\n\n", 1, "negative", "nothing-published"),      # without +
                (HOLDER + "dn: CN=Schema,DC=example,DC=com\nobjectClass: dMD\n\ndn: CN=User,CN=Schema,DC=example,DC=com\nobjectClass: classSchema\n"
                 "lDAPDisplayName: user\n", 1, "negative", "schema-not-extended"),
                (MP.replace("PS1", "PS2"), 1, "negative", "not-found"),
                (MP.replace("mSSMSDefaultMP: TRUE\n", ""), 1, "negative", "no-default-mp"),
                ("", 3, "unreachable", "could-not-ask"),
                ("dn: OU=x,DC=a\nobjectClass: a\n\ndn: OU=y,DC=b\nobjectClass: a\n", 3, "unreachable", "could-not-ask"),
                (HOLDER + HOLDER.replace("DC=com", "DC=org"), 2, "usage", "ambiguous"),
                (HOLDER + "# search result\nsearch: 2\nresult: 4 Size limit exceeded\n", 3, "unreachable", "incomplete")):
            with self.subTest(text=text):
                self.check(self.find(self.ldif(text)), code, outcome, reason)
        found = self.find(self.ldif("dn: OU=x,DC=a\nobjectClass: a\n"), "mp", "--base", "DC=example,DC=com")
        self.check(found, 3, "unreachable", "could-not-ask", "holds nothing at, below or above")
        found = self.find(self.ldif(HOLDER + HOLDER.replace("DC=com", "DC=org") + MP), "mp", "--base", "dc=Example, dc=COM")
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.org"), str(found))
        found = self.find(self.ldif("dn: ou=sms,o=acme\nobjectClass: organizationalUnit\n\n" + MP.replace(CONTAINER, "ou=sms,o=acme")), "mp",
                          "--container", "ou=sms")
        self.assertEqual((found.code, found.answer["mp"]), (0, "mp1.example.org"), str(found))

    def test_bad_lines_are_named(self):
        """X03 a file that is not of its format: usage, bad-file, FILE:LINE, whatever else it holds"""
        good = HOLDER + MP
        line = good.count("\n") + 1
        for scheme, text, where, why in (
                ("ldif", good + "what is this\n", line, "attribute: value"),
                ("ldif", good + "mSSMSCapabilities:< file:///etc/passwd\n", line, "elsewhere"),
                ("ldif", good + "mSSMSCapabilities:: !!!!\n", line, "base64"),
                ("ldif", good + "\ncn: x\n", line + 1, "dn:"),
                ("ldif", good.replace("objectClass: top", "changetype: delete"), HOLDER.count("\n") + 2, "change"),
                ("ldif", good.replace("dn: CN=SMS", "dn: SMS"), None, "not a DN"),
                ("ldif", "version: 2\n", 1, "version 1"),
                ("ldif", good + "x" * ((1 << 20) + 1) + "\n", line, "longer than"),
                ("zone", "$ORIGIN a.\n$INCLUDE other\n", 2, "not followed"),
                ("zone", "a A 10.0.0.1\nb A 10.0.0\n", 2, "no address"),
                ("zone", "a SRV 0 0 80\n", 1, "4 values"),
                ("zone", "a SRV 0 0 99999 b\n", 1, "65535"),
                ("zone", "a BLAH x\n", 1, "no type"),
                ("zone", "a TXT ( \"x\"\n\n", 1, "not closed"),
                ("winsdat", "VERSION 1 0\n\"MP_PS1#1a\" 0 10.0.0.11 66R\n\"A#00\" x\n", 3, "expiry"),
                ("winsdat", "", None, "not a whole wins.dat"),
                ("lmhosts", "10.0.0.11 \"MP_PS1         \\0x1a\"\nx y\n", 2, "IPv4"),
                ("netsh", "netsh wins server add name name=A\n", 1, "needs")):
            with self.subTest(scheme=scheme, text=text[-60:]):
                path = self.write("bad", text)
                found = self.find("%s:%s" % (scheme, path))
                self.check(found, 2, "usage", "bad-file", why, "%s:%s" % (path, where if where else ""))
                self.assertEqual(found.answer, {})

    def test_files_that_cannot_be_read(self):
        """X02 a file that is not there, a folder: could not ask; no file, standard input: a mistake"""
        for scheme in ("ldif", "zone", "winsdat", "lmhosts", "netsh"):
            with self.subTest(scheme=scheme):
                self.check(self.find("%s:%s" % (scheme, self.path("gone"))), 3, "unreachable", "could-not-ask", "gone")
                self.check(self.find("%s:%s" % (scheme, self.folder)), 3, "unreachable", "could-not-ask")
                for bad in ("", "-", "//host/file"):
                    self.assertEqual(self.find("%s:%s" % (scheme, bad)).code, 2)

    def test_zone_file(self):
        """P03 X03 relative names, $TTL, parentheses, comments, aliases; the time to live and the line; priority and weight do not count"""
        zone = ("$ORIGIN example.org.\n$TTL 4h ; four hours\n@ IN SOA ns admin ( 1 ; serial\n 2h 1h\n 1w 600 )\n NS ns\n"
                "_mssms_mp_ps1._tcp 3600 IN SRV 9 0 443 mp2\n _MSSMS_MP_PS1._TCP\tSRV 0 9 8080 mp3\n")
        path = self.write("zone", zone.replace(" _MSSMS", "_MSSMS") + "mp2 CNAME www\nmp3 A 10.0.0.13\n"
                          "www (\n AAAA 2001:db8::1 )\n\tA 10.0.0.12\n")
        found = self.find("zone:" + path)
        self.assertEqual((found.code, found.answer["mp"], found.answer["address"], found.answer["port"], found.answer["ttl_s"],
                          found.answer["server"]), (0, "mp2.example.org", "10.0.0.12", 443, 3600, path + ":7"), str(found))
        self.assertIn("2 SRV records", "\n".join(found.json["warnings"]))
        self.check(lab.find("mp", "--site", "PS9", "--source", "zone:" + path), 1, "negative", "not-found")
        path = self.write("relative", "_mssms_mp_ps1._tcp SRV 0 0 80 mp1\nmp1 [AGE:3698012] 600 A 10.0.0.11\n")
        found = self.find("zone:///" + path.lstrip("/"))
        self.assertEqual((found.code, found.answer["mp"], found.answer["address"], found.answer["ttl_s"]), (0, "mp1", "10.0.0.11", None), str(found))

    def test_registry_files_answer_like_the_registry(self):
        """X03 X14 a real registry's wins.dat, LMHOSTS and netsh export: mp, name and dp as from the registry itself"""
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        for words in (["MP_PS1#1A", "127.0.0.11"], ["SMS#1C", "10.0.0.1", "10.0.0.2", "--group"]):
            registry.ctl_ok("add", *words)
        live = self.find(registry.uri, "name")
        for scheme in ("winsdat", "lmhosts", "netsh"):
            with self.subTest(scheme=scheme):
                path = self.path("export." + scheme)
                registry.ctl_ok("export", path, "--format", scheme)
                source = "%s:%s" % (scheme, path)
                found = self.find(source, "name")
                for key in ("name", "kind", "addresses"):
                    self.assertEqual(found.answer[key], live.answer[key], str(found))
                group = lab.find("name", "SMS#1C", "--source", source)
                self.assertEqual((group.answer["kind"], group.answer["addresses"]), ("group", ["10.0.0.1", "10.0.0.2"]), str(group))
                found = self.find(source)
                with open(path, encoding="ascii") as text:
                    line = [n for n, row in enumerate(text, 1) if "MP_PS1" in row][0]
                self.assertEqual((found.answer["address"], found.answer["server"]), ("127.0.0.11", "%s:%d" % (path, line)), str(found))
                self.check(lab.find("mp", "--site", "PS9", "--source", source), 1, "negative", "not-found")
                port = str(harness.free_port(("127.0.0.11",)))
                dp = lab.find("dp", "--site", "PS1", "--package", lab.PACKAGE, "--mp-port", port, "--source", source)
                self.check(dp, 3, "unreachable", "could-not-ask", "127.0.0.11:" + port)

    def test_registrations_that_ran_out(self):
        """P10 wins.dat keeps the expiry: the time left is shown, and what ran out is no answer, with a warning"""
        path = self.write("wins.dat", "VERSION 1 0\n\"MP_PS1#1a\" 1000 10.0.0.11 64R\n\"NLB_PS1#1a\" 2000 10.0.0.12 64R\n")
        for now, code, address, ttl in (("900", 0, "10.0.0.11", 100), ("1500", 0, "10.0.0.12", 500), ("2000", 1, None, None)):
            with self.subTest(now=now):
                found = self.find("winsdat:" + path, "mp", "--now", now)
                self.assertEqual(found.code, code, str(found))
                if not code:
                    self.assertEqual((found.answer["address"], found.answer["ttl_s"]), (address, ttl))
                if now != "900":
                    self.assertIn("%s:2: the registration of MP_PS1#1A ran out" % path, "\n".join(found.json["warnings"]))

    def test_doubtful_names_in_a_file(self):
        """the first of two lines that contradict each other counts, with a warning"""
        path = self.write("lmhosts", "10.0.0.1 \"MP_PS1         \\0x1a\"\n10.0.0.2 \"MP_PS1         \\0x1a\"\n")
        found = self.find("lmhosts:" + path)
        self.assertEqual((found.code, found.answer["address"]), (0, "10.0.0.1"), str(found))
        self.assertIn("%s:2: MP_PS1#1A again; line 1 counts" % path, "\n".join(found.json["warnings"]))


class Table(harness.Case):

    def test_every_scheme_is_documented(self):
        """design 6: the table of schemes, the manual, docs/locator.md and the public header name the same"""
        told = harness.run([harness.program("locator"), "find", "mp", "--site", "PS1", "--source", "gopher://x"]).err
        forms = told.split("known are ")[1].splitlines()[0].split(", ")
        self.assertGreaterEqual(len(forms), 10, told)
        manual = harness.run([harness.program("locator"), "--help=man"]).out
        for form in forms:
            scheme = form.split(":")[0] + ":"
            for path in ("docs/locator.md", "locator/include/locator/locator.h"):
                with open(os.path.join(harness.SRCDIR, path), encoding="utf-8") as text:
                    self.assertIn(scheme, text.read(), path)
            self.assertIn(form.replace("-", "\\-"), manual.replace("\\&", ""))


harness.main()
