"""What `make install` brings beside the programs: manual pages, help and completions, and that `make uninstall` takes all away."""

import os
import pty
import re
import select
import time

import harness

PROGRAMS = {"locator": 1, "winsctl": 8, "winsd": 8, "sitectl": 8, "sited": 8}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]+")
HOSTS = {"hosts", "hostname"}
# What is typed, and candidates that the shell must offer.
TYPED = (
    ("locator find m", {"mp"}),
    ("locator --json find ", {"mp", "dp", "site", "name"}),
    ("locator find mp --trusted", {"--trusted-root-key"}),
    ("winsctl --control /tmp/x sh", {"show"}),
    ("winsctl list --type ", {"unique", "group", "sgroup", "mhomed"}),
    ("winsctl --control /etc/host", HOSTS),
    ("winsctl import /etc/host", HOSTS),
    ("winsctl export --format ", {"winsdat", "lmhosts", "netsh", "csv", "json"}),
    ("sitectl mp ", {"add", "designate", "list", "remove", "set"}),
    ("sitectl db backup /etc/host", HOSTS),
    ("sited --rol", {"--role"}),
)
# Of bash alone, which makes a word of the equals sign.
EQUALS = (
    ("winsctl list --type=", {"unique", "group", "sgroup", "mhomed"}),
    ("winsctl list --state=t", {"tombstone"}),
    ("winsctl import --format=csv /etc/host", HOSTS),
    ("winsctl --control=/run/x.sock li", {"list"}),
)
# bash: the words of a line as the shell gives them to a completion; what is not there outside of one is left out.
BASH = """
for file in "$0"/*; do . "$file" || exit; done
compopt() { :; }
for line; do
    read -ra COMP_WORDS <<<"${line//=/ = }"
    [[ $line != *" " ]] || COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _${COMP_WORDS[0]}
    echo "${COMPREPLY[@]}"
done
"""
FISH = """
for file in $argv[1]/*; source $file; or exit 1; end
for line in $argv[2..-1]; echo (complete -C "$line" | string replace -r '\\t.*' ''); end
"""
ZSHRC = """
fpath=("%s" $fpath)
autoload -Uz compinit && compinit -u -D
unset zle_bracketed_paste
LISTMAX=1000 PS1='READY '
zstyle ':completion:*' list-separator ' -- '
"""


