"""Records what passes over the loopback of our network namespace, for tshark to read. Needs harness.need_namespace()."""

import socket
import struct
import threading
import time

PACKET_OUTGOING = 4      # linux/if_packet.h: the loopback shows each frame twice, going out and coming in
ETH_P_ALL = 3
LINKTYPE_ETHERNET = 1


class Capture:
    """From construction to stop(); the file at `path` is a pcap."""

    def __init__(self, path, interface="lo"):
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind((interface, 0))
        self._socket.settimeout(0.1)
        self._file = open(path, "wb")
        self._file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, LINKTYPE_ETHERNET))
        self._is_running = True
        self._thread = threading.Thread(target=self._record)
        self._thread.start()

    def _record(self):
        while True:
            try:
                frame, origin = self._socket.recvfrom(1 << 18)
            except socket.timeout:
                if not self._is_running:
                    return
                continue
            if origin[2] != PACKET_OUTGOING:
                now = time.time()
                self._file.write(struct.pack("<IIII", int(now), int(now % 1 * 1e6), len(frame), len(frame)) + frame)

    def stop(self):
        """Ends the recording after what is still on its way; a second call does nothing."""
        if not self._is_running:
            return
        self._is_running = False
        self._thread.join()
        self._file.close()
        self._socket.close()
