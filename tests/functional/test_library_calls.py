"""Calls of liblocator that do not wait, are canceled, and run in many threads at once. Programs only, so that they may be sanitized."""

import os
import socket
import subprocess
import time

import harness
import lab

THREADS, ROUNDS = int(os.environ.get("SL_THREADS", "16")), int(os.environ.get("SL_ROUNDS", "6"))


class Calls(harness.Case):

    def setUp(self):
        super().setUp()
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.silent.close)
        self.silent.bind(("127.0.0.1", 0))
        self.dead = "wins://127.0.0.1:%d" % self.silent.getsockname()[1]
        self.directory = lab.Directory(self)
        self.directory.add("dn: CN=SMS-MP-PS1-mp1,%s\nobjectClass: mSSMSManagementPoint\nmSSMSSiteCode: PS1\nmSSMSMPName: mp1.example.org\n"
                           "mSSMSDefaultMP: TRUE\nmSSMSCapabilities: <ClientOperationalSettings><HTTPPort>8530</HTTPPort>"
                           "</ClientOperationalSettings>\n" % self.directory.container_dn)

    def example(self, name):
        return os.path.join(harness.BUILDDIR, "docs/examples", name)

    def test_a_call_in_an_event_loop(self):
        """issue 4.7 the example with poll(): the answer, and an outcome when there is none"""
        found = harness.run([self.example("find-mp-poll"), "PS1", self.directory.uri_base])
        self.assertEqual((found.code, found.out), (0, "mp1.example.org port 8530 (%s)\n" % self.directory.uri_base), str(found))
        missing = harness.run([self.example("find-mp-poll"), "PS9", self.directory.uri_base])
        self.assertEqual(missing.code, 1, str(missing))
        self.assertIn("negative (not-found)", missing.err)
        wrong = harness.run([self.example("find-mp-poll")])
        self.assertEqual(wrong.code, 2, str(wrong))

    def test_the_loop_goes_on_meanwhile(self):
        """issue 4.7 a dead source holds up the call for its time-out, and the event loop not at all"""
        late = harness.run([self.example("find-mp-poll"), "PS1", self.dead])
        self.assertEqual(late.code, 3, str(late))
        self.assertGreater(late.err.count("."), 3, "no ticks while the call ran: %s" % late)

    def test_cancel_from_another_thread(self):
        """issue 4.7 the example that cancels: a call to a dead source ends when Enter is pressed, long before its deadline"""
        argv = [self.example("find-mp-cancel"), "PS1", self.dead]
        start = time.monotonic()
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=harness.clean_environment()) as program:
            self.silent.settimeout(harness.DEADLINE_S)
            self.silent.recv(512)   # the call is under way
            out, err = program.communicate("\n", timeout=harness.RUN_S)
        seconds = time.monotonic() - start
        self.assertEqual((program.returncode, out), (3, ""), err)
        self.assertIn("unreachable (canceled): the call was canceled", err)
        self.assertLess(seconds, 1.5, "it waited for the time-out of the source")
        argv[-1] = self.directory.uri_base
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=harness.clean_environment()) as program:
            self.assertEqual((program.stdout.read(), program.wait(harness.RUN_S)), ("mp1.example.org\n", 0))

    def test_many_threads_at_once(self):
        """issue 4.7 one context and many, found, canceled and left alone, from many threads: every outcome is right"""
        site = lab.Site(self, http=["127.0.0.1:%d" % harness.free_port()], roles="server,mp,dp")
        port = int(site.http[0].split(":")[1])
        site.ctl_ok("mp", "add", "mp1.example.org", "--address", "127.0.0.1", "--port", str(port))
        for host in lab.DPS:
            site.ctl_ok("dp", "add", host)
        site.ctl_ok("package", "add", lab.PACKAGE, "--version", "3", "--on", *lab.DPS)
        site.ctl_ok("boundary", "add", "subnet", "127.0.0.0/8")
        site.ctl_ok("mp", "designate", "mp1.example.org")
        published = lab.Directory(self, "published")
        site.ctl_ok("target", "add", published.uri_base, *published.credentials)
        site.publish()
        done = harness.run([os.environ.get("SL_TRY_LIBRARY") or harness.program("try-library"), THREADS, ROUNDS, "PS1", lab.PACKAGE, published.uri_base, self.dead],
                           timeout_s=240)
        self.assertEqual(done.code, 0, str(done))
        calls = THREADS * ROUNDS
        self.assertIn("%d threads: %d found, %d canceled, %d refused, 0 wrong" % (THREADS, 5 * calls, 3 * calls, calls), done.out)


harness.main()
