"""Domain controllers that answer the LDAP ping ([MS-ADTS] 6.3.3): UDP on loopback, as a test tells them.

    ping = cldap.Responder(case, "127.0.0.1", port, domain="example.com", host="dc1.example.com", site="HQ", client_site="HQ")
"""

import socketserver
import struct
import threading

CLOSEST, USUAL = 0x80, 0x13D    # PDC GC LDAP DS KDC TIMESERV WRITABLE


def ber(tag, content):
    length = bytes([len(content)]) if len(content) < 128 else bytes([0x82]) + struct.pack("!H", len(content))
    return bytes([tag]) + length + content


def labels(name):
    return b"".join(bytes([len(one)]) + one.encode() for one in name.split(".") if one) + b"\0"


def netlogon(domain, host, site, client_site, flags=USUAL, opcode=23):
    """The value of the attribute: names compressed where a pointer fits, as a domain controller writes them."""
    head = struct.pack("<HHI", opcode, 0, flags) + bytes(16)
    forest_at = len(head)
    value = head + labels(domain) + struct.pack("!H", 0xC000 | forest_at)
    short = host.split(".")[0]
    value += bytes([len(short)]) + short.encode() + struct.pack("!H", 0xC000 | forest_at)
    value += labels("EXAMPLE") + labels(short.upper()) + b"\0"
    site_at = len(value)
    value += bytes([len(site)]) + site.encode() + b"\0" if site else b"\0"
    if client_site == site:
        value += struct.pack("!H", 0xC000 | site_at)
    else:
        value += bytes([len(client_site)]) + client_site.encode() + b"\0" if client_site else b"\0"
    return value + struct.pack("<IHH", 5, 0xFFFF, 0xFFFF)


class Responder:
    def __init__(self, case, address, port, **names):
        self.names, self.asked, self.value = names, [], None
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                packet = self.request[0]
                outer.asked.append(packet)
                reply = outer.reply(packet)
                if reply:
                    self.request[1].sendto(reply, self.client_address)

        server = socketserver.ThreadingUDPServer((address, port), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)

    def reply(self, packet):
        at = 2 if packet[1] < 0x80 else 2 + (packet[1] & 0x7F)
        number = packet[at:at + 2 + packet[at + 1]]
        domain = self.names["domain"].encode()
        if b"DnsDomain" not in packet or domain not in packet or b"NtVer" not in packet:
            return None
        value = self.value if self.value is not None else netlogon(**self.names)
        attribute = ber(0x30, ber(4, b"netlogon") + ber(0x31, ber(4, value)))
        entry = ber(0x30, number + ber(0x64, ber(4, b"") + ber(0x30, attribute)))
        return entry + ber(0x30, number + ber(0x65, b"\x0a\x01\x00\x04\x00\x04\x00"))
