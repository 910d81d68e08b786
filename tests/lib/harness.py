"""What every functional and interop test stands on.

A test file is a plain unittest file that ends in `harness.main()`; automake runs it with /usr/bin/python3. A test case is a
harness.Case: it has a folder of its own, starts programs that are always stopped again by their process id, and when it fails the
logs of those programs are shown. The first line of a test's docstring names the promise, with its id (S1.19, Q05 ...).

Nothing here ever waits a fixed time: wait_until() polls with a deadline and says what it waited for.
"""

import ctypes
import dataclasses
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

SRCDIR = os.environ.get("abs_top_srcdir") or os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILDDIR = os.environ.get("abs_top_builddir") or os.path.join(SRCDIR, "build")

# Where the build puts its programs.
PROGRAM_FOLDERS = ("locator", "locator/cli", "wins-emu", "wins-emu/ctl", "wins-emu/daemon", "site", "site/cli", "site/daemon",
                   "tests/unit", "tests/functional", "tests/bench", "tests/fuzz", "tests/replay", "docs", "")

DEADLINE_S = 15      # a program that should be ready, a state that should come
STOP_S = 10          # between SIGTERM and SIGKILL
RUN_S = 60           # a command line tool
LOG_TAIL = 4000      # characters of each log shown when a test fails


class Failed(AssertionError):
    """A promise was broken; the text says which."""


def program(name):
    """The path of a program of this build."""
    for folder in PROGRAM_FOLDERS:
        path = os.path.join(BUILDDIR, folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise Failed("program %s is not built in %s" % (name, BUILDDIR))


def tool(name, package):
    """The path of a foreign program; without it the test fails and names the Debian package."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if not path:
        raise Failed("%s is missing: install the package %s" % (name, package))
    return path


def wait_until(condition, what, timeout_s=DEADLINE_S, poll_s=0.02):
    """Polls until condition() is true and returns its value. An AssertionError or OSError of it counts as "not yet"."""
    end = time.monotonic() + timeout_s
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, OSError) as error:
            last = error
        if time.monotonic() >= end:
            raise Failed("waited %g s in vain: %s (last seen: %s)" % (timeout_s, what, last))
        time.sleep(poll_s)


def free_port(addresses=("127.0.0.1",), kinds=(socket.SOCK_STREAM, socket.SOCK_DGRAM)):
    """A port above 1024 that is free at this moment for every kind on every address."""
    for _ in range(200):
        held = []
        try:
            port = 0
            for address in addresses:
                for kind in kinds:
                    one = socket.socket(socket.AF_INET, kind)
                    held.append(one)
                    one.bind((address, port))
                    port = one.getsockname()[1]
            return port
        except OSError:
            continue
        finally:
            for one in held:
                one.close()
    raise Failed("no free port on %s" % ", ".join(addresses))


def is_accepting(address, port):
    """True when something accepts TCP connections there."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((address, port)) == 0


@dataclasses.dataclass(frozen=True)
class Result:
    """What a finished command left behind."""

    argv: list
    code: int
    out: str
    err: str
    seconds: float

    @property
    def json(self):
        try:
            return json.loads(self.out)
        except ValueError as error:
            raise Failed("output is not one JSON document (%s):\n%s" % (error, self))

    @property
    def answer(self):
        return self.json["answer"]

    def __str__(self):
        return "$ %s\n%s%s[exit code %d after %.2f s]" % (" ".join(self.argv), self.out, self.err, self.code, self.seconds)


def clean_environment(extra=None):
    """The environment of every program under test: no user's ldap.conf, no colours, English."""
    env = dict(os.environ, LC_ALL="C", LANG="C", LDAPNOINIT="1", NO_COLOR="1")
    for name in [name for name in env if name.startswith("KRB5")]:
        del env[name]
    env.update(extra or {})
    return env


def run(argv, timeout_s=RUN_S, stdin=None, env=None, cwd=None):
    """Runs a command to its end. Text is decoded so that no octet can make this fail."""
    argv = [str(word) for word in argv]
    start = time.monotonic()
    try:
        done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout_s, cwd=cwd,
                              env=clean_environment(env), encoding="utf-8", errors="backslashreplace",
                              stdin=subprocess.DEVNULL if stdin is None else None)
    except subprocess.TimeoutExpired as error:
        raise Failed("still running after %g s: %s\n%s" % (timeout_s, " ".join(argv), error.stderr or ""))
    return Result(argv, done.returncode, done.stdout, done.stderr, time.monotonic() - start)


