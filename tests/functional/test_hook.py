"""The hook of the registry: run for every change with plain arguments, never with a name that a script could misunderstand."""

import os

import harness
import lab
import nbns

SCRIPT = """#!/bin/sh
echo "$@" >> %s
"""


def has_ended(pid):
    try:
        with open("/proc/%s/stat" % pid, encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


class Hook(harness.Case):
    def setUp(self):
        super().setUp()
        self.port = harness.free_port((lab.REGISTRY_ADDRESS,))

    def serve(self, script):
        hook = self.write("hook", script)
        os.chmod(hook, 0o755)
        self.registry = lab.Registry(self, self.port, more=["--hook", hook])
        self.client = nbns.Client((lab.REGISTRY_ADDRESS, self.port), local="127.0.0.3")
        self.addCleanup(self.client.close)

    def lines(self):
        if not os.path.exists(self.path("told")):
            return []
        with open(self.path("told"), encoding="ascii") as told:
            return told.read().splitlines()

    def counter(self, name):
        return self.registry.ctl_ok("stats", "--json").answer[name]

    def change(self, opcode, name, **more):
        packet = nbns.request(self.client.next_number(), opcode, name, 0x20, "127.0.0.3", **more)
        self.assertEqual(self.client.ask(packet).rcode, 0)

    def test_a_name_comes_is_refreshed_and_goes(self):
        """add, refresh and delete with type, seconds left and addresses, in their order."""
        self.serve(SCRIPT % self.path("told"))
        for opcode in (nbns.REGISTER, nbns.REFRESH, nbns.RELEASE):
            self.change(opcode, "HOST-1.a_b", ttl_s=100000, flags=0)
        self.registry.ctl_ok("add", "FIXED#1C", "10.0.0.1", "10.0.0.2", "--group")
        self.registry.ctl_ok("delete", "FIXED#1C")
        harness.wait_until(lambda: len(self.lines()) == 5, "five lines")
        lines = [line.split() for line in self.lines()]
        self.assertEqual([line[:3] + line[4:] for line in lines],
                         [["add", "HOST-1.a_b", "20", "127.0.0.3"], ["refresh", "HOST-1.a_b", "20", "127.0.0.3"],
                          ["delete", "HOST-1.a_b", "20", "127.0.0.3"], ["add", "FIXED", "1c", "10.0.0.1", "10.0.0.2"],
                          ["delete", "FIXED", "1c", "10.0.0.1", "10.0.0.2"]])
        self.assertTrue(99990 <= int(lines[0][3]) <= 100000, lines[0])
        self.assertEqual([line[3] for line in lines[2:]], ["0"] * 3)
        harness.wait_until(lambda: self.counter("hook_run") == 5, "the counter")

    def test_names_that_scripts_misunderstand_are_never_passed(self):
        """Shell characters, blanks, options, octets above 0x7e, empty names and scopes: registered, counted, not passed."""
        self.serve(SCRIPT % self.path("told"))
        names = ["$(id)", "A;B", "A B", "`id`", "A|B", "A/B", "-rf", "", "A\xe4", "A\x01", "A'B", "A\nB", "A*B", "A\\B"]
        for name in names:
            self.change(nbns.REGISTER, name)
        self.registry.ctl_ok("add", "A#20.SCOPE", "10.0.0.1")
        self.change(nbns.REGISTER, "GOOD")
        harness.wait_until(self.lines, "the line of the good name")
        self.assertEqual([line.split()[1] for line in self.lines()], ["GOOD"])
        self.assertEqual(self.counter("hook_left_out"), len(names) + 1)

    def test_a_slow_hook_holds_nobody_up(self):
        """While the hook hangs, names are registered; its queue is bounded, and what did not fit is counted."""
        self.serve("#!/bin/sh\nexec sleep 3\n")
        for number in range(1100):
            self.change(nbns.REGISTER, "N%d" % number)
        self.assertGreaterEqual(self.counter("hook_queue_full"), 1100 - 1024 - 10)

    def test_what_takes_too_long_ends_with_all_that_it_started(self):
        """A hook that hangs is killed after ten seconds, and so are the programs that it has started."""
        self.serve("#!/bin/sh\nsleep 60 &\necho $! $$ >> %s\nsleep 60\n" % self.path("told"))
        self.change(nbns.REGISTER, "HOST")
        harness.wait_until(lambda: self.counter("hook_failed") == 1, "the hook to be killed", timeout_s=20)
        for pid in self.lines()[0].split():
            harness.wait_until(lambda pid=pid: has_ended(pid), "the end of process %s" % pid)

    def test_a_failing_hook_is_counted_and_told(self):
        """A hook that fails is counted and told in the log with the first line of what it says; what else hooks say goes nowhere."""
        self.serve("#!/bin/sh\n[ $2 = BAD ] && { echo no zone; seq 300000; exit 3; }\nseq 300000\n(sleep 1; echo late) &\n")
        self.change(nbns.REGISTER, "GOOD")
        self.change(nbns.REGISTER, "BAD")
        harness.wait_until(lambda: (self.counter("hook_run"), self.counter("hook_failed")) == (1, 1), "the counters")
        log = self.registry.process.log()
        self.assertIn('hook-failed op=add name=BAD type=20 text="exit code 3: no zone" left-out=0', log)
        self.assertLess(len(log), 4096)

    def test_what_cannot_be_run_is_refused(self):
        """A relative path, a missing file, a folder and a file that is not executable: usage."""
        for program in ("hook", self.path("missing"), self.folder, self.write("text", "x")):
            result = self.run_ok([harness.program("winsd"), "--check-config", "--listen", "127.0.0.1", "--hook", program], code=2)
            self.assertIn("--hook", result.err)


if __name__ == "__main__":
    harness.main()
