"""What clients send up: through the management point's endpoints and its outbox into the site database (S1.01, S1.17, S1.18, S2.06)."""

import os
import random
import shutil
import threading
import time
import urllib.request

import clients
import harness
import lab

ADDRESS = "127.0.0.11"
SEED = int(os.environ.get("SL_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
KILLS = int(os.environ.get("SL_KILLS", "6"))


class ReportCase(harness.Case):
    """A site whose server and management point are processes of their own, so that either may be away."""

    OUTBOX = []

    def setUp(self):
        super().setUp()
        self.server_port, self.port = harness.free_port([ADDRESS]), harness.free_port(["127.0.0.12"])
        self.site = lab.Site(self, http=["%s:%d" % (ADDRESS, self.server_port)], roles="server")
        self.mp_control = self.path("mp.sock")
        self.mp = self.start_mp()
        self.site.ctl_ok("mp", "add", "mp1.example.org", "--address", "127.0.0.12", "--port", str(self.port))
        self.site.ctl_ok("mp", "designate", "mp1.example.org")

    def start_mp(self):
        return self.site.start_host("mp", ["127.0.0.12:%d" % self.port], [], self.mp_control,
                                    more=["--intake", "http://%s:%d" % (ADDRESS, self.server_port), *self.OUTBOX])

    def client(self, number=1, signer=None):
        return clients.Client(("127.0.0.12", self.port), number, signer)

    def rows(self, *words):
        return self.site.ctl_ok(*words, "--json").answer

    def mp_status(self):
        return self.run_ok([harness.program("sitectl"), "--control", self.mp_control, "status", "--json"]).answer

    def show(self, client, code=0):
        said = self.site.ctl_ok("client", "show", client.smsid, "--json", code=code)
        return said.answer if code == 0 else None

    def drained(self, what="the outbox to drain"):
        harness.wait_until(lambda: self.mp_status()["outbox_waiting"] == 0, what)

    def registered(self, number=1, signer=None):
        one = self.client(number, signer)
        self.assertEqual(one.register()[0], 200)
        self.drained()
        return one


class Upward(ReportCase):

    def test_S1_17_S1_18_S2_06_every_kind_arrives_and_is_counted(self):
        """S1.01 S1.17 S1.18 S2.06 registration, discovery, inventory, metering, status: from the client to the site database"""
        pc = self.registered()
        disks = [clients.instance("Win32_LogicalDisk", DeviceID=d, Size=str(n)) for n, d in enumerate("CDE")]
        for answer in (pc.discover(), pc.report(disks), pc.meter(), pc.status(), pc.status(2)):
            self.assertEqual(answer[0], 200, answer)
        self.drained()
        shown = self.show(pc)
        self.assertEqual([shown[k] for k in ("name", "discovery", "inventory", "metering", "status", "instances")], ["PC1", 1, 1, 1, 2, 4])
        self.assertTrue(shown["discovered"] and shown["inventoried"] and shown["seen"] >= shown["registered"])
        self.assertEqual([r["kind"] for r in self.rows("report", "list")], ["status", "status", "metering", "inventory", "discovery"])
        self.assertEqual([r["client"] for r in self.rows("client", "list")], [pc.smsid])
        status = self.site.ctl_ok("status", "--json").answer
        self.assertEqual([status["intake_" + k] for k in ("stored", "duplicate", "refused")], [6, 0, 0])
        self.assertEqual([self.mp_status()["outbox_" + k] for k in ("accepted", "forwarded", "refused", "octets")], [6, 6, 0, 0])

    def test_S1_17_inventory_full_replaces_and_delta_changes(self):
        """S1.17 a delta adds, changes and deletes instances, a full report says all there is"""
        pc = self.registered()
        disk = lambda name, content="New": clients.instance("Win32_LogicalDisk", content, DeviceID=name, Size="1")
        steps = [("Full", [disk("C:"), disk("D:"), clients.instance("Win32_OS", Caption="X")], 3),
                 ("Delta", [disk("D:", "Delete"), disk("E:", "Update"), disk("C:", "Update")], 3),
                 ("Delta", [disk("F:")], 4), ("Full", [disk("C:")], 1)]
        for kind, instances, count in steps:
            self.assertEqual(pc.report(instances, kind)[0], 200)
            self.drained()
            self.assertEqual(self.show(pc)["instances"], count)
        self.assertEqual([r["type"] for r in self.rows("report", "list")], ["full", "delta", "delta", "full"])

    def test_filters_of_the_list(self):
        """report list by client, kind, time and number; the newest first"""
        first, second = self.registered(1), self.registered(2)
        for n in range(70):
            self.assertEqual((first if n % 2 else second).status(n)[0], 200)
        first.meter()
        self.drained()
        self.assertEqual(len(self.rows("report", "list")), 71)
        self.assertEqual(len(self.rows("report", "list", "--client", first.smsid.lower())), 36)
        self.assertEqual(len(self.rows("report", "list", "--kind", "status", "--limit", "66")), 66)
        self.assertEqual([r["kind"] for r in self.rows("report", "list", "--limit", "1")], ["metering"])
        self.assertEqual(len(self.rows("report", "list", "--since", "1h")), 71)
        time.sleep(1.1)
        self.assertEqual(self.rows("report", "list", "--since", "0s"), [])
        self.site.ctl_ok("report", "list", "--kind", "registration", code=2)
        for verb in ("list", "count"):
            self.site.ctl_ok("report", verb, "--client", "PC1", code=2)      # a name is no id: not "nothing was reported"

    def test_unknown_clients_are_refused(self):
        """Issue 5 item 6: who is not registered gets a clear refusal; a removed client too, until it registers again"""
        stranger = self.client(9)
        for answer in (stranger.discover(), stranger.report([]), stranger.meter(), stranger.status()):
            self.assertEqual(answer[0], 403, answer)
            self.assertIn("not registered", answer[1])
        pc = self.registered()
        self.assertEqual(pc.status()[0], 200)
        self.drained()
        self.assertEqual(self.rows("client", "remove", pc.smsid)["change"], "removed")
        self.assertEqual(self.rows("client", "remove", pc.smsid)["change"], "unchanged")
        self.show(pc, code=1)
        self.assertEqual(pc.status()[0], 403)
        self.assertEqual(pc.register()[0], 200)
        self.assertEqual(pc.status()[0], 200)

    def test_a_key_once_registered_is_demanded(self):
        """S1.17 a client that registered with a key is only believed with its signature"""
        signer, other = clients.Signer(self), clients.Signer(self)
        pc = self.registered(1, signer)
        self.assertEqual(self.show(pc)["key"], signer.key)
        self.assertEqual(pc.status()[0], 200)
        for wrong in (self.client(1), self.client(1, other)):
            self.assertEqual(wrong.status()[0], 403)
            self.assertEqual(wrong.register()[0], 403)
        self.drained()
        self.assertEqual(self.show(pc)["status"], 1)

    def register_signed(self, pc, signer, by=None, tail=b"", change=("", ""), certificate=None, comment=""):
        """A registration that is signed itself, as facts sms.md 10 have it, in an envelope that is not."""
        data = '<Data HashAlgorithm="1.2.840.113549.1.1.11" SMSID="%s" RequestType="Registration" TimeStamp="2026-11-22T10:00:00Z"><AgentInformation ' \
            'AgentIdentity="x" AgentVersion="5.00"/><Certificates><Signing Encoding="HexBinary" KeyType="1">%s</Signing></Certificates><DiscoveryProperties>' \
            '<Property Name="Netbios Name" Value="Bärchen"/></DiscoveryProperties></Data>' % (pc.smsid, signer.certificate() if certificate is None else certificate)
        signature = (by or signer).sign(data.encode("utf-16-le") + tail)
        return pc.send("MP_ClientRegistration", "<ClientRegistrationRequest>%s%s<Signature><SignatureValue>%s</SignatureValue></Signature>"
                       "</ClientRegistrationRequest>" % (comment, data.replace(*change) if change[0] else data, signature))

    def test_the_signature_inside_a_registration_is_checked(self):
        """S1.17 issue 5 item 6: Signature over Data by its certificate's key binds the client to that key; a wrong one is refused"""
        signer, other = clients.Signer(self), clients.Signer(self)
        pc, second = self.client(1), self.client(2)
        for more, code, word in (({"change": ("Bärchen", "Wolf")}, 403, "SignatureValue"), ({"by": other}, 403, "SignatureValue"),
                                 ({"certificate": "00"}, 400, "Signing"), ({"certificate": ""}, 400, "Signing"), ({"certificate": "xy"}, 400, "Signing"),
                                 ({"comment": "<!-- <Data/> -->"}, 400, "more than one Data"), ({"change": ("</Data>", "</Data><Data/>")}, 400, "more than one Data"),
                                 ({"tail": b"\0\0\0\0"}, 403, "SignatureValue")):
            status, text = self.register_signed(pc, signer, **more)
            self.assertEqual((status, word in text), (code, True), text)
        read = ('<x:Data xmlns:x="u" SMSID="%s"><Certificates><Signing>%s</Signing></Certificates><DiscoveryProperties>'
                '<Property Name="NetBIOS Name" Value="Wolf"/></DiscoveryProperties></x:Data>' % (pc.smsid, signer.certificate()))
        status, text = self.register_signed(pc, signer, comment=read)       # instead of the one that is signed
        self.assertEqual((status, "more than one Data" in text), (400, True), text)
        pc.signer = other
        self.assertEqual(self.register_signed(pc, signer)[0], 403, "another key in the envelope")
        pc.signer = None
        self.assertEqual(self.register_signed(pc, signer)[0], 200)
        self.assertEqual(self.register_signed(second, other, tail=b"\0\0")[0], 200)
        self.drained()
        self.assertEqual([(self.show(one)["key"], self.show(one)["name"]) for one in (pc, second)], [(signer.key, "Bärchen"), (other.key, "Bärchen")])
        self.assertEqual(pc.status()[0], 403)
        pc.signer = signer
        self.assertEqual([pc.status()[0], self.register_signed(pc, signer)[0]], [200, 200])

    def test_S1_17_what_reports_say_of_themselves_is_counted(self):
        """S1.17 ReportContent, Date, versions, or the name of the outermost element, are columns: listed, filtered and counted"""
        pc, second = self.registered(1), self.registered(2)
        usage = '<Report><ReportHeader><Identification><Machine><ClientVersion>4.00.6487.2000</ClientVersion></Machine></Identification><ReportDetails>' \
            '<ReportContent>Usage %s</ReportContent><Date>20261122</Date><Version>2.0</Version></ReportDetails></ReportHeader></Report>'
        for answer in (pc.meter(), pc.meter(), second.meter(), pc.status(), pc.send("MP_RelayEndpoint", usage % "&amp; more"),
                       pc.send("MP_RelayEndpoint", usage % ("x" * 99)), pc.report([clients.instance("Win32_OS", Caption="X")])):
            self.assertEqual(answer[0], 200, answer)
        self.drained()
        self.assertEqual([(r["kind"], r["content"], r["reports"], r["clients"]) for r in self.rows("report", "count")],
                         [("inventory", "Inventory Data", 1, 1), ("metering", "", 1, 1), ("metering", "MeteringReport", 3, 2),
                          ("metering", "Usage & more", 1, 1), ("status", "StatusMessage", 1, 1)])
        self.assertEqual([(r["content"], r["reports"]) for r in self.rows("report", "count", "--client", second.smsid)], [("MeteringReport", 1)])
        self.assertEqual(self.rows("report", "count", "--since", "1h", "--kind", "status")[0]["octets"] > 0, True)
        self.assertEqual([(r["content"], r["dated"]) for r in self.rows("report", "list", "--content", "Usage & more")], [("Usage & more", "20261122")])
        self.site.ctl_ok("report", "count", "--kind", "king", code=2)

    def test_bad_reports_are_told_where(self):
        """a report that cannot be read, of another client, or at the wrong endpoint is 400 and not kept"""
        pc = self.registered()
        rows = [(pc.send("MP_HinvEndpoint", "<Report>"), "line"), (pc.send("MP_HinvEndpoint", "<Raport/>"), "Raport"),
                (pc.report([], client="GUID:00000000-0000-4000-8000-00000000FFFF"), "ClientID"), (pc.report([], kind=""), "ReportType"),
                (pc.send("MP_DdrEndpoint", "<Report/>"), "Machine"), (pc.status(message="no-id"), "Msg/ID"),
                (pc.report(["<Instance/>"]), "Instance"), (pc.register(smsid="nonsense"), "SMSID")]
        for (status, text), word in rows:
            self.assertEqual(status, 400, text)
            self.assertIn(word, text)
        pc.smsid = "somebody"
        self.assertEqual(pc.status()[0], 400)
        self.assertEqual(self.mp_status()["outbox_accepted"], 1)

    def test_an_id_is_given_to_who_has_none(self):
        """a registration without SMSID gets one, and is known by it"""
        pc = self.client()
        pc.smsid = ""
        status, answer = pc.register()
        self.assertEqual(status, 200)
        pc.smsid = answer.partition('SMSID="')[2].partition('"')[0]
        self.assertRegex(pc.smsid, "^GUID:[0-9A-F-]{36}$")
        self.assertEqual(pc.status()[0], 200)

    def test_S1_26_no_default_mp_nothing_is_taken(self):
        """S1.26 without a default management point reports are refused, so that queues fill at the client"""
        pc = self.registered()
        self.site.ctl_ok("mp", "designate", "--none")
        for answer in (pc.status(), pc.report([]), self.client(2).register()):
            self.assertEqual(answer[0], 503, answer)
            self.assertIn("no default management point", answer[1])
        self.site.ctl_ok("mp", "designate", "mp1.example.org")
        self.assertEqual(pc.status()[0], 200)

    def test_S2_14_nobody_is_known_while_the_database_is_away(self):
        """S2.14 the management point cannot tell who is registered: 500, nothing is kept; by itself again when it is back"""
        if lab.SITE_SERVER:
            return                                      # test_postgres.py stops the server itself
        pc = self.registered()
        os.rename(self.site.db, self.site.db + ".away")
        self.assertEqual([answer[0] for answer in (pc.status(), self.client(2).register())], [500, 500])
        os.rename(self.site.db + ".away", self.site.db)
        self.assertEqual(pc.status()[0], 200)
        self.drained()
        self.assertEqual(self.show(pc)["status"], 1)

    def test_only_management_points_hand_over(self):
        """the intake takes nothing that no management point of the site has signed"""
        batch = b"sitelocator reports 1 PS1\nstatus GUID:00000000-0000-4000-8000-000000000001 " + clients.new_id().encode() + b" 1 - 4\n<a/>\n"
        url = "http://%s:%d/sms_site/intake" % (ADDRESS, self.server_port)
        for signature, octets, code in (("", batch, 403), ("1 00", batch, 403), ("1 00", b"nonsense", 400),
                                            ("1 00", batch.replace(b"PS1", b"XYZ"), 403)):
            with open(self.path("batch"), "wb") as out:
                out.write(octets)
            said = self.run_ok([harness.tool("curl", "curl"), "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                                "Sitelocator-Signature: " + signature, "--data-binary", "@" + self.path("batch"), url])
            self.assertEqual(int(said.out), code)


    def test_what_is_refused_is_logged_in_bounds(self):
        """issue 5 item 5: a batch of reports of unknown clients, and batches that nobody signed, are a line a second, with the number left out"""
        batch = "sitelocator reports 1 PS1\n" + "".join("status GUID:00000000-0000-4000-8000-%012X %s 1 - 4\n<a/>\n" % (n, clients.new_id()) for n in range(300))
        self.write("batch", batch)
        key = (self.site.state[1] + "/site" if self.site.state else self.site.db) + "-mp.key"
        send = 'curl -s %s --data-binary @batch http://%s:%d/sms_site/intake'
        signed = '-H "Sitelocator-Signature: 1 $(openssl dgst -sha256 -sign %s batch | od -An -v -tx1 | tr -d \' \\n\')"' % key
        start = time.monotonic()
        said = self.run_ok(["bash", "-c", send % (signed, ADDRESS, self.server_port)], cwd=self.folder).out
        self.assertEqual(said, "stored 0 duplicate 0 refused 300\n")
        self.run_ok(["bash", "-c", "for n in $(seq 30); do %s; done" % (send % ("", ADDRESS, self.server_port))], cwd=self.folder)
        seconds, log = time.monotonic() - start, self.site.process.log()
        for event in ("report-refused", "intake-failed"):
            self.assertTrue(1 <= log.count(event + " ") <= seconds + 2, log[-3000:])
        self.assertRegex(log, r"report-refused client=GUID:\S+ kind=status .* left-out=\d+")


class Page(harness.Case):

    def test_the_exchanges_of_the_page(self):
        """docs/site.md: what it says about reports, typed in as it stands, gives what it shows"""
        port = harness.free_port([ADDRESS])
        site = lab.Site(self, code="LAB", http=["%s:%d" % (ADDRESS, port)])
        site.ctl_ok("mp", "add", "mp1.example.org", "--address", ADDRESS, "--port", str(port))
        site.ctl_ok("mp", "designate", "mp1.example.org")
        with open(os.path.join(harness.SRCDIR, "docs/site.md"), encoding="utf-8") as page:
            text = page.read()
        text = text[text.index("### What clients report"):text.index("### From site server to site server")]
        lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
        script = "\n".join(line[2:] for line in lines if line[:2] in ("$ ", "> ") and not line.startswith("$ sitectl"))
        said = [line for line in lines if line[:2] not in ("$ ", "> ")]
        state = site.state[1] + "/site" if site.state else site.db
        script = script.replace("http://192.0.2.10", "http://%s:%d" % (ADDRESS, port)).replace("site.db-mp.key", state + "-mp.key")
        first, last = script[:script.index("printf 'sitelocator")], script[script.index("printf 'sitelocator"):]
        shown = self.run_ok(["bash", "-c", first], cwd=self.folder).out.splitlines()
        harness.wait_until(lambda: site.ctl_ok("status", "--json").answer["outbox_waiting"] == 0, "the outbox to drain")
        shown += self.run_ok(["bash", "-c", last], cwd=self.folder).out.splitlines()
        self.assertEqual(shown, said)
        client = site.ctl_ok("client", "show", "GUID:11111111-2222-3333-4444-555555555555", "--json").answer
        self.assertEqual((client["name"], client["inventory"], client["status"], client["discovery"], client["metering"], client["instances"]),
                         ("PC1", 1, 2, 1, 1, 2))


class Away(ReportCase):

    def test_S2_13_what_comes_while_the_site_server_is_off_drains_on_its_return(self):
        """S2.13 S1.18 the management point keeps what clients send until the site server is back; their order stays"""
        pc, second = self.registered(1), self.registered(2)
        self.site.process.stop()
        for n in range(30):
            for one in (pc, second):
                self.assertEqual(one.report([clients.instance("Step", Number=str(n))], "Full")[0], 200)
        self.assertEqual(self.mp_status()["outbox_waiting"], 60)
        third = self.client(3)                          # nobody has heard of it, but its registration waits before it
        self.assertEqual((third.status()[0], third.register()[0], third.status()[0]), (403, 200, 200))
        self.mp.kill()                                  # and the management point crashes meanwhile
        self.mp = self.start_mp()
        self.assertEqual(self.mp_status()["outbox_waiting"], 62)
        self.site.start()
        self.drained()
        for one, count in ((pc, 30), (second, 30)):
            self.assertEqual((self.show(one)["inventory"], self.show(one)["instances"]), (count, 1))
        self.assertEqual(self.show(third)["status"], 1)
        sent = self.rows("report", "list", "--client", pc.smsid)
        self.assertEqual(len({r["message"] for r in sent}), 30)

    def test_S1_18_killed_at_any_moment_nothing_is_lost_or_doubled(self):
        """S1.18 both ends are killed under load: each acknowledged report arrives, once, those of a client in their order"""
        print("SL_SEED=%d SL_KILLS=%d" % (SEED, KILLS))
        moments = random.Random(SEED)
        pcs = [self.registered(n) for n in range(1, 4)]
        acknowledged = {pc.smsid: [] for pc in pcs}
        ended = threading.Event()

        def run(pc):
            while not ended.is_set():
                message = clients.new_id()              # the same one again until somebody has taken it
                while pc.status(message=message)[0] != 200 and not ended.is_set():
                    time.sleep(0.02)
                if not ended.is_set():
                    acknowledged[pc.smsid].append(message)
        threads = [threading.Thread(target=run, args=(pc,)) for pc in pcs]
        for one in threads:
            one.start()
        for n in range(KILLS):
            time.sleep(moments.uniform(0.05, 0.6))
            if n % 2:
                self.site.process.kill()
                self.site.start()
            else:
                self.mp.kill()
                self.mp = self.start_mp()
        time.sleep(0.5)
        ended.set()
        for one in threads:
            one.join()
        self.drained()
        for pc in pcs:
            stored = [r["message"] for r in reversed(self.rows("report", "list", "--client", pc.smsid, "--limit", "1000000"))]
            self.assertGreater(len(acknowledged[pc.smsid]), KILLS)
            self.assertEqual(len(stored), len(set(stored)))
            self.assertEqual([m for m in stored if m in set(acknowledged[pc.smsid])], acknowledged[pc.smsid])
            self.assertLessEqual(len(stored), len(acknowledged[pc.smsid]) + 1)


class Proxy(ReportCase):
    """SEC lies below PS1; its management point, on a machine of its own, is the proxy of the clients of PS1 that are there."""

    def setUp(self):
        super().setUp()
        self.run_ok([harness.program("sitectl"), "--db", self.site.db, "init", "SEC", "--domain", "example.org", "--server", "s2.example.org",
                     *self.site.state])
        self.site.ctl_ok("site", "set", "SEC", "--kind", "secondary", "--parent", "PS1")
        self.proxy_port = harness.free_port(["127.0.0.13"])
        self.site.ctl_ok("mp", "add", "proxy.example.org", "--address", "127.0.0.13", "--port", str(self.proxy_port), "--site", "SEC")
        self.site.ctl_ok("mp", "designate", "proxy.example.org", "--site", "SEC")
        os.mkdir(self.path("proxy"))
        shutil.copy((self.site.state[1] + "/site" if self.site.state else self.site.db) + "-mp.key", self.path("proxy", "site-mp.key"))
        self.site.start_host("mp", ["127.0.0.13:%d" % self.proxy_port], [], self.path("proxy.sock"),
                             more=["--site", "SEC", "--state", self.path("proxy"), "--intake", "http://%s:%d" % (ADDRESS, self.server_port)])

    def client(self, number=1, signer=None):
        return clients.Client(("127.0.0.13", self.proxy_port), number, signer)

    def waiting(self):
        return self.run_ok([harness.program("sitectl"), "--control", self.path("proxy.sock"), "status", "--json"]).answer["outbox_waiting"]

    def test_S1_17_S1_18_a_proxy_hands_over_to_the_primary_site(self):
        """S1.17 S1.18 B8 registration and reports taken by the MP of a secondary site are those of the site above, by the proxy's own outbox"""
        pc = self.client()
        for answer in (pc.register(), pc.discover(), pc.report([clients.instance("Win32_OS", Caption="X")]), pc.meter(), pc.status()):
            self.assertEqual(answer[0], 200, answer)
        harness.wait_until(lambda: self.waiting() == 0, "the outbox of the proxy to drain")
        self.assertTrue(os.path.exists(self.path("proxy", "site-outbox")))
        self.assertEqual([r["client"] for r in self.rows("client", "list", "--site", "PS1")], [pc.smsid])
        self.assertEqual(self.rows("client", "list", "--site", "SEC"), [])
        self.assertEqual([r["kind"] for r in self.rows("report", "list", "--site", "PS1")], ["status", "metering", "inventory", "discovery"])
        for source in ("", "SEC", "PS1"):
            status, text = pc.ask_policy(source)
            self.assertEqual((status, "<PolicySource>SMS:PS1<" in text, "SiteSettings" in text), (200, True, True), text)
        self.site.ctl_ok("mp", "designate", "--none", "--site", "PS1")      # S1.26 is about their site, not the proxy's
        self.assertEqual([pc.status()[0], pc.ask_policy()[0]], [503, 503])

    def test_S2_13_S1_10_a_registration_that_waits_is_told_to_ask_again(self):
        """S2.13 S1.10 while the site server is off the proxy keeps all; policy is 503 with Retry-After, and served once the client is known"""
        self.site.process.stop()
        pc, stranger = self.client(), self.client(2)
        self.assertEqual([pc.ask_policy()[0], pc.register()[0], pc.status()[0]], [403, 200, 200])
        self.assertEqual(self.waiting(), 2)
        status, text = pc.ask_policy()
        self.assertEqual((status, "waits for the site server" in text, pc.headers["Retry-After"]), (503, True, "60"), text)
        self.assertEqual((stranger.ask_policy()[0], stranger.headers["Retry-After"]), (403, None))
        self.site.start()
        harness.wait_until(lambda: pc.ask_policy()[0] == 200, "policy for the client that is known now")
        self.assertEqual(stranger.ask_policy()[0], 403)


class Full(ReportCase):

    def setUp(self):
        self.page = "127.0.0.1:%d" % harness.free_port(["127.0.0.1"])
        self.OUTBOX = ["--outbox-reports", "5", "--metrics", self.page]
        super().setUp()

    def test_S1_18_a_full_outbox_refuses_and_counts(self):
        """S1.18 the outbox is bounded: 503 beyond, counted; there is room again after it has drained"""
        pc = self.registered()
        self.site.process.stop()
        self.assertEqual([pc.status(n)[0] for n in range(7)], [200] * 5 + [503] * 2)
        self.assertEqual((self.mp_status()["outbox_waiting"], self.mp_status()["outbox_refused"]), (5, 2))
        with urllib.request.urlopen("http://%s/metrics" % self.page, timeout=20) as got:
            page = got.read().decode().splitlines()
        for line in ("sited_outbox_waiting 5", 'sited_outbox_reports_total{result="refused"} 2', 'sited_outbox_reports_total{result="accepted"} 6'):
            self.assertIn(line, page)
        self.site.start()
        self.drained()
        self.assertEqual(pc.status()[0], 200)


harness.main()
