"""The parts of a laboratory in a test: a registry (winsd), a site (sited with its database) and a directory (slapd)."""

import itertools
import os
import sys

import harness
import slapd

REGISTRY_ADDRESS = "127.0.0.2"


class Registry:
    """A winsd. `port` moves every name service port of it (--nbt-port), so that no privilege is needed."""

    def __init__(self, case, port, address=REGISTRY_ADDRESS, more=()):
        self.case, self.address, self.port, self.more = case, address, port, list(more)
        self.db = case.path("wins-%s.db" % address)
        self.control = case.path("w-%s.sock" % address)
        self.process = None
        self.start()

    @property
    def uri(self):
        return "wins://%s:%d" % (self.address, self.port)

    def start(self):
        self.process = self.case.start(
            [harness.program("winsd"), "--foreground", "--db", self.db, "--listen", "%s:%d" % (self.address, self.port),
             "--control", self.control, "--nbt-port", self.port] + self.more)
        harness.wait_until(self.is_ready, "winsd on %s answering its control socket" % self.address)

    def is_ready(self):
        self.process.check_alive()
        return os.path.exists(self.control) and self.ctl("stats").code == 0

    def ctl(self, *words):
        return harness.run([harness.program("winsctl"), "--control", self.control] + list(words))

    def ctl_ok(self, *words):
        return self.case.run_ok([harness.program("winsctl"), "--control", self.control] + list(words))

    def record(self, name):
        """The record of NAME#XX as a dictionary, or None."""
        result = self.ctl("show", name, "--json")
        if result.code == 1:
            return None
        self.case.assertEqual(result.code, 0, str(result))
        return result.answer

    def addresses(self, name):
        """The addresses of an active record, or an empty list."""
        record = self.record(name)
        return record["addresses"] if record and record["state"] == "active" else []


# "postgresql://site@127.0.0.1:PORT": sites get a database there instead of a file (tests/functional/test_postgres.py).
SITE_SERVER = os.environ.get("SL_SITE_SERVER")


def new_database(case, name):
    """Where the database of a new site shall be."""
    if SITE_SERVER is None:
        return case.path(name + ".db")
    database = "t%d_%d" % (os.getpid(), next(_numbers))
    case.run_ok(["psql", "-X", "-q", "-d", SITE_SERVER + "/postgres", "-c", "CREATE DATABASE " + database])
    return "%s/%s" % (SITE_SERVER, database)


_numbers = itertools.count()


class Site:
    """
    A site on this machine. The server is one sited; with `mp_hosts` each of these addresses gets a sited of its own for the MP
    role, as on separate machines; without them the server has every role and every address in `addresses`.
    """

    def __init__(self, case, code="PS1", domain="example.org", nbt_port=None, http=(), addresses=(), roles="server,mp,dp", name="site",
                 env=None, more=()):
        self.case, self.code, self.nbt_port = case, code, nbt_port
        self.db = new_database(case, name)
        self.content = case.path(name + ".content")
        self.state = []
        if SITE_SERVER:
            self.state = ["--state", case.path(name + ".state")]
            os.mkdir(self.state[1])
        self.control = case.path(name + ".sock")
        self.http, self.addresses, self.roles, self.env, self.more = list(http), list(addresses), roles, env, list(more)
        self.process = None
        case.run_ok([harness.program("sitectl"), "--db", self.db, "init", code, "--domain", domain, "--server", "server." + domain,
                     *self.state])
        self.start()

    def start(self):
        self.process = self.start_host(self.roles, self.http, self.addresses, self.control, self.more)

    def start_host(self, roles, http, addresses, control, more=()):
        """Starts a sited on the site's database; returns its process once it answers."""
        argv = [harness.program("sited"), "--foreground", "--db", self.db, "--control", control, "--role", roles, "--content", self.content, *self.state, *more]
        for one in http:
            argv += ["--http", one]
        for one in addresses:
            argv += ["--nbt-address", one]
        if self.nbt_port:
            argv += ["--nbt-port", self.nbt_port]
        process = self.case.start(argv, env=self.env)

        def is_ready():
            process.check_alive()
            return os.path.exists(control) and harness.run([harness.program("sitectl"), "--control", control, "status"]).code in (0, 1)
        harness.wait_until(is_ready, "sited answering on %s" % control)
        return process

    def start_mp_host(self, address, port):
        """Another machine of the site: a sited with the MP and DP roles on an address of its own."""
        return self.start_host("mp,dp", ["%s:%d" % (address, port)], [address], self.case.path("m-%s.sock" % address))

    def ctl(self, *words, **more):
        return harness.run([harness.program("sitectl"), "--control", self.control] + list(words), **more)

    def ctl_ok(self, *words, **more):
        return self.case.run_ok([harness.program("sitectl"), "--control", self.control] + list(words), **more)

    def publish(self, code=0):
        return self.ctl_ok("publish", "--apply", code=code)


def find(*words, **more):
    """`locator find ... --json`."""
    return harness.run([harness.program("locator"), "find"] + list(words) + ["--json"], **more)


class Directory(slapd.Slapd):
    """A slapd that lives as long as the test; its options are those of slapd.Slapd."""

    def __init__(self, case, name="slapd", **options):
        super().__init__(case.path(name), **options)
        case.addCleanup(self._end, case)
        self.start()

    def _end(self, case):
        if not case._outcome.success:
            with open(os.path.join(self.folder, "slapd.log"), encoding="utf-8", errors="backslashreplace") as log:
                print("--- log of %s\n%s" % (self.uri, log.read()[-harness.LOG_TAIL:]), file=sys.stderr)
        self.stop()

    @property
    def uri_base(self):
        """The URI with the base DN in it, as a source or target."""
        return "%s/%s" % (self.uri, self.suffix)

    @property
    def credentials(self):
        """The flags of locator and sitectl for the account that may write the container."""
        return ["--bind-dn", self.publisher_dn, "--password-file", self.publisher_password_file]

    def published(self, object_class):
        """The attributes of each object of a class below the container."""
        return [entry for _, entry in self.search(self.container_dn, "(objectClass=%s)" % object_class)]


MP_ADDRESSES = {"mp1.example.org": "127.0.0.11", "mp2.example.org": "127.0.0.12"}
RESOLVE = [word for host, address in MP_ADDRESSES.items() for word in ("--resolve", "%s:%s" % (host, address))]
PACKAGE = "PS100001"
DPS = ("dp1.example.org", "dp2.example.org")


def fill_package(site):
    """Two DPs with one package."""
    for host in DPS:
        site.ctl_ok("dp", "add", host)
    site.ctl_ok("package", "add", PACKAGE, "--version", "3", "--on", *DPS)


def fill(site, http_port=80, targets=(), default="mp1.example.org"):
    """Two MPs (the first the default), two DPs with one package, one boundary; targets are lists of words of `target add`."""
    for host, address in MP_ADDRESSES.items():
        site.ctl_ok("mp", "add", host, "--address", address, "--port", str(http_port))
    fill_package(site)
    site.ctl_ok("boundary", "add", "subnet", "127.0.0.0/8")
    if default:
        site.ctl_ok("mp", "designate", default)
    for target in targets:
        site.ctl_ok("target", "add", *target)
