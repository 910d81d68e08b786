"""A distribution point on a host of its own fetches its packages: in pieces, resumed, compared with their hashes, named only then (S2.09),
and looks after them: what is damaged or lost is not served, told, and fetched again by itself.

The site server's HTTP is played by a small server that gives the files of its content library as the test tells it to.
"""

import hashlib
import http.client
import http.server
import os
import re
import socket
import struct
import threading
import time
import urllib.request

import harness
import lab
from ccm import CONTENT_TYPE, envelope, open_envelope

SERVER, DP1, DP2 = "127.0.0.11", "127.0.0.15", "127.0.0.16"
PIECE = 4 << 20
REQUEST = ('<ContentLocationRequest SchemaVersion="1.0"><Package ID="%s" Version="3"/><AssignedSite SiteCode="PS1"/><ClientLocationInfo>'
           '<ADSite Name=""/><IPAddresses><IPAddress SubnetAddress="" Address="127.0.0.1"/></IPAddresses></ClientLocationInfo>'
           '</ContentLocationRequest>')


class Handler(http.server.BaseHTTPRequestHandler):

    def do_GET(self):
        sha256 = self.path.rpartition("/")[2]
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        with open(os.path.join(self.server.library, sha256[:2], sha256), "rb") as file:
            octets = file.read()[first:last + 1]
        self.server.asked.append((sha256, first))
        octets = self.server.behave(octets, first)
        self.send_response(206 if octets is not None else 503)
        self.send_header("Content-Length", str(len(octets or b"")))
        self.end_headers()
        if self.server.cut_after is None:
            self.wfile.write(octets or b"")
            return
        self.wfile.write(octets[:self.server.cut_after])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))    # a reset, not an end
        self.close_connection = True
        self.connection.close()

    def finish(self):
        if self.connection.fileno() >= 0:
            super().finish()

    def log_message(self, *_):
        pass


class Point:
    """A distribution point: a sited with a state and a content library of its own on the site's database."""

    def __init__(self, case, address, host, server):
        self.case, self.address, self.host, self.server, self.process = case, address, host, server, None
        self.port, self.page = harness.free_port((address,)), "127.0.0.1:%d" % harness.free_port(("127.0.0.1",))
        self.folder = case.path(host)
        os.mkdir(self.folder)
        self.url = "http://%s:%d/SMS_DP_SMSPKG$/" % (address, self.port)

    def start(self, *more):
        control = os.path.join(self.folder, "sock")
        self.process = self.case.start([harness.program("sited"), "--db", self.case.site.db, "--state", self.folder, "--control", control, "--role",
                                        "dp", "--dp-name", self.host, "--intake", self.server, "--http", "%s:%d" % (self.address, self.port), "--metrics",
                                        self.page, *more])
        harness.wait_until(lambda: self.process.check_alive() or " ready " in self.process.log(), "the distribution point")

    def file(self, octets):
        sha256 = hashlib.sha256(octets).hexdigest()
        return os.path.join(self.folder, "site.content", sha256[:2], sha256)

    def damage(self, octets, like_a_disk):
        """Other octets, as many: written by somebody, or `like_a_disk`, which leaves no trace."""
        before = os.stat(self.file(octets))
        os.chmod(self.file(octets), 0o644)
        with open(self.file(octets), "r+b") as file:
            file.write(bytes([octets[0] ^ 1]))
        if like_a_disk:
            os.utime(self.file(octets), ns=(before.st_atime_ns, before.st_mtime_ns))

    def metric(self, name):
        with urllib.request.urlopen("http://%s/metrics" % self.page, timeout=10) as page:
            return int(re.search(r"^%s (\d+)$" % re.escape(name), page.read().decode(), re.M).group(1))

    def lost(self, how):
        return self.metric('sited_content_lost_total{how="%s"}' % how)


