"""The figures of finding, beside a baseline in the same run. Usage: tests/lib/bench.py."""

import ctypes
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bench  # noqa: E402
import harness  # noqa: E402
import lab  # noqa: E402
import slapd  # noqa: E402

PROCESS_PAIRS, CALL_PAIRS = 101, 201

# What the locator asks for a management point: the same search, so that both sides have the same work.
SITE_FILTER = "(&(mSSMSSiteCode=PS1)(|(objectClass=mSSMSManagementPoint)(objectClass=mSSMSSite)))"
SITE_ATTRIBUTES = ("objectClass mSSMSSiteCode mSSMSMPName mSSMSMPAddress mSSMSDefaultMP dNSHostName mSSMSCapabilities mSSMSVersion "
                   "mSSMSSourceForest modifyTimestamp").split()


def published(case):
    """A directory with a site as the site server publishes it: two management points with their capabilities."""
    directory = lab.Directory(case)
    site = lab.Site(case, roles="server")
    lab.fill(site, targets=[[directory.uri_base, *directory.credentials]])
    site.publish()
    return directory


def find_cold():
    with bench.Bench() as case:
        directory = published(case)
        locator, more = bench.program_itself("locator")
        env = harness.clean_environment(more)
        find = [locator, "find", "mp", "--site", "PS1", "--source", directory.uri_base]
        search = [harness.tool("ldapsearch", "ldap-utils"), "-x", "-LLL", "-H", directory.uri, "-b", directory.container_dn, SITE_FILTER,
                  *SITE_ATTRIBUTES]
        found, entries = case.path("found"), case.path("entries")
        runs = [(bench.run_process(find, env, found), bench.run_process(search, env, entries)) for _ in range(PROCESS_PAIRS)]
        with open(found, encoding="utf-8") as answer, open(entries, encoding="utf-8") as ldif:
            if "mp1.example.org" not in answer.read() or ldif.read().count("dn: ") != 3:
                raise harness.Failed("another answer than the site's: %s, %s" % (found, entries))
        cpu = statistics.median(a.cpu_s for a, _ in runs) / statistics.median(b.cpu_s for _, b in runs)
        mid = [statistics.median(run.wall_s for run in side) * 1e3 for side in zip(*runs)]
        return (statistics.median(a.wall_s / b.wall_s for a, b in runs),
                "locator %.2f ms, ldapsearch %.2f ms; processor time %.2f x" % (*mid, cpu))


class Context:
    """A context of liblocator, with the least that a call needs."""

    def __init__(self, sources):
        folder = os.path.join(harness.BUILDDIR, "locator/.libs")
        self.library = ctypes.CDLL(os.path.join(folder, "liblocator.so"))
        for name in ("locator_new", "locator_find_mp", "locator_result_text"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.locator_new())
        for uri in sources:
            if self.library.locator_add_source(self.context, uri.encode()):
                raise harness.Failed(uri)

    def find_mp(self, expected_source):
        """Seconds of one call, whose answer must come from that source (LOCATOR_SOURCE, 8)."""
        start = time.perf_counter()
        result = ctypes.c_void_p(self.library.locator_find_mp(self.context, b"PS1"))
        seconds = time.perf_counter() - start
        source = self.library.locator_result_text(result, 8)
        if source is None or ctypes.string_at(source).decode() != expected_source:
            raise harness.Failed("answered by %s, not %s" % (source and ctypes.string_at(source), expected_source))
        self.library.locator_result_free(result)
        return seconds


def name_server(case, port):
    server = case.start([harness.tool("dnsmasq", "dnsmasq-base"), "--keep-in-foreground", "--no-hosts", "--no-resolv", "--conf-file=/dev/null",
                         "--listen-address=127.0.0.1", "--bind-interfaces", "--port=%d" % port, "--user=", "--group=", "--pid-file=",
                         "--local=/example.org/", "--srv-host=_mssms_mp_ps1._tcp.example.org,mp1.example.org,80",
                         "--host-record=mp1.example.org,127.0.0.11"], clean_exit=False)

    def is_ready():
        server.check_alive()
        return harness.is_accepting("127.0.0.1", port)
    harness.wait_until(is_ready, "dnsmasq")
    return "dns://127.0.0.1:%d/example.org" % port


