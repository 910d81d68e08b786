"""Several OpenLDAP providers that replicate one tree by delta-syncrepl, set up with the files of docs/replication.md.

    group = replicas.Group(case, 3)
    group.servers[0].uri_base, group.cut_off(2), group.join(2), group.wait_until_equal()

A server is cut off by taking its word on both sides: its olcSyncrepl and those that name it point to a port where nobody listens.
"""

import os
import re

import harness
import lab
import slapd

GUIDE = os.path.join(harness.SRCDIR, "docs", "replication.md")
SUFFIX = "dc=example,dc=com"


def files():
    with open(GUIDE, encoding="utf-8") as text:
        return dict(re.findall(r"^`([a-z.]+)`,.*?\n\n```ldif\n(.*?)^```", text.read(), re.MULTILINE | re.DOTALL))


class Group:

    def __init__(self, case, count=3):
        self.case, self.files = case, files()
        self.servers = [lab.Directory(case, "ldap%d" % (i + 1), suffix=SUFFIX) for i in range(count)]
        self.dead_port = harness.free_port()
        for number, server in enumerate(self.servers, 1):
            self._prepare(number, server)
        self.servers[0].add(self.files["replicator.ldif"])
        for number in range(1, count + 1):
            self._connect(number, set())
        self.wait_until_equal()

    def _prepare(self, number, server):
        if number > 1:      # the empty servers fill by themselves
            server.tool("ldapdelete", "-r", SUFFIX)
        folder = os.path.join(server.folder, "accesslog")
        os.mkdir(folder)
        _, uid, gid = slapd.drop_rights()
        os.chown(folder, uid, gid)
        log = self.files["log.ldif"].replace("olcServerID: 1", "olcServerID: %d" % number).replace("/var/lib/ldap/accesslog", folder)
        for text in (self.files["modules.ldif"], log, self.files["access.ldif"]):
            server.tool("ldapmodify", "-a", text_in=text)

    def _connect(self, number, cut):
        """(Re)writes the olcSyncrepl of a server; `cut` are the numbers that cannot be reached, or that reach nobody."""
        head, value, tail = re.match(r"(.*?)^(olcSyncrepl:.*?)^(-\n.*)", self.files["provider.ldif"], re.MULTILINE | re.DOTALL).groups()
        rows = []
        for other, server in enumerate(self.servers, 1):
            if other != number:
                uri = server.uri if not {other, number} & cut else "ldap://127.0.0.1:%d" % self.dead_port
                rows.append(value.replace("rid=00N", "rid=%03d" % other).replace("ldap://ldapN.example.com", uri).replace('"1 10 5 +"', '"1 +"'))
        self.servers[number - 1].modify(head.replace("add: olcSyncrepl", "replace: olcSyncrepl") + "".join(rows) + tail)

    def cut_off(self, number):
        for one in range(1, len(self.servers) + 1):
            if self.servers[one - 1].process:
                self._connect(one, {number})

    def join(self, number):
        for one in range(1, len(self.servers) + 1):
            self._connect(one, set())

    def content(self, server):
        """Everything of the tree that clients can use: an entry added on both sides of a cut may keep an entryUUID for each side."""
        found = server.search(SUFFIX, "(objectClass=*)", "*")
        return sorted((dn.lower(), sorted((name, tuple(sorted(values))) for name, values in entry.items())) for dn, entry in found)

    def are_equal(self):
        contents = [self.content(server) for server in self.servers if server.process]
        return len(contents[0]) > 0 and all(content == contents[0] for content in contents)

    def differences(self):
        """What is not the same on the running servers."""
        contents = {server.uri: set((dn, name, values) for dn, entry in self.content(server) for name, values in entry)
                    for server in self.servers if server.process}
        common = set.intersection(*contents.values())
        return "\n".join("%s only: %s" % (uri, sorted(content - common)) for uri, content in contents.items())

    def wait_until_equal(self, timeout_s=20):
        try:
            harness.wait_until(self.are_equal, "all providers holding the same", timeout_s=timeout_s, poll_s=0.1)
        except harness.Failed as failure:
            raise harness.Failed("%s\n%s" % (failure, self.differences()))
