"""The demo does what it says, in both of its modes, leaves nothing behind however it ends, and names what is missing."""

import glob
import os
import signal
import time

import harness

DEMO = os.path.join(harness.SRCDIR, "site", "daemon", "demo.sh")
SECONDS_MAX = 20
STEPS = 4


def processes_in(folder):
    """The command lines of processes that have the folder for a working directory or in an argument."""
    found = []
    for path in glob.glob("/proc/[0-9]*"):
        try:
            with open(path + "/cmdline", "rb") as words:
                line = words.read().replace(b"\0", b" ").decode(errors="replace")
            if os.readlink(path + "/cwd").startswith(folder + "/") or folder in line:
                found.append(line)
        except OSError:
            pass
    return found


class Demo(harness.Case):

    def setUp(self):
        super().setUp()
        self.scratch = self.path("tmp")
        os.mkdir(self.scratch)
        folders = {os.path.dirname(harness.program(name)) for name in ("locator", "winsd", "winsctl", "sited", "sitectl")}
        self.env = {"TMPDIR": self.scratch, "PATH": ":".join(sorted(folders)) + ":" + os.environ["PATH"]}

    def check_nothing_is_left(self):
        harness.wait_until(lambda: not os.listdir(self.scratch), "the demo's folder being gone")
        harness.wait_until(lambda: not processes_in(self.scratch), "the demo's programs being gone")

    def check_run(self, env):
        done = harness.run(["bash", DEMO], env=env, timeout_s=120)
        self.assertEqual(done.code, 0, str(done))
        self.assertEqual([line for line in done.out.splitlines() if line.startswith("== ")][-1][:5], "== %d." % STEPS, str(done))
        self.assertLess(done.seconds, SECONDS_MAX, str(done))
        self.check_nothing_is_left()

    def test_in_a_namespace(self):
        """S1.02 S1.15 S1.19 S1.25 make demo: four steps, exit code 0, under 20 s, nothing left"""
        self.check_run(self.env)

    def test_on_high_ports(self):
        """the demo without a namespace of its own"""
        self.check_run(dict(self.env, SITELOCATOR_DEMO_PORTS="high"))

    def test_stopped_in_the_middle(self):
        """the demo leaves nothing behind when it is interrupted, terminated, hung up or killed"""
        for signo, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -signal.SIGKILL)):
            demo = self.start(["bash", DEMO], env=self.env, clean_exit=False)
            harness.wait_until(lambda: "winsd" in demo.log(), "the demo's registry")
            time.sleep(0.2)
            demo.expected_gone = True
            demo.signal(signo)
            self.assertEqual(demo.wait(20), code)
            self.check_nothing_is_left()

    def test_without_slapd(self):
        """a machine without slapd: an error that names the package, not a silent skip"""
        done = harness.run([harness.tool("unshare", "util-linux"), "-rm", "sh", "-c", "mount --bind /dev/null \"$0\" && exec bash \"$1\"",
                            harness.tool("slapd", "slapd"), DEMO], env=self.env)
        self.assertEqual(done.code, 1, str(done))
        self.assertIn("install the package slapd", done.err)
        self.check_nothing_is_left()


harness.main()
