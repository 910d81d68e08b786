"""liblocator as a foreign program sees it: the example of the documentation, the exported symbols, the header, pkg-config."""

import ctypes
import os
import re

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

    def test_only_the_public_functions_are_exported(self):
        """everything that the header declares is there, nothing else of ours is visible"""
        library = ctypes.CDLL(os.path.join(harness.BUILDDIR, "locator/.libs/liblocator.so"))
        declared = public_functions()
        self.assertGreater(len(declared), 20)
        for name in declared:
            self.assertTrue(hasattr(library, name), name)
        for name in ("sl_new", "ldapc_new", "nbc_query", "resolve_judge", "api_result_new", "lm_choose_mp"):
            self.assertFalse(hasattr(library, name), "%s is visible" % name)

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

    def test_pkg_config(self):
        """the file names the library and the folder of its header"""
        with open(os.path.join(harness.BUILDDIR, "locator/locator.pc"), encoding="utf-8") as pc:
            text = pc.read()
        self.assertIn("Libs: -L${libdir} -llocator\n", text)
        self.assertIn("Cflags: -I${includedir}\n", text)


harness.main()
