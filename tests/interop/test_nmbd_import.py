"""Moving from nmbd: the wins.dat that a real nmbd wrote, imported. Port 137, so in a private namespace."""

import os
import socket

import harness
import lab
import nbns

CONF = """[global]
netbios name = OLDWINS
workgroup = OLDGROUP
wins support = yes
interfaces = 127.0.0.4/8
bind interfaces only = yes
server role = standalone server
lock directory = %(folder)s
state directory = %(folder)s
cache directory = %(folder)s
pid directory = %(folder)s
private dir = %(folder)s
nmbd:socket dir = %(folder)s/nmbd
ncalrpc dir = %(folder)s/ncalrpc
"""

# Names as they come in datagrams, and how they are written here; \x9a is a letter of code page 850.
RAW_NAMES = {"BACK\\SLASH": "BACK\\x5cSLASH", "CTRL\x01\x1f": "CTRL\\x01\\x1f", "M\x9aLLER": "M\\x9aLLER", "QUO\"TE": "QUO\"TE",
             "LINE\nEND": "LINE\\x0aEND", "HA#SH": "HA\\x23SH", "IN NER.DOT": "IN\\x20NER\\x2eDOT"}


class Moving(harness.Case):
    def register(self, name, suffix, address, group=False):
        """True when nmbd took the name."""
        packet = nbns.request(7, nbns.REGISTER, name, suffix, address, nb_flags=0xE000 if group else 0x6000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(1)
            client.sendto(packet, ("127.0.0.4", 137))
            return nbns.Answer(client.recv(576)).rcode == 0

    def test_wins_dat_of_a_real_nmbd(self):
        """wins.dat as nmbd writes it: machines, a normal group, an internet group, nmbd's own names passed over"""
        conf = self.write("smb.conf", CONF % {"folder": self.folder})
        nmbd = self.start([harness.tool("nmbd", "samba"), "-F", "--no-process-group", "-s", conf, "-l", self.folder], name="nmbd",
                          clean_exit=False)
        harness.wait_until(lambda: self.register("MACHINE", 0x20, "10.1.2.3"), "nmbd registering a name", timeout_s=30)
        self.assertTrue(self.register("SOMEGROUP", 0x1E, "10.1.2.3", group=True))
        self.assertTrue(self.register("SOMEDOM", 0x1C, "10.1.2.4", group=True))
        for name in RAW_NAMES:
            self.assertTrue(self.register(name, 0x20, "10.1.2.5"))
        nmbd.stop()
        path = os.path.join(self.folder, "wins.dat")
        with open(path, encoding="latin-1") as file:
            self.assertIn('"MACHINE#20"', file.read())

        registry = lab.Registry(self, 137)
        self.assertGreaterEqual(int(registry.ctl_ok("import", path, "--csv").out.splitlines()[1].split(",")[0]), 3)
        self.assertEqual(registry.addresses("MACHINE#20"), ["10.1.2.3"])
        self.assertEqual(registry.record("SOMEGROUP#1E")["type"], "group")
        self.assertEqual((registry.record("SOMEDOM#1C")["type"], registry.addresses("SOMEDOM#1C")), ("sgroup", ["10.1.2.4"]))
        self.assertGreater(registry.record("MACHINE#20")["expires_s"], 60)
        for name in RAW_NAMES.values():
            self.assertEqual(registry.addresses(name + "#20"), ["10.1.2.5"], name)


harness.need_namespace()
harness.main()
