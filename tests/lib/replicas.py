"""Several OpenLDAP providers that replicate one tree by delta-syncrepl, set up with the files of docs/replication.md.

    group = replicas.Group(case, 3)
    group.servers[0].uri_base, group.cut_off(2), group.join(2), group.wait_until_equal()

The servers reach each other through ports of ours. A server is cut off by closing what goes from and to it there; nobody is configured
anew, for which slapd would keep its readers waiting.
"""

import os
import re
import select
import socket
import threading

import harness
import lab
import slapd

GUIDE = os.path.join(harness.SRCDIR, "docs", "replication.md")
SUFFIX = "dc=example,dc=com"


def files():
    with open(GUIDE, encoding="utf-8") as text:
        return dict(re.findall(r"^`([a-z.]+)`,.*?\n\n```ldif\n(.*?)^```", text.read(), re.MULTILINE | re.DOTALL))


class Link(threading.Thread):
    """The way of one server to another: a port that leads to the other's port unless it is cut."""

    def __init__(self, case, to_port):
        super().__init__(daemon=True)
        self.to_port, self.is_cut, self.ended, self.peers = to_port, False, False, {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = "ldap://127.0.0.1:%d" % self.listener.getsockname()[1]
        case.addCleanup(self.end)
        self.start()

    def end(self):
        self.ended = True
        self.join()
        self.listener.close()

    def run(self):
        while not self.ended:
            ready, _, _ = select.select([self.listener, *self.peers], [], [], 0.05)
            for one in ready:
                if one is self.listener:
                    self._take(one.accept()[0])
                elif one in self.peers:
                    self._pass_on(one)
            if self.is_cut or self.ended:
                for one in list(self.peers):
                    self._drop(one)

    def _take(self, client):
        try:
            server = socket.create_connection(("127.0.0.1", self.to_port))
        except OSError:
            client.close()      # the server is off
            return
        self.peers.update({client: server, server: client})

    def _pass_on(self, one):
        try:
            octets = one.recv(65536)
            self.peers[one].sendall(octets)
        except OSError:
            octets = b""
        if not octets:
            self._drop(one)

    def _drop(self, one):
        other = self.peers.pop(one, None)
        if other:
            del self.peers[other]
            one.close()
            other.close()


class Group:

    def __init__(self, case, count=3):
        self.case, self.files = case, files()
        self.servers = [lab.Directory(case, "ldap%d" % (i + 1), suffix=SUFFIX) for i in range(count)]
        self.links = {(one, other): Link(case, self.servers[other - 1].port)
                      for one in range(1, count + 1) for other in range(1, count + 1) if one != other}
        for number, server in enumerate(self.servers, 1):
            self._prepare(number, server)
        self.servers[0].add(self.files["replicator.ldif"])
        for number in range(1, count + 1):
            self._connect(number)
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

    def _connect(self, number):
        head, value, tail = re.match(r"(.*?)^(olcSyncrepl:.*?)^(-\n.*)", self.files["provider.ldif"], re.MULTILINE | re.DOTALL).groups()
        rows = [value.replace("rid=00N", "rid=%03d" % other).replace("ldap://ldapN.example.com", link.uri)
                for (one, other), link in self.links.items() if one == number]
        self.servers[number - 1].modify(head + "".join(rows) + tail)

    def cut_off(self, number):
        cut = [link for ends, link in self.links.items() if number in ends]
        for link in cut:
            link.is_cut = True
        harness.wait_until(lambda: not any(link.peers for link in cut), "the connections being cut")

    def join(self, number):
        for ends, link in self.links.items():
            if number in ends:
                link.is_cut = False

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
