"""docs/openldap.md: every command of it, as it stands there, against a real slapd with a tree of its own."""

import os
import re

import harness
import lab

GUIDE = os.path.join(harness.SRCDIR, "docs", "openldap.md")
NO_SCHEMA = "When the schema may not be extended"


def sections():
    """Heading to text, in order."""
    with open(GUIDE, encoding="utf-8") as text:
        parts = re.split(r"^## (.*)\n", text.read(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def files_of(text):
    return dict(re.findall(r"^`([a-z.]+)`,.*?\n\n```(?:ldif|text)\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def commands_of(text):
    """(command, exit code, whether it stays in the background) for each line of the section's blocks."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.strip().splitlines():
            command, _, code = line.partition("    # exit code ")
            found.append((command.rstrip(" &"), int(code or 0), command.endswith(" &")))
    return found


class Guide(harness.Case):

    def prepare(self, **options):
        self.directory = lab.Directory(self, schema="none", suffix="dc=example,dc=com", container="ou=Existing", **options)
        folders = {os.path.dirname(harness.program(name)) for name in ("locator", "sitectl", "sited", "winsd")}
        self.path_env = ":".join(folders) + ":" + os.environ["PATH"] + ":/usr/sbin"
        self.http, self.nbt = harness.free_port(), harness.free_port()
        self.ran = 0

    def here(self, command):
        """The command with the names of this test in place of the guide's."""
        for theirs, ours in (("ldapi:///", self.directory.ldapi), ("ldap://ldap.example.com", self.directory.uri), ("8080", str(self.http)),
                             ("1137", str(self.nbt)), (" -W ", " -w %s " % self.directory.admin_password), ("$PWD", self.folder)):
            command = command.replace(theirs, ours)
        return command

    def start_daemon(self, command):
        words = command.split()
        self.start([harness.program(words[0])] + words[1:], cwd=self.folder)
        control = self.path(words[words.index("--control") + 1])
        tool = "sitectl" if words[0] == "sited" else "winsctl"
        verb = "status" if words[0] == "sited" else "stats"
        harness.wait_until(lambda: os.path.exists(control) and harness.run([harness.program(tool), "--control", control, verb]).code in (0, 1),
                           "%s answering" % words[0])

    def follow(self, heading):
        text = sections()[heading]
        for name, content in files_of(text).items():
            self.write(name, content)
        for command, code, is_daemon in commands_of(text):
            self.ran += 1
            if is_daemon:
                self.start_daemon(self.here(command))
                continue
            done = harness.run(["bash", "-c", self.here(command)], cwd=self.folder, env={"PATH": self.path_env})
            self.assertEqual(done.code, code, "%s\n%s" % (command, done))
            self.last = done

    def follow_all(self):
        for heading in sections():
            if heading != NO_SCHEMA:
                self.follow(heading)
                if heading == "The site":
                    self.check_published()
        total = sum(len(commands_of(text)) for heading, text in sections().items() if heading != NO_SCHEMA)
        self.assertEqual(self.ran, total)
        self.assertGreater(total, 18)

    def check_published(self):
        """The account may change what lies directly in the unit, and nothing else."""
        unit = "ou=Sites,dc=example,dc=com"
        self.assertEqual([entry["dnshostname"] for _, entry in self.directory.search(unit, "(mSSMSDefaultMP=TRUE)")], [["mp1.example.com"]])
        for dn, attribute, expected in ((unit, "description", 50), ("ou=Existing,dc=example,dc=com", "description", 50),
                                        ("cn=sitelocator,dc=example,dc=com", "description", 50), ("dc=example,dc=com", "description", 50),
                                        ("cn=SMS-Site-PS1," + unit, "mSSMSHealthState", 0)):
            self.as_account("ldapmodify", "dn: %s\nchangetype: modify\nreplace: %s\n%s: x\n" % (dn, attribute, attribute), expected)
        for parent in ("dc=example,dc=com", "cn=SMS-Site-PS1," + unit):
            self.as_account("ldapadd", "dn: ou=x,%s\nobjectClass: organizationalUnit\nou: x\n" % parent, 50)

    def as_account(self, tool, ldif, expected):
        self.run_ok([harness.tool(tool, "ldap-utils"), "-x", "-H", self.directory.uri, "-D", "cn=sitelocator,dc=example,dc=com",
                     "-w", "change-me"], stdin=ldif, code=expected)

    def test_extended_without_msuser(self):
        """an existing OpenLDAP, from its own tree to a published site and back, without a restart"""
        self.prepare()
        pid = self.directory.process.pid
        self.follow_all()
        self.assertEqual((self.directory.process.pid, self.directory.process.poll()), (pid, None))

    def test_extended_beside_msuser(self):
        """the same where Debian's msuser schema is loaded"""
        self.prepare(msuser=True)
        self.follow_all()

    def test_schema_may_not_be_extended(self):
        """S1.19 without the schema: refused alone, and found through the registry"""
        self.prepare()
        self.follow(NO_SCHEMA)
        self.assertIn("127.0.0.1", self.last.out, str(self.last))
        self.assertEqual(len(self.directory.search("ou=Existing,dc=example,dc=com")), 1, "something was written")


harness.main()
