"""sited as a service: reload, check of the configuration, metrics, rights, control socket, unit, log, end."""

import configparser
import grp
import os
import pwd
import re
import shutil
import socket
import urllib.error
import urllib.request

import harness
import lab

ADDRESS = "127.0.0.16"
with open("/proc/self/uid_map", encoding="ascii") as uid_map:
    IS_ROOT = os.geteuid() == 0 and int(uid_map.read().split()[2]) > 1    # of the machine, not of a namespace only


class Operation(harness.Case):

    def setUp(self):
        super().setUp()
        self.port, self.page_port = harness.free_port([ADDRESS]), harness.free_port(["127.0.0.1"])
        self.host = "%s:%d" % (ADDRESS, self.port)
        self.config = self.write("sited.conf", "")
        self.site = lab.Site(self, roles="server")
        lab.fill(self.site)

    def serve(self, text="", role="mp,dp,slp", more=(), env=None):
        self.write("sited.conf", text)
        self.control = self.path("role.sock")
        self.site.env = env
        self.process = self.site.start_host(role, [self.host] if role != "server" else [], [], self.control, ["--config", self.config, *more])
        return self.process

    def reload(self, text, told="reloaded"):
        before = self.process.log().count(told)
        self.write("sited.conf", text)
        self.process.signal(1)
        harness.wait_until(lambda: self.process.log().count(told) > before, told)

    def status(self, path="/SMS_MP/.sms_aut?MPLIST"):
        try:
            with urllib.request.urlopen("http://%s%s" % (self.host, path), timeout=20) as got:
                return got.status
        except urllib.error.HTTPError as error:
            return error.code

    def metrics(self):
        with urllib.request.urlopen("http://127.0.0.1:%d/metrics" % self.page_port, timeout=20) as got:
            text = got.read().decode()
        rows = re.findall(r"(?m)^(sited_\S+) (\d+)$", text)
        self.assertEqual(len(dict(rows)), len(rows), "a series that is there twice")
        return dict(rows)

    # ---- configuration

    def test_reload_takes_over_what_can_change_and_names_the_rest(self):
        """SIGHUP: every option that can change while sited serves does so at once; the others are named as needing a restart"""
        self.serve()
        self.assertEqual(self.status(), 200)
        self.reload('slp_path = "/x"\n')
        self.assertIn("reloaded options=- needs-restart=slp-path\n", self.process.log())
        self.reload('mplist_allow = {"10.0.0.0/8"}\nlog_level = "debug"\npublish_interval = "2h"\nslp_path = "/x"\n')
        log = self.process.log()
        self.assertEqual(set(re.findall(r"reloaded options=(\S+)", log)[-1].split(",")), {"mplist-allow", "log-level", "publish-interval"})
        self.assertRegex(log, r"reloaded options=\S{2,} needs-restart=slp-path\n")
        self.assertEqual(self.status(), 403)
        self.assertEqual(self.status("/SMS_SLP/slp.dll?site&sc=PS1"), 200)
        self.reload("")
        self.assertEqual(self.status(), 200)
        self.reload('outbox_reports = 1\noutbox_mib = 1\nreport_days = 1\ncertificate_days = 1\nself_test_interval = "1s"\nhttp_idle_time = "1s"\n'
                    'http_headers_time = "1s"\nhttp_body_time = "1s"\nhttp_connections = 300\n')
        self.assertEqual(len(re.findall(r"reloaded options=(\S+)", self.process.log())[-1].split(",")), 8)
        self.assertIn(" needs-restart=http-connections\n", self.process.log())
        with socket.create_connection((ADDRESS, self.port), timeout=20) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\n")
            self.assertEqual(slow.recv(1), b"")     # not after the 10 s of before: see http-headers-time
        self.reload("")
        self.reload('mplist_allow = {"10.0.0.0/33"}\n', told="reload-failed")
        self.assertIn("sited.conf:1", self.process.log())
        self.assertEqual(self.status(), 200)
        self.reload("")

    def test_a_shorter_publish_interval_counts_at_once(self):
        """SIGHUP: the site server publishes in the new interval, not after the old one"""
        self.site.process.stop()
        self.site.ctl = lambda *words: harness.run([harness.program("sitectl"), "--control", self.control, *words])
        self.serve(role="server")
        before = self.site.ctl("status", "--json").answer["next_publish"]
        self.reload('publish_interval = "1s"\n')
        harness.wait_until(lambda: self.site.ctl("status", "--json").answer["next_publish"] < before, "a nearer publication")

    def test_check_config_names_file_and_line(self):
        """--check-config: every mistake with FILE:LINE, exit 2; a good file is 0"""
        check = [harness.program("sited"), "--check-config", "--config", self.config]
        for text, told in (("\n\nhttp = {\"nonsense:x\"}\n", ":3"), ('role = "mp,king"\n', ":1"), ('\nslp_path = "x"\n', ":2"),
                           ('metrics = "192.0.2.1:80"\n', ":1"), ('mplist_allow = {"10.0.0.1/8"}\n', ':1: mplist-allow: subnet "10.0.0.1/8": host bits are set; the subnet is 10.0.0.0/8'), ("colour = 1\n", ":1"),
                           ('nbt_address = {"0.0.0.0"}\n', ":1"), ('site = "ps1"\n', ":1"), ('intake = "ftp://x"\n', ":1"), ('publish_interval = "1ms"\n', ":1")):
            self.write("sited.conf", text)
            done = harness.run(check)
            self.assertEqual((done.code, "sited.conf" + told in done.err), (2, True), text + str(done))
        for text, told in (('\nhttps = {"127.0.0.1"}\n', ":2: --https needs --tls-cert"), ('# x\n\nclient_ca = "/x"\n', ":3: --client-ca is for --https"),
                           ('http = {"127.0.0.1"}\nhttps = {"127.0.0.1:80"}\n', ":2: --https: 127.0.0.1:80 is an address of --http"),
                           ('nbt_address = {"127.0.0.1"}\nnbt_address += {"127.0.0.1"}\n', ":1: --nbt-address: 127.0.0.1 twice"),
                           ('http_connections = 5\nhttp_client_connections = 6\n', ":2: --http-client-connections: more than"),
                           ('role = "server"\nreplica = "postgresql://x@y/z"\n', ":2: --replica is for"), ('replica = "/x.db"\n', ":1: --replica: must be"),
                           ('role = "dp"\n\n\nintake = "http://x"\n', ":4: --intake is for")):
            self.write("sited.conf", text)
            done = harness.run(check)
            self.assertEqual((done.code, "sited.conf" + told in done.err), (2, True), text + str(done))
        done = harness.run(check + ["--intake", "http://x"])
        self.assertEqual((done.code, "sited.conf:" in done.err), (2, False), "given on the command line: " + str(done))
        self.write("sited.conf", 'role = "mp,slp"\nhttp = {"127.0.0.1:8080"}\nmplist_allow = {"10.0.0.0/8", "2001:db8::/32"}\nlog_level = "warning"\n')
        self.run_ok(check)

    # ---- what it tells

    def test_metrics(self):
        """--metrics: requests by role and class, the database, the targets; nothing for anything but this machine"""
        self.site.ctl_ok("target", "add", "lmhosts:" + self.path('od"d'))
        self.site.process.stop()
        self.serve(role="server,mp,slp", more=["--metrics", "127.0.0.1:%d" % self.page_port])
        for path, code in (("/SMS_MP/.sms_aut?MPLIST", 200), ("/SMS_MP/.sms_aut?X", 404), ("/SMS_SLP/slp.dll?site", 400), ("/nowhere", 404)):
            self.assertEqual(self.status(path), code)
        harness.wait_until(lambda: any(name.startswith("sited_target_ok") for name in self.metrics()), "a publication")
        found = self.metrics()
        expected = {'sited_http_requests_total{role="mp",code="2xx"}': "1", 'sited_http_requests_total{role="mp",code="4xx"}': "1",
                    'sited_http_requests_total{role="slp",code="4xx"}': "1", 'sited_http_requests_total{role="none",code="4xx"}': "1",
                    "sited_database_up": "1", "sited_site_server": "1"}
        self.assertEqual({name: found.get(name) for name in expected}, expected)
        [target] = [name for name in found if name.startswith("sited_target_ok")]
        self.assertIn('od\\"d"', target)
        if lab.SITE_SERVER is None:
            os.rename(self.site.db, self.site.db + ".away")
            harness.wait_until(lambda: self.metrics()["sited_database_up"] == "0", "the database missed")
            self.assertEqual(self.status(), 500)
            self.assertEqual(self.metrics()['sited_http_requests_total{role="mp",code="5xx"}'], "1")
            os.rename(self.site.db + ".away", self.site.db)
            harness.wait_until(lambda: self.metrics()["sited_database_up"] == "1", "the database back")

    def test_drift_of_a_target_is_told(self):
        """X09 what somebody else changed in a target is counted and logged at the next refresh, and mended"""
        directory = lab.Directory(self)
        self.site.ctl_ok("target", "add", directory.uri_base, *directory.credentials)
        labels = '{site="PS1",target="%s"}' % directory.uri_base
        self.site.process.stop()
        self.serve('publish_interval = "2s"\n', role="server", more=["--metrics", "127.0.0.1:%d" % self.page_port])

        def drift():
            return self.metrics().get("sited_target_drift" + labels)
        harness.wait_until(lambda: drift() == "0", "a refresh that finds all as planned", poll_s=0.2)
        self.assertNotIn("target-drifted", self.process.log())
        before = int(self.metrics()["sited_target_mended_total" + labels])
        [(dn, entry)] = directory.search(directory.container_dn, "(mSSMSMPName=mp1.example.org)")
        directory.modify("dn: %s\nchangetype: modify\nreplace: mSSMSMPAddress\nmSSMSMPAddress: 127.0.0.99\n" % dn)
        harness.wait_until(lambda: drift() == "1", "the drift", poll_s=0.2)
        self.assertRegex(self.process.log(), r"warning target-drifted site=PS1 target=\S*%s\S* objects=1\n" % directory.uri_base)
        self.assertEqual(int(self.metrics()["sited_target_mended_total" + labels]), before + 1)
        self.assertEqual(directory.search(dn)[0][1]["mssmsmpaddress"], entry["mssmsmpaddress"])
        harness.wait_until(lambda: drift() == "0", "nothing left to mend", poll_s=0.2)
        self.assertEqual(self.process.log().count("target-drifted"), 1)

    def test_what_clients_cause_is_logged_in_bounds(self):
        """S2.14 a flood of requests without a database is a line a second, with the number of those left out"""
        if lab.SITE_SERVER:
            return
        self.serve()
        os.rename(self.site.db, self.site.db + ".away")
        for _ in range(200):
            self.assertEqual(self.status(), 500)
        os.rename(self.site.db + ".away", self.site.db)
        lines = self.process.log().count("mp-request-failed")
        self.assertTrue(1 <= lines <= 20, lines)

    def test_service_manager(self):
        """sd_notify: READY with a status, RELOADING, the watchdog, STOPPING"""
        path = self.path("notify.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            notify.settimeout(harness.DEADLINE_S)

            def wait_for(word):
                while True:
                    lines = notify.recv(4096).decode().splitlines()
                    if word in lines:
                        return lines
            self.serve(env=dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="600000"))
            self.assertIn("STATUS=roles mp,dp,slp on " + self.site.db, wait_for("READY=1"))
            wait_for("WATCHDOG=1")
            self.process.signal(1)
            wait_for("RELOADING=1")
            wait_for("READY=1")
            self.process.stop()
            wait_for("STOPPING=1")

    # ---- rights

    def test_rights_are_given_up_once_the_ports_are_bound(self):
        """--user: a port below 1024 is bound as root, then there is no root: no capability, no groups, files and keys are the user's"""
        if not IS_ROOT or lab.SITE_SERVER:     # nobody else is known in this namespace
            done = harness.run([harness.program("sited"), "--db", self.site.db, "--role", "slp", "--user", "no-such-user", "--control", self.path("s")])
            self.assertEqual((done.code, "no-such-user" in done.err), (2, True), str(done))
            return
        self.site.process.stop()
        user = pwd.getpwnam("nobody")
        os.chmod(self.folder, 0o755)
        folder = self.path("state")
        os.mkdir(folder)
        for name in os.listdir(self.folder):
            if name.startswith("site.db"):
                shutil.move(self.path(name), folder)
        os.mkdir(os.path.join(folder, "content"))
        for path in (folder, os.path.join(folder, "content")):
            os.chown(path, user.pw_uid, user.pw_gid)
        db, control = os.path.join(folder, "site.db"), os.path.join(folder, "s.sock")
        low = harness.free_port([ADDRESS]) if not self.can_bind_low() else 81
        process = self.start([harness.program("sited"), "--db", db, "--control", control, "--role", "server,mp,slp", "--content",
                              os.path.join(folder, "content"), "--http", "%s:%d" % (ADDRESS, low), "--user", "nobody",
                              "--control-group", "daemon"])
        harness.wait_until(lambda: process.is_alive() and os.path.exists(control) and
                           harness.run([harness.program("sitectl"), "--control", control, "status"]).code == 0, "sited answering")
        with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
        self.assertEqual(set(status["Uid"].split()), {str(user.pw_uid)})
        self.assertEqual(set(status["Gid"].split()), {str(user.pw_gid)})
        self.assertEqual(status["Groups"].split(), [str(grp.getgrnam("daemon").gr_gid)])
        self.assertEqual({int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")}, {0})
        for name in os.listdir(folder):
            self.assertEqual(os.stat(os.path.join(folder, name)).st_uid, user.pw_uid, name)
        self.assertTrue(os.path.exists(db + "-PS1.key"))
        self.run_ok([harness.program("sitectl"), "--control", control, "cap", "add", "cap1.example.org"])
        self.assertEqual(urllib.request.urlopen("http://%s:%d/SMS_SLP/slp.dll?site&sc=PS1" % (ADDRESS, low), timeout=20).status, 200)

    @staticmethod
    def can_bind_low():
        with socket.socket() as one:
            try:
                one.bind((ADDRESS, 81))
                return True
            except OSError:
                return False

    def test_who_may_use_the_control_socket(self):
        """the file's permission decides: its group may, with --control-group another one, everybody else is denied (6)"""
        mode = os.stat(self.site.control)
        self.assertEqual(mode.st_mode & 0o777, 0o660)
        done = harness.run([harness.program("sited"), "--db", self.site.db, "--role", "slp", "--control", self.path("s"), "--control-group",
                            "no-such-group", *self.site.state])
        self.assertEqual((done.code, "no-such-group" in done.err), (2, True), str(done))
        if not IS_ROOT:
            return
        self.serve(role="slp", more=["--control-group", "daemon"])
        mode = os.stat(self.control)
        self.assertEqual((mode.st_mode & 0o777, mode.st_gid), (0o660, grp.getgrnam("daemon").gr_gid))
        os.chmod(self.folder, 0o755)
        nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup"]
        ask = [harness.program("sitectl"), "--control", self.control, "status", "--json"]
        self.run_ok(nobody + ["--groups=daemon"] + ask)
        done = harness.run(nobody + ["--clear-groups"] + ask)
        self.assertEqual((done.code, done.json["outcome"]), (6, "denied"), str(done))

    # ---- end

    def test_S2_05_names_are_released_at_the_end(self):
        """SIGTERM: the name of the default management point is released, and it ends with 0"""
        nbt_port = harness.free_port(["127.0.0.11", lab.REGISTRY_ADDRESS])
        registry = lab.Registry(self, nbt_port)
        self.site.ctl_ok("target", "add", registry.uri)
        self.site.nbt_port = nbt_port
        host = self.site.start_host("mp", [self.host], ["127.0.0.11"], self.path("mp.sock"))
        harness.wait_until(lambda: registry.addresses("MP_PS1#1A") == ["127.0.0.11"], "the name registered")
        host.stop()
        self.assertEqual(registry.addresses("MP_PS1#1A"), [])

    # ---- unit

    def unit(self):
        with open(os.path.join(harness.BUILDDIR, "site", "systemd", "sited.service"), encoding="utf-8") as file:
            text = file.read()
        unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
        unit.optionxform = str
        unit.read_string(text)
        return text, unit

    def make_folder(self, name, mode, user):
        os.mkdir(self.path(name), mode)
        os.chmod(self.path(name), mode)
        if user:
            os.chown(self.path(name), user.pw_uid, user.pw_gid)
        return self.path(name)

    def test_the_unit_by_hand(self):
        """what the service manager would do: the ExecStart line as another user with no right but low ports, in folders of its modes, READY, STOPPING"""
        service = self.unit()[1]["Service"]
        user = pwd.getpwnam("nobody") if IS_ROOT else None
        os.chmod(self.folder, 0o755)
        state = self.make_folder("var", int(service["StateDirectoryMode"], 8), user)
        run = self.make_folder("run", int(service["RuntimeDirectoryMode"], 8), user)
        port = 81 if self.can_bind_low() else harness.free_port([ADDRESS])
        nbt_port = harness.free_port([ADDRESS, lab.REGISTRY_ADDRESS])
        config = self.write("unit.conf", 'db = "%s/site.db"\ncontrol = "%s/s.sock"\nrole = "server,mp,dp,slp"\nhttp = {"%s:%d"}\nnbt_address = {"%s"}\n'
                            'nbt_port = %d\n' % (state, run, ADDRESS, port, ADDRESS, nbt_port), mode=0o644)
        self.assertEqual(service["CapabilityBoundingSet"], service["AmbientCapabilities"])
        capability = "+" + service["AmbientCapabilities"].removeprefix("CAP_").lower()
        become = ["setpriv", "--reuid=%d" % user.pw_uid, "--regid=%d" % user.pw_gid, "--clear-groups", "--inh-caps=-all," + capability,
                  "--ambient-caps=" + capability, "--bounding-set=-all," + capability, "--no-new-privs"] if user else ["setpriv", "--no-new-privs"]
        program, *words = service["ExecStart"].split()
        self.assertEqual((os.path.basename(program), words[0]), ("sited", "--config"))
        become += ["sh", "-c", 'umask %s; exec "$@"' % service["UMask"], "sh"]
        line = [*become, harness.program("sited"), "--config", config]
        control = os.path.join(run, "s.sock")
        registry = lab.Registry(self, nbt_port)
        self.run_ok([*become, harness.program("sitectl"), "--db", os.path.join(state, "site.db"), "init", "UNI", "--domain", "example.org", "--server", "s.example.org"])
        path = self.path("notify.sock")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(path)
            os.chmod(path, 0o666)
            notify.settimeout(harness.DEADLINE_S)
            for _ in range(2):      # and once more with what is there now
                process = self.start(line, name="unit", env=dict(os.environ, NOTIFY_SOCKET=path))
                while "READY=1" not in notify.recv(4096).decode().splitlines():
                    process.check_alive()
                with open("/proc/%d/status" % process.pid, encoding="ascii") as file:
                    status = dict(one.split(":\t", 1) for one in file.read().splitlines() if ":\t" in one)
                self.assertEqual(status["NoNewPrivs"], "1")
                if user:
                    self.assertEqual((status["Uid"].split()[1], int(status["CapBnd"], 16), int(status["CapEff"], 16)), (str(user.pw_uid), 1 << 10, 0), "the ports are bound, the right to it is gone")
                ctl = [harness.program("sitectl"), "--control", control]
                self.run_ok([*ctl, "mp", "add", "mp1.example.org", "--address", ADDRESS, "--port", str(port)])
                self.run_ok([*ctl, "mp", "designate", "mp1.example.org"])
                self.run_ok([*ctl, "target", "add", registry.uri])
                harness.wait_until(lambda: registry.addresses("MP_UNI#1A") == [ADDRESS], "the name registered")
                self.assertEqual(urllib.request.urlopen("http://%s:%d/SMS_MP/.sms_aut?MPCERT" % (ADDRESS, port), timeout=20).status, 200)
                process.stop()
                self.assertIn("STOPPING=1", notify.recv(4096).decode().splitlines())
                self.assertEqual(registry.addresses("MP_UNI#1A"), [])
                for folder, _, names in os.walk(state):
                    for name in names:
                        info = os.stat(os.path.join(folder, name))
                        self.assertEqual((info.st_uid, info.st_mode & 0o007), (user.pw_uid if user else os.geteuid(), 0), name)

    def test_unit_is_hardened(self):
        """the unit names what the service may do, and systemd understands it: an exposure below 2 of 10"""
        text, unit = self.unit()
        self.assertNotRegex(text, r"@\w+dir@")
        for key, value in {"Type": "notify", "User": "sitelocator", "NoNewPrivileges": "yes", "ProtectSystem": "strict",
                           "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE", "StateDirectory": "sitelocator",
                           "ExecReload": "/bin/kill -HUP $MAINPID"}.items():
            self.assertEqual(unit["Service"].get(key), value, key)
        analyze = harness.tool("systemd-analyze", "systemd")
        self.write("sited.service", re.sub(r"(?m)^ExecStart=\S+", "ExecStart=" + harness.program("sited"), text), mode=0o644)
        result = self.run_ok([analyze, "verify", "--man=no", self.path("sited.service")])
        self.assertNotIn("sited.service", result.err, str(result))
        result = self.run_ok([analyze, "security", "--offline=yes", "--threshold=20", self.path("sited.service")])
        self.assertRegex(result.out, r"Overall exposure level for sited.service: [01]\.\d")


harness.main()