class Installed(harness.Case):

    def setUp(self):
        super().setUp()
        self.root = self.path("root")
        self.make("install")

    def make(self, target):
        self.run_ok(["make", "-s", "-C", harness.BUILDDIR, "DESTDIR=" + self.root, target],
                    env={name: "" for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")})

    def files(self):
        return [os.path.join(folder, name) for folder, _, names in os.walk(self.root) for name in names]

    def folder_of(self, name):
        (folder,) = {os.path.dirname(path) for path in self.files() if os.path.basename(path) == name}
        return folder

    def page(self, path):
        return self.run_ok(["groff", "-ww", "-man", "-Tascii", "-P-cbou", "-rLL=500n", path], cwd=os.path.dirname(os.path.dirname(path)))

    def test_manual_pages_are_clean_and_whole(self):
        """3.8 5.5: no warning of groff in any page; the page of a program has the options of its help and of that of each verb, and no other"""
        pages = [path for path in self.files() if "/man/man" in path]
        self.assertGreater(len(pages), len(PROGRAMS))
        for path in pages:
            with open(path, encoding="utf-8") as text:
                is_link = text.read().startswith(".so ")
            if not is_link:
                self.assertEqual(self.page(path).err, "", path)
        for name, section in PROGRAMS.items():
            page = self.page(os.path.join(self.folder_of("%s.%d" % (name, section)), "%s.%d" % (name, section))).out
            helps = [self.run_ok([harness.program(name), "--help"]).out]
            for verb in self.verbs(name):
                told = self.run_ok([harness.program(name), *verb.split(), "--help"])
                self.assertTrue(told.out.startswith("Usage: %s [OPTION...] %s" % (name, verb)), str(told))
                self.assertEqual(told.err, "")
                self.assertIn(verb, page)
                helps.append(told.out)
            known = set().union(*(OPTION.findall(text) for text in helps))
            self.assertEqual(set(OPTION.findall(page)) - known, set() if name == "locator" else {"--strict"}, "of locator's exit code")
            self.assertEqual(known - set(OPTION.findall(page)), set(), name)

    def verbs(self, name):
        """The verbs that the completion of bash knows."""
        text = self.run_ok([harness.program(name), "--help=bash"]).out
        steps = {typed + following for typed, following in re.findall(r"\[\[ \$typed == '([^']*)' \]\] && next\+=' (\S+)'", text)}
        return sorted(step for step in steps if not any(other.startswith(step + " ") for other in steps))

    def check_offers(self, shell, offers, typed=TYPED):
        self.assertEqual(len(offers), len(typed), offers)
        for (line, wanted), offered in zip(typed, offers):
            self.assertLessEqual(wanted, {os.path.basename(word).rstrip("*") for word in offered.split()}, "%s: %s" % (shell, line))

    def test_completions_in_their_shells(self):
        """3.8 5.5: bash, zsh and fish take the files without a complaint and offer verbs, options, words and files"""
        lines = [line for line, _ in TYPED]
        fish = self.folder_of("locator.fish")
        bash = os.path.join(os.path.dirname(os.path.dirname(fish)), "bash-completion", "completions")
        for shell, argv, folder in (("bash", ["--norc", "-c", BASH], bash), ("fish", ["--no-config", "-c", FISH], fish)):
            done = self.run_ok([harness.tool(shell, shell), *argv, folder, *lines], env={"HOME": self.folder})
            self.assertEqual(done.err, "", shell)
            self.check_offers(shell, done.out.splitlines())
        done = self.run_ok([harness.tool("bash", "bash"), "--norc", "-c", BASH, bash, *[line for line, _ in EQUALS]])
        self.check_offers("bash", done.out.splitlines(), EQUALS)
        self.check_offers("zsh", self.ask_zsh(lines))

    def ask_zsh(self, lines):
        """zsh completes for a terminal alone: each line, TAB twice for the list, and the line is killed."""
        self.write(".zshrc", ZSHRC % self.folder_of("_locator"))
        zsh = harness.tool("zsh", "zsh")
        pid, terminal = pty.fork()
        if pid == 0:
            harness.die_with_parent()
            path = ":".join([os.path.dirname(harness.program(name)) for name in PROGRAMS] + [os.environ["PATH"]])
            os.execve(zsh, ["zsh", "-i"], {"ZDOTDIR": self.folder, "HOME": self.folder, "TERM": "dumb", "PATH": path,
                                             "COLUMNS": "200", "LINES": "100", "LC_ALL": "C"})
        try:
            self.read_until(terminal, "READY ")
            offers = []
            for line in lines:
                os.write(terminal, line.encode() + b"\t\t\t")
                os.write(terminal, b"\x15: end\r")
                offers.append(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\r\n\x07]", " ", self.read_until(terminal, ": end", "READY ")))
            return offers
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            os.close(terminal)

    def read_until(self, terminal, *marks):
        got, end = "", time.monotonic() + harness.DEADLINE_S
        while not re.search(".*".join(re.escape(mark) for mark in marks) + "$", got, re.S):
            ready = select.select([terminal], [], [], max(0, end - time.monotonic()))[0]
            self.assertTrue(ready, got)
            got += os.read(terminal, 65536).decode(errors="replace")
        return got

    def test_uninstall_leaves_nothing(self):
        """3.10: make uninstall removes each file that make install brought"""
        self.assertGreater(len(self.files()), 50)
        self.make("uninstall")
        self.assertEqual(self.files(), [])


harness.main()
