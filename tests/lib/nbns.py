"""NetBIOS name service packets by hand (RFC 1002 4.2), for tests that must send what no client would."""

import socket
import struct

QUERY, REGISTER, RELEASE, WACK, REFRESH, MULTIHOMED = 0, 5, 6, 7, 8, 15
NB, NBSTAT, NULL = 0x20, 0x21, 0x0A


def encode_name(name, suffix, scope=""):
    """First-level encoding of NAME#suffix."""
    octets = name.encode("latin-1")[:15].ljust(15) + bytes([suffix])
    text = bytes(letter for octet in octets for letter in (0x41 + (octet >> 4), 0x41 + (octet & 15)))
    labels = b"".join(bytes([len(label)]) + label.encode() for label in scope.split(".") if label)
    return b"\x20" + text + labels + b"\0"


def header(number, flags, questions=0, answers=0, authority=0, additional=0):
    return struct.pack(">6H", number, flags, questions, answers, authority, additional)


def query(number, name, suffix, kind=NB, flags=0x0100):
    return header(number, flags, 1) + encode_name(name, suffix) + struct.pack(">HH", kind, 1)


def request(number, opcode, name, suffix, address, ttl_s=300000, nb_flags=0x6000, flags=0x0100):
    """A registration, refresh, multihomed registration or release."""
    return (header(number, (opcode << 11) | flags, 1, 0, 0, 1) + encode_name(name, suffix) + struct.pack(">HH", NB, 1)
            + b"\xc0\x0c" + struct.pack(">HHIHH", NB, 1, ttl_s, 6, nb_flags) + socket.inet_aton(address))


class Answer:
    """A response taken apart as far as tests need it."""

    def __init__(self, packet):
        self.packet = packet
        self.number, self.flags, _, self.answers, _, _ = struct.unpack(">6H", packet[:12])
        self.opcode, self.rcode = (self.flags >> 11) & 15, self.flags & 15
        self.is_response = bool(self.flags & 0x8000)
        offset = 12
        while packet[offset]:
            offset += packet[offset] + 1
        self.kind, _, self.ttl_s, length = struct.unpack(">HHIH", packet[offset + 1:offset + 11])
        self.rdata = packet[offset + 11:offset + 11 + length]

    @property
    def addresses(self):
        return [socket.inet_ntoa(self.rdata[at + 2:at + 6]) for at in range(0, len(self.rdata) - 5, 6)]


class Client:
    """A UDP socket on an address of its own, asking one server."""

    def __init__(self, server, local="127.0.0.1", port=0):
        self.server = server
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((local, port))
        self._number = 0x4000

    def close(self):
        self.socket.close()

    def send(self, packet):
        self.socket.sendto(packet, self.server)

    def receive(self, timeout_s=5.0):
        """The next datagram as an Answer, or None."""
        self.socket.settimeout(timeout_s)
        try:
            return Answer(self.socket.recv(65535))
        except socket.timeout:
            return None

    def next_number(self):
        self._number += 1
        return self._number

    def ask(self, packet, tries=3, timeout_s=2.0):
        """Sends until the final answer (not WACK) with the same number comes; None when there is none."""
        number = struct.unpack(">H", packet[:2])[0]
        for _ in range(tries):
            self.send(packet)
            answer = self.receive(timeout_s)
            while answer is not None:
                if answer.number == number and answer.is_response and answer.opcode != WACK:
                    return answer
                answer = self.receive(timeout_s + (answer.ttl_s if answer.opcode == WACK else 0))
        return None

    def query(self, name, suffix, **more):
        return self.ask(query(self.next_number(), name, suffix, **more))

    def register(self, name, suffix, address, opcode=REGISTER, **more):
        return self.ask(request(self.next_number(), opcode, name, suffix, address, **more))
