#!/usr/bin/python3
"""The rules of docs/coding.md and docs/architecture.md that a machine can hold.

One line a finding, `file:line: rule: text`, then a count; exit 1 when there are any. Before it reads the tree it proves on a small
planted one that every rule can fail.
"""
import os
import re
import sys
import tempfile

FOLDERS = ("common", "locator", "ldap-schema", "wins-emu", "site", "tests", "docs")
LINE_MAX, FUNCTION_MAX, FILE_MAX, COMMENT_ABOVE = 130, 80, 600, 4

# Which folder may include which, complete; a folder may always include itself.
BASE = ["common/base"]
WIRE, DB, CONF, XML, FILES, HOST, CLI = ([f"common/{x}"] for x in ("wire", "db", "conf", "xml", "files", "host", "cli"))
NAMES, PUBLIC = ["ldap-schema"], ["locator/include"]
MODEL, NET, SOURCE, CACHE, RESOLVE, API = ([f"locator/{x}"] for x in ("model", "net", "source", "cache", "resolve", "api"))
CORE, TABLE, STORE, ENGINE, WNET, REPL, CTL = ([f"wins-emu/{x}"] for x in ("core", "table", "store", "engine", "net", "repl", "ctl"))
S_MODEL, S_STORE, S_HTTP, S_CONTENT = ["site/model"], ["site/store"], ["site/http"], ["site/content"]
S_REPORT = ["site/report"]
ROLE = BASE + WIRE + XML + HOST + MODEL + NET + PUBLIC + NAMES + S_MODEL + S_STORE + S_HTTP + S_CONTENT + S_REPORT
ROLES = ["site/server", "site/mp", "site/dp", "site/slp", "site/nbname", "site/publish", "site/client"]
EDGES = {
    "common/base": [],
    "common/wire": BASE, "common/db": BASE, "common/conf": BASE, "common/xml": BASE, "common/host": BASE, "common/cli": BASE,
    "common/files": BASE + WIRE,
    "ldap-schema": BASE,
    "locator/include": [], "docs/examples": PUBLIC,
    "locator/model": BASE + XML,
    "locator/net": BASE + WIRE + XML + NAMES + MODEL,
    "locator/source": BASE + WIRE + XML + FILES + NAMES + MODEL + NET + CACHE,
    "locator/cache": BASE + DB + NAMES + MODEL + NET,
    "locator/resolve": BASE + WIRE + XML + NAMES + MODEL + NET + SOURCE + CACHE,
    "locator/api": BASE + WIRE + XML + PUBLIC + MODEL + NET + SOURCE + CACHE + RESOLVE,
    "locator/cli": BASE + WIRE + CLI + CONF + PUBLIC + MODEL + NET + SOURCE + RESOLVE + API,
    "wins-emu/core": BASE + WIRE,
    "wins-emu/table": BASE + WIRE + CORE,
    "wins-emu/store": BASE + WIRE + DB + CORE,
    "wins-emu/engine": BASE + WIRE + CORE + TABLE + STORE,
    "wins-emu/net": BASE + WIRE + HOST + CORE + TABLE + ENGINE,
    "wins-emu/repl": BASE + WIRE + HOST + CORE + TABLE + ENGINE,
    "wins-emu/ctl": BASE + WIRE + FILES + HOST + CLI + CORE + TABLE + STORE + ENGINE,
    "wins-emu/daemon": BASE + WIRE + HOST + CLI + CONF + CORE + TABLE + STORE + ENGINE + WNET + REPL + CTL,
    "site/model": BASE + XML + MODEL,
    "site/store": BASE + DB + MODEL + NET + S_MODEL,
    "site/http": BASE,
    "site/content": BASE + S_MODEL,
    "site/report": BASE + DB + XML + MODEL + NET + S_MODEL,
    **{role: ROLE for role in ROLES},
    "site/publish": ROLE + FILES,
    "site/server": ROLE + ["site/publish", "site/nbname"],
    "site/cli": ROLE + CLI + CONF + ROLES,
    "site/daemon": ROLE + CLI + CONF + ROLES,
}

