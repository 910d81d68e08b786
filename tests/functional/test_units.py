"""The units as they are installed, run by systemd on a machine of their own: what a packager and an administrator would do."""

import os
import re
import shutil
import socket
import stat
import threading

import boot
import harness
import lab
import named
import nbns

OWNER, OTHER, HOST, CLIENT = "127.0.0.2", "127.0.0.5", "127.0.0.11", "127.0.0.3"
SOCKETS = "[Socket]\nListenDatagram=\nListenDatagram=%s:137\nListenDatagram=%s:137\n" % (OWNER, OTHER)
CONFIG = 'netbios_name = "OWN"\nmetrics = "127.0.0.1:9137"\nhook = "/usr/local/bin/note"\n'
RELOADS, NAMES = 10, 100
EXPOSURE_MAX = 2.0
ACCOUNT = "sitelocator"


class Units(harness.Case):

    def setUp(self):
        super().setUp()
        self.machine = boot.Machine(self, self.prepare)
        self.do = self.machine.run_ok
        self.do("systemd-sysusers", "sitelocator.conf")     # as docs/registry.md and docs/site.md say
        self.do("systemd-tmpfiles", "--create", "sitelocator.conf")

    def prepare(self, root):
        package = self.path("package")
        self.run_ok(["make", "-s", "-C", harness.BUILDDIR, "DESTDIR=" + package, "install"],
                    env={name: "" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})
        (folder,) = [path for path, _, names in os.walk(package) if "sited.service" in names]
        with open(os.path.join(folder, "sited.service"), encoding="utf-8") as unit:
            self.conf = os.path.dirname(re.search(r"(?m)^ExecStart=\S+ --config (\S+)$", unit.read()).group(1))
        self.run_ok(["cp", "-a", package + "/.", root])

    def configure(self, program, text):
        self.machine.write("%s/%s.conf" % (self.conf, program), text)

    def drop_in(self, unit, text):
        self.machine.write("/etc/systemd/system/%s.d/test.conf" % unit, text)
        self.do("systemctl", "daemon-reload")

    def client(self, server=OWNER):
        client = nbns.Client((server, 137), local=CLIENT)
        self.addCleanup(client.close)
        return client

    def main_process(self, unit):
        return int(self.machine.unit(unit, "MainPID"))

    def check_process(self, unit):
        """Who the service is and what it may: the account, no capability once the ports are bound, nothing gained by exec."""
        status = self.do("cat", "/proc/%d/status" % self.main_process(unit)).out
        uid = int(self.do("id", "-u", ACCOUNT).out)
        value = dict(re.findall(r"(?m)^(\w+):\s*(.*)$", status))
        self.assertNotEqual(uid, 0)
        self.assertEqual(value["Uid"].split(), [str(uid)] * 4)
        self.assertEqual((int(value["CapEff"], 16), int(value["CapPrm"], 16), value["NoNewPrivs"], value["Seccomp"]), (0, 0, "1", "2"))

    def check_journal(self, unit):
        """One event a line with its priority, and no time of ours beside that of the journal."""
        rows = [row for row in self.machine.journal(unit) if row.get("_TRANSPORT") == "stdout"]
        self.assertTrue(rows)
        for row in rows:
            self.assertRegex(row["MESSAGE"], r'^([a-z-]+( [a-z_]+=|$|: usage: )|Try "winsd --help")', row)
            self.assertNotRegex(row["MESSAGE"], r"^\S*\d\d:\d\d")
            self.assertIn(row["PRIORITY"], "34567")
        return rows

    def check_exposure(self, unit):
        told = self.do("systemd-analyze", "security", "--no-pager", unit).out
        self.assertLess(float(re.search(r"Overall exposure level for \S+: ([\d.]+)", told).group(1)), EXPOSURE_MAX, told)

    def check_restart(self, unit, break_it, result):
        """Ended by something else than its administrator, it is started again."""
        before = self.main_process(unit)
        break_it(before)
        harness.wait_until(lambda: self.main_process(unit) not in (0, before) and self.machine.unit(unit, "ActiveState") == "active",
                           "%s after %s" % (unit, result))
        told = self.do("journalctl", "-u", unit, "--no-pager").out
        self.assertIn("Failed with result '%s'" % result, told)

    def kill(self, pid):
        self.do("kill", "-KILL", pid)

    def add_people(self):
        self.do("useradd", "--groups", ACCOUNT, "admin")
        self.do("useradd", "visitor")

    def as_user(self, user, *words, code=0):
        return self.do("runuser", "-u", user, "--", *words, code=code)


