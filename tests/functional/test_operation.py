"""The registry as a service: reload, service manager, passed sockets, privileges, metrics, log, end."""

import configparser
import json
import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import harness
import lab
import nbns

SRC = os.path.join(harness.SRCDIR, "wins-emu", "systemd")
CLIENT = "127.0.0.3"
UNDER_WAY = 32              # queries at once in the flood
RELOADS = 20
FLOOD = 30000               # datagrams, more than the buffer of a socket holds
with open("/proc/self/uid_map", encoding="ascii") as uid_map:
    IS_ROOT = os.geteuid() == 0 and int(uid_map.read().split()[2]) > 1    # of the machine, not of a namespace only


def registry_options(case, port, address=lab.REGISTRY_ADDRESS, folder=None):
    folder = folder or case.folder
    return [harness.program("winsd"), "--db", os.path.join(folder, "w.db"), "--control", os.path.join(folder, "w.sock"),
            "--nbt-port", port, "--netbios-name", "OWN"]


class Manager:
    """The notify socket of a service manager."""

    def __init__(self, case):
        self.path = case.path("notify.sock")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(harness.DEADLINE_S)
        case.addCleanup(self.socket.close)

    def wait_for(self, word):
        """Reads messages until one has this line."""
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            if word in lines:
                return lines