# Foreign libraries: the one file or folder that includes each.
FOREIGN = {
    r"(ldap|lber|openldap)\.h|sasl/.*": "locator/net/ldapc/",
    r"ares.*\.h": "locator/net/dnsc.c",
    r"curl/.*": "locator/net/httpc.c",
    r"gnutls/.*": ("locator/net/cert/", "site/model/digest.c", "site/http/tls.c"),
    r"zlib\.h": "site/mp/inflate.c",
    r"microhttpd\.h": ("site/http/", "tests/bench/memory-http.c"),
    r"urcu.*": "wins-emu/table/",
    r"event2/.*": "common/host/loop.c",
    r"confuse\.h": "common/conf/conf.c",
    r"libxml/.*": "common/xml/",
    r"sqlite3\.h": "common/db/db.c",
    r"libpq-fe\.h": "common/db/postgres.c",
    r"systemd/.*": "common/host/service.c",
    r"check\.h": "tests/unit/",
}
# Headers of C, POSIX and Linux; anything else is a library that needs a row above.
SYSTEM = """arpa/inet ctype dirent dlfcn endian errno fcntl grp ifaddrs inttypes libgen limits locale malloc math net/if netdb netinet/in
netinet/ip netinet/tcp netinet/udp poll pthread pwd sched signal spawn stdalign stdarg stdatomic stdbool stddef stdint stdio stdio_ext stdlib
string strings sys/epoll sys/eventfd sys/file sys/ioctl sys/mman sys/prctl sys/random sys/resource sys/signalfd sys/sendfile sys/socket sys/stat
sys/statvfs sys/syscall sys/time sys/timerfd sys/types sys/uio sys/un sys/utsname sys/wait syslog termios time unistd glob setjmp linux/capability linux/errqueue
linux/filter linux/net_tstamp linux/sock_diag linux/sockios sanitizer/asan_interface sanitizer/tsan_interface valgrind/memcheck""".split()

# Calls that nobody makes, and what to use; a few have one file that may.
BANNED = {
    "strcpy": "sl_text_copy", "strcat": "struct sl_text", "sprintf": "snprintf", "vsprintf": "vsnprintf", "strtok": "strcspn",
    "gets": "fgets", "atoi": "sl_parse_i64", "atol": "sl_parse_i64", "atoll": "sl_parse_i64", "strtol": "sl_parse_i64",
    "strtoul": "sl_parse_u64", "strtoll": "sl_parse_i64", "strtoull": "sl_parse_u64", "system": "posix_spawn", "popen": "posix_spawn",
    "rand": "sl_random_next", "srand": "sl_random_seeded", "random": "sl_random_next", "drand48": "sl_random_next",
    "time": "sl_clock_real_s or `now` as a parameter", "sleep": "a timer", "usleep": "a timer", "assert": "sl_assert",
    "alloca": "an array of fixed size", "inet_ntoa": "sl_ip4_text", "inet_addr": "sl_ip4_parse", "gethostbyname": "locator/net/dnsc",
    "select": "common/host/loop", "localtime": "localtime_r", "gmtime": "gmtime_r", "ctime": "strftime", "asctime": "strftime",
    "mktemp": "mkstemp", "tmpnam": "mkstemp", "getopt": "struct sl_option", "getopt_long": "struct sl_option",
    "dlopen": "common/base/lazy",
}
# The files beside common/db that make statements out of names: of the tables of our own schema.
MAY_BUILD_SQL = ("site/store/copy.c",)
MAY_CALL = {("strtoll", "common/base/text.c"), ("strtoull", "common/base/text.c"), ("dlopen", "common/base/lazy.c")}

KEYWORDS = {"if", "for", "while", "switch", "return", "sizeof", "do", "else", "defined", "_Static_assert", "__attribute__", "_Alignas"}


def strip(text):
    """Blanks out comments and the inside of literals, keeping every newline."""
    def blank(m):
        s = m[0]
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[0]
        return re.sub(r"[^\n]", " ", s)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def second_argument(code, at):
    """What stands between the first comma and the one or the parenthesis behind it, in a call whose arguments begin at `at`."""
    depth, first = 0, None
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if depth < 0 or (depth == 0 and code[i] == ","):
            if first is not None or depth < 0:
                return " ".join(code[first if first is not None else at:i].split())
            first = i + 1
    return ""


