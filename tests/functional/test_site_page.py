"""Every exchange over HTTP that docs/site.md shows, typed in as it stands; and what somebody unknown gets on every route."""

import glob
import os
import re
import shlex
import time

import certs
import clients
import harness
import lab

ADDRESS = "127.0.0.22"
# Sections of the page whose exchanges other tests type in.
ELSEWHERE = {"Policy assignments and bodies": "test_site_policy.py", "What clients report": "test_reports.py",
             "From the management point to the site server": "test_reports.py", "From site server to site server": "test_hierarchy.py"}
QUESTION = ('<ContentLocationRequest SchemaVersion="1.0"><Package ID="%s" Version="%s"/><AssignedSite SiteCode="%s"/><ClientLocationInfo><ADSite Name="%s"/>'
            '<IPAddresses><IPAddress SubnetAddress="%s" Address="%s"/></IPAddresses></ClientLocationInfo></ContentLocationRequest>')


class SiteCase(harness.Case):
    """The site of the page; curl meets it at every name and address."""

    def setUp(self):
        super().setUp()
        harness.tool("curl", "curl")
        ours = certs.Authority(self.path("certs"))
        server, client = ours.issue("server", ["DNS:mp1.example.org"]), ours.issue("client", ["DNS:pc1.example.org"])
        for source, name in ((ours.ca_file, "ca.pem"), (client[0], "client.pem"), (client[1], "client.key")):
            os.symlink(source, self.path(name))
        port, tls, metrics = harness.free_port([ADDRESS]), harness.free_port([ADDRESS]), harness.free_port()
        self.where = (ADDRESS, port)
        self.site = lab.Site(self, code="LAB", http=["%s:%d" % self.where], roles="server,mp,dp,slp", more=[
            "--https", "%s:%d" % (ADDRESS, tls), "--tls-cert", server[0], "--tls-key", server[1], "--client-ca", ours.ca_file,
            "--metrics", "127.0.0.1:%d" % metrics])
        self.write(".curlrc", "silent\n" + "".join('connect-to = ":%d:%s:%d"\n' % row for row in (
            (80, ADDRESS, port), (443, ADDRESS, tls), (9138, "127.0.0.1", metrics))))
        for words in (["mp", "add", "mp1.example.org", "--address", "192.0.2.10"], ["mp", "designate", "mp1.example.org"], ["dp", "add", "dp1.example.org"],
                      ["cap", "add", "cap1.example.org"], ["boundary", "add", "subnet", "10.1.2.0/24"]):
            self.site.ctl_ok(*words)

    def bash(self, script, **more):
        head = 'export CURL_HOME="%s"; sitectl() { "%s" --control "%s" "$@"; }\n' % (self.folder, harness.program("sitectl"), self.site.control)
        return self.run_ok(["bash", "-c", head + script], cwd=self.folder, **more).out


def sections(text):
    """(title, its shown lines) of each part of a page; None stands for the prose between two blocks."""
    for part in re.split(r"(?m)^##+ ", text)[1:]:
        title, _, rest = part.partition("\n")
        yield title, [line[4:] if line.startswith("    ") else None for line in rest.splitlines() if line]


def exchanges(lines):
    """(command, what it says) of each command in the shown lines."""
    found = []
    is_said = False
    for line in lines:
        if line is None:
            is_said = False
        elif line.startswith("$ "):
            found.append([line[2:], []])
            is_said = True
        elif is_said and line.startswith("> "):
            found[-1][0] += "\n" + line[2:]
        elif is_said:
            found[-1][1].append(line)
    return found


def source(*patterns):
    """The texts of the files of the source that have these names."""
    for pattern in patterns:
        for path in glob.glob(os.path.join(harness.SRCDIR, pattern), recursive=True):
            with open(path, encoding="utf-8") as file:
                yield file.read()


