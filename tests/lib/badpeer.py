"""Bad LDAP peers on loopback: what a client must survive within its deadline.

    with BadPeers() as bad:
        bad.blackhole, bad.tarpit, bad.reset, bad.half_tls, bad.refused      # ports

blackhole   the TCP handshake never ends
tarpit      accepts, never answers
reset       accepts and resets
half_tls    answers StartTLS with success, then is silent
half_bind   answers every bind with success, then is silent
refused     nobody listens
"""
import socket
import struct
import threading

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
