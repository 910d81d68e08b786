"""Random worlds against a model, and every combination of dead sources for every profile.

Thousands of lookups go through the public library (try-worlds), with real sources of every kind: dumps and live servers, right, lying,
stale, empty, unreadable, broken, dead, silent and slow ones, in random order. tests/lib/worlds.py says what must come out. A run prints
its seed; SL_SEED repeats it, SL_WORLDS sets the number.
"""

import itertools
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time

import harness
import lab
import nbns
import slp
import worlds

CASES = int(os.environ.get("SL_WORLDS", "10000"))
SILENT_CASES = 48       # each waits for a time-out
TIMEOUT_MS, SILENT_TIMEOUT_MS = 20000, 1500
NOW_S = 2000000000
CONTAINER = "CN=System Management,CN=System,dc=example,dc=com"
HOLDER = "dn: %s\nobjectClass: container\ncn: System Management\n\n" % CONTAINER
NO_SCHEMA = "dn: cn=Subschema\nobjectClass: subschema\nobjectClasses: ( 2.5.6.0 NAME 'top' ABSTRACT MUST objectClass )\n\n"
CODES, FORESTS = ("PS1", "PS2", "SEC"), ("", "a.example", "b.example")
HOSTS = ["%s.example.org" % name for name in ("mp1", "MP2", "mp3", "Mp4", "amp", "Zmp")]
SUBNETS = ("10.1.0.0", "10.1.2.0", "10.2.0.0", "10.0.0.0", "10.1.0.0/16", "10.2.0.0/15", "192.168.0.0", "128.0.0.0", "2001:db8::/32",
           "2001:db8:1::/48", "Berlin", "berlin (mitte)")
RANGES = (("10.1.2.0", "10.1.2.255"), ("192.168.0.10", "192.168.0.20"), ("127.255.255.250", "128.0.0.5"), ("0.0.0.0", "255.255.255.255"))
CLIENTS = ("10.1.2.3/16", "10.1.2.3/24", "10.1.2.3", "10.2.9.9/15", "10.3.0.1/16", "192.168.0.15/16", "192.168.0.21", "128.0.0.1/8",
           "2001:db8:1::5/64", "2001:db9::1/64")


def signed(address):
    (number,) = struct.unpack(">i", socket.inet_aton(address))
    return number


def ldif_of(mps, sites, schema):
    text = HOLDER + ("" if schema else NO_SCHEMA)
    for n, mp in enumerate(mps):
        text += "dn: CN=m%d,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: %s\nmSSMSMPName: %s\nmSSMSDefaultMP: %s\n" % (
            n, CONTAINER, mp.site, mp.name, "TRUE" if mp.default else "FALSE")
        text += "".join("%s: %s\n" % (name, value) for name, value in (("mSSMSMPAddress", mp.address), ("mSSMSSourceForest", mp.forest)) if value)
        text += "\n"
    for site in sites:
        text += "dn: CN=SMS-Site-%s,%s\nobjectClass: mSSMSSite\nmSSMSSiteCode: %s\n" % (site.code, CONTAINER, site.code)
        text += "mSSMSAssignmentSiteCode: %s\n" % site.assignment if site.assignment else ""
        text += "mSSMSSourceForest: %s\n" % site.forest if site.forest else ""
        text += "".join("mSSMS%sBoundaries: %s\n" % (("Roaming", "Site")[n % 2], value) for n, value in enumerate(site.boundaries)) + "\n"
        for n, (low, high) in enumerate(site.ranges):
            text += "dn: CN=r%d-%s,%s\nobjectClass: mSSMSRoamingBoundaryRange\nmSSMSSiteCode: %s\nmSSMSAssignmentSiteCode: %s\n" % (
                n, site.code, CONTAINER, site.code, site.parent)
            text += "mSSMSSourceForest: %s\n" % site.forest if site.forest else ""
            text += "mSSMSRangedIPLow: %d\nmSSMSRangedIPHigh: %d\n\n" % (signed(low), signed(high))
    return text


