"""liblocator as a foreign program sees it: the example of the documentation, the exported symbols, the header, pkg-config."""

import ctypes
import os
import re
import select
import socket
import threading
import time

import harness
import lab

SOURCES = os.environ["abs_top_srcdir"]


def public_functions():
    """The functions that the public header declares."""
    with open(os.path.join(SOURCES, "locator/include/locator/locator.h"), encoding="utf-8") as header:
        text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
    return set(re.findall(r"\b(locator_\w+)\(", text))


class Library(harness.Case):

    def example(self, *words):
        return harness.run([os.path.join(harness.BUILDDIR, "docs/examples/find-mp")] + list(words))

    def test_example_finds_the_management_point(self):
        """the 20 line program of the documentation, against a real registry and a real directory"""
        registry = lab.Registry(self, harness.free_port((lab.REGISTRY_ADDRESS,)))
        registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.11")
        found = self.example("PS1", lab.Directory(self, schema="none").uri_base, registry.uri)
        self.assertEqual((found.code, found.out), (0, "127.0.0.11 port 80 (%s)\n" % registry.uri), str(found))
        missing = self.example("PS2", registry.uri)
        self.assertEqual(missing.code, 1, str(missing))
        self.assertIn("negative (not-found)", missing.err)

    def test_example_tells_mistakes(self):
        """a scheme that does not exist, no source, no site code"""
        self.assertEqual(self.example("PS1").code, 2)
        self.assertEqual(self.example().code, 2)
        wrong = self.example("PS1", "gopher://x")
        self.assertEqual(wrong.code, 2)
        self.assertIn("unknown scheme", wrong.err)

    def test_example_is_short(self):
        """at most 20 lines of code"""
        with open(os.path.join(SOURCES, "docs/examples/find-mp.c"), encoding="utf-8") as program:
            body = program.read().split("int main", 1)[1]
        self.assertLessEqual(len(body.splitlines()), 20)

    def exported(self):
        """The functions that the library shows to the loader, with the version of each."""
        library = os.path.join(harness.BUILDDIR, "locator/.libs/liblocator.so")
        table = harness.run([harness.tool("nm", "binutils"), "-D", "--defined-only", library]).out
        return dict(line.split()[2].split("@@") for line in table.splitlines() if line.split()[1] in "TDBR")

    def test_only_the_public_functions_are_exported(self):
        """issue 4.7 symbol map: what the header declares is there under its version, and nothing else of ours is visible"""
        exported = self.exported()
        self.assertGreater(len(exported), 20)
        self.assertEqual(set(exported), public_functions())
        self.assertEqual(set(exported.values()), {"LOCATOR_1"})

    def test_there_is_no_global_state(self):
        """issue 4.7 all that is writable for the process: tables of the libraries loaded when first used, once-flags, the level and the
        lost lines of logs, which the library does not write"""
        table = harness.run([harness.tool("objdump", "binutils"), "-t", os.path.join(harness.BUILDDIR, "locator/.libs/liblocator.so")]).out
        writable = {line.split()[-1].partition(".")[0] for line in table.splitlines() if re.search(r" [lgu ]+O \.(data|bss)\t", line)}
        self.assertGreaterEqual(writable, {"curl", "xml", "lite", "library"})
        self.assertEqual(writable - {"curl", "xml", "lite", "library", "once", "log_level", "lost_lines", "completed", "__dso_handle", "__TMC_END__"}, set())

    def pages(self):
        """The manual of the library: the text of each page, and the page that each link leads to."""
        folder, texts, links = os.path.join(harness.BUILDDIR, "texts/man"), {}, {}
        for name in os.listdir(folder):
            if name.endswith(".3"):
                with open(os.path.join(folder, name), encoding="utf-8") as page:
                    text = page.read()
                link = re.fullmatch(r"\.so man3/(.*)\n", text)
                if link:
                    links[name[:-2]] = link[1]
                else:
                    texts[name] = text
        return texts, links

    def test_every_function_is_on_one_page_of_the_manual(self):
        """issue 4.7 a page for each group, and each function, option and field on just one of them, with its words"""
        texts, links = self.pages()
        self.assertGreaterEqual(set(texts), {"locator.3", "locator-context.3", "locator-finding.3", "locator-finding-without-waiting.3",
                                             "locator-results.3"})
        on = {name: page for page, text in texts.items()
              for heading in re.findall(r"^\.SS (.*)$", text, re.M) for name in heading.split(", ")}
        self.assertEqual(on, links)
        self.assertEqual(set(on), set(self.exported()))
        headings = sum(len(heading.split(", ")) for text in texts.values() for heading in re.findall(r"^\.SS (.*)$", text, re.M))
        self.assertEqual(headings, len(on), "a function is on two pages")
        with open(os.path.join(SOURCES, "locator/include/locator/locator.h"), encoding="utf-8") as header:
            constants = re.findall(r"^ +(LOCATOR_\w+) =", header.read(), re.M)
        shown = [name for text in texts.values() for name in re.findall(r"^\.B (LOCATOR_\w+)$", text, re.M)]
        self.assertEqual(sorted(shown), sorted(constants))
        self.assertIn("longest wait for one source; 2000", texts["locator-context.3"])
        for page, text in texts.items():
            self.assertNotIn("*/", text, page)

    def test_null_and_nonsense_are_survived(self):
        """accessors of nothing give nothing; unknown options are refused with a text"""
        library = ctypes.CDLL(os.path.join(harness.BUILDDIR, "locator/.libs/liblocator.so"))
        for name in ("locator_new", "locator_error", "locator_find_mp", "locator_result_text", "locator_warning"):
            getattr(library, name).restype = ctypes.c_void_p
        library.locator_free(None)
        library.locator_result_free(None)
        self.assertEqual(library.locator_result_outcome(None), 70)
        self.assertIsNone(library.locator_result_text(None, 3))
        self.assertEqual(library.locator_step_count(None), 0)
        context = ctypes.c_void_p(library.locator_new())
        self.assertEqual(library.locator_set_text(context, 9999, b"x"), -1)
        self.assertEqual(library.locator_set_number(context, 2, ctypes.c_int64(-5)), -1)
        self.assertEqual(library.locator_set_text(context, 1, b"sms1999"), -1)
        self.assertIn(b"sms1999", ctypes.string_at(library.locator_error(context)))
        self.assertEqual(library.locator_add_address(context, b"host", b"not.numeric"), -1)
        self.assertEqual(library.locator_add_client_address(context, b"10.0.0.1/33"), -1)
        result = ctypes.c_void_p(library.locator_find_mp(context, b"PS1"))
        self.assertEqual(library.locator_result_outcome(result), 2)
        for field in (-1, 0, 9999):
            self.assertIsNone(library.locator_result_text(result, field))
        library.locator_free(context)
        library.locator_result_free(result)

    def silent(self, kind):
        """A port where somebody listens and never says a word, and its socket."""
        one = socket.socket(socket.AF_INET, kind)
        self.addCleanup(one.close)
        one.settimeout(harness.DEADLINE_S)
        one.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            one.listen(8)
        return one.getsockname()[1], one

    def test_cancel_is_heard_wherever_a_call_waits(self):
        """issue 4.7 in a bind, a DNS query, a name query and an HTTP exchange that last for ever: canceled at once, sync and async"""
        library = ctypes.CDLL(os.path.join(harness.BUILDDIR, "locator/.libs/liblocator.so"))
        for name in ("locator_new", "locator_find_dp", "locator_start_find_dp", "locator_result_reason", "locator_call_result"):
            getattr(library, name).restype = ctypes.c_void_p
        stream, listener = self.silent(socket.SOCK_STREAM)
        datagram, receiver = self.silent(socket.SOCK_DGRAM)
        zone = self.write("zone", "_mssms_mp_ps1._tcp.example.org. 60 IN SRV 0 0 %d mp1.example.org.\n"
                          "mp1.example.org. 60 IN A 127.0.0.1\n" % stream, 0o644)

        def was_asked(peer):
            if peer is receiver:
                return peer.recv(1)
            connection, _ = peer.accept()
            self.addCleanup(connection.close)
            return connection.recv(1)
        for uri, peer in (("ldap://127.0.0.1:%d/dc=x" % stream, listener), ("dns://127.0.0.1:%d/x.org" % datagram, receiver),
                          ("wins://127.0.0.1:%d" % datagram, receiver), ("zone:" + zone, listener)):
            context = ctypes.c_void_p(library.locator_new())
            self.assertEqual(library.locator_add_source(context, uri.encode()), 0, uri)
            for option in (2, 3):
                library.locator_set_number(context, option, ctypes.c_int64(600000))
            answers = []
            with self.subTest(uri=uri):
                waiter = threading.Thread(target=lambda: answers.append(library.locator_find_dp(context, b"PS1", b"PS100001", 0)))
                waiter.start()
                self.assertTrue(was_asked(peer))
                start = time.monotonic()
                library.locator_cancel(context)
                waiter.join(harness.DEADLINE_S)
                self.assertLess(time.monotonic() - start, 1.0)
                call = ctypes.c_void_p(library.locator_start_find_dp(context, b"PS1", b"PS100001", 0))
                self.assertTrue(was_asked(peer))
                start = time.monotonic()
                library.locator_call_cancel(call)
                self.assertEqual(select.select([library.locator_call_fd(call)], [], [], harness.DEADLINE_S)[0],
                                 [library.locator_call_fd(call)])
                self.assertLess(time.monotonic() - start, 1.0)
                answers.append(library.locator_call_result(call))
                library.locator_call_free(call)
                for answer in answers:
                    self.assertEqual(ctypes.string_at(library.locator_result_reason(ctypes.c_void_p(answer))), b"canceled")
                    library.locator_result_free(ctypes.c_void_p(answer))
            library.locator_free(context)

    def test_pkg_config_builds_every_example(self):
        """issue 4.7 header, library and pkg-config file installed in an empty root build each example as its first comment says"""
        root = self.path("root")
        make = ["make", "-s", "-C", harness.BUILDDIR, "DESTDIR=" + root]
        self.run_ok(make + ["install-libLTLIBRARIES", "install-locatorincludeHEADERS", "install-nodist_pkgconfigDATA"],
                    env={name: "" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})
        (folder,) = [path for path, _, files in os.walk(root) if "locator.pc" in files]
        flags = self.run_ok(["pkg-config", "--cflags", "--libs", "locator"],
                            env={"PKG_CONFIG_PATH": folder, "PKG_CONFIG_SYSROOT_DIR": root}).out.split()
        examples = sorted(os.listdir(os.path.join(SOURCES, "docs/examples")))
        self.assertGreaterEqual(len(examples), 3)
        for name in examples:
            path = os.path.join(SOURCES, "docs/examples", name)
            self.run_ok(os.environ.get("SL_CC", "cc").split() + ["-Wall", "-Wextra", "-Werror", path, "-pthread", "-o", self.path("a.out")]
                        + flags)
            done = harness.run([self.path("a.out"), "PS1"], env={"LD_LIBRARY_PATH": os.path.dirname(folder)})
            self.assertEqual(done.code, 2, str(done))
            self.assertIn("no source to ask", done.err)


harness.main()
