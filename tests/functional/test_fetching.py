"""A distribution point on a host of its own fetches its packages: in pieces, resumed, compared with their hashes, named only then (S2.09).

The site server's HTTP is played by a small server that gives the files of its content library as the test tells it to.
"""

import hashlib
import http.client
import http.server
import os
import re
import threading

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
        self.wfile.write(octets or b"")

    def log_message(self, *_):
        pass


class Point:
    """A distribution point: a sited with a state and a content library of its own on the site's database."""

    def __init__(self, case, address, host, server):
        self.case, self.address, self.host, self.server, self.process = case, address, host, server, None
        self.port = harness.free_port((address,))
        self.folder = case.path(host)
        os.mkdir(self.folder)
        self.url = "http://%s:%d/SMS_DP_SMSPKG$/" % (address, self.port)

    def start(self):
        control = os.path.join(self.folder, "sock")
        self.process = self.case.start([harness.program("sited"), "--db", self.case.site.db, "--state", self.folder, "--control", control, "--role",
                                        "dp", "--dp-name", self.host, "--intake", self.server, "--http", "%s:%d" % (self.address, self.port)])
        harness.wait_until(lambda: self.process.check_alive() or " ready " in self.process.log(), "the distribution point")

    def file(self, octets):
        sha256 = hashlib.sha256(octets).hexdigest()
        return os.path.join(self.folder, "site.content", sha256[:2], sha256)


class Fetching(harness.Case):

    def setUp(self):
        super().setUp()
        self.port = harness.free_port((SERVER,))
        self.site = lab.Site(self, http=["%s:%d" % (SERVER, self.port)], roles="server,mp")
        self.site.ctl_ok("boundary", "add", "subnet", "127.0.0.0/8")
        self.server = http.server.ThreadingHTTPServer((SERVER, 0), Handler)
        self.server.library, self.server.asked, self.server.daemon_threads = self.site.content, [], True
        self.behave(lambda octets, first: octets)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.dp = self.point(DP1, "dp1.example.org", "http://%s:%d" % (SERVER, self.server.server_port))
        self.octets = os.urandom(2 * PIECE + 5)

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


harness.main()