class Source:
    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape") as f:
            self.text = f.read()
        self.lines = self.text.split("\n")
        self.code = strip(self.text)
        self.is_c = path.endswith((".c", ".h", ".def"))
        self.is_header = path.endswith(".h")
        self.is_test = path.startswith("tests/")
        parts = path.split("/")
        self.folder = parts[0] if parts[0] == "ldap-schema" or len(parts) < 3 else "/".join(parts[:2])

    def line(self, offset):
        return self.code.count("\n", 0, offset) + 1


class Lint:
    def __init__(self, root):
        self.root = root
        self.found = []
        self.sources = [Source(root, p) for p in self.paths()]

    def paths(self):
        for top in FOLDERS:
            for folder, folders, files in os.walk(os.path.join(self.root, top)):
                folders[:] = sorted(f for f in folders if not f.startswith((".", "build", "__")))
                for name in sorted(files):
                    if name.endswith((".c", ".h", ".def")):
                        yield os.path.relpath(os.path.join(folder, name), self.root)

    def report(self, source, line, rule, text):
        self.found.append((source.path, line, rule, text))

    def run(self):
        prefixes = self.prefixes()
        for s in self.sources:
            self.lengths(s)
            if s.is_c:
                self.includes(s)
                self.calls(s)
                self.globals(s)
                self.sql(s)
                self.functions(s, prefixes)
            if s.is_header:
                self.prototypes(s, prefixes)
        self.stories()
        self.found.sort()
        return self.found

    # ---- rules -----------------------------------------------------------------------------------------------------

    def lengths(self, s):
        for i, text in enumerate(s.lines if s.is_c else [], 1):
            if len(text) > LINE_MAX:
                self.report(s, i, "line-length", f"{len(text)} columns, at most {LINE_MAX}")
        if s.is_c and not s.is_test and len(s.lines) > FILE_MAX:
            self.report(s, len(s.lines), "file-length", f"{len(s.lines)} lines, at most {FILE_MAX}")

    def includes(self, s):
        for i, text in enumerate(s.lines, 1):
            m = re.match(r'\s*#\s*include\s+(["<])([^">]+)', text)
            if not m or m[2] == "config.h":
                continue
            if m[1] == '"' or m[2].startswith("locator/"):
                self.own_include(s, i, m[1], m[2])
            else:
                self.foreign_include(s, i, m[2])

    def own_include(self, s, i, quote, name):
        if quote == "<":
            name = "locator/include/" + name
        parts = name.split("/")
        if parts[0] not in FOLDERS or len(parts) < 2:
            self.report(s, i, "include-from-root", f'"{name}" is not written from the root')
            return
        folder = parts[0] if parts[0] == "ldap-schema" else "/".join(parts[:2])
        if s.is_test or folder == s.folder:
            return
        if folder not in EDGES.get(s.folder, []):
            self.report(s, i, "include-edge", f"{s.folder} may not include {folder}")
        if parts[-1] in ("private.h", "internal.h"):
            self.report(s, i, "include-private", f"{name} belongs to {folder}")

    def foreign_include(self, s, i, name):
        for pattern, where in FOREIGN.items():
            if re.fullmatch(pattern, name):
                if not s.path.startswith(where):
                    self.report(s, i, "include-foreign", f"<{name}> belongs to {where}")
                return
        if name[:-2] not in SYSTEM:
            self.report(s, i, "include-foreign", f"<{name}> is in no row of this file's tables")

    def stories(self):
        """Every row of the registry's decision tables has a story, named after it, that expects it."""
        folder = os.path.join(self.root, "tests/replay/stories")
        told = {}
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                told[name] = set(re.findall(r"\b[A-Z]\d\d\b", "".join(t for t in f if not t.startswith("#"))))
        for s in self.sources:
            for m in re.finditer(r"^    X\(([A-Z]\d\d),", s.text, re.M) if s.path.endswith("core/rules.h") else ():
                if not any(name.startswith(m[1] + "-") and m[1] in rules for name, rules in told.items()):
                    self.report(s, s.text.count("\n", 0, m.start()) + 1, "story", f"{m[1]} has no story in tests/replay/stories")

    def calls(self, s):
        for m in re.finditer(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED), s.code):
            if (m[1], s.path) not in MAY_CALL:
                self.report(s, s.line(m.start()), "banned-call", f"{m[1]}: use {BANNED[m[1]]}")

    def sql(self, s):
        """Statements are literals, or rows of a constant table of them in the same file: no text from outside ever becomes SQL."""
        if s.is_test or s.path.startswith("common/db/") or s.path in MAY_BUILD_SQL:
            return
        tables = set(re.findall(r"\bstatic const char \*const (\w+)\[\w*\] = \{", s.code))
        for m in re.finditer(r"\bdb_(?:exec|prepare)\(", s.code):
            sql = second_argument(s.code, m.end())
            table = re.fullmatch(r"(\w+)\[[\w.>-]+\]", sql)
            if re.sub(r'" *"|\b[A-Z][A-Z0-9_]*\b|\s', "", sql) and not (table and table[1] in tables):
                self.report(s, s.line(m.start()), "built-sql", f"{sql[:40]} is no literal")

    def globals(self, s):
        for m in re.finditer(r"^\s*extern\s+([^;(\"]*);", s.code, re.M):
            if "const" not in m[1].rpartition("*")[2]:
                self.report(s, s.line(m.start()), "writable-extern", " ".join(m[1].split()))
        for m in re.finditer(r"^static\s+([^;(){=]*?)\s*(?:=[^;]*)?;", s.code, re.M):
            line = s.line(m.start())
            if "const" not in m[1] and "pthread_once_t" not in m[1] and not s.is_test and "global:" not in s.lines[line - 1]:
                self.report(s, line, "writable-global", " ".join(m[1].split()) + ' (a reason "/* global: ... */" beside it excuses it)')

    def functions(self, s, prefixes):
        for m in re.finditer(r"^(?!typedef|#)([A-Za-z_][\w\s\*]*?)\b(\w+)\(([^;{}]*)\)[^;{}()]*\n\{\n(.*?)^\}", s.code, re.M | re.S):
            if m[2] in KEYWORDS:
                continue
            line, end = s.line(m.start()), s.line(m.end())
            beside = "\n".join(s.lines[max(0, line - 2):line + 1])
            if end - line + 1 > FUNCTION_MAX and "/* long:" not in beside:
                self.report(s, line, "function-length", f'{m[2]} has {end - line + 1} lines (a reason "/* long: ... */" beside it excuses it)')
            if not re.search(r"\bstatic\b", m[1]) and m[2] != "main" and not m[2].startswith("__tsan_") and not s.is_test:
                self.prefix(s, line, m[2], prefixes)

    def prototypes(self, s, prefixes):
        for m in re.finditer(r"^(?!typedef|static|#|\s)([A-Za-z_][\w\s\*]*?[\s\*])(\w+)\(([^;{}]*)\)[^;{}]*;", s.code, re.M):
            if m[2] in KEYWORDS or m[2].isupper():
                continue
            line, last = s.line(m.start()), s.line(m.end())
            above = s.lines[max(0, line - 1 - COMMENT_ABOVE):last]
            if not any("/*" in t or "*/" in t or "//" in t for t in above):
                self.report(s, line, "undocumented", f"{m[2]} has no comment")
            if not s.is_test:
                self.prefix(s, line, m[2], prefixes)

    def prefix(self, s, line, name, prefixes):
        wanted = prefixes.get(s.folder)
        if wanted is None:
            self.report(s, line, "prefix", f"{s.folder} has no row in the table of docs/coding.md")
        elif not name.startswith(tuple(wanted)):
            self.report(s, line, "prefix", f"{name} should begin with {' or '.join(wanted)}")

    def prefixes(self):
        """The table "Prefixes" of docs/coding.md: pairs of cells, folders and prefixes in backquotes."""
        table, owner = {}, {}
        with open(os.path.join(self.root, "docs/coding.md"), encoding="utf-8") as f:
            section = f.read().partition("## Prefixes")[2].partition("\n## ")[0]
        for row in re.findall(r"^\|(.*)\|$", section, re.M):
            cells = row.split("|")
            for folders, names in zip(cells[::2], cells[1::2]):
                for i, folder in enumerate(re.findall("`([^`]+)`", folders)):
                    each = re.findall("`([^`]+)`", names)
                    table[folder] = each if folders.count("`") == 2 or len(each) == 1 else [each[i]]
        for folder, names in table.items():
            for name in names:
                if owner.setdefault(name, folder) not in (folder, "locator/api"):
                    self.found.append(("docs/coding.md", 1, "prefix", f"{name} belongs to {owner[name]} and {folder}"))
        return table


