"""What `locator` and liblocator need: the files depend on no library that they may never use, and on a machine with nothing but
libldap, c-ares, SQLite, libcurl and GnuTLS the sources configure, build and find."""

import os
import shutil

import harness
import lab

SOURCES = harness.SRCDIR
LEAST = os.path.join(harness.BUILDDIR, "least")

# What the rest of the tree is built with: pkg-config files and headers. A machine without them is one on which they are hidden.
HIDDEN_PACKAGES = ("check", "libconfuse", "libevent_core", "libevent_pthreads", "libmicrohttpd", "libsystemd", "liburcu", "liburcu-cds",
                   "libxml-2.0", "jansson")
HIDDEN_HEADERS = ("check.h", "confuse.h", "event2", "jansson.h", "libxml2", "microhttpd.h", "systemd", "urcu", "urcu.h")

CAPABILITIES = "<ClientOperationalSettings><Version>4.00.6487.2000</Version><HTTPPort>8530</HTTPPort></ClientOperationalSettings>"


def library_path(soname):
    """Where the loader finds a library."""
    for line in harness.run([harness.tool("ldconfig", "libc-bin"), "-p"]).out.splitlines():
        if line.split()[:1] == [soname]:
            return os.path.realpath(line.split()[-1])
    raise harness.Failed("%s is not installed" % soname)


def soname(macro):
    """The name that configure found for a library that is loaded when first used."""
    with open(os.path.join(harness.BUILDDIR, "config.h"), encoding="utf-8") as config:
        for line in config:
            if line.startswith("#define %s " % macro):
                return line.split('"')[1]
    raise harness.Failed("config.h has no %s" % macro)


def without(hidden, argv):
    """The command line of a program for which these files and folders are empty; only inside need_namespace("-rnm")."""
    mounts = "".join('if [ -d "%s" ]; then mount -t tmpfs none "%s"; else mount --bind /dev/null "%s"; fi && ' % (path, path, path)
                     for path in hidden)
    return [harness.tool("unshare", "util-linux"), "-m", "/bin/sh", "-ec", mounts + 'exec "$@"', "sh"] + list(argv)


class Dependencies(harness.Case):

    def setUp(self):
        super().setUp()
        self.directory = lab.Directory(self)
        self.xml, self.curl = soname("LIBXML_SONAME"), soname("LIBCURL_SONAME")

    def add_mp(self, address="127.0.0.1"):
        self.directory.add("dn: CN=SMS-MP-PS1-mp1,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSMPName: mp1.example.org\n"
                           "mSSMSDefaultMP: TRUE\nmSSMSMPAddress: %s\nmSSMSCapabilities: %s\n"
                           % (self.directory.container_dn, address, CAPABILITIES))

    def find(self, what, *words, hidden=(), program=None):
        argv = [program or harness.program("locator"), "find", what, "--site", "PS1", "--source", self.directory.uri_base, "--json"]
        return harness.run(without(hidden, argv + list(words)))

    def test_http_and_xml_are_no_dependencies(self):
        """issue 4, figures: HTTP and XML libraries are loaded only when used, so neither file asks the loader for them"""
        for path in ("locator/.libs/liblocator.so", "locator/.libs/locator"):
            needed = harness.run([harness.tool("readelf", "binutils"), "-d", os.path.join(harness.BUILDDIR, path)]).out
            loaded = harness.run([harness.tool("ldd", "libc-bin"), os.path.join(harness.BUILDDIR, path)]).out
            self.assertIn("liblocator" if path.endswith("/locator") else "libldap", needed)
            for name in (self.xml, self.curl, "libxml2", "libcurl", "libicu"):
                self.assertNotIn(name, needed, path)
                self.assertNotIn(name, loaded, path)

    def test_a_library_that_is_missing_is_named(self):
        """issue 2.1 without libxml2 at run time the MP is found and its capabilities are passed over with a warning; without libcurl
        a distribution point could not be asked for; both name the library"""
        self.add_mp()
        found = self.find("mp")
        self.assertEqual((found.code, found.answer["port"]), (0, 8530), str(found))
        self.assertNotIn("library", "\n".join(found.json["warnings"]))
        found = self.find("mp", hidden=[library_path(self.xml), library_path(self.curl)])
        self.assertEqual((found.code, found.answer["mp"], found.answer["port"]), (0, "mp1.example.org", 80), str(found))
        self.assertIn("the library %s cannot be loaded" % self.xml, "\n".join(found.json["warnings"]))
        found = self.find("dp", "--package", "PS100001", hidden=[library_path(self.curl)])
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))
        self.assertIn("the library %s cannot be loaded" % self.curl, found.json["message"])

    def test_the_least_machine(self):
        """issue 2.1 --disable-winsd --disable-site: with the headers of libldap, c-ares, libcurl and GnuTLS alone it configures,
        builds, and finds; what needs XML says that it was built without"""
        include = [os.path.join("/usr/include", name) for name in HIDDEN_HEADERS]
        folders = harness.run(["pkg-config", "--variable", "pc_path", "pkg-config"]).out.strip().split(":")
        hidden = [path for path in include + [os.path.join(folder, name + ".pc") for folder in folders for name in HIDDEN_PACKAGES]
                  if os.path.exists(path)]
        self.assertTrue(any(path.endswith("libxml-2.0.pc") for path in hidden), hidden)
        self.build(hidden)
        self.add_mp()
        locator = os.path.join(LEAST, "locator/locator")
        found = self.find("mp", program=locator)
        self.assertEqual((found.code, found.answer["mp"], found.answer["port"]), (0, "mp1.example.org", 80), str(found))
        self.assertIn("built without XML", "\n".join(found.json["warnings"]))
        with open(os.path.join(LEAST, "config.h"), encoding="utf-8") as config:
            self.assertNotIn("#define LIBXML_SONAME", config.read())

    def build(self, hidden):
        os.makedirs(LEAST, exist_ok=True)
        compiler = os.environ.get("SL_CC", "gcc")
        if shutil.which("ccache") and "ccache" not in compiler:
            compiler = "ccache " + compiler
        environment = {name: "" for name in ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "TESTS", "TEST_LOGS")}
        environment["CCACHE_NOHASHDIR"] = "1"
        script = ("[ -f Makefile ] && [ config.status -nt '{0}/configure' ] || "
                  "'{0}/configure' -q --disable-winsd --disable-site --with-tests=quick CC='{1}' CFLAGS=-O0 ; make -s -j2 all"
                  ).format(SOURCES, compiler)
        done = harness.run(without(hidden, ["/bin/sh", "-ec", script]), timeout_s=400, env=environment, cwd=LEAST)
        self.assertEqual(done.code, 0, str(done)[-4000:])


harness.need_namespace("-rnm")
harness.main()
