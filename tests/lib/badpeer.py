"""Bad LDAP peers on loopback: what a client must survive within its deadline.

    with BadPeers() as bad:
        bad.blackhole, bad.tarpit, bad.reset, bad.half_tls, bad.refused      # ports

blackhole   the TCP handshake never ends
tarpit      accepts, never answers
reset       accepts and resets
half_tls    answers StartTLS with success, then is silent
half_bind   answers every bind with success, then is silent
cut         answers a bind with success, and resets at the next request
drip        answers with the beginning of an answer that never ends, an octet at a time
flood       begins an answer of 2 GiB, and sends as much of it as is taken
half_hello  sends the first half of a TLS answer, then is silent
plain       answers everything with an HTTP answer in the clear
refused     nobody listens

    with OldTls(certificate, key) as old:
        old.ldaps, old.ldap      # ports that speak TLS 1.1 and older only, at once or after StartTLS
    with Relay((certificate, key), port_of_a_server) as relay:
        relay.port               # ldaps with another certificate than the server's
"""
import socket
import ssl
import struct
import threading
import time

import harness


def _listen(backlog=64):
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(backlog)
    return s


def _port(s):
    return s.getsockname()[1]


def _message_id(request):
    """The INTEGER after the outer SEQUENCE of an LDAP message, short forms only."""
    at = 2 if request[1] < 0x80 else 2 + (request[1] & 0x7F)
    return request[at:at + 2 + request[at + 1]]


def _success(request, response_tag):
    body = _message_id(request) + bytes([response_tag, 7, 0x0A, 1, 0, 4, 0, 4, 0])
    return bytes([0x30, len(body)]) + body


class BadPeers:
    def __enter__(self):
        self._kept, self._listeners = [], []
        self.blackhole = self._blackhole()
        self.tarpit = self._serve(self._keep)
        self.reset = self._serve(self._reset)
        self.half_tls = self._serve(lambda c: self._answer_once(c, 0x78))
        self.half_bind = self._serve(lambda c: self._answer_once(c, 0x61))
        self.cut = self._serve(self._cut)
        self.drip = self._serve(self._drip)
        self.flood = self._serve(self._flood)
        self.half_hello = self._serve(self._half_hello)
        self.plain = self._serve(self._plain)
        self.refused = harness.free_port()
        return self

    def __exit__(self, *exc):
        for s in self._listeners:
            s.shutdown(socket.SHUT_RDWR)    # wakes the thread in accept()
            s.close()
        for s in self._kept:
            s.close()

    def _blackhole(self):
        """A full accept queue: the kernel drops further SYNs."""
        s = _listen(0)
        self._kept.append(s)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(s.getsockname())
            self._kept.append(filler)
        return _port(s)

    def _serve(self, handle):
        s = _listen()
        self._listeners.append(s)

        def loop():
            while True:
                try:
                    connection, _ = s.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()
        return _port(s)

    def _keep(self, connection):
        self._kept.append(connection)

    @staticmethod
    def _reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def _answer_once(self, connection, response_tag):
        self._kept.append(connection)
        request = connection.recv(4096)
        if request:
            connection.sendall(_success(request, response_tag))

    def _cut(self, connection):
        request = connection.recv(4096)
        if request:
            connection.sendall(_success(request, 0x61))
            connection.recv(4096)
        self._reset(connection)

    def _drip(self, connection):
        self._kept.append(connection)
        try:
            if connection.recv(4096):
                connection.sendall(b"\x30\x84\x00\x00\xff\xff")
            while True:
                time.sleep(0.05)
                connection.sendall(b"\x00")
        except OSError:
            pass    # the client went away, or the test is over

    def _flood(self, connection):
        self._kept.append(connection)
        try:
            if connection.recv(4096):
                connection.sendall(b"\x30\x84\x7f\xff\xff\xff")
            while True:
                connection.sendall(bytes(1 << 20))
        except OSError:
            pass    # as above

    def _half_hello(self, connection):
        self._kept.append(connection)
        if connection.recv(4096):
            connection.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")

    def _plain(self, connection):
        self._kept.append(connection)
        if connection.recv(4096):
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


class OldTls(BadPeers):
    def __init__(self, certificate, key):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version, self._context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        self._context.load_cert_chain(certificate, key)

    def __enter__(self):
        self._kept, self._listeners = [], []
        self.ldaps = self._serve(self._handshake)
        self.ldap = self._serve(self._start_tls)
        return self

    def _handshake(self, connection):
        try:
            self._context.wrap_socket(connection, server_side=True).close()
        except OSError:     # that the client refuses is what is tested
            connection.close()

    def _start_tls(self, connection):
        request = connection.recv(4096)
        if request:
            connection.sendall(_success(request, 0x78))
            self._handshake(connection)


class Relay(BadPeers):
    """Somebody in the middle with a certificate and key of his own: ends TLS, and speaks it anew with the server."""

    def __init__(self, certificate, port):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate)
        self._server_port = port

    def __enter__(self):
        self._kept, self._listeners = [], []
        self.port = self._serve(self._relay)
        return self

    def _relay(self, connection):
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
        with self._context.wrap_socket(connection, server_side=True) as client, \
                blind.wrap_socket(socket.create_connection(("127.0.0.1", self._server_port))) as server:
            threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
            self._copy(server, client)

    @staticmethod
    def _copy(source, target):
        try:
            while octets := source.recv(65536):
                target.sendall(octets)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass    # one side went away
