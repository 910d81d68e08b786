"""The content of packages: copied into the content library by the site server, served by the distribution point (S1.15, S2.16)."""

import glob
import hashlib
import http.client
import os
import signal
import socket
import subprocess
import threading

import harness
import lab

ADDRESS = "127.0.0.11"


class PackageCase(harness.Case):
    OPTIONS = ()

    def setUp(self):
        super().setUp()
        self.port = harness.free_port((ADDRESS,))
        self.host = "%s:%d" % (ADDRESS, self.port)
        self.site = lab.Site(self, nbt_port=harness.free_port((ADDRESS,)), http=[self.host], more=self.OPTIONS)
        self.library = self.site.content
        self.site.ctl_ok("dp", "add", "dp1.example.org", "--url", "http://%s/SMS_DP_SMSPKG$/" % self.host)
        self.source = self.path("source")
        self.files = {"setup.exe": os.urandom(3 << 20), "empty": b"", "sub dir/deep/a%20b&c.txt": b"percent", "sub dir/setup.exe": b"other"}
        for name, octets in self.files.items():
            path = os.path.join(self.source, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(octets)

    def add(self, package="LAB00001", folder=None, **more):
        return self.site.ctl("package", "add", package, "--version", "3", "--on", "dp1.example.org", "--dir", folder or self.source, "--json", **more)

    def add_ok(self, *words):
        added = self.add(*words)
        self.assertEqual(added.code, 0, str(added))
        return added.answer

    def ask(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection(ADDRESS, self.port, timeout=30)
        self.addCleanup(connection.close)
        connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def url(self, name, package="LAB00001.3"):
        return "/SMS_DP_SMSPKG$/%s/%s" % (package, name.replace("%", "%25").replace(" ", "%20").replace("&", "%26"))

    def say(self, target, host=None):
        """The status of the answer to a request that no library would send."""
        with socket.create_connection((ADDRESS, self.port), timeout=5) as client:
            client.sendall(b"GET %s HTTP/1.0\r\nHost: %s\r\n\r\n" % (target, self.host.encode() if host is None else host))
            return client.makefile("rb").readline().split()[1]


class Packages(PackageCase):

    def test_files_come_back_octet_for_octet(self):
        """S1.15 what was added is what is served, and sha256sum agrees"""
        answer = self.add_ok()
        self.assertEqual((answer["change"], answer["files"], answer["octets"]), ("added", 4, sum(map(len, self.files.values()))))
        listing = self.ask(self.url(""))[2]
        self.assertEqual(answer["sha256"], hashlib.sha256(listing).hexdigest())
        for name, octets in self.files.items():
            status, headers, body = self.ask(self.url(name))
            self.assertEqual((status, body == octets), (200, True), name)
            self.assertEqual(headers["ETag"], '"%s"' % hashlib.sha256(octets).hexdigest())
        checked = subprocess.run(["sha256sum", "-c", "--quiet"], input=listing, cwd=self.source, capture_output=True, timeout=30)
        self.assertEqual(checked.returncode, 0, checked)
        self.assertEqual(self.add_ok()["change"], "unchanged")

    def test_parts_and_resumption(self):
        """RFC 9110: parts, conditions, and a download that is cut off and resumed"""
        self.add_ok()
        whole = self.files["setup.exe"]
        size, tag = len(whole), '"%s"' % hashlib.sha256(whole).hexdigest()
        rows = [("bytes=0-0", 206, whole[:1]), ("bytes=100-", 206, whole[100:]), ("bytes=-5", 206, whole[-5:]),
                ("bytes=0-%d" % (size * 2), 206, whole), ("bytes=%d-" % size, 416, b""), ("bytes=-0", 416, b""),
                ("bytes=5-2", 200, whole), ("bytes=0-1,4-5", 200, whole), ("lines=1-2", 200, whole), ("bytes=", 200, whole),
                ("bytes=99999999999999999999-", 200, whole), ("Bytes=1-2", 206, whole[1:3]), ("bytes=0-%d" % (2**64 - 1), 206, whole),
                ("bytes=-%d" % (2**64 - 1), 206, whole), ("bytes=%d-" % (2**64 - 1), 416, b""), ("bytes=%d-%d" % (2**64 - 2, 2**64 - 1), 416, b""),
                ("bytes=--5", 200, whole), ("bytes=1-2-3", 200, whole), ("bytes=+1-2", 200, whole), ("bytes=0x1-2", 200, whole),
                ("bytes=" + "0-," * 2000 + "0-", 200, whole)]
        for asked, status, body in rows:
            got = self.ask(self.url("setup.exe"), Range=asked)
            self.assertEqual((got[0], got[2] == body), (status, True), asked)
            if status == 206:
                self.assertIn("/%d" % size, got[1]["Content-Range"])
        self.assertEqual(self.ask(self.url("setup.exe"), If_None_Match='W/"x", ' + tag)[0], 304)
        self.assertEqual(self.ask(self.url("setup.exe"), Range="bytes=1-2", If_Range=tag)[0], 206)
        for other in ('"other"', "W/" + tag, "Sun, 06 Nov 1994 08:49:37 GMT"):
            self.assertEqual(self.ask(self.url("setup.exe"), Range="bytes=1-2", If_Range=other)[0], 200, other)
        self.assertEqual(self.ask(self.url("setup.exe"), Range="bytes=1-2", If_None_Match='"other"')[0], 206)
        self.assertEqual([self.ask(self.url("empty"), Range=asked)[0] for asked in ("bytes=0-", "bytes=-1", "bytes=0-0")], [416] * 3)
        head = self.ask(self.url("setup.exe"), "HEAD")
        self.assertEqual((head[0], head[1]["Content-Length"], head[1]["Accept-Ranges"], head[2]), (200, str(size), "bytes", b""))
        head = self.ask(self.url("setup.exe"), "HEAD", Range="bytes=0-9")
        self.assertEqual((head[0], head[1]["Content-Length"], head[2]), (200, str(size), b""), "parts are for GET")
        self.assertEqual((self.ask(self.url("nothing"), "HEAD")[0], self.ask(self.url("empty"), "PUT")[0]), (404, 405))
        with open(self.path("part"), "wb") as file:
            file.write(whole[:1000001])
        self.run_ok(["curl", "-s", "-C", "-", "-o", self.path("part"), "http://%s%s" % (self.host, self.url("setup.exe"))])
        with open(self.path("part"), "rb") as file:
            self.assertEqual(file.read(), whole)

    def test_nothing_outside_a_package_is_served(self):
        """S1.15 paths that lead out of the package are files that are not there, on either engine, however they are written"""
        self.add_ok()
        digest = hashlib.sha256(self.files["setup.exe"]).hexdigest()
        for path in ("..", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "sub%20dir/../setup.exe", "/etc/passwd", "setup.exe/", "sub%20dir",
                     "./setup.exe", "setup.exe%00", "SETUP.EXE", digest, "%s/%s" % (digest[:2], digest), "..%5csetup.exe", "%252e%252e/etc/passwd",
                     "..%2f..%2fetc/passwd", "..\\setup.exe", "%5c%5chost%5cshare", "set%00up.exe", "setup.exe::$DATA", "setup.exe.", "setup.exe%20",
                     "%ff", "%c0%ae%c0%ae/etc/passwd", "%", "%zz", "/setup.exe", "sub%20dir//setup.exe", "sub+dir/setup.exe", "a" * 9000):
            self.assertIn(self.say(b"/SMS_DP_SMSPKG$/LAB00001.3/" + path.encode()), (b"404", b"400"), path)
        for name in (b"", b"..", b".3/setup.exe", b"LAB00001.+3/setup.exe", b"LAB00001.-3/setup.exe", b"LAB00001.4294967299/setup.exe",
                     b"LAB\xff0001.3/setup.exe", b"L" * 300 + b".3/setup.exe", b"LAB00001.3\\setup.exe"):
            self.assertEqual(self.say(b"/SMS_DP_SMSPKG$/" + name), b"404", name)
        for name in (b"", b"..", b"0" * 63 + b"G", b"0" * 65, digest.upper().encode(), digest.encode() + b"/x", b"../../etc/passwd"):
            self.assertEqual(self.say(b"/sms_site/content/" + name), b"404", name)
        for host in (b"", b"\xff\xfe", b"a" * 5000, b"x'; DROP TABLE dp;--", self.host.encode() + b"/../"):
            self.assertEqual(self.say(self.url("setup.exe").encode(), host), b"404", host)
        self.assertNotIn("dp-request-failed", self.site.process.log())
        self.assertEqual(self.ask(self.url("setup.exe", "LAB00001.4"))[0], 404)
        self.assertEqual(self.ask(self.url("setup.exe", "LAB00002.3"))[0], 404)
        self.assertEqual(self.ask(self.url("setup.exe"), Host="dp2.example.org")[0], 404)

    def test_what_is_no_package_is_refused_and_named(self):
        """S1.15 links, pipes, control characters, names that are not UTF-8, empty folders: usage, with the path"""
        for name, make in (("a/link", lambda path: os.symlink("/etc/passwd", path)), ("a/pipe", os.mkfifo),
                           ("a/folder", lambda path: os.symlink("/etc", path)), ("a/inside", lambda path: os.symlink(self.source, path)),
                           ("a/dangling", lambda path: os.symlink("nowhere", path)), ("a/\udcff", lambda path: open(path, "wb").close()),
                           ("a/new\nline", lambda path: open(path, "wb").close())):
            folder = self.path("bad")
            os.makedirs(os.path.join(folder, "a"), exist_ok=True)
            make(os.path.join(folder, name))
            refused = self.add("LAB00009", folder)
            self.assertEqual((refused.code, refused.json["outcome"]), (2, "usage"), str(refused))
            os.unlink(os.path.join(folder, name))
        refused = self.add("LAB00009", self.path("bad"))
        self.assertEqual((refused.code, "no files" in refused.json["message"]), (2, True), str(refused))
        self.assertEqual(self.add("LAB00009", self.path("nowhere")).code, 2)
        self.assertEqual(self.ask(self.url("", "LAB00009.3"))[0], 404)

    def test_a_source_that_changes_is_no_package(self):
        """S1.15 written to while it is read, same size and times put back; grown; replaced by a link: a conflict, nothing is added"""
        large = os.path.join(self.source, "large")

        def write():
            before = os.stat(large)
            with open(large, "r+b") as file:
                file.write(b"changed")
            os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))

        def replace():
            os.rename(large, self.path("old"))
            os.symlink("/etc/passwd", large)
        for change in (write, lambda: os.truncate(large, 2 * os.path.getsize(large)), replace):
            size = 64 << 20
            while not (added := self.add_while(change, large, size)):
                size *= 2   # the copy was over before it was seen
            self.assertEqual((added[0].code, added[0].json["message"]), (7, "large: was changed while it was read"), str(added[0]))
            self.assertEqual(self.ask(self.url(""))[0], 404)

    def add_while(self, change, large, size):
        """Adds the package with a large file that changes while it is read: sited stands still meanwhile. What add said, or nothing."""
        with open(large, "wb") as file:
            file.truncate(size)
        added = []
        adding = threading.Thread(target=lambda: added.append(self.add()))
        adding.start()

        def parts():
            return [os.path.getsize(part) for part in glob.glob(self.library + "/part/*")]
        harness.wait_until(lambda: added or any(octets > 1 << 20 for octets in parts()), "a copy under way", poll_s=0.002)
        self.site.process.signal(signal.SIGSTOP)
        is_seen = any(1 << 20 < octets < size for octets in parts())
        if is_seen:
            change()
        self.site.process.signal(signal.SIGCONT)
        adding.join()
        if not is_seen:
            self.site.ctl_ok("package", "remove", "LAB00001")
        return added if is_seen else []

    def test_other_content_is_a_new_version(self):
        """the same version with other files is a conflict"""
        self.add_ok()
        with open(os.path.join(self.source, "empty"), "w", encoding="ascii") as file:
            file.write("no longer")
        refused = self.add()
        self.assertEqual((refused.code, "other content" in refused.json["message"]), (7, True), str(refused))
        self.assertEqual(self.ask(self.url("empty"))[2], b"")

    def test_verify_tells_damage(self):
        """S2.09 octets that changed on the disk are found by their hash, for the library and for the distribution point that shares it"""
        self.add_ok()
        self.site.ctl_ok("package", "verify", "LAB00001")
        digest = hashlib.sha256(b"other").hexdigest()
        path = os.path.join(self.library, digest[:2], digest)
        os.chmod(path, 0o644)
        with open(path, "r+b") as file:
            file.write(b"X")
        found = self.site.ctl("package", "verify", "LAB00001", "--json")
        self.assertEqual((found.code, found.json["reason"]), (1, "damaged"), str(found))
        self.assertEqual([(row["dp"], row["content"], row["state"], row["damaged"], row["message"]) for row in found.answer],
                         [(None, "library", "damaged", 1, "damaged: sub dir/setup.exe"),
                          ("dp1.example.org", "shared", "damaged", 1, "damaged: sub dir/setup.exe")])
        os.unlink(path)
        found = self.site.ctl("package", "verify", "--json")
        self.assertEqual((found.code, found.json["reason"], found.answer[0]["message"]), (1, "missing", "missing: sub dir/setup.exe"), str(found))
        self.assertEqual(self.site.ctl("package", "verify", "LAB00007").code, 1)

    def test_files_go_with_the_last_package_that_has_them(self):
        """a file that two packages have is kept once and stays until both are gone"""
        def stored():
            return len(glob.glob(self.library + "/??/*"))
        self.add_ok()
        other = self.path("other")
        os.makedirs(other)
        with open(os.path.join(other, "copy.exe"), "wb") as file:
            file.write(self.files["setup.exe"])
        self.add_ok("LAB00002", other)
        self.assertEqual(stored(), 4)
        self.site.ctl_ok("package", "remove", "LAB00001")
        harness.wait_until(lambda: stored() == 1, "three files removed")
        self.assertEqual(self.ask(self.url("copy.exe", "LAB00002.3"))[2], self.files["setup.exe"])
        self.site.ctl_ok("package", "remove", "LAB00002")
        harness.wait_until(lambda: stored() == 0, "all files removed")

    def test_killed_while_copying(self):
        """SIGKILL at any time: a package is there whole or not at all, and what was half copied is cleared away"""
        with open(os.path.join(self.source, "large"), "wb") as file:
            file.truncate(256 << 20)
        adding = threading.Thread(target=self.add)
        adding.start()
        harness.wait_until(lambda: glob.glob(self.library + "/part/*"), "a copy under way")
        self.site.process.kill()
        adding.join()
        self.site.start()
        self.assertEqual(glob.glob(self.library + "/part/*"), [])
        self.assertEqual(self.ask(self.url("setup.exe"))[0], 404)
        self.add_ok()
        self.assertEqual(self.ask(self.url("setup.exe"))[2], self.files["setup.exe"])

    def test_administration_goes_on_while_copying(self):
        """a long copy holds up nobody"""
        with open(os.path.join(self.source, "large"), "wb") as file:
            file.truncate(512 << 20)
        adding = threading.Thread(target=self.add)
        adding.start()
        harness.wait_until(lambda: glob.glob(self.library + "/part/*"), "a copy under way")
        self.site.ctl_ok("dp", "add", "dp2.example.org")
        self.assertTrue(adding.is_alive(), "the copy was over too soon to show anything")
        adding.join()


