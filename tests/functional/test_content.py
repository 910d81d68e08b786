"""find dp against management points that answer well, badly, late or not at all: a small one in Python that does as it is told."""

import http.server
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ET

import harness
import lab

ADDRESS = "127.0.0.11"
BOUNDARY = "xXyYzZ"


def envelope(body, correlation=""):
    """A multipart/mixed message as a management point writes it."""
    header = "<Msg SchemaVersion=\"1.1\"><ID>{9}</ID><CorrelationID>%s</CorrelationID></Msg>" % correlation
    parts = [("text/plain; charset=UTF-16", b"\xff\xfe" + header.encode("utf-16-le")),
             ("application/octet-stream", body.encode("utf-16-le") + b"\0\0")]
    return b"".join(b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (BOUNDARY.encode(), kind.encode(), data) for kind, data in parts) \
        + b"--%s--\r\n" % BOUNDARY.encode()


def reply(records):
    """A ContentLocationReply with (url, locality) records, one site."""
    return ("<ContentLocationReply SchemaVersion=\"1.00\"><Sites><Site><MPSite SiteCode=\"PS1\" MasterSiteCode=\"PS1\" SiteLocality=\"LOCAL\"/>"
            "<LocationRecords>%s</LocationRecords></Site></Sites></ContentLocationReply>"
            % "".join("<LocationRecord><URL Name=\"%s\"/><Locality>%s</Locality></LocationRecord>" % one for one in records))


class Handler(http.server.BaseHTTPRequestHandler):
    """Does what the test put into `server.behave`: a function of the handler."""

    def do_CCM_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        self.server.behave(self)

    def say(self, octets, status=200, kind="multipart/mixed; boundary=\"%s\"" % BOUNDARY):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