class SlowRegistry:
    """A name server that takes its time."""

    def __init__(self, case, names, delay_s):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.names, self.delay_s = names, delay_s
        case.addCleanup(self.socket.close)
        threading.Thread(target=self.serve, daemon=True).start()

    @property
    def uri(self):
        return "wins://127.0.0.1:%d" % self.socket.getsockname()[1]

    def serve(self):
        while True:
            try:
                packet, peer = self.socket.recvfrom(2000)
            except OSError:
                return
            threading.Timer(self.delay_s, self.reply, (packet, peer)).start()

    def reply(self, packet, peer):
        (number,) = struct.unpack(">H", packet[:2])
        asked = packet[12:46]
        for name, address, _ in self.names:
            text, suffix = name.split("#")
            if nbns.encode_name(text, int(suffix, 16)) == asked:
                body = asked + struct.pack(">HHIHH", nbns.NB, 1, 300, 6, 0x6000) + socket.inet_aton(address)
                break
        else:
            body = asked + struct.pack(">HHIH", nbns.NULL, 1, 0, 0)
        flags = 0x8500 if len(body) > 44 else 0x8503
        try:
            self.socket.sendto(nbns.header(number, flags, 0, 1) + body, peer)
        except OSError:
            pass


class Base(harness.Case):

    def ask(self, lines):
        """Runs the lines through try-worlds; {number: fields}."""
        done = harness.run([harness.program("try-worlds")], stdin="".join(lines), timeout_s=400)
        self.assertEqual((done.code, done.err), (0, ""), done.err[-2000:])
        return {int(row[0]): row[1:] for row in (line.split("\t") for line in done.out.splitlines())}

    def silent(self):
        """A port that takes connections and datagrams and never answers."""
        one = socket.socket()
        one.bind(("127.0.0.1", 0))
        one.listen(512)
        self.addCleanup(one.close)
        other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        other.bind(("127.0.0.1", one.getsockname()[1]))
        self.addCleanup(other.close)
        return one.getsockname()[1]