class Fetching(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port((SERVER,))
        self.site = lab.Site(self, http=["%s:%d" % (SERVER, self.port)], roles="server,mp")
        self.site.ctl_ok("boundary", "add", "subnet", "127.0.0.0/8")
        self.serve(0)
        self.dp = self.point(DP1, "dp1.example.org", "http://%s:%d" % (SERVER, self.server.server_port))
        self.octets = os.urandom(2 * PIECE + 5)

    def serve(self, port):
        self.server = http.server.ThreadingHTTPServer((SERVER, port), Handler)
        self.server.library, self.server.asked, self.server.daemon_threads, self.server.cut_after = self.site.content, [], True, None
        self.behave(lambda octets, first: octets)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def behave(self, how):
        self.server.behave = how

    def point(self, address, host, server):
        point = Point(self, address, host, server)
        self.site.ctl_ok("dp", "add", host, "--url", point.url)
        return point

    def add(self, package, *points, files=None):
        source = self.path(package)
        os.mkdir(source)
        for name, octets in (files or {"large": self.octets, "same": self.octets, "empty": b""}).items():
            with open(os.path.join(source, name), "wb") as file:
                file.write(octets)
        self.site.ctl_ok("package", "add", package, "--version", "3", "--on", *[point.host for point in points], "--dir", source)

    def verify(self, *words):
        """The exit code and the reason of the verb, and the row of each distribution point that has its own content."""
        found = self.site.ctl("package", "verify", *words, "--json")
        return found.code, found.json.get("reason"), {row["dp"]: row for row in found.answer if row["content"] == "own"}

    def available(self, *points):
        """A package that is on these."""
        for point in points:
            if point.process is None:
                point.start()
        self.add("PS100001", *points)
        for point in points:
            self.wait_for("PS100001", "available", point)

    def status(self, package):
        row, = self.site.ctl("package", "status", package, "--json").answer
        return row

    def states(self, package):
        return {row["dp"]: row["state"] for row in self.site.ctl("package", "status", package, "--json").answer}

    def wait_for(self, package, state, point=None):
        host = (point or self.dp).host
        harness.wait_until(lambda: self.states(package).get(host) == state, "%s %s on %s" % (package, state, host))

    def named(self, package):
        """The distribution points that the management point names for a package."""
        one = http.client.HTTPConnection(SERVER, self.port, timeout=10)
        one.request("CCM_POST", "/ccm_system/request", envelope(REQUEST % package), {"Content-Type": CONTENT_TYPE})
        got = one.getresponse()
        body = open_envelope(got.headers["Content-Type"], got.read())[1]
        one.close()
        return [url.get("Name") for url in body.iter("URL")]

    def fetch(self, point, package, name):
        one = http.client.HTTPConnection(point.address, point.port, timeout=10)
        one.request("GET", "/SMS_DP_SMSPKG$/%s.3/%s" % (package, name))
        got = one.getresponse()
        body = got.read()
        one.close()
        return got.status, body

    def test_S2_09_resumed_where_it_broke_off(self):
        """S2.08 S2.09 in pieces; what broke off goes on there, after a restart too; nobody is sent there before all is compared"""
        self.dp.start()
        self.behave(lambda octets, first: octets if first < PIECE else None)
        self.add("PS100001", self.dp)
        self.wait_for("PS100001", "failed")
        row, = self.site.ctl("package", "status", "--json").answer
        self.assertIn("HTTP status 503", row["message"])
        self.assertEqual((self.named("PS100001"), self.site.ctl("package", "status").code), ([], 1))
        self.dp.process.kill()
        self.server.asked.clear()
        self.behave(lambda octets, first: octets)
        self.dp.start()
        self.wait_for("PS100001", "available")
        sha256 = hashlib.sha256(self.octets).hexdigest()
        self.assertEqual(self.server.asked, [(sha256, PIECE), (sha256, 2 * PIECE)], "the first piece is not fetched again, the same file not twice")
        self.assertEqual(self.named("PS100001"), [self.dp.url + "PS100001.3/"])
        for name, octets in (("large", self.octets), ("same", self.octets), ("empty", b"")):
            self.assertEqual(self.fetch(self.dp, "PS100001", name), (200, octets), name)

    def test_S2_09_wrong_octets_are_thrown_away(self):
        """S2.09 octets that are not those of the hash: told, not kept, not named; tried again by itself"""
        self.behave(lambda octets, first: octets[:-1] + b"!")
        self.dp.start()
        self.add("PS100001", self.dp)
        self.wait_for("PS100001", "failed")
        self.assertIn("have the hash", self.site.ctl("package", "status", "PS100001", "--json").answer[0]["message"])
        self.assertFalse(os.path.exists(self.dp.file(self.octets)))
        self.assertEqual(self.named("PS100001"), [])
        self.behave(lambda octets, first: octets)
        self.wait_for("PS100001", "available")
        self.assertEqual(self.fetch(self.dp, "PS100001", "large"), (200, self.octets))
        self.site.ctl_ok("package", "remove", "PS100001")
        harness.wait_until(lambda: not os.path.exists(self.dp.file(self.octets)), "the files of a package that is gone")

    def test_S2_13_from_another_distribution_point(self):
        """S2.13 while the site server has none another distribution point is asked; a damaged file is found and fetched anew"""
        self.dp.start()
        other = self.point(DP2, "dp2.example.org", "http://%s:%d" % (SERVER, harness.free_port((SERVER,))))
        self.add("PS100001", self.dp, other)
        self.wait_for("PS100001", "available")
        path = other.file(self.octets)
        os.makedirs(os.path.dirname(path))
        with open(path, "wb") as file:      # as a library that was copied by hand, and badly
            file.write(self.octets[:-1] + b"!")
        self.server.asked.clear()
        other.start()
        self.wait_for("PS100001", "available", other)
        self.assertEqual((self.fetch(other, "PS100001", "large"), self.server.asked), ((200, self.octets), []))
        other.process.stop()
        os.unlink(path)
        other.start()
        harness.wait_until(lambda: os.path.exists(path), "a file that went missing is fetched again")

    def test_S2_09_damage_is_found_out_of_service_and_mended(self):
        """S2.09 S2.16 octets that decayed on the disk: package verify finds them there, they are served no more, the point is not named until
        they have been fetched again, which happens by itself; log, metrics and exit code say so"""
        self.available(self.dp)
        code, reason, rows = self.verify("PS100001")
        self.assertEqual((code, reason, rows[self.dp.host]["state"]), (0, "", "verified"))
        self.assertEqual((rows[self.dp.host]["octets"], rows[self.dp.host]["size"]), (len(self.octets), len(self.octets)))
        self.assertIsNotNone(rows[self.dp.host]["verified"])
        self.behave(lambda octets, first: None)
        self.dp.damage(self.octets, like_a_disk=True)
        code, reason, rows = self.verify("PS100001")
        row = rows[self.dp.host]
        self.assertEqual((code, reason, row["state"], row["damaged"], row["missing"]), (1, "damaged", "damaged", 1, 0))
        self.assertIn("damaged: large", row["message"])
        self.assertEqual((self.fetch(self.dp, "PS100001", "large")[0], self.named("PS100001")), (404, []))
        self.assertEqual(self.fetch(self.dp, "PS100001", "empty"), (200, b""), "what is whole is served")
        self.assertIn(self.verify()[2][self.dp.host]["state"], ("fetching", "failed"))
        self.behave(lambda octets, first: octets)
        self.wait_for("PS100001", "available")
        self.assertEqual(self.fetch(self.dp, "PS100001", "large"), (200, self.octets))
        self.assertEqual((self.verify()[0], self.named("PS100001"), self.dp.lost("damaged")), (0, [self.dp.url + "PS100001.3/"], 1))
        self.assertIn("content-damaged package=PS100001 version=3 path=large", self.dp.process.log())
        self.assertGreaterEqual(self.dp.metric('sited_content_octets_total{how="fetched"}'), 2 * len(self.octets))

    def test_S2_09_damage_is_that_of_each_package_that_has_the_file(self):
        """S2.09 of two packages with one file one is asked about: both are told as lost, named no more, and come back"""
        self.available(self.dp)
        self.add("PS100002", self.dp, files={"copy": self.octets, "own": b"own"})
        self.add("PS100003", self.dp, files={"own": b"own"})
        for package in ("PS100002", "PS100003"):
            self.wait_for(package, "available")
        self.behave(lambda octets, first: None)
        self.dp.damage(self.octets, like_a_disk=True)
        self.assertEqual(self.verify("PS100002")[:2], (1, "damaged"))
        self.assertEqual([self.named("PS10000%d" % i) for i in (1, 2, 3)], [[], [], [self.dp.url + "PS100003.3/"]])
        self.assertEqual(self.dp.process.log().count("content-damaged package=PS100001"), 1)
        self.assertEqual(self.dp.process.log().count("content-damaged package=PS100002"), 1)
        self.behave(lambda octets, first: octets)
        for package in ("PS100001", "PS100002"):
            self.wait_for(package, "available")

    def test_S2_09_what_somebody_wrote_to_is_never_served(self):
        """S2.09 a file that was written to, cut off or deleted while the point runs: not one octet of it is served, and it is fetched again"""
        self.available(self.dp)
        for spoil in (lambda: self.dp.damage(self.octets, like_a_disk=False), lambda: os.truncate(self.dp.file(self.octets), PIECE),
                      lambda: os.unlink(self.dp.file(self.octets))):
            spoil()
            self.assertEqual(self.fetch(self.dp, "PS100001", "large")[0], 404)
            harness.wait_until(lambda: self.fetch(self.dp, "PS100001", "large") == (200, self.octets), "healed")
        self.assertEqual((self.dp.lost("damaged"), self.dp.lost("missing")), (2, 1))

    def test_S2_09_verified_at_an_interval(self):
        """S2.09 without a question and without a client: what is deleted or decayed is found at the next pass, and at the start"""
        self.dp.start("--verify-interval", "1s")
        self.available(self.dp)
        os.unlink(self.dp.file(self.octets))
        harness.wait_until(lambda: self.dp.lost("missing") == 1 and os.path.exists(self.dp.file(self.octets)), "the file back")
        self.wait_for("PS100001", "available")
        self.dp.damage(self.octets, like_a_disk=True)
        harness.wait_until(lambda: self.dp.lost("damaged") == 1, "the damage found")
        harness.wait_until(lambda: self.fetch(self.dp, "PS100001", "large") == (200, self.octets), "healed")
        self.wait_for("PS100001", "available")
        self.dp.process.stop()
        self.dp.damage(self.octets, like_a_disk=True)
        self.dp.start()
        harness.wait_until(lambda: self.dp.lost("damaged") == 1, "the damage found at the start")
        harness.wait_until(lambda: self.fetch(self.dp, "PS100001", "large") == (200, self.octets), "healed")

    def test_S2_09_reading_is_bounded_and_gives_way(self):
        """S2.09 at most --verify-rate MiB a second are read unasked; who asks does not wait for that"""
        self.available(self.dp)
        self.dp.process.stop()
        begun = time.monotonic()
        self.dp.start("--verify-rate", "1")
        harness.wait_until(lambda: self.dp.metric('sited_content_octets_total{how="verified"}') >= 1 << 20, "reading")
        code, _, rows = self.verify("PS100001")
        self.assertEqual((code, rows[self.dp.host]["state"]), (0, "verified"))
        self.assertLess(time.monotonic() - begun, 6, "8 MiB at 1 MiB a second take longer")
        self.assertEqual(self.dp.metric("sited_content_verified_seconds"), 0, "the pass is not over")

    def test_S2_10_one_that_is_off(self):
        """S2.10 X02 package verify tells a distribution point that gives no sign from one that has lost something: 3 unreachable, 8 partial"""
        other = self.point(DP2, "dp2.example.org", "http://%s:%d" % (SERVER, self.server.server_port))
        self.available(self.dp, other)
        other.process.stop()
        code, reason, rows = self.verify("PS100001")
        self.assertEqual((code, reason, rows[self.dp.host]["state"], rows[other.host]["state"]), (8, "no-answer", "verified", "unreachable"))
        self.dp.process.stop()
        self.assertEqual(self.verify("PS100001")[:2], (3, "no-answer"))
        for point in (self.dp, other):
            point.start()
        self.assertEqual(self.verify("PS100001")[:2], (0, ""), "they answer again")

    def test_S2_09_connections_that_break(self):
        """S2.09 S2.10 a connection reset in the middle of a piece, and a server that is gone: nothing half is served, it goes on where it was"""
        self.behave(lambda octets, first: octets if first < PIECE else self.cut(octets))
        self.available_later()
        self.wait_for("PS100001", "failed")
        self.assertEqual((self.fetch(self.dp, "PS100001", "large")[0], self.status("PS100001")["octets"]), (404, PIECE))
        self.server.shutdown()
        self.server.server_close()
        harness.wait_until(lambda: "Failed to connect" in (self.status("PS100001")["message"] or ""), "nobody there")
        self.serve(self.server.server_port)
        self.wait_for("PS100001", "available")
        self.assertEqual(min(first for _, first in self.server.asked), PIECE, "the first piece is not fetched again")
        self.assertEqual(self.fetch(self.dp, "PS100001", "large"), (200, self.octets))

    def cut(self, octets):
        self.server.cut_after = len(octets) // 2
        return octets

    def available_later(self):
        self.dp.start()
        self.add("PS100001", self.dp)

    def test_S2_09_progress_of_a_long_fetch(self):
        """S2.09 while it comes, package status tells how many octets of how many are there"""
        gate = threading.Event()
        self.addCleanup(gate.set)
        self.behave(lambda octets, first: octets if first < 2 * PIECE or gate.wait(20) else None)
        self.available_later()
        harness.wait_until(lambda: self.status("PS100001")["octets"] == 2 * PIECE, "two pieces")
        row = self.status("PS100001")
        self.assertEqual((row["state"], row["size"], row["verified"]), ("fetching", len(self.octets), None))
        gate.set()
        self.wait_for("PS100001", "available")
        row = self.status("PS100001")
        self.assertEqual((row["octets"], row["size"], row["verified"] is not None), (len(self.octets), len(self.octets), True))

    def test_S2_09_disk_full(self):
        """S2.09 S2.10 no room for the package: told with the reason, nothing half is served; when there is room it goes on where it was"""
        disk = os.path.join(self.dp.folder, "site.content")
        os.mkdir(disk)
        self.run_ok([harness.tool("mount", "mount"), "-t", "tmpfs", "-o", "size=64m", "none", disk])
        self.addCleanup(harness.run, [harness.tool("umount", "mount"), "-l", disk])
        others = os.path.join(disk, "of-others")
        with open(others, "wb") as file:
            file.write(bytes((62 << 20) - PIECE))
        self.available_later()
        self.wait_for("PS100001", "failed")
        self.assertIn("No space left on device", self.status("PS100001")["message"])
        self.assertEqual((self.fetch(self.dp, "PS100001", "large")[0], self.named("PS100001")), (404, []))
        self.server.asked.clear()
        os.unlink(others)
        self.wait_for("PS100001", "available")
        self.assertGreater(min([first for _, first in self.server.asked]), PIECE - 1)
        self.assertEqual(self.fetch(self.dp, "PS100001", "large"), (200, self.octets))


harness.need_namespace("-rm")
harness.main()