def routes():
    """Method and path of every row of every table of routes in the source."""
    found, defined = set(), {}
    for text in source("site/**/*.[ch]", "locator/net/ccm.h"):
        defined.update(re.findall(r'#define (\w+_(?:PATH|METHOD)) "([^"]+)"', text))
        for table in re.findall(r"const struct web_route \w+\[\] = \{(.*?)\n\};", text, re.S):
            found.update(re.findall(r'\{("?\w+"?), ((?:"[^"]*"|\w+)(?: "[^"]*")?),', table))

    def plain(words):
        return "".join(defined.get(word, word.strip('"')) for word in words.split())
    return {(plain(method), plain(path)) for method, path in found}


class Page(SiteCase):

    @staticmethod
    def pattern(line):
        """What is shown, with anything for "...", and any hexadecimal number where one in capitals begins."""
        text = re.escape(line)
        return re.sub(r"(3059|\b[0-9A-F]{12,})(\\\.){3}", "[0-9A-F]+", text).replace(r"\.\.\.", ".*")

    def test_every_exchange(self):
        """issue 5: each `$ curl` of docs/site.md is typed in by a test, and says what the page shows"""
        os.makedirs(self.path("source/sub dir"))
        self.write("source/empty", "")
        self.write("source/sub dir/setup.exe", "foo")
        with open(os.path.join(harness.SRCDIR, "docs/site.md"), encoding="utf-8") as page:
            text = page.read()
        typed, shell = [], ""
        for title, lines in sections(text):
            shown = exchanges(lines)
            if title in ELSEWHERE:
                with open(os.path.join(os.path.dirname(__file__), ELSEWHERE[title]), encoding="utf-8") as other:
                    self.assertIn("docs/site.md", other.read().replace('docs", "site.md', "docs/site.md"))
                shell += "".join(command + "\n" for command, _ in shown if command.startswith("message()"))
                typed += [command for command, _ in shown if command.startswith("curl")]
        for title, lines in sections(text):
            if title in ELSEWHERE or not any("curl" in command for command, _ in exchanges(lines)):
                continue
            if title == "Where content is":
                question = "\n".join(line for line in lines if line and line.lstrip().startswith("<"))
                self.bash(shell + "message MP_LocationManager '%s' > message" % question)
            for command, said in exchanges(lines):
                with self.subTest(command):
                    out = self.bash(command.replace("curl -i", "curl -i --http1.1")).replace("\r\n", "\n")
                    typed += [command] if command.startswith("curl") else []
                    if title == "Where content is":
                        self.assertIn('<Site><MPSite SiteCode="LAB" MasterSiteCode="LAB" SiteLocality="LOCAL"', out.replace("\0", ""))
                    for line in filter(None, said):
                        self.assertRegex(out, self.pattern(line))
                    self.assertTrue(out or "-O" in command, "nothing was said")
        self.assertEqual(len(typed), len(re.findall(r"(?m)^ +(?:\$ )?curl", text)))
        self.every_route_is_shown("\n".join(command for _, lines in sections(text) for command, _ in exchanges(lines)))
        with open(self.path("setup.exe"), encoding="utf-8") as fetched:
            self.assertEqual(fetched.read(), "foo")


    def every_route_is_shown(self, commands):
        """Whatever the roles answer, by the tables of the source, is in a command of the page; what `send` is said has the name of its endpoint."""
        for _, path in routes() - {("GET", "/SMS_MP/.sms_pol")}:    # its command has the id that the answer before it gave
            self.assertIn(path.rstrip("*").lower(), commands.lower())
        words = [word for text in source("site/mp/mp.c") for word in re.findall(r'\{"(\w+)", on_\w+\}', text)]
        endpoints = [name for text in source("site/mp/private.h") for name in re.findall(r'X\("(MP_\w+)", mp_on', text)]
        self.assertTrue(len(words) > 5 and len(endpoints) > 5, (words, endpoints))
        for name in ["?" + word for word in words if word != "MPCERT1"] + ["/slp.dll?site&sc", "/slp.dll?site&ip", "/metrics", "send MP_LocationManager"]:
            self.assertIn(name, commands)
        for name in set(endpoints) - {"MP_PolicyManager"}:    # whose message is typed in by test_site_policy.py
            self.assertIn("send %s " % name, commands)