def find_four():
    """The second of four answers: the first is a directory without the schema, the two below hold the same management point."""
    with bench.Bench() as case:
        bare = lab.Directory(case, "bare", schema="none")
        directory = published(case)
        registry = lab.Registry(case, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.11")
        needed = [bare.uri_base, directory.uri_base]
        all_four = Context(needed + [registry.uri, name_server(case, harness.free_port())])
        only_needed = Context(needed)
        value, ours, theirs = bench.ratio(lambda: all_four.find_mp(directory.uri_base),
                                          lambda: only_needed.find_mp(directory.uri_base), CALL_PAIRS)
        return value, "four %.2f ms, the two that count %.2f ms" % (ours * 1e3, theirs * 1e3)


SUBNETS, SUBNETS_OF_A_SITE, LOOKUPS = 25000, 100, 2000
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def sites_with_subnets(container):
    """LDIF of sites that share 25 000 subnets 10.B.C.0, with a management point each."""
    text = ""
    for n in range(SUBNETS // SUBNETS_OF_A_SITE):
        code = "S" + DIGITS[n // len(DIGITS)] + DIGITS[n % len(DIGITS)]
        text += "dn: CN=SMS-Site-%s,%s\nobjectClass: mSSMSSite\ncn: SMS-Site-%s\nmSSMSSiteCode: %s\nmSSMSAssignmentSiteCode: %s\n" % (
            code, container, code, code, code)
        for k in range(n * SUBNETS_OF_A_SITE, (n + 1) * SUBNETS_OF_A_SITE):
            text += "mSSMSRoamingBoundaries: 10.%d.%d.0\n" % divmod(k, 256)
        text += "\ndn: CN=SMS-MP-%s,%s\nobjectClass: mSSMSManagementPoint\ncn: SMS-MP-%s\nmSSMSSiteCode: %s\nmSSMSDefaultMP: TRUE\n" % (
            code, container, code, code) + "mSSMSMPName: mp.%s.example.org\n\n" % code
    return text


def site_subnets():
    """Address to site and management point, two searches, on an open connection; and the whole call beside it."""
    with bench.Bench() as case:
        directory = lab.Directory(case, entries=sites_with_subnets("%s,dc=example,dc=com" % slapd.CONTAINER),
                                  indexes="mSSMSSiteCode,mSSMSSiteBoundaries,mSSMSRoamingBoundaries eq")
        done = case.run_ok([harness.program("bench-site"), directory.uri_base, LOOKUPS])
        median_us, slow_us = map(float, done.out.split())
        started = time.perf_counter()
        cold = harness.run([harness.program("locator"), "find", "site", "--as-client", "10.42.7.9/24", "--source", directory.uri_base])
        cold_ms = (time.perf_counter() - started) * 1e3
        if cold.code:
            raise harness.Failed(str(cold))
        return median_us / 1e3, "one of a hundred takes %.2f ms or more; the program once, from its start, %.1f ms" % (slow_us / 1e3, cold_ms)


RANGES, RANGE_LOOKUPS, KEPT_CALLS, KEPT_SLICE = 25000, 200000, 100, 20


def cached_range():
    """Address to sites through the index of a copy, as a program asks the cache; beside it a point query of SQLite in the same file."""
    with bench.Bench() as case:
        done = case.run_ok([harness.program("bench-cache"), case.path("cache.db"), RANGES, RANGE_LOOKUPS])
        index_us, query_us, load_ms = map(float, done.out.split())
        return index_us, "%.3f x a point query of SQLite (%.2f us) in the same file; loaded and indexed in %.1f ms" % (
            index_us / query_us, query_us, load_ms)


class Kept(Context):
    """A context that answers from what is kept (LOCATOR_CACHE_FILE 55, LOCATOR_MAX_AGE_MS 56)."""

    def __init__(self, sources, path):
        super().__init__(sources)
        self.library.locator_set_number.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int64]
        self.library.locator_result_number.restype = ctypes.c_int64
        if self.library.locator_set_text(self.context, 55, path.encode()) or self.library.locator_set_number(self.context, 56, 3600000):
            raise harness.Failed("no cache")

    def slice(self, source):
        """Seconds of a call, over several, each of which must come from the cache (LOCATOR_CACHED_S, 65)."""
        find, free, seconds = self.library.locator_find_mp, self.library.locator_result_free, 0.0
        for _ in range(KEPT_SLICE):
            start = time.perf_counter()
            result = ctypes.c_void_p(find(self.context, b"PS1"))
            seconds += time.perf_counter() - start
            if self.library.locator_result_number(result, 65) < 0:
                raise harness.Failed("not from the cache: %s" % source)
            free(result)
        return seconds / KEPT_SLICE


def cached_find():
    """A call of the library that is answered from the cache, beside the same call to the directory on the loopback."""
    with bench.Bench() as case:
        directory = published(case)
        live, kept = Context([directory.uri_base]), Kept([directory.uri_base], case.path("kept/cache.db"))
        kept.find_mp(directory.uri_base)
        spent = time.thread_time()
        for _ in range(KEPT_CALLS):
            kept.slice(directory.uri_base)
        cpu_us = (time.thread_time() - spent) / KEPT_CALLS / KEPT_SLICE * 1e6
        value, ours, theirs = bench.ratio(lambda: kept.slice(directory.uri_base), lambda: live.find_mp(directory.uri_base), KEPT_CALLS)
        return ours * 1e6, "%.1f us of processor time, Python's with it; %.4f x the call to a directory on this machine (%.0f us)" % (
            cpu_us, value, theirs * 1e6)


bench.main({
    "cached-find": bench.Row("find mp from the cache, a call of the library", cached_find, 20, unit="us"),
    "cached-range": bench.Row("client address to site over 25 000 ranges, from the cache", cached_range, 5, unit="us"),
    "site-subnets": bench.Row("client address to site and MP over 25 000 subnets, LDAP", site_subnets, 1, unit="ms"),
    "find-cold": bench.Row("locator find mp over LDAP, a process, by ldapsearch of the same", find_cold, 1.3),
    "find-four": bench.Row("find mp of four sources by the two that decide, a call", find_four, 1.2),
})