class Worlds(Base):

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("SL_SEED") or random.SystemRandom().randrange(1 << 31))
        print("seed %d: SL_SEED=%d repeats this run" % (self.seed, self.seed), file=sys.stderr)
        self.random = random.Random(self.seed)
        self.closed, self.mute = harness.free_port(), self.silent()
        self.pools = [self.directories(), self.zones(), self.registries(), self.points()]
        self.silent_sources = [worlds.Directory("ldap://127.0.0.1:%d/dc=example,dc=com" % self.mute, state="could-not-ask"),
                               worlds.Registry("wins://127.0.0.1:%d" % self.mute, state="could-not-ask"),
                               worlds.Zone("dns://127.0.0.1:%d/example.org" % self.mute, state="could-not-ask"),
                               worlds.Point("slp+http://127.0.0.1:%d" % self.mute, state="could-not-ask")]

    # ---- contents ----------------------------------------------------------------------------------------------------

    def some(self, items, most):
        return tuple(self.random.sample(items, self.random.randrange(min(most, len(items)) + 1)))

    def contents(self):
        r = self.random
        mps = tuple(worlds.Mp(r.choice(CODES), host, r.random() < 0.5, r.choice(("", "10.0.0.%d" % r.randrange(1, 9))), r.choice(FORESTS))
                    for host in self.some(HOSTS, 4))
        sites = tuple(worlds.SiteObject(code, r.choice(("", "PS1")) if code == "SEC" else "", self.some(SUBNETS, 4), self.some(RANGES, 1),
                                        r.choice(FORESTS)) for code in self.some(CODES, 3))
        return mps, sites

    def directories(self):
        pool = []
        for n in range(60):
            mps, sites = self.contents() if n % 6 else ((), ())
            schema = bool(mps or sites or n % 12)
            pool.append(worlds.Directory("ldif:" + self.write("d%d.ldif" % n, ldif_of(mps, sites, schema)), mps, sites, schema=schema))
        live_mps, live_sites = self.contents()
        live = lab.Directory(self)
        live.add(ldif_of(live_mps, live_sites, True)[len(HOLDER):].strip() + "\n" if live_mps or live_sites else "")
        pool += [worlds.Directory(live.uri_base, live_mps, live_sites)] * 3
        pool += [worlds.Directory(lab.Directory(self, "none", schema="none").uri_base, schema=False),
                 worlds.Directory(lab.Directory(self, "unreadable", anonymous="auth").uri_base, state="container-unreadable"),
                 worlds.Directory("ldap://127.0.0.1:%d/dc=example,dc=com" % self.closed, state="could-not-ask"),
                 worlds.Directory("ldif:" + self.path("gone.ldif"), state="could-not-ask"),
                 worlds.Directory("ldif:" + self.write("bad.ldif", HOLDER + "what is this\n"), state="bad-file")]
        return pool

    def zones(self):
        pool = [worlds.Zone("zone:" + self.path("gone.zone"), state="could-not-ask"),
                worlds.Zone("dns://127.0.0.1:%d/example.org" % self.closed, state="could-not-ask"),
                worlds.Zone("zone:" + self.write("bad.zone", "a BLAH x\n"), state="bad-file")]
        for n in range(16):
            records = tuple((code, host, self.random.choice(("", "10.0.0.%d" % self.random.randrange(1, 9))))
                            for code in CODES for host in self.some(HOSTS, 2))
            addresses, text = {}, "$ORIGIN example.org.\n"
            for code, host, address in records:
                text += "_mssms_mp_%s._tcp 14400 IN SRV %d %d 80 %s.\n" % (code.lower(), n, n, host)
                if address and addresses.setdefault(host.lower(), address) == address:
                    text += "%s. IN A %s\n" % (host, address)
            records = tuple((code, host, addresses.get(host.lower(), "")) for code, host, _ in records)
            pool.append(worlds.Zone("zone:" + self.write("z%d.zone" % n, text), records))
        return pool

    def registries(self):
        pool = [worlds.Registry("winsdat:" + self.path("gone.dat"), state="could-not-ask"),
                worlds.Registry("wins://127.0.0.1:%d" % self.closed, state="could-not-ask"),
                worlds.Registry("winsdat:" + self.write("bad.dat", "VERSION 1 0\n\"A#00\" x\n"), state="bad-file")]
        for n in range(20):
            names = tuple((prefix % code, "10.0.%d.%d" % (n, k), self.random.random() < 0.7) for k, (prefix, code) in
                          enumerate(itertools.product(("MP_%s#1A", "NLB_%s#1A"), CODES)) if self.random.random() < 0.4)
            text = "VERSION 1 0\n" + "".join("\"%s#1a\" %d %s 66R\n" % (name[:-3], NOW_S + (1000 if valid else -1000), address)
                                             for name, address, valid in names)
            pool.append(worlds.Registry("winsdat:" + self.write("w%d.dat" % n, text), names))
        names = (("MP_PS1#1A", "10.0.99.1", True), ("NLB_PS2#1A", "10.0.99.2", True))
        live = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        for name, address, _ in names:
            live.ctl_ok("add", name, address)
        slow = SlowRegistry(self, names[:1], 0.15)
        return pool + [worlds.Registry(live.uri, names)] * 4 + [worlds.Registry(slow.uri, names[:1])]

    def points(self):
        pool = [worlds.Point("slp+http://127.0.0.1:%d" % self.closed, state="could-not-ask")]
        for status, word in ((500, "could-not-ask"), (403, "access-refused")):
            point = slp.Point(self)
            point.behave = lambda handler, status=status: handler.say("", status)
            pool.append(worlds.Point(point.uri, state=word))
        for _ in range(3):
            sites = tuple((code, self.random.choice(HOSTS + [""]), "10.0.7.%d" % self.random.randrange(1, 9)) for code in self.some(CODES, 3))
            point = slp.Point(self)
            point.sites = {code: slp.Site(code, mp=mp, address=address if mp else "") for code, mp, address in sites}
            pool.append(worlds.Point(point.uri, sites))
        return pool

    # ---- cases -------------------------------------------------------------------------------------------------------

    def question(self):
        r = self.random
        verb = r.choices(("mp", "site", "name"), (12, 7, 1))[0]
        more = {"profile": r.choice(("sms2003", "cm2007", "cb")), "forest": r.choice(FORESTS) if r.random() < 0.3 else "",
                "no_schema": r.random() < 0.05}
        if verb == "name":
            return worlds.Question("name", r.choice(("MP_PS1#1A", "NLB_PS2#1A", "HOST#20")), **more)
        if verb == "mp" and r.random() < 0.25:
            return worlds.Question(verb, r.choice(CODES), client=worlds.Client((r.choice(CLIENTS),)), roaming=True, **more)
        if verb == "mp" or r.random() < 0.3:
            return worlds.Question(verb, r.choice(CODES + ("XX1",)), **more)
        return worlds.Question("site", client=worlds.Client(tuple(r.sample(CLIENTS, r.randrange(1, 3))), r.choice(("", "", "BERLIN", "Paris"))), **more)

    def sources(self, question, silent):
        r, chosen = self.random, []
        for _ in range(r.randrange(1, 5)):
            pool = r.choices(self.pools, (6, 2, 4, 0.3 if question.client.addresses else 1))[0]
            chosen.append(r.choice(pool))
        if silent:
            chosen.insert(r.randrange(len(chosen) + 1), r.choice(self.silent_sources))
        if question.client.addresses:   # where a client is, a server locator point of the model does not know
            chosen = [one for one in chosen if not isinstance(one, worlds.Point)] or [self.pools[0][0]]
        return chosen

    def line(self, number, question, sources, strict, sequential, silent):
        fields = ["n=%d" % number, "verb=" + question.verb, "subject=" + question.subject, "profile=" + question.profile, "now=%d" % NOW_S,
                  "timeout=%d" % (SILENT_TIMEOUT_MS if silent else TIMEOUT_MS), "strict=%d" % strict, "sequential=%d" % sequential,
                  "no-schema=%d" % question.no_schema]
        fields += ["roaming=1"] if question.roaming else []
        fields += ["forest=" + question.forest] if question.forest else []
        fields += ["ad-site=" + question.client.ad_site] if question.client.ad_site else []
        fields += ["client=" + address for address in question.client.addresses] + ["source=" + one.uri for one in sources]
        return "\t".join(fields) + "\n"

    def check(self, expected, got, question, line):
        outcome, reason, source, site, mp, address, resident, by = got[:8]
        wrong = [(outcome, reason) != (expected.outcome, expected.reason or "-")]
        if expected.said.word == "answer":
            wanted = [expected.source, expected.said.mp or "-"]
            found = [source, mp]
            if question.verb == "mp":
                wanted += [expected.said.site, expected.said.address or "-"]
                found += [site, address]
            if question.verb == "site":
                wanted += [expected.said.site, expected.said.resident or "-", expected.said.by]
                found += [site, resident, by]
            if question.verb == "name":
                wanted, found = wanted[:1], found[:1]
            wrong.append(wanted != found)
        return "%s\n  must be %s\n  but is %s" % (line.strip(), expected, got) if any(wrong) else None

    def test_random_worlds(self):
        """X02 X22 S1.19 S1.21 S1.26 Q12 P13 F1 R1-R4: random sources, states, profiles, clients, designations: no wrong answer, no wrong outcome"""
        lines, expected = [], {}
        for number in range(CASES):
            silent = number < SILENT_CASES
            question = self.question()
            sources = self.sources(question, silent)
            strict, sequential = self.random.random() < 0.2, self.random.random() < 0.2 and not silent
            lines.append(self.line(number, question, sources, strict, sequential, silent))
            expected[number] = (worlds.judge(sources, question, strict), question, lines[-1])
        started = time.monotonic()
        got = self.ask(lines)
        self.assertEqual(len(got), CASES)
        mistakes = [text for number, (verdict, question, line) in expected.items()
                    if (text := self.check(verdict, got[number], question, line))]
        outcomes = {}
        for verdict, _, _ in expected.values():
            outcomes[verdict.reason or verdict.outcome] = outcomes.get(verdict.reason or verdict.outcome, 0) + 1
        print("%d worlds in %.1f s: %s" % (CASES, time.monotonic() - started, ", ".join("%s %d" % one for one in sorted(outcomes.items()))),
              file=sys.stderr)
        self.assertEqual(len(mistakes), 0, "seed %d: %d of %d wrong\n%s" % (self.seed, len(mistakes), CASES, "\n".join(mistakes[:5])))
        missing = {"ok", "lower-ranked", "not-found", "nothing-published", "no-default-mp", "schema-not-extended", "could-not-ask", "bad-file",
                   "container-unreadable", "access-refused", "not-asked"} - set(outcomes)
        self.assertEqual(missing if CASES >= 2000 else set(), set(), "outcomes that no world had")