class UnderFire(PackageCase):
    OPTIONS = ("--http-headers-time", "2s", "--http-idle-time", "4s")

    def connect(self, source, octets=b""):
        one = socket.socket()
        self.addCleanup(one.close)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.bind((source, 0))
        one.setblocking(False)
        one.connect_ex((ADDRESS, self.port))
        if octets:
            one.settimeout(5)
            one.sendall(octets)
        return one

    def connected(self, *sources):
        """How many connections from these addresses the server has not ended (their state at its side is ESTABLISHED)."""
        here = "%08X:%04X" % (int.from_bytes(socket.inet_aton(ADDRESS), "little"), self.port)
        there = {"%08X" % int.from_bytes(socket.inet_aton(source), "little") for source in sources}
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table]
        return sum(row[1] == here and row[2].split(":")[0] in there and row[3] == "01" for row in rows)

    def is_served(self):
        return self.ask(self.url("setup.exe"), Range="bytes=0-99")[0] == 206

    def test_S1_15_slow_readers(self):
        """S1.15 a hundred clients that take no octet of what they asked for: others are served meanwhile, and after --http-idle-time they are cut"""
        self.add_ok()
        request = b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (self.url("setup.exe").encode(), self.host.encode())
        slow = [self.connect("127.0.0.60", request) for _ in range(100)]
        self.assertTrue(self.is_served())
        self.assertEqual(self.connected("127.0.0.60"), 100, "none of them was ended for that")

        def is_cut(one):
            got = 0
            try:
                while octets := one.recv(1 << 20):
                    got += len(octets)
            except ConnectionResetError:
                return True
            return got < len(self.files["setup.exe"])
        harness.wait_until(lambda: self.connected("127.0.0.60") == 0, "the end of their time")
        self.assertEqual(sum(map(is_cut, slow)), 100)

    def test_S1_15_a_thousand_idle_connections(self):
        """S1.15 a thousand connections that say nothing, from ten addresses: who comes then is served as soon as their time is over"""
        self.add_ok()
        sources = ["127.0.1.%d" % i for i in range(1, 11)]
        idle = [self.connect(source) for source in sources for _ in range(100)]
        self.assertTrue(self.is_served())
        harness.wait_until(lambda: self.connected(*sources) == 0, "the end of their time")
        self.assertTrue(self.is_served())
        self.assertEqual(len(idle), 1000)


harness.main()