class Registry(Units):

    def start_sockets(self):
        self.drop_in("winsd.socket", SOCKETS)
        self.do("systemctl", "start", "winsd.socket")

    def test_the_unit_of_the_registry(self):
        """3.10: the first packet starts it; account, rights, reload without a loss, SIGKILL, watchdog, administration, stop"""
        self.check_mistake()
        self.configure("winsd", CONFIG)
        self.machine.write("/usr/local/bin/note", '#!/bin/sh\necho "$*" >>/var/lib/sitelocator/notes\n', 0o755)
        self.add_people()
        self.drop_in("winsd.service", "[Service]\nWatchdogSec=2\n")
        self.start_sockets()
        self.assertEqual(self.machine.unit("winsd.service", "ActiveState"), "inactive")
        client = self.client()
        client.send(nbns.query(7, "OWN", 0x20))
        self.assertEqual(client.receive(harness.DEADLINE_S).number, 7, "the packet that started it")
        harness.wait_until(lambda: self.machine.unit("winsd.service", "ActiveState") == "active", "READY=1")
        self.assertIn("serving", self.machine.unit("winsd.service", "StatusText"))
        self.check_process("winsd")
        self.check_exposure("winsd.service")
        self.assertEqual(self.client(OTHER).query("OWN", 0x20).rcode, 0)
        self.assertIn("winsd_names", self.do("python3", "-c", "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9137/metrics').read().decode())").out)
        self.check_reloads()
        self.check_restart("winsd", self.kill, "signal")
        self.assertEqual(self.client().query("NAME0", 0x20).addresses, [CLIENT])
        self.check_restart("winsd", lambda pid: self.do("kill", "-STOP", pid), "watchdog")
        self.assertEqual(self.client().query("NAME0", 0x20).addresses, [CLIENT])
        self.check_administration()
        self.check_journal("winsd")
        self.do("systemctl", "stop", "winsd.socket", "winsd.service")
        self.assertEqual(self.machine.unit("winsd", "Result", "ActiveState", "ExecMainStatus"), ["success", "inactive", "0"])
        self.assertFalse(os.path.exists(self.machine.at("/run/sitelocator/winsd.sock")))

    def check_reloads(self):
        """Registrations one after another, each sent once, while the unit is reloaded again and again."""
        client, done, answers = self.client(), threading.Event(), []

        def register():
            number = 0
            while not done.is_set():
                number += 1
                packet = nbns.request(number & 0xffff, nbns.REGISTER, "NAME%d" % (number % NAMES), 0x20, CLIENT)
                answers.append(client.ask(packet, tries=1, timeout_s=harness.DEADLINE_S).rcode)
            answers.append("end")
        thread = threading.Thread(target=register)
        thread.start()
        try:
            for turn in range(RELOADS):
                self.configure("winsd", CONFIG + 'ttl_min = "%dh"\n' % (turn + 2))
                self.do("systemctl", "reload", "winsd")
        finally:
            done.set()
            thread.join()
        self.assertEqual((set(answers[:-1]), answers[-1]), ({0}, "end"))
        self.assertGreater(len(answers), RELOADS)
        harness.wait_until(lambda: any("reloaded " in row["MESSAGE"] for row in self.machine.journal("winsd")), "the reload in the log")

    def check_administration(self):
        """Members of the group administer, others do not; files are where and of whom the administrator is."""
        self.as_user("admin", "winsctl", "add", "FIXED#20", "10.1.1.1")
        self.assertIn("sitelocator", self.as_user("visitor", "winsctl", "list", code=6).err)
        for user, folder in (("root", "/root"), ("admin", "/tmp"), ("root", "/home")):
            export, copy = folder + "/names-%s.csv" % user, folder + "/names-%s.db" % user
            self.as_user(user, "winsctl", "export", export)
            self.as_user(user, "winsctl", "import", "--dry-run", export)
            self.as_user(user, "winsctl", "backup", copy)
            self.assertEqual(self.do("stat", "-c", "%U %a", copy).out.split(), [user, "600"])
            self.as_user(user, "winsctl", "backup", copy, code=7)
        self.as_user("admin", "winsctl", "backup", "/var/lib/admin.db", code=6)
        self.as_user("admin", "winsctl", "check")
        left = set(os.listdir(self.machine.at("/var/lib/sitelocator")))
        self.assertEqual(left, {"notes", "wins.db", "wins.db-wal", "wins.db-shm"})
        with open(self.machine.at("/var/lib/sitelocator/notes"), encoding="utf-8") as notes:
            self.assertIn("add FIXED 20 0 10.1.1.1", notes.read(), "of the hook")

    def check_mistake(self):
        """FILE:LINE in the journal, the unit failed, and not tried again and again."""
        self.configure("winsd", 'listen = {"%s"}\nttl_min = "never"\n' % OWNER)
        self.do("systemctl", "start", "winsd", code=1)
        self.assertEqual(self.machine.unit("winsd", "ActiveState", "NRestarts", "ExecMainStatus"), ["failed", "0", "2"])
        told = [row["PRIORITY"] for row in self.machine.journal("winsd") if "winsd.conf:2" in row["MESSAGE"]]
        self.assertEqual(told, ["3"], "an error")
        self.do("systemctl", "reset-failed", "winsd")