def die_with_parent():
    """In a child before exec: the kernel kills it when the test dies, however it dies (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Process:
    """A program in the background; its output goes to a log file."""

    def __init__(self, argv, log_path, env=None, cwd=None, clean_exit=True):
        self.argv = [str(word) for word in argv]
        self.name = os.path.basename(self.argv[0])
        self.log_path = log_path
        self.clean_exit = clean_exit    # SIGTERM must end it with 0
        self.expected_gone = False
        with open(log_path, "ab") as log:
            self._popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                                           env=clean_environment(env), preexec_fn=die_with_parent)
        self.pid = self._popen.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="backslashreplace") as log:
            return log.read()

    def is_alive(self):
        return self._popen.poll() is None

    def check_alive(self):
        if not self.is_alive():
            raise Failed("%s died with %s:\n%s" % (self.name, self._popen.returncode, self.log()[-LOG_TAIL:]))

    def signal(self, signo):
        os.kill(self.pid, signo)

    def kill(self):
        """SIGKILL: a crash."""
        self.expected_gone = True
        if self.is_alive():
            self._popen.kill()
        self._popen.wait()

    def wait(self, timeout_s=STOP_S):
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Failed("%s is still running after %g s" % (self.name, timeout_s))

    def stop(self):
        """SIGTERM; a program of ours that was still running must end by it, with exit code 0."""
        if self.expected_gone:
            return
        self.expected_gone = True
        if not self.is_alive():
            raise Failed("%s had died with %s:\n%s" % (self.name, self._popen.returncode, self.log()[-LOG_TAIL:]))
        self._popen.terminate()
        try:
            code = self._popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
            raise Failed("%s did not stop within %g s of SIGTERM" % (self.name, STOP_S))
        if self.clean_exit and code != 0:
            raise Failed("%s ended with %d on SIGTERM:\n%s" % (self.name, code, self.log()[-LOG_TAIL:]))


class Case(unittest.TestCase):
    """A test with a folder and processes of its own."""

    maxDiff = None

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(prefix="slt-")
        os.chmod(self.folder, 0o755)    # a slapd that dropped root's rights must reach its part
        self.processes = []
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.addCleanup(self._show_logs_of_failure)
        self.addCleanup(self._stop_all)

    def path(self, *names):
        """A path in the test's folder, short enough for a socket."""
        return os.path.join(self.folder, *names)

    def write(self, name, text, mode=0o600):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def start(self, argv, name=None, clean_exit=True, env=None, cwd=None):
        """Starts a program that is stopped when the test ends."""
        name = name or os.path.basename(str(argv[0]))
        process = Process(argv, self.path("%s.%d.log" % (name, len(self.processes))), env, cwd, clean_exit)
        self.processes.append(process)
        return process

    def run_ok(self, argv, code=0, **more):
        """Runs a command that must end with this exit code."""
        result = run(argv, **more)
        self.assertEqual(result.code, code, "wrong exit code\n%s" % result)
        return result

    def _stop_all(self):
        problems = []
        for process in reversed(self.processes):
            try:
                process.stop()
            except Failed as problem:
                problems.append(str(problem))
        if problems:
            self.fail("\n".join(problems))

    def _show_logs_of_failure(self):
        if self._outcome.success:
            return
        for process in self.processes:
            print("--- log of %s" % " ".join(process.argv), file=sys.stderr)
            print(process.log()[-LOG_TAIL:], file=sys.stderr)


# ---- network namespaces ------------------------------------------------------------------------------------------------

_INSIDE = "SL_TEST_NAMESPACE"


def need_namespace(kinds="-rn"):
    """
    Runs this test file again inside a network namespace of its own, where every port of the loopback is free and ours; with kinds
    "-rnm" it may mount too. Where that is not allowed the tests fail and say so; they are never skipped.
    """
    if os.environ.get(_INSIDE):
        run([tool("ip", "iproute2"), "link", "set", "lo", "up"])
        return
    unshare = tool("unshare", "util-linux")
    tool("ip", "iproute2")
    probe = subprocess.run([unshare, kinds, "true"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if probe.returncode != 0:
        print("FAIL: %s needs a private network namespace (unshare %s): %s"
              % (os.path.basename(sys.argv[0]), kinds, probe.stdout.decode(errors="replace").strip()))
        sys.exit(1)
    os.environ[_INSIDE] = "1"
    os.execv(unshare, [unshare, kinds, sys.executable] + sys.argv)


class SecondHost:
    """
    Another network namespace, joined to ours by a veth pair: another machine on the wire. Only inside need_namespace().
    `ours` and `theirs` are addresses with their prefix length, as in "10.78.0.1/24".
    """

    def __init__(self, case, ours, theirs):
        unshare, ip = tool("unshare", "util-linux"), tool("ip", "iproute2")
        self._nsenter = tool("nsenter", "util-linux")
        self._holder = case.start([unshare, "-n", "sleep", "1000000"], name="second-host", clean_exit=False)
        own = os.readlink("/proc/self/ns/net")
        wait_until(lambda: os.readlink("/proc/%d/ns/net" % self._holder.pid) != own, "the second namespace")
        case.run_ok([ip, "link", "add", "sl-ours", "type", "veth", "peer", "name", "sl-theirs", "netns", str(self._holder.pid)])
        case.addCleanup(run, [ip, "link", "del", "sl-ours"])
        case.run_ok([ip, "addr", "add", ours, "brd", "+", "dev", "sl-ours"])
        case.run_ok([ip, "link", "set", "sl-ours", "up"])
        for words in (["addr", "add", theirs, "brd", "+", "dev", "sl-theirs"], ["link", "set", "sl-theirs", "up"],
                      ["link", "set", "lo", "up"]):
            case.run_ok(self.command([ip] + words))
        wait_until(lambda: "LOWER_UP" in run([ip, "-br", "link", "show", "sl-ours"]).out, "the link between the hosts")

    def command(self, argv):
        """The command line that runs argv on that host."""
        return [self._nsenter, "-t", str(self._holder.pid), "-n", "--"] + list(argv)


def main():
    """Runs the tests of the calling file; a file without tests is a failure."""
    signal.signal(signal.SIGINT, signal.default_int_handler)    # a shell has what it runs in the background ignore it, children included
    program_ = unittest.main(module="__main__", verbosity=2, exit=False)
    result = program_.result
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