class Strangers(SiteCase):
    """Issue 5 item 6: unknown clients get nothing but location."""

    def setUp(self):
        super().setUp()
        self.write("f", "secret octets")
        os.mkdir(self.path("d"))
        os.rename(self.path("f"), self.path("d", "f"))
        self.site.ctl_ok("package", "add", "LAB00001", "--version", "3", "--on", "dp1.example.org", "--dir", self.path("d"))
        self.site.ctl_ok("boundary", "add", "ad-site", "Quartier")
        pc = clients.Client(self.where, 1)
        self.assertEqual(pc.register()[0], 200)
        harness.wait_until(lambda: pc.ask_policy()[0] == 200, "a client that is known")
        self.policies = re.findall(r"sms_pol\?(\{.*?_00)", pc.ask_policy()[1])

    def ask(self, *words):
        """Status and text of an answer to curl."""
        out = self.bash("curl -g -w '\\n%{http_code}' " + " ".join(map(shlex.quote, words)))
        body, _, status = out.rpartition("\n")
        return int(status), body

    def test_every_route(self):
        """issue 5 item 6: on every route somebody unknown gets locations and public keys, and nothing of policies, clients, reports or sites"""
        host, stranger = "http://mp1.example.org", clients.Client(self.where, 9)
        batch = self.write("batch", "sitelocator reports 1 LAB\nstatus %s %s 1 - 4\n<a/>\n" % (stranger.smsid, clients.new_id()))
        told = self.write("told", "sitelocator site 1\n<SiteDescription Made='9'><Site Code='XXX' Kind='primary' Parent='' Domain='x' Forest='x' "
                                  "Server='x'/></SiteDescription>")
        asked = self.write("asked", "sitelocator packages-wanted 1\n<PackagesWanted Site='XXX' Of='LAB' Made='%d' Nonce='00' Since='0' After='0'/>" % time.time())
        rows = {("GET", "/SMS_MP/.sms_aut"): [("?MPLIST", 200), ("?MPLIST1&LAB", 200), ("?MPLIST1&XXX", 404), ("?MPCERT", 200), ("?MPKEYINFORMATION", 200),
                                              ("?SITESIGNCERT", 200), ("?MPKEYINFORMATIONMEDIA", 404), ("?SMSTRC", 404), ("", 404), ("?" + "a" * 900, 400)],
                ("GET", "/SMS_MP/.sms_pol"): [("?{00000000-0000-0000-0000-000000000000}.1_00", 404), ("?{*}.1_00", 400), ("", 400), ("?../../site.db", 400)],
                ("GET", "/SMS_DP_SMSPKG$/*"): [("LAB00001.3/../../../etc/passwd", 404), ("LAB00001.3/%2e%2e/f", 404), ("", 404), ("LAB00001.4/f", 404)],
                ("GET", "/sms_site/files/*"): [("", 400), ("0" * 64 + "?0", 404), ("0" * 64 + "?-1", 400), ("..%2fsite.db?0", 400)],
                ("GET", "/sms_site/content/*"): [("", 404), ("0" * 64, 404), ("..%2fsite.db", 404)],
                ("POST", "/sms_site/intake"): [(["--data-binary", "@" + batch], 403), (["-H", "Sitelocator-Signature: 1 00", "--data-binary", "@" + batch], 403)],
                ("POST", "/sms_site/site"): [(["--data-binary", "@" + told], 403), (["-H", "Sitelocator-Signature: 1 00", "--data-binary", "@" + told], 403)],
                ("POST", "/sms_site/packages"): [(["--data-binary", "@" + asked], 403), (["-H", "Sitelocator-Signature: 1 00", "--data-binary", "@" + asked], 403)]}
        self.assertEqual(routes() ^ set(rows), {("CCM_POST", "/ccm_system/request")}, "routes that nobody attacks; messages are test_messages' affair")
        secrets = [self.policies[0], "GUID:00000000-0000-4000-8000-000000000001", "PC1", "secret octets", "10.1.2.0", "Quartier", "root:"]
        for (method, path), questions in rows.items():
            for question, code in questions:
                path = path.rstrip("*")
                words = [host + path + question, "--path-as-is"] if isinstance(question, str) else question + [host + path]
                with self.subTest("%s %s" % (method, words[-1 if isinstance(question, list) else 0])):
                    status, body = self.ask(*words)
                    self.assertEqual((status, [word for word in secrets if word in body]), (code, []), body)
            for other in ("PUT", "DELETE", "OPTIONS", "PROPFIND"):
                self.assertEqual(self.ask("-X", other, host + path)[0], 405)

    def test_a_known_client_over_tls(self):
        """S1.10 over TLS the location of a policy says https, and its body is had there with a client certificate, and not without"""
        pc = clients.Client(self.where, 1)
        tls = ["--cacert", "ca.pem", "--cert", "client.pem", "--key", "client.key"]

        def send(endpoint, xml):
            with open(self.path("message"), "wb") as out:
                out.write(pc.envelope(endpoint, xml))
            return self.ask(*tls, "-X", "CCM_POST", "-H", "Content-Type: multipart/mixed; boundary=aAbBcC", "--data-binary", "@message",
                            "https://mp1.example.org/ccm_system/request")
        pc.send = send
        status, answer = pc.ask_policy()
        [first, *_] = re.findall(r"(https?)://&lt;mp&gt;(/SMS_MP/\.sms_pol\?\{.*?_00)", answer.replace("\0", ""))
        self.assertEqual((status, first[0]), (200, "https"))
        status, body = self.ask(*tls, "https://mp1.example.org" + first[1])
        self.assertEqual((status, body[:8]), (200, "<Policy "))
        self.assertEqual(self.ask("--cacert", "ca.pem", "https://mp1.example.org" + first[1])[0], 403)

    def test_messages(self):
        """S1.10 S1.17 a stranger's policy request and reports are 403, location is answered; hostile text in every field harms nothing"""
        stranger = clients.Client(self.where, 9)
        for answer in (stranger.ask_policy(), stranger.status(), stranger.meter(), stranger.discover(), stranger.report([])):
            self.assertEqual(answer[0], 403, answer)
        self.assertEqual(stranger.send("MP_Nothing", "<a/>")[0], 404)
        self.assertEqual(stranger.send("MP_LocationManager", QUESTION % ("LAB00001", "3", "LAB", "", "10.1.2.0", "10.1.2.7"))[0], 200)
        before = self.site.ctl_ok("client", "list", "--json").answer
        for hostile in ("x' OR '1'='1", "'; DROP TABLE client; --", "%' --", "\\", "?1", "NULL", "[a-z]*", "ÄÖ\U0001f512", "a" * 63):
            text = hostile.replace("'", "&apos;")
            for fields in ((text, "3", "LAB", "", "10.1.2.0", "10.1.2.7"), ("LAB00001", "3", "LAB", text, "", ""), ("LAB00001", "0", "LAB", "", text, text)):
                status, answer = stranger.send("MP_LocationManager", QUESTION % fields)
                self.assertIn(status, (200, 400), answer)
                self.assertFalse(fields[0] == text and "SMS_DP" in answer, answer)
            stranger.smsid = text
            self.assertIn(stranger.ask_policy()[0], (400, 403))
            self.assertEqual(stranger.status()[0], 400)
            stranger = clients.Client(self.where, 9)
            self.assertIn(stranger.ask_policy(text)[0], (400, 404), text)
            self.assertNotIn(self.ask("http://slp1.example.org/SMS_SLP/slp.dll?site&sc=" + "".join("%%%02X" % c for c in hostile.encode()))[0], (500, 0))
        self.assertEqual(self.site.ctl_ok("client", "list", "--json").answer, before)
        self.assertEqual(self.run_ok([harness.program("sitectl"), "--db", self.site.db, "db", "check", "--json"]).answer, [])


harness.main()
