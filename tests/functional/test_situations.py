"""docs/locator.md, "explain, by situation": each command is run against such a situation, and its output is that of the page, word by word.

Servers of the page stand for servers of the test: what differs is their addresses and ports, widths of columns, and numbers of
milliseconds and seconds, random numbers, keys and days. `python3 test_situations.py --print` prints the section as it should be.
"""

import os
import re
import shlex
import sys

import harness
import lab

PAGE = os.path.join(harness.SRCDIR, "docs", "locator.md")
TITLE = "## explain, by situation\n"
BASE = "dc=example,dc=com"


def situations(text):
    """(heading, command, output, exit code) of each situation of the page."""
    section = text.partition(TITLE)[2].partition("\n## ")[0]
    return re.findall(r"^### ([^\n]+)\n\n```\n\$ ([^\n]+)\n\n(.*?)^```\n\nexit code (\d+)$", section, re.MULTILINE | re.DOTALL)


def words(text):
    """The words of each line; numbers of columns that a clock fills, nonces, keys, days and octets count as any."""
    lines = []
    text = re.sub(r"\b[0-9A-F]{16}\.\.\.|\b\d{4}-\d\d-\d\d\b|\b\d+(?= octets)", "#", text)
    for line in text.strip().splitlines():
        row = re.match(r"[a-z+]+:\S*  |-  ", line) is not None
        lines.append(["#" if row and word.isdigit() else word for word in line.replace("\u00a0", " ").split()])
    lines = [["age_s:", "#"] if line and line[0] == "age_s:" and line[1].isdigit() else line for line in lines if line]
    return [["answer_id:", "#"] if line[0] == "answer_id:" and re.fullmatch("[0-9A-F]{16}", line[1]) else line for line in lines]


class Laboratory:
    """The servers of the page, and their names there."""

    def __init__(self, case):
        addresses = list(lab.MP_ADDRESSES.values()) + [lab.REGISTRY_ADDRESS]
        nbt_port, http_port, self.dead = harness.free_port(addresses), harness.free_port(addresses), harness.free_port(addresses)
        directories = {"dc1": lab.Directory(case, "dc1"), "dc2": lab.Directory(case, "dc2", schema="none"), "dc3": lab.Directory(case, "dc3"),
                       "dc4": lab.Directory(case, "dc4", anonymous="auth")}
        registry = lab.Registry(case, nbt_port)
        site = lab.Site(case, nbt_port=nbt_port, http=["127.0.0.11:%d" % http_port], addresses=["127.0.0.11"])
        site.ctl_ok("boundary", "add", "subnet", "10.1.0.0/16")
        lab.fill(site, http_port, targets=[[directories["dc1"].uri_base] + directories["dc1"].credentials, [registry.uri]])
        site.publish()
        harness.wait_until(lambda: registry.addresses("MP_PS1#1A") == ["127.0.0.11"], "the MP's name in the registry")
        key = case.path("root.pem")
        site.ctl_ok("key", "export", key)
        rogue = lab.Site(case, http=["127.0.0.12:%d" % http_port], name="rogue")
        rogue.ctl_ok("mp", "add", "mp1.example.org", "--address", "127.0.0.12", "--port", str(http_port))
        misled = lab.Registry(case, harness.free_port(("127.0.0.3",)), "127.0.0.3")
        misled.ctl_ok("add", "MP_PS1#1A", "127.0.0.12")
        directories["dc1"].add("dn: CN=SMS-Site-PS2,%s\nobjectClass: mSSMSSite\nmSSMSSiteCode: PS2\nmSSMSRoamingBoundaries: 10.2.0.0\n\n"
                               "dn: CN=SMS-MP-PS2-mp3,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS2\nmSSMSDefaultMP: TRUE\n"
                               "mSSMSMPName: mp3.example.org\nmSSMSSourceForest: example.org\nmSSMSMPAddress: 10.0.0.13\n"
                               % ((directories["dc1"].container_dn,) * 2))
        self.names = [("ldap://%s.example.com" % name, one.uri) for name, one in directories.items()]
        self.names += [("ldap://dc5.example.com", "ldap://127.0.0.1:%d" % self.dead),
                       ("wins://10.0.0.5", registry.uri), ("wins://10.0.0.6", "wins://127.0.0.2:%d" % self.dead),
                       ("10.0.0.5:137", registry.uri[len("wins://"):]), ("10.0.0.6:137", "127.0.0.2:%d" % self.dead),
                       ("10.0.0.11", "127.0.0.11"), ("10.0.0.12", "127.0.0.12"), (":8080/", ":%d/" % http_port), ("port: 8080", "port: %d" % http_port),
                       ("wins://10.0.0.7", misled.uri), ("10.0.0.7:137", misled.uri[len("wins://"):]), ("8080", "%d" % http_port),
                       ("PS1:root.pem", "PS1:" + key)]

    def run(self, command):
        argv = shlex.split(command)
        argv = [harness.program(argv[0])] + [self.there(word) for word in argv[1:]] + lab.RESOLVE[:2] + ["--table"]
        return harness.run(argv)

    def there(self, word):
        for name, real in self.names:
            if word == name or word.startswith(name + "/"):
                return real + word[len(name):]
        return word

    def here(self, text):
        for name, real in self.names:
            text = text.replace(real, name)
        return text

    def told(self, command):
        """What the command says, with the names of the page and columns as wide as these need."""
        done = self.run(command)
        answer, head, rows = done.out.partition("SOURCE ")
        lines = (head + rows).splitlines()
        starts = [one.start() for one in re.finditer(r"\S+", lines[0])] if lines else []
        cells = [[self.here(line[a:b].rstrip()) for a, b in zip(starts, starts[1:] + [None])] for line in lines]
        widths = [max(len(row[n]) for row in cells) for n in range(len(starts))]
        table = "".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n" for row in cells)
        return self.here(answer) + table + self.here(done.err), done.code


class Explain(harness.Case):

    def test_ten_situations(self):
        """X01 the page's ten situations and more, each reproduced word by word, with its exit code"""
        with open(PAGE, encoding="utf-8") as page:
            found = situations(page.read())
        self.assertGreaterEqual(len(found), 10)
        laboratory = Laboratory(self)
        for heading, command, output, code in found:
            with self.subTest(heading=heading):
                told, exit_code = laboratory.told(command)
                self.assertEqual(words(told), words(output), "$ %s\n%s" % (command, told))
                self.assertEqual(exit_code, int(code))


class Printed(harness.Case):
    """The section as it should be, for the page."""

    def test_print(self):
        """prints the section"""
        with open(PAGE, encoding="utf-8") as page:
            found = situations(page.read())
        laboratory = Laboratory(self)
        for heading, command, _, _ in found:
            told, code = laboratory.told(command)
            print("### %s\n\n```\n$ %s\n\n%s```\n\nexit code %d\n" % (heading, command, told.lstrip("\n"), code))


if "--print" in sys.argv:
    sys.argv.remove("--print")
    del Explain
else:
    del Printed
harness.main()