class Site(Units):

    def test_the_unit_of_the_site(self):
        """5.5 S1.19 S2.05: publishes into a directory with a password handed over by systemd, serves port 80, content of root's, keys of its own, reload, SIGKILL, stop"""
        directory = lab.Directory(self)
        zone = named.Named(self, updates=["grant site name _mssms_mp_ps1._tcp.example.org. SRV;"], hosts={"mp1": HOST})
        self.add_people()
        self.configure("winsd", 'listen = {"%s"}\n' % OWNER)
        self.configure("sited", 'http = {"%s"}\nnbt_address = {"%s"}\nmetrics = "127.0.0.1:9138"\n' % (HOST, HOST))
        self.machine.write("/etc/credstore/ldap.password", directory.publisher_password + "\n", 0o600)
        shutil.copy(zone.key_file, self.machine.at("/etc/credstore/tsig.key"))
        self.machine.write("/root/files/setup.exe", "octets", 0o600)
        self.drop_in("sited.service", "[Service]\nLoadCredential=ldap:/etc/credstore/ldap.password\nLoadCredential=tsig:/etc/credstore/tsig.key\n")
        self.as_user(ACCOUNT, "sitectl", "init", "PS1", "--domain", "example.org", "--server", "server.example.org")
        self.do("systemctl", "start", "winsd", "sited")
        self.check_process("sited")
        self.check_exposure("sited.service")
        self.check_order()
        ctl = lambda *words, code=0: self.as_user("admin", "sitectl", *words, code=code)     # noqa: E731
        self.as_user("visitor", "sitectl", "status", code=6)
        ctl("mp", "add", "mp1.example.org", "--address", HOST)
        ctl("mp", "designate", "mp1.example.org")
        ctl("dp", "add", "dp1.example.org")
        add = ["sitectl", "package", "add", lab.PACKAGE, "--version", "1", "--dir", "/root/files", "--on", "dp1.example.org"]
        self.assertIn("user of sited", self.do(*add, code=6).err)
        os.chmod(self.machine.at("/root/files/setup.exe"), 0o644)      # in a folder that is root's alone
        self.do(*add)
        ctl("target", "add", directory.uri_base, "--bind-dn", directory.publisher_dn, "--password-file", "/run/credentials/sited.service/ldap")
        ctl("target", "add", zone.target, "--tsig-key", "/run/credentials/sited.service/tsig")
        ctl("target", "add", "wins://" + OWNER)
        ctl("publish", "--apply")
        self.assertEqual(len(directory.published("mSSMSManagementPoint")), 1)
        self.assertEqual(self.registered(), [HOST])
        self.assertEqual(lab.find("mp", "--site", "PS1", "--source", zone.target).answer["mp"], "mp1.example.org")
        self.assertIn("MPList", self.get("/SMS_MP/.sms_aut?MPLIST"))
        self.check_restart("sited", self.kill, "signal")
        harness.wait_until(lambda: "MPList" in self.get("/SMS_MP/.sms_aut?MPLIST"), "port 80 after the restart")
        self.do("systemctl", "reload", "sited")
        self.check_files()
        self.check_journal("sited")
        self.do("systemctl", "stop", "sited")
        self.assertEqual(self.machine.unit("sited", "Result", "ActiveState", "ExecMainStatus"), ["success", "inactive", "0"])
        self.assertEqual(self.registered(), [], "the name is released")
        self.do("systemctl", "stop", "winsd")

    def registered(self):
        return self.client().query("MP_PS1", 0x1a).addresses

    def get(self, path):
        with socket.create_connection((HOST, 80), harness.DEADLINE_S) as one:
            one.sendall(("GET %s HTTP/1.0\r\nHost: x\r\n\r\n" % path).encode())
            return b"".join(iter(lambda: one.recv(65536), b"")).decode()

    def check_order(self):
        """The network, the database and the registry come first."""
        after = self.machine.unit("sited", "After").split()
        self.assertLessEqual({"network-online.target", "postgresql.service", "winsd.service"}, set(after))
        self.assertIn("network-online.target", self.machine.unit("winsd", "After").split())
        started = [int(self.machine.unit(unit, "ActiveEnterTimestampMonotonic")) for unit in ("network-online.target", "winsd", "sited")]
        self.assertEqual(started, sorted(started))

    def check_files(self):
        """All of the account and nobody else's; keys its own alone."""
        folder = self.machine.at("/var/lib/sitelocator")
        uid = int(self.do("id", "-u", ACCOUNT).out)
        keys = 0
        for path, _, names in os.walk(folder):
            for name in names:
                info = os.stat(os.path.join(path, name))
                self.assertEqual(info.st_uid, uid, name)
                if name.endswith(".key"):
                    keys += 1
                    self.assertEqual(stat.S_IMODE(info.st_mode), 0o600, name)
        self.assertGreater(keys, 0)
        self.as_user("visitor", "ls", "/var/lib/sitelocator", code=2)


harness.need_namespace("-nm")
harness.main()
