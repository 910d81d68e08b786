"""The README's way "against your own slapd", run as it stands there against a real slapd with an ou= tree."""

import os
import re
import shutil

import harness
import lab

README = os.path.join(harness.SRCDIR, "README.md")
COMMANDS_MAX = 10


def section(title):
    with open(README, encoding="utf-8") as text:
        found = re.search(r"^## %s\n(.*?)(?=^## )" % re.escape(title), text.read(), re.MULTILINE | re.DOTALL)
    if not found:
        raise harness.Failed("README.md has no section %r" % title)
    return found.group(1)


class AgainstYourOwnSlapd(harness.Case):

    def setUp(self):
        super().setUp()
        text = section("Against your own slapd, in five minutes")
        self.files = dict(re.findall(r"^`([a-z.]+)`[^\n]*\n\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        self.commands = re.search(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL).group(1)

    def test_the_commands_do_what_the_readme_says(self):
        """Five minutes against an existing slapd: schema, tree, account, access, site, publish, find, in at most ten commands"""
        self.assertLessEqual(len(self.commands.replace("\\\n", " ").strip().splitlines()), COMMANDS_MAX)
        self.assertEqual(set(self.files), {"tree.ldif", "access.ldif", "password"})
        directory = lab.Directory(self, schema="none", suffix="dc=example,dc=com", container="ou=Existing", publisher_scope="container")
        port = harness.free_port()
        for name, text in self.files.items():
            self.write(name, text)
        commands = self.commands.replace("ldapi:///", directory.ldapi).replace("ldap://ldap.example.com", directory.uri)
        commands = commands.replace("8080", str(port)).replace(" -W ", " -w %s " % directory.admin_password)
        # What a reader does between two commands, one waits for the other to be ready; and at the end he stops the site.
        commands = re.sub(r"^(sited .*) &$", r"\1 >sited.log 2>&1 &\nfor n in $(seq 100); do sitectl --control site.sock status >/dev/null 2>&1 "
                          r"&& break; sleep 0.1; done", commands, flags=re.MULTILINE)
        script = self.write("commands.sh", "set -ex\ntrap 'kill $!' EXIT\n" + commands)
        folders = {os.path.dirname(harness.program(name)) for name in ("locator", "sitectl", "sited")}
        done = harness.run(["bash", script], cwd=self.folder, env={"PATH": ":".join(folders) + ":" + os.environ["PATH"] + ":/usr/sbin"})
        if done.code != 0:
            with open(self.path("sited.log"), encoding="utf-8") as log:
                self.fail("a command of the README failed\n%s\n--- sited.log\n%s" % (done, log.read()))
        self.assertIn("mp1.example.com", done.out.splitlines()[-1] if "\t" in done.out else done.out, str(done))

        published = directory.search("ou=Sites,dc=example,dc=com", "(objectClass=mSSMSManagementPoint)")
        self.assertEqual([entry["dnshostname"] for _, entry in published], [["mp1.example.com"]])
        self.check_least_privilege(directory)

    def check_least_privilege(self, directory):
        """The account may write below ou=Sites, not the unit itself, not deeper, not beside it."""
        for dn, expected in (("ou=Sites,dc=example,dc=com", 50), ("ou=Existing,dc=example,dc=com", 50), ("dc=example,dc=com", 50),
                             ("cn=sitelocator,dc=example,dc=com", 50), ("cn=SMS-Site-PS1,ou=Sites,dc=example,dc=com", 0)):
            attribute = "mSSMSHealthState" if expected == 0 else "description"
            ldif = "dn: %s\nchangetype: modify\nreplace: %s\n%s: x\n\n" % (dn, attribute, attribute)
            self.run_ok([harness.tool("ldapmodify", "ldap-utils"), "-x", "-H", directory.uri, "-D", "cn=sitelocator,dc=example,dc=com", "-w",
                         "change-me"], stdin=ldif, code=expected)
        self.run_ok([harness.tool("ldapadd", "ldap-utils"), "-x", "-H", directory.uri, "-D", "cn=sitelocator,dc=example,dc=com", "-w",
                     "change-me"], code=50, stdin="dn: ou=x,dc=example,dc=com\nobjectClass: organizationalUnit\nou: x\n\n")


class Head(harness.Case):

    def test_the_two_commands_come_first(self):
        """README starts with ./bootstrap demo and ./bootstrap check"""
        with open(README, encoding="utf-8") as text:
            head = [line.strip() for line in text.read().splitlines() if line.strip()][:3]
        self.assertTrue(head[1].startswith("./bootstrap demo") and head[2].startswith("./bootstrap check"), head)

    def test_check_after_demo_finds_what_it_has_installed(self):
        """./bootstrap check in a tree where ./bootstrap demo was: configure looks again, once, when there are other packages"""
        shutil.copy(os.path.join(harness.SRCDIR, "bootstrap"), self.folder)
        runs, again = self.path("runs"), "#!/bin/sh\necho \"$@\" >>%s\n" % self.path("runs")
        self.write("status", again, 0o755)
        self.write("configure", again + "printf 'all:\\ndemo:\\ncheck:\\n' >Makefile; cp ../status config.status\n", 0o755)
        self.write("dpkg-query", "#!/bin/sh\ncase $* in *Version*) cat %s; exit 1 ;; *) echo installed ;; esac\n" % self.path("there"), 0o755)
        for packages, target, expected in (("slapd 1 installed\n", "demo", ["-q"]),
                                           ("slapd 1 installed\n", "demo", []),
                                           ("slapd 1 installed\ncheck 2 installed\n", "check", ["-q --recheck", "-q"]),
                                           ("slapd 1 installed\ncheck 2 installed\n", "demo", [])):
            self.write("there", packages)
            self.write("runs", "")
            self.run_ok([self.path("bootstrap"), target], env={"PATH": self.folder + ":" + os.environ["PATH"], "BUILD_DIR": "build"})
            with open(runs, encoding="utf-8") as text:
                self.assertEqual(text.read().splitlines(), expected, target)

    def test_links_lead_somewhere(self):
        """every file that README links to exists"""
        with open(README, encoding="utf-8") as text:
            links = re.findall(r"\]\(([^)]+)\)", text.read())
        self.assertTrue(links)
        for link in links:
            self.assertTrue(os.path.exists(os.path.join(harness.SRCDIR, link)), link)


harness.main()