class Content(harness.Case):

    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        self.registry.ctl_ok("add", "MP_PS1#1A", ADDRESS)
        self.mp = http.server.ThreadingHTTPServer((ADDRESS, 0), Handler)
        self.mp.seen, self.mp.daemon_threads = [], True
        threading.Thread(target=self.mp.serve_forever, daemon=True).start()
        self.addCleanup(self.mp.server_close)
        self.addCleanup(self.mp.shutdown)

    def find(self, *more, port=None):
        return lab.find("dp", "--site", "PS1", "--package", "PS100001", "--source", self.registry.uri, "--mp-port",
                        str(port or self.mp.server_port), "--timeout", "1s", *more)

    def answer(self, octets, **more):
        self.mp.behave = lambda handler: handler.say(octets, **more)

    def check(self, code, outcome, reason, *more, **options):
        found = self.find(*more, **options)
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"]), (code, outcome, reason), str(found))
        self.assertEqual(found.answer, {}, "an answer beside a failure")
        return found

    def test_hosts_that_are_none(self):
        """X02 a record whose URL or ServerRemoteName names no host does not count, and is told; alone it is no answer"""
        good = ("http://dp1/pkg/", "LOCAL")
        for value in ("dp1 evil", "user@dp1", "-dp1", "[::1", "[::1]x", "[dp1]", "1.2.3", "dp1..org", "a" * 64, "dp1%20"):
            self.answer(envelope(reply([("http://%s/pkg/" % value, "LOCAL"), good])))
            found = self.find()
            self.assertEqual((found.code, found.answer["url"], found.answer["candidates"]), (0, good[0], [good[0]]), str(found))
            self.assertIn("URL/@Name \"http://%s" % value[:40], found.json["warnings"][-1])
        self.answer(envelope(reply([good]).replace("<Locality>", "<ServerRemoteName>user@dp1</ServerRemoteName><Locality>")))
        self.assertIn("ServerRemoteName \"user@dp1\"", self.check(1, "negative", "not-found").json["warnings"][-1])

    def test_request_is_what_a_management_point_expects(self):
        """S1.15 method, path, user agent and the ContentLocationRequest of the SDK, with the client's address and subnet"""
        self.answer(envelope(reply([("http://dp1/pkg/", "LOCAL")])))
        found = self.find("--package-version", "3", "--as-client", "10.1.2.3/16", "--ad-site", "K<&ln")
        self.assertEqual(found.code, 0, str(found))
        path, headers, body = self.mp.seen[0]
        self.assertEqual(path, "/ccm_system/request")
        self.assertEqual(headers["User-Agent"], "ConfigMgr Messaging HTTP Sender")
        boundary = headers["Content-Type"].split("boundary=")[1].strip('"').encode()
        parts = [part.split(b"\r\n\r\n", 1)[1] for part in body.split(b"--" + boundary)[1:3]]
        header = ET.fromstring(parts[0][:-2].decode("utf-16"))
        self.assertEqual(header.find("TargetEndpoint").text, "MP_LocationManager")
        self.assertEqual(int(header.find("Body").get("Length")), len(parts[1]) - 2)
        request = ET.fromstring(parts[1][:-4].decode("utf-16-le"))
        self.assertEqual(request.find("Package").attrib, {"ID": "PS100001", "Version": "3"})
        self.assertEqual(request.find("AssignedSite").get("SiteCode"), "PS1")
        self.assertEqual(request.find("ClientLocationInfo/ADSite").get("Name"), "K<&ln")
        self.assertEqual(request.find("ClientLocationInfo/IPAddresses/IPAddress").attrib, {"SubnetAddress": "10.1.0.0", "Address": "10.1.2.3"})

    def test_choice_is_among_the_best_locality(self):
        """S1.16 Q13 X24 local before remote; the seed and the candidates are shown"""
        self.answer(envelope(reply([("http://far/p/", "REMOTE"), ("http://b/p/", "LOCAL"), ("http://a:8080/p/", "LOCAL")])))
        chosen = set()
        for seed in range(1, 21):
            found = self.find("--seed", str(seed))
            self.assertEqual(found.code, 0, str(found))
            self.assertEqual(found.answer["candidates"], ["http://a:8080/p/", "http://b/p/"])
            self.assertEqual((found.answer["locality"], found.answer["seed"]), ("LOCAL", seed))
            chosen.add((found.answer["dp"], found.answer["url"]))
        self.assertEqual(chosen, {("a", "http://a:8080/p/"), ("b", "http://b/p/")})

    def test_report_shows_how_even_the_choice_is(self):
        """X24 S1.16 find dp --report: how often each of the best locality is chosen, the seed and the chi-square; the same seed, the same report"""
        self.answer(envelope(reply([("http://far/p/", "REMOTE"), ("http://b/p/", "LOCAL"), ("http://a/p/", "LOCAL"), ("http://c/p/", "LOCAL")])))
        found = self.find("--report", "3000", "--seed", "5")
        self.assertEqual([row["url"] for row in found.answer], ["http://a/p/", "http://b/p/", "http://c/p/"])
        chosen = [row["chosen"] for row in found.answer]
        self.assertEqual(sum(chosen), 3000)
        chi = sum((n - 1000) ** 2 / 1000 for n in chosen)
        self.assertEqual({row["chi_square"] for row in found.answer}, {"%.2f (2 degrees of freedom)" % chi})
        self.assertEqual({row["seed"] for row in found.answer}, {5})
        self.assertTrue(all(900 < n < 1100 for n in chosen), chosen)
        self.assertEqual(self.find("--report", "3000", "--seed", "5").answer, found.answer)
        singles = [self.find("--seed", str(seed)).answer["url"] for seed in range(5, 15)]
        report = {row["url"]: row["chosen"] for row in self.find("--report", "10", "--seed", "5").answer}
        self.assertEqual(report, {url: singles.count(url) for url in report}, "the report is not of the choices that find dp makes")
        self.assertEqual(self.find("--report", "0").code, 2)

    def test_protected_distribution_points(self):
        """6.3 which points are protected the management point has decided: what it names alone is taken, whatever its locality"""
        self.answer(envelope(reply([("http://protected/p/", "REMOTE")])))
        found = self.find("--as-client", "10.1.2.3/16")
        self.assertEqual((found.answer["dp"], found.answer["locality"], found.answer["candidates"]), ("protected", "REMOTE", ["http://protected/p/"]))

    def test_roaming_falls_back_once(self):
        """R3 R5 the resident management point names none: the assigned one is asked; a list that is not empty is final"""
        directory = lab.Directory(self)
        entries = "".join("dn: CN=s%s,%s\nobjectClass: mSSMSSite\nmSSMSSiteCode: %s\nmSSMSRoamingBoundaries: %s\n\n"
                          "dn: CN=m%s,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: %s\nmSSMSDefaultMP: TRUE\nmSSMSMPName: %s\n\n"
                          % (code, directory.container_dn, code, subnet, code, directory.container_dn, code, host)
                          for code, subnet, host in (("PS1", "10.1.0.0", "assigned"), ("PS2", "10.2.0.0", "resident")))
        directory.add(entries)
        asked, lists = [], {"resident": reply([]), "assigned": reply([("http://dp1/pkg/", "FALLBACK")])}

        def behave(handler):
            host = handler.headers["Host"].split(":")[0]
            asked.append(host)
            handler.say(envelope(lists[host]))
        self.mp.behave = behave
        words = ["dp", "--site", "PS1", "--package", "PS100001", "--roaming", "--as-client", "10.2.3.4/16", "--source", directory.uri_base,
                 "--mp-port", str(self.mp.server_port), "--resolve", "assigned:" + ADDRESS, "--resolve", "resident:" + ADDRESS]
        found = lab.find(*words)
        self.assertEqual((found.code, asked), (0, ["resident", "assigned"]), str(found))
        self.assertEqual((found.answer["dp"], found.answer["mp"], found.answer["assigned_mp"], found.answer["resident_mp"]),
                         ("dp1", "assigned", "assigned", "resident"))
        self.assertIn("R5", "".join(found.json["warnings"]))
        asked.clear()
        lists["resident"] = reply([("http://dp2/pkg/", "LOCAL")])
        found = lab.find(*words)
        self.assertEqual((found.answer["dp"], found.answer["mp"], asked), ("dp2", "resident", ["resident"]))

    def test_no_distribution_point(self):
        """S2.08 the management point knows of none: the answer is no"""
        self.answer(envelope(reply([])))
        self.check(1, "negative", "not-found")
        self.answer(envelope("<ContentLocationReply SchemaVersion=\"1.00\"/>"))
        self.check(1, "negative", "not-found")

    def test_management_point_is_down(self):
        """S1.24 S2.15 nobody listens: could not ask, and no other management point is tried"""
        self.check(3, "unreachable", "could-not-ask", port=harness.free_port((ADDRESS,)))

    def test_management_point_is_silent(self):
        """X02 it accepts and never answers: one timeout"""
        self.mp.behave = lambda handler: time.sleep(3)
        self.assertLess(self.check(3, "unreachable", "could-not-ask").seconds, 2.5)

    def test_http_failures(self):
        """X02 its database is down; it refuses us; it is another kind of server"""
        self.answer(b"no", status=500, kind="text/plain")
        self.assertIn("500", self.check(3, "unreachable", "could-not-ask").json["message"])
        self.answer(b"no", status=403, kind="text/plain")
        self.check(6, "denied", "access-refused")
        self.answer(b"<html/>", kind="text/html")
        self.check(3, "unreachable", "could-not-ask")
        self.mp.behave = lambda handler: (handler.send_response(302), handler.send_header("Location", "http://127.0.0.1:1/"),
                                          handler.end_headers())
        self.check(3, "unreachable", "could-not-ask")

    def test_broken_replies(self):
        """X02 replies that are no replies: an error that names the place, never a crash or an answer"""
        whole = envelope(reply([("http://dp1/pkg/", "LOCAL")]))
        for octets in (b"", whole[:len(whole) // 2], whole.replace(BOUNDARY.encode(), b"other"), b"\0" * 5000, whole[:-30] + b"\xff" * 30,
                       envelope("<a>"), envelope("<Other/>"), envelope(reply([("http://dp1/", "NOWHERE")])),
                       envelope(reply([("http://dp1/" + "x" * 2000, "LOCAL")])), envelope("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>"
                                                                                         "<ContentLocationReply>&b;</ContentLocationReply>"),
                       envelope(reply([("http://dp1/pkg/", "LOCAL")]), correlation="{of another message}")):
            self.answer(octets)
            self.check(3, "unreachable", "could-not-ask")

    def test_a_reply_without_end_is_cut(self):
        """X02 more than a megabyte is not read"""
        def flood(handler):
            handler.send_response(200)
            handler.send_header("Content-Type", "multipart/mixed; boundary=x")
            handler.end_headers()
            try:
                for _ in range(1000):
                    handler.wfile.write(b"x" * 65536)
            except OSError:
                pass
        self.mp.behave = flood
        self.assertIn("larger than", self.check(3, "unreachable", "could-not-ask").json["message"])

    def test_explain_shows_the_question_to_the_management_point(self):
        """X01 the step of the management point: its URL, the rule of the random choice"""
        self.answer(envelope(reply([("http://dp1/pkg/", "LOCAL")])))
        told = harness.run([harness.program("locator"), "explain", "dp", "--site", "PS1", "--package", "PS100001", "--source", self.registry.uri,
                            "--mp-port", str(self.mp.server_port), "--json"])
        last = told.json["steps"][-1]
        self.assertEqual((last["source"], last["result"], last["verdict"], last["rule"]),
                         ("http://%s:%d/ccm_system/request" % (ADDRESS, self.mp.server_port), "answer", "accepted", "J1 S1.16"), str(told))


harness.main()