class Operation(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS, "127.0.0.5"))
        self.config = self.write("winsd.conf", "")

    def serve(self, text="", more=(), **options):
        self.write("winsd.conf", text)
        self.registry = lab.Registry(self, self.port, more=["--config", self.config] + list(more), **options)

    def client(self, address=CLIENT, server=lab.REGISTRY_ADDRESS):
        client = nbns.Client((server, self.port), local=address)
        self.addCleanup(client.close)
        return client

    def reload(self, text, told="reloaded"):
        before = self.registry.process.log().count(told)
        self.write("winsd.conf", text)
        self.registry.process.signal(1)
        harness.wait_until(lambda: self.registry.process.log().count(told) > before, told)

    def read(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    # ---- reload

    def test_reload_takes_over_what_can_change_and_names_the_rest(self):
        """SIGHUP: leases, policy, hook, journal and log level change at once; the others are named as needing a restart."""
        hook_out = self.path("hook.out")
        hook = self.write("hook.sh", "#!/bin/sh\necho $1 $2 >>%s\n" % hook_out, mode=0o755)
        self.serve('ttl_max = "2d"\n')
        client = self.client()
        self.assertEqual(client.register("ONE", 0x20, CLIENT, ttl_s=1 << 30).ttl_s, 2 * 86400)
        self.reload('ttl_max = "1d"\nttl_min = "1d"\nhook = "%s"\njournal_max = 0\nworkers = 7\ndeny_query = {"127.0.0.9"}\n'
                    'log_level = "debug"\nnetbios_name = "NEW"\n' % hook)
        self.assertEqual(client.register("TWO", 0x20, CLIENT, ttl_s=1 << 30).ttl_s, 86400)
        self.assertEqual(client.register("THREE", 0x20, CLIENT, ttl_s=60).ttl_s, 86400)
        self.assertEqual(self.client("127.0.0.9").query("ONE", 0x20).rcode, 5)
        harness.wait_until(lambda: "add TWO" in self.read(hook_out), "the hook")
        self.assertEqual(self.registry.ctl("history", "TWO#20").code, 1)
        log = self.registry.process.log()
        self.assertRegex(log, r"reloaded options=\S*ttl-min")
        self.assertRegex(log, r"needs-restart=(workers,netbios-name|netbios-name,workers)\n")
        self.reload('ttl_max = "1d"\nttl_min = "1d"\n')
        self.assertEqual(client.register("FOUR", 0x20, CLIENT).rcode, 0)
        self.assertEqual(len(self.registry.ctl_ok("history", "FOUR#20", "--json").answer), 1)
        self.assertEqual(self.client("127.0.0.9").query("ONE", 0x20).rcode, 0)
        self.assertNotIn("FOUR", self.read(hook_out))

    def test_reload_is_all_or_nothing_and_the_command_line_wins(self):
        """A file with a mistake changes nothing and is told with file and line; what the command line says stays."""
        self.serve("", more=["--ttl-max", "2d"])
        client = self.client()
        for text, told in (('ttl_min = "1d"\nnonsense = 1\n', r"winsd.conf:2"), ('\nttl_min = "3d"\n', r"winsd.conf:\d+: --ttl-min is longer than"),
                           ('hook = "/nowhere"\nttl_min = "1d"\n', "hook")):
            self.reload(text, told="reload-failed")
            self.assertRegex(self.registry.process.log().splitlines()[-1], told)
            self.assertEqual(client.register("ONE", 0x20, CLIENT, ttl_s=60).ttl_s, 6 * 3600)
        self.reload('ttl_min = "1d"\nttl_max = "5d"\n')
        self.assertEqual(client.register("ONE", 0x20, CLIENT, ttl_s=60).ttl_s, 86400)
        self.assertEqual(client.register("ONE", 0x20, CLIENT, ttl_s=1 << 30).ttl_s, 2 * 86400)

    def test_no_query_stays_unanswered_across_reloads(self):
        """A flood of queries across 20 reloads of everything: each is answered, none wrongly."""
        self.serve("")
        self.registry.ctl_ok("add", "HOST#20", "10.0.0.1")
        done = threading.Event()

        def reload():
            try:
                for i in range(RELOADS):
                    self.reload('ttl_max = "%dd"\njournal_max = %d\nquery_rate = %d\npin = {"A%d#20 10.0.0.1"}\n'
                                % (1 + i % 5, i * 100, 900000 - i, i))
            finally:
                done.set()

        client = self.client()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        client.socket.settimeout(2)
        thread = threading.Thread(target=reload)
        thread.start()
        asked = answered = 0
        while not done.is_set() or answered < asked:
            while asked - answered < UNDER_WAY and not done.is_set():
                client.send(nbns.query(asked & 0xffff, "HOST", 0x20))
                asked += 1
            answer = nbns.Answer(client.socket.recv(2048))    # a time-out here is a query without an answer
            self.assertEqual((answer.rcode, answer.addresses), (0, ["10.0.0.1"]))
            answered += 1
        thread.join()
        self.assertEqual(self.registry.process.log().count(" reloaded "), RELOADS)
        self.assertGreater(asked, 1000)
        stats = self.registry.ctl_ok("stats", "--json").answer
        self.assertEqual(stats["dropped"], 0)

    # ---- the service manager

    def test_the_service_manager_is_told_what_happens(self):
        """sd_notify: ready, reloading and ready again, signs of life, stopping."""
        manager = Manager(self)
        self.serve()
        self.registry.process.stop()
        process = self.start(self.registry.process.argv, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "300000"})
        self.assertTrue(any(line.startswith("STATUS=serving") for line in manager.wait_for("READY=1")))
        for _ in range(3):
            manager.wait_for("WATCHDOG=1")
        process.signal(1)
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=") for line in manager.wait_for("RELOADING=1")))
        manager.wait_for("READY=1")
        process.stop()
        manager.wait_for("STOPPING=1")

    def test_a_manager_that_does_not_read_holds_nothing_up(self):
        """sd_notify: a manager whose socket is full misses messages; the registry serves, reloads and ends all the same."""
        manager = Manager(self)
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(sender.close)
        with self.assertRaises(BlockingIOError):
            while True:
                sender.sendto(b"NOISE=1", socket.MSG_DONTWAIT, manager.path)
        self.serve()
        self.registry.process.stop()
        self.registry.process = self.start(self.registry.process.argv, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "30000",
                                                                            "JOURNAL_STREAM": "1:2"})      # of a service around it
        harness.wait_until(self.registry.is_ready, "the control socket")
        self.assertRegex(self.registry.process.log(), r"(?m)^\d{4}-\S+Z info ready ")
        self.assertEqual(self.client().register("HOST", 0x20, CLIENT).rcode, 0)
        self.reload("log_level = \"debug\"")
        self.registry.process.stop()

    def passed(self, addresses, more=(), kind=socket.SOCK_DGRAM):
        """A winsd that gets bound sockets as systemd gives them: from descriptor 3 on, LISTEN_FDS and LISTEN_PID."""
        sockets = []
        for address in addresses:
            one = socket.socket(socket.AF_INET, kind)
            self.addCleanup(one.close)
            one.bind((address, self.port))
            sockets.append(one)
        launcher = ("import os, sys\n"
                    "fds = [os.dup(int(fd)) + 0 for fd in sys.argv[1].split(',')]\n"
                    "high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]\n"
                    "for i, fd in enumerate(high): os.dup2(fd, 3 + i)\n"
                    "os.environ.update(LISTEN_FDS=str(len(fds)), LISTEN_PID=str(os.getpid()))\n"
                    "os.closerange(3 + len(fds), 256)\n"
                    "os.execv(sys.argv[2], sys.argv[2:])\n")
        argv = [str(word) for word in ["/usr/bin/python3", "-c", launcher, ",".join(str(one.fileno()) for one in sockets)]
                + registry_options(self, self.port) + list(more)]
        log = open(self.path("passed.log"), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=harness.clean_environment(),
                                   pass_fds=[one.fileno() for one in sockets], preexec_fn=harness.die_with_parent)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for one in sockets:
            one.close()
        return process

    def passed_log(self):
        with open(self.path("passed.log"), encoding="utf-8") as log:
            return log.read()

    def test_passed_sockets_are_served_by_all_workers(self):
        """LISTEN_FDS: several addresses, each answered from itself; packets that came before the start are answered too."""
        early = self.client(server=lab.REGISTRY_ADDRESS)
        sockets = (lab.REGISTRY_ADDRESS, "127.0.0.5")
        process = self.passed(sockets, more=["--workers", "3"])
        early.send(nbns.query(7, "OWN", 0x20))
        self.assertEqual(early.receive(harness.DEADLINE_S).number, 7)
        for server in sockets:
            for _ in range(20):
                answer = self.client(server=server).query("OWN", 0x20)
                self.assertEqual(answer.rcode, 0)
        self.assertEqual(self.client().register("HOST", 0x20, CLIENT).rcode, 0)
        self.assertEqual(self.client(server="127.0.0.5").query("HOST", 0x20).addresses, [CLIENT])
        process.terminate()
        self.assertEqual(process.wait(harness.STOP_S), 0)

    def test_what_a_shared_socket_drops_is_counted_once(self):
        """receive_full: workers that share a passed socket do not each count what it had no room for."""
        process = self.passed([lab.REGISTRY_ADDRESS], more=["--workers", "3"])
        client = self.client(server=lab.REGISTRY_ADDRESS)
        self.assertEqual(client.query("OWN", 0x20).rcode, 0)

        def arrived():
            stats = self.run_ok([harness.program("winsctl"), "--control", self.path("w.sock"), "stats", "--json"]).answer
            return stats["received"] + stats["receive_full"], stats["receive_full"]
        before = arrived()[0]
        process.send_signal(signal.SIGSTOP)
        for _ in range(FLOOD):
            client.send(nbns.query(1, "OWN", 0x20))
        process.send_signal(signal.SIGCONT)
        harness.wait_until(lambda: arrived()[0] >= before + FLOOD, "every datagram in a counter")
        total, dropped = arrived()
        self.assertGreater(dropped, 0)
        self.assertEqual(total, before + FLOOD)
        process.terminate()
        self.assertEqual(process.wait(harness.STOP_S), 0)

    def test_passed_sockets_that_cannot_be_served_are_refused(self):
        """A wildcard, a stream socket, or sockets beside --listen: a usage mistake that is told."""
        for addresses, more, kind, told in ((["0.0.0.0"], (), socket.SOCK_DGRAM, "wildcard"),
                                            ([lab.REGISTRY_ADDRESS], (), socket.SOCK_STREAM, "UDP"),
                                            ([lab.REGISTRY_ADDRESS], ("--listen", "127.0.0.5"), socket.SOCK_DGRAM, "--listen")):
            self.assertEqual(self.passed(addresses, more, kind).wait(harness.DEADLINE_S), 2)
            self.assertIn(told, self.passed_log())

    # ---- units

    def test_units_are_hardened(self):
        """The units name what the service may do: no rights but the port, nothing writable but its state, a watchdog."""
        unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        unit.optionxform = str
        with open(os.path.join(SRC, "winsd.service.in"), encoding="utf-8") as file:
            unit.read_file(file)
        service = unit["Service"]
        for key, value in {"Type": "notify", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes",
                           "PrivateDevices": "yes", "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE", "MemoryDenyWriteExecute": "yes",
                           "RestrictNamespaces": "yes", "StateDirectory": "sitelocator", "RuntimeDirectory": "sitelocator",
                           "ExecReload": "/bin/kill -HUP $MAINPID", "SystemCallArchitectures": "native",
                           "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX"}.items():
            self.assertEqual(service.get(key), value, key)
        self.assertIn("WatchdogSec", service)
        built = os.path.join(harness.BUILDDIR, "wins-emu", "systemd")
        for name in ("winsd.service", "winsd.socket"):
            with open(os.path.join(built, name), encoding="utf-8") as file:
                self.assertNotRegex(file.read(), r"@\w+dir@")

    def test_units_are_understood_by_systemd(self):
        """systemd-analyze: no complaint about either unit, and an exposure below 2 of 10."""
        analyze = harness.tool("systemd-analyze", "systemd")
        for name in ("winsd.service", "winsd.socket"):
            with open(os.path.join(harness.BUILDDIR, "wins-emu", "systemd", name), encoding="utf-8") as file:
                text = re.sub(r"(?m)^ExecStart=\S+", "ExecStart=" + harness.program("winsd"), file.read())
            self.write(name, text, mode=0o644)
            result = self.run_ok([analyze, "verify", "--man=no", self.path(name)])
            self.assertNotIn(name, result.err, str(result))
        result = self.run_ok([analyze, "security", "--offline=yes", "--threshold=20", self.path("winsd.service")])
        self.assertRegex(result.out, r"Overall exposure level for winsd.service: [01]\.\d")

    # ---- privileges

    def test_privileges_are_dropped_after_binding(self):
        """--user: the port below 1024 is bound as root, then there is no root: no capability, no groups, files are the user's."""
        user = pwd.getpwnam("nobody")
        if not IS_ROOT:     # nobody else is known in this namespace
            result = self.run_ok(registry_options(self, self.port) + ["--listen", "127.0.0.2", "--user", "nobody"], code=6)
            self.assertIn("nobody", result.err)
            return
        folder = self.path("state")
        os.mkdir(folder)
        os.chown(folder, user.pw_uid, user.pw_gid)
        first = self.start(registry_options(self, 137, folder=folder) + ["--listen", "127.0.0.2"])
        harness.wait_until(lambda: "ready" in first.log(), "the start as root")
        first.stop()
        self.assertEqual(os.stat(os.path.join(folder, "w.db")).st_uid, 0)
        process = self.start(registry_options(self, 137, folder=folder) + ["--listen", "127.0.0.2", "--user", "nobody"])
        harness.wait_until(lambda: "ready" in process.log(), "the start as nobody")
        for task in os.listdir("/proc/%d/task" % process.pid):
            with open("/proc/%d/task/%s/status" % (process.pid, task), encoding="ascii") as status:
                text = status.read()
            for key, value in (("Uid", [user.pw_uid] * 4), ("Gid", [user.pw_gid] * 4), ("Groups", [])):
                self.assertEqual([int(word) for word in re.search(r"^%s:(.*)$" % key, text, re.M).group(1).split()], value, key)
            for key in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                self.assertEqual(int(re.search(r"^%s:\s*(\w+)$" % key, text, re.M).group(1), 16), 0, key)
        for name in ("w.db", "w.sock", "w.db-wal"):
            self.assertEqual(os.stat(os.path.join(folder, name)).st_uid, user.pw_uid, name)
        client = nbns.Client(("127.0.0.2", 137), local=CLIENT)
        self.addCleanup(client.close)
        self.assertEqual(client.register("HOST", 0x20, CLIENT).rcode, 0)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as beside:    # as nmbd does it: it would take a part of the questions
            beside.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self.assertRaises(OSError, beside.bind, ("127.0.0.2", 137))
        process.stop()
        options = registry_options(self, 137, folder=folder) + ["--listen", "127.0.0.2", "--user", "nobody"]
        beside = os.path.join(folder, "w.db-shm")
        os.close(os.open(beside, os.O_CREAT, 0o600))
        os.chown(beside, 1, 1)
        self.assertIn(" %s: unable to open database file: Permission denied" % beside, self.run_ok(options, code=6).err)
        os.unlink(beside)
        os.chown(folder, 1, 1)
        self.assertIn(" %s: unable to open database file: Permission denied" % folder, self.run_ok(options, code=6).err)

    def test_an_unknown_user_is_refused(self):
        """--user NOBODY-KNOWN: a usage mistake before anything is served."""
        result = self.run_ok(registry_options(self, self.port) + ["--listen", lab.REGISTRY_ADDRESS, "--user", "no-such-user"], code=2)
        self.assertIn("no-such-user", result.err)

    # ---- metrics

    def get(self, path, method="GET"):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.metrics, path), method=method)
        with urllib.request.urlopen(request, timeout=harness.DEADLINE_S) as answer:
            return answer.headers, answer.read().decode()

    def test_metrics_are_a_page_that_prometheus_reads(self):
        """--metrics: the text format word for word, every counter of stats, with help and type; other paths and methods are refused."""
        self.metrics = harness.free_port()
        self.serve("", more=["--metrics", "127.0.0.1:%d" % self.metrics])
        self.assertEqual(self.client().register("HOST", 0x20, CLIENT).rcode, 0)
        harness.wait_until(lambda: "R08 1" in self.registry.ctl_ok("stats", "--json").answer["rules"], "the counter")
        headers, text = self.get("/metrics")
        self.assertEqual(headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        samples, types, helps = {}, {}, set()
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                name, kind = re.fullmatch(r"# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)", line).groups()
                self.assertNotIn(name, types)
                types[name] = kind
            elif line.startswith("# HELP "):
                name = re.fullmatch(r"# HELP ([a-z_][a-z0-9_]*) \S[^\\]*", line).group(1)
                self.assertNotIn(name, helps)
                helps.add(name)
            else:
                name, labels, value = re.fullmatch(r'([a-z_][a-z0-9_]*)(\{rule="[A-Z]\d\d"\})? (\d+)', line).groups()
                self.assertIn(name, types)
                self.assertEqual(name.endswith("_total"), types[name] == "counter", name)
                self.assertNotIn((name, labels), samples)
                samples[name, labels] = int(value)
        self.assertEqual(helps, set(types))
        self.assertEqual({name for name, _ in samples}, set(types))
        self.assertEqual(samples["winsd_decisions_total", '{rule="R08"}'], 1)
        stats = self.registry.ctl_ok("stats", "--json").answer
        shown = {name[len("winsd_"):].removesuffix("_total") for name in types}
        self.assertEqual(shown, set(stats) - {"rules"} | {"decisions"})
        self.assertEqual(self.get("/metrics", "HEAD")[1], "")
        for path, method, code in (("/", "GET", 404), ("/metrics", "POST", 405), ("/metricsX", "GET", 404)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.get(path, method)
            self.assertEqual(refused.exception.code, code)
            refused.exception.close()

    def test_metrics_bear_bad_visitors(self):
        """Visitors who say nothing, too much or nonsense are cut off; the next one is served."""
        self.metrics = harness.free_port()
        self.serve("", more=["--metrics", "127.0.0.1:%d" % self.metrics])
        silent = [socket.create_connection(("127.0.0.1", self.metrics)) for _ in range(12)]
        for one in silent[8:]:
            one.close()
        for one in silent[:7]:
            one.sendall(b"GET / HTTP/1.1\r\n" + b"x" * 9000)
        for octets in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET /metrics\0 HTTP/1.1\r\n\r\n", b"G" * 100 + b"\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.metrics)) as bad:
                bad.settimeout(harness.DEADLINE_S)
                bad.sendall(octets)
                self.assertRegex(bad.recv(4096).decode(), r"^HTTP/1.1 4\d\d ")
        self.assertIn("winsd_names", self.get("/metrics")[1])
        for one in silent:
            one.close()
        silent = [socket.create_connection(("127.0.0.1", self.metrics)) for _ in range(16)]
        begin = time.monotonic()
        self.assertIn("winsd_names", self.get("/metrics")[1])
        self.assertLess(time.monotonic() - begin, 4, "who says nothing must give way to who waits")
        for one in silent:
            one.close()
        for wrong in ("0.0.0.0:9", "127.0.0.1", "192.0.2.1:9"):
            result = self.run_ok([harness.program("winsd"), "--check-config", "--listen", "127.0.0.2", "--metrics", wrong], code=2)
            self.assertIn("--metrics", result.err)

    # ---- log and end

    def test_check_config_names_file_and_line(self):
        """--check-config: 0 for a good file; a bad value, an unknown key and a wrong type with file and line."""
        argv = [harness.program("winsd"), "--check-config", "--config", self.config]
        good = 'listen = {"127.0.0.2"}\nttl_min = "6h"\n'
        self.write("winsd.conf", good)
        self.run_ok(argv)
        for text, told in (("unknown_key = 1\n", ":3:"), ("workers = many\n", ":3:"), ('\nlog_level = "loud"\n', ":4:"),
                           ("journal_max = -1\n", ":3:"), ('ttl_max = "soon"\n', ":3:"),
                           ('user = "no-such-user"\n', ":3:"), ('control = "/%s"\n' % ("x" * 200), ":3:"), ('db = ""\n', ":3:")):
            self.write("winsd.conf", good + text)
            self.assertIn("winsd.conf" + told, self.run_ok(argv, code=2).err)

    def test_one_line_an_event_and_failures_of_the_disk_are_limited(self):
        """Each line is time, level, event and key=value pairs; a disk that fails makes few lines and tells how many it left out."""
        disk = self.path("disk")
        os.mkdir(disk)
        self.run_ok([harness.tool("mount", "mount"), "-t", "tmpfs", "-o", "size=1m", "none", disk])
        self.addCleanup(harness.run, [harness.tool("umount", "mount"), "-l", disk])
        process = self.start(registry_options(self, self.port, folder=disk) + ["--listen", "%s:%d" % (lab.REGISTRY_ADDRESS, self.port)])
        harness.wait_until(lambda: "ready" in process.log(), "the start")
        with open(os.path.join(disk, "filler"), "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        client = self.client()
        asked = refused = 0
        while refused < 300:
            asked += 1
            refused += client.register("NAME-%d" % asked, 0x20, CLIENT).rcode != 0

        def has_told():
            client.register("NAME-X", 0x20, CLIENT)
            return re.search(r"commit-failed text=.* left-out=[1-9]", process.log())
        harness.wait_until(has_told, "a line that tells what was left out")
        lines = process.log().splitlines()
        self.assertLess(sum("commit-failed" in line for line in lines), 30)
        for line in lines:
            self.assertRegex(line, r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (error|warning|info) [a-z-]+( [a-z_-]+=("([^"\\]|\\.)*"|[^ "]+))*$')
        os.unlink(os.path.join(disk, "filler"))

    def test_the_end_is_clean(self):
        """SIGTERM under load: exit code 0, what was answered is there, the log is moved into the file, the socket is gone."""
        self.serve()
        clients = [self.client("127.0.0.%d" % number) for number in range(11, 15)]
        for number in range(400):
            client = clients[number % len(clients)]
            client.send(nbns.request(number, nbns.REGISTER, "N%d" % number, 0x20, client.socket.getsockname()[0]))
        first = clients[0].receive(harness.DEADLINE_S)
        self.registry.process.stop()
        granted = {first.number}
        for client in clients:
            while (answer := client.receive(0.2)) is not None:
                if answer.rcode == 0:
                    granted.add(answer.number)
        folder = os.listdir(self.folder)
        self.assertNotIn(os.path.basename(self.registry.db) + "-wal", folder)
        self.assertNotIn(os.path.basename(self.registry.control), folder)
        self.assertIn("stopping", self.registry.process.log())
        self.registry.start()
        names = {record["name"] for record in self.registry.ctl_ok("list", "--json").answer}
        self.assertEqual({"N%d#20" % number for number in granted} - names, set())


if __name__ == "__main__":
    harness.need_namespace("-nm" if IS_ROOT else "-rnm")
    harness.main()
