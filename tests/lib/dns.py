"""A small DNS server on loopback, UDP and TCP: it says what a test tells it to, well or badly.

    server = dns.Server(case)
    server.records = {("_ldap._tcp.example.org", SRV): [(600, (0, 5, 389, "dc1.example.org"))], ("dc1.example.org", A): [(60, "127.0.0.5")]}
    "dns://%s/example.org" % server.address

`truncated` answers over UDP are cut, so that the client must come back over TCP, `always_truncated` ones there too; `rcode` answers
everything with that code, and `is_echo` sends questions back as they are. `owners` gives the records of a name under another one, `aliases` puts a CNAME before them.
"""

import socket
import socketserver
import struct
import threading

import harness

A, CNAME, AAAA, SRV = 1, 5, 28, 33
TRUNCATED, ANSWER, RECURSION = 0x0200, 0x8400, 0x0080


def name_octets(name):
    return b"".join(bytes([len(label)]) + label for label in name.encode().split(b".") if label) + b"\0"


def value_octets(kind, value):
    if kind == A:
        return socket.inet_aton(value)
    if kind == AAAA:
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == SRV:
        return struct.pack("!HHH", *value[:3]) + name_octets(value[3])
    return name_octets(value)


class TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True     # a fixed port that the test before has just left


class Server:
    def __init__(self, case, host="127.0.0.1", port=None):
        self.host, self.port = host, port or harness.free_port((host,))
        self.records, self.rcode, self.truncated, self.always_truncated = {}, 0, False, False
        self.owners, self.aliases, self.is_echo = {}, {}, False
        self.asked = []     # (name, type, "udp" or "tcp")
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                self.request[1].sendto(outer.answer(self.request[0], "udp"), self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                head = self.rfile.read(2)
                if len(head) == 2:
                    reply = outer.answer(self.rfile.read(struct.unpack("!H", head)[0]), "tcp")
                    self.wfile.write(struct.pack("!H", len(reply)) + reply)

        for kind, handler in ((socketserver.ThreadingUDPServer, Udp), (TcpServer, Tcp)):
            one = kind((host, self.port), handler)
            one.daemon_threads = True
            threading.Thread(target=one.serve_forever, daemon=True).start()
            case.addCleanup(one.server_close)
            case.addCleanup(one.shutdown)

    @property
    def address(self):
        return "%s:%d" % (self.host, self.port)

    def answer(self, query, transport):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack("!H", query[at + 1:at + 3])[0]
        name = ".".join(labels)
        self.asked.append((name, kind, transport))
        if self.is_echo:
            return query
        found = self.records.get((name, kind), [])
        known = any(one == name for one, _ in self.records)
        code = self.rcode or (0 if known else 3)
        cut = self.always_truncated or self.truncated and transport == "udp"
        owner = name_octets(self.owners[name]) if name in self.owners else b"\xc0\x0c"
        answers = [(b"\xc0\x0c", CNAME, 0, name_octets(self.aliases[name]))] if name in self.aliases else []
        answers += [(owner, kind, ttl, value_octets(kind, value)) for ttl, value in found]
        if cut or self.rcode:
            answers = []
        body = b"".join(who + struct.pack("!HHIH", what, 1, ttl, len(octets)) + octets for who, what, ttl, octets in answers)
        flags = ANSWER | RECURSION | (TRUNCATED if cut else 0) | code
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(answers), 0, 0) + question + body