ORDER = {"sms2003": ("directory", "registry", "dns", "slp"), "cm2007": ("directory", "dns", "slp", "registry"),
         "cb": ("slp", "directory", "dns", "registry")}
NAMES = {"directory": "10.0.0.1", "dns": "10.0.0.2", "slp": "10.0.0.3", "registry": "10.0.0.4"}
WAYS = ("refused", "silent")


class DeadSources(Base):

    def setUp(self):
        super().setUp()
        mp = worlds.Mp("PS1", "mp1.example.org", True, NAMES["directory"])
        directory = lab.Directory(self)
        directory.add(ldif_of([mp], [], True)[len(HOLDER):])
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", NAMES["registry"])
        point = slp.Point(self)
        point.sites = {"PS1": slp.Site("PS1", mp="mp3.example.org", address=NAMES["slp"])}
        zone = self.write("zone", "$ORIGIN example.org.\n_mssms_mp_ps1._tcp 14400 IN SRV 0 0 80 mp2\nmp2 IN A %s\n" % NAMES["dns"])
        self.live = {"directory": directory.uri_base, "registry": registry.uri, "slp": point.uri, "dns": "zone:" + zone}
        closed, mute = harness.free_port(), self.silent()
        self.dead = {way: {"directory": "ldap://127.0.0.1:%d/dc=example,dc=com" % port, "registry": "wins://127.0.0.1:%d" % port,
                           "slp": "slp+http://127.0.0.1:%d" % port, "dns": "dns://127.0.0.1:%d/example.org" % port}
                     for way, port in (("refused", closed), ("silent", mute))}

    def test_every_combination_for_every_profile(self):
        """X02 X22 16 combinations of dead sources x 3 profiles x 2 ways to be dead: the first that lives in the profile's order, in one time-out"""
        timeout_ms, grace_ms = 1500, 2500
        cases, lines = {}, []
        for profile, way in itertools.product(ORDER, WAYS):
            for dead in itertools.chain.from_iterable(itertools.combinations(NAMES, n) for n in range(5)):
                number = len(cases)
                uris = [self.dead[way][kind] if kind in dead else self.live[kind] for kind in ORDER[profile]]
                alive = [kind for kind in ORDER[profile] if kind not in dead]
                cases[number] = (profile, way, dead, alive[0] if alive else None)
                lines.append("\t".join(["n=%d" % number, "verb=mp", "subject=PS1", "profile=" + profile, "timeout=%d" % timeout_ms]
                                       + ["source=" + uri for uri in uris]) + "\n")
        got = self.ask(lines)
        self.assertEqual(len(got), 2 * 3 * 16)
        for number, (profile, way, dead, first) in cases.items():
            outcome, reason, source, _, _, address, *_, ms = got[number]
            case = "profile %s, %s: %s: %s" % (profile, way, ", ".join(dead), got[number])
            self.assertEqual((outcome, reason), ("ok", "-") if first else ("unreachable", "could-not-ask"), case)
            self.assertEqual(address, NAMES[first] if first else "-", case)
            waited = way == "silent" and (not first or ORDER[profile].index(first) > 0)
            self.assertLess(int(ms), timeout_ms + grace_ms if waited else timeout_ms, case)
            if waited:
                self.assertGreaterEqual(int(ms), timeout_ms - 100, case)


harness.main()