# ---- the lint can fail ---------------------------------------------------------------------------------------------

PLANTED = {
    "docs/coding.md": "## Prefixes\n\n| folder | prefix |\n|---|---|\n| `common/base` | `sl_` |\n| `common/db`, `common/xml` | `db_`, `db_` |\n| `site/store` | `sst_` |\n",
    "common/base/good.h": "/* A manual. */\n#include <stdint.h>\n/* Adds. */\nint sl_add(int a, int b);\nextern const char *const sl_words[];\n",
    "common/base/good.c": "#include \"common/base/good.h\"\n\n/* time(NULL) in a comment */\nint sl_add(int a, int b)\n{\n    return a + b;\n}\n",
    "wins-emu/core/rules.h": "    X(R01, \"one\")\n    X(R02, \"two\")\n",
    "tests/replay/stories/R01-one.story": "# R02\nexpect none rule R01\n",
    "site/store/good.c": "static const char *const by_kind[] = {\n    \"SELECT 1\",\n};\nvoid sst_a(void)\n{\n    db_prepare(db, by_kind[kind]);\n"
                         "    db_prepare(f(a, b), \"SELECT \" WHERE\n        \"2\");\n}\n",
    "site/store/bad.c": "void sst_b(const char *text)\n{\n    db_prepare(db, text);\n    db_exec(db, sl_text_str(&sql), e);\n}\n",
    "site/store/copy.c": "void sst_c(const char *text)\n{\n    db_prepare(db, text);\n}\n",
    "common/base/bad.h": "\n\n\n\n\nint sl_bare(void);\nextern int sl_writable;\nextern const char *sl_pointer;\n",
    "common/base/bad.c": "#include \"bad.h\"\n#include \"common/db/private.h\"\n#include <sqlite3.h>\n#include <json.h>\nstatic int counter;\n"
                         "int other(void)\n{\n    const char *s = \"strcpy(a, b)\";\n    return s ? atoi(s) : 0;\n}\n"
                         "static void large(void)\n{\n" + "    ;\n" * 90 + "}\n" + "/* " + "x" * 140 + " */\n" + "\n" * 600,
}
PLANTED_FINDINGS = [
    ("common/base/bad.c", 1, "include-from-root"), ("common/base/bad.c", 2, "include-edge"), ("common/base/bad.c", 2, "include-private"),
    ("common/base/bad.c", 3, "include-foreign"), ("common/base/bad.c", 4, "include-foreign"), ("common/base/bad.c", 5, "writable-global"),
    ("common/base/bad.c", 6, "prefix"), ("common/base/bad.c", 9, "banned-call"), ("common/base/bad.c", 11, "function-length"),
    ("common/base/bad.c", 104, "line-length"), ("common/base/bad.c", 705, "file-length"), ("common/base/bad.h", 6, "undocumented"),
    ("common/base/bad.h", 7, "writable-extern"), ("common/base/bad.h", 8, "writable-extern"), ("docs/coding.md", 1, "prefix"),
    ("site/store/bad.c", 3, "built-sql"), ("site/store/bad.c", 4, "built-sql"), ("wins-emu/core/rules.h", 2, "story"),
]


def prove():
    with tempfile.TemporaryDirectory() as root:
        for path, text in PLANTED.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        found = [f[:3] for f in Lint(root).run()]
    if found != PLANTED_FINDINGS:
        print("the planted mistakes were not found as they should:")
        for f in sorted(set(found) ^ set(PLANTED_FINDINGS)):
            print("    %s:%d: %s" % f, "expected" if f in PLANTED_FINDINGS else "unexpected")
        sys.exit(1)


def main():
    prove()
    root = os.environ.get("abs_top_srcdir") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    lint = Lint(root)
    found = lint.run()
    for path, line, rule, text in found:
        print(f"{path}:{line}: {rule}: {text}")
    print(f"{len(found)} findings in {len(lint.sources)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
