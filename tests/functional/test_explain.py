"""winsctl explain meets every row of the decision tables that a request for a name can meet, and says what a challenge may end in."""

import os
import re
import signal
import socket
import sqlite3
import struct
import time

import harness
import lab

SELF, PARTNER = lab.REGISTRY_ADDRESS, "10.9.9.9"
UNIQUE, GROUP, SGROUP, MHOMED = range(4)
ACTIVE, RELEASED, TOMBSTONE = range(3)
LONG_SCOPE = ".".join(["x" * 59] * 4)

# Rows that are about something else than one request for a name, and what shows them instead.
ELSEWHERE = {
    "R01": "malformed packets", "R07": "a request that waits already", "B01": "the queue at that moment", "B02": "the queue at that moment",
    "P07": "the rate of a source", "P08": "the rate of a source", "Q01": "a flag of the packet", "Q13": "a broadcast",
    "Q14": "the type of a question", "Q15": "packets of our own", "Q16": "a field of every answer",
    "V01": "winsctl scavenge --dry-run", "V02": "winsctl scavenge --dry-run", "V03": "winsctl scavenge --dry-run",
    "V05": "winsctl scavenge --dry-run", "V06": "winsctl scavenge --dry-run",
}

# name, type, state, static, owner, addresses
RECORDS = [
    ("HOST#20", UNIQUE, ACTIVE, 0, SELF, ["10.0.0.1"]),
    ("GONE#20", UNIQUE, RELEASED, 0, SELF, ["10.0.0.1"]),
    ("FIXED#20", UNIQUE, ACTIVE, 1, SELF, ["10.0.0.1"]),
    ("FIXEDGRP#00", GROUP, ACTIVE, 1, SELF, ["255.255.255.255"]),
    ("GRP#00", GROUP, ACTIVE, 0, SELF, ["255.255.255.255"]),
    ("SGRP#1C", SGROUP, ACTIVE, 0, SELF, ["10.0.0.1", "10.0.0.2"]),
    ("FULL#1C", SGROUP, ACTIVE, 0, SELF, ["10.0.1.%d" % n for n in range(1, 26)]),
    ("ODD#20", SGROUP, ACTIVE, 0, SELF, ["10.0.0.1"]),
    ("DEADGRP#1C", SGROUP, RELEASED, 0, SELF, ["10.0.0.1"]),
    ("REPLICA#20", UNIQUE, ACTIVE, 0, PARTNER, ["10.0.0.1"]),
    ("KEPT#20", UNIQUE, ACTIVE, 0, SELF, ["10.0.0.1"]),
    ("MULTI#20", MHOMED, ACTIVE, 0, SELF, ["10.0.0.1", "10.0.0.2"]),
]
CONF = """deny_query = {"10.66.0.0/16"}
deny_register = {"10.66.0.0/16"}
pin = {"MP_*#1A 10.1.0.0/24", "SMS_SLP#1A 10.1.0.7 source"}
first_owner = {"KEPT#20"}
"""

# The request and the row it meets; what follows it.
CASES = [
    ("LAB#1D 10.0.0.1", "R02"), ("LAB#1B 10.0.0.1 --as group", "R03"), ("LAB#1C 10.0.0.1", "R04"), ("LAB#1E 10.0.0.1", "R05"),
    ("LAB#20.%s 10.0.0.1" % LONG_SCOPE, "R06"), ("NEW#20 10.0.0.1", "R08"), ("FIXEDGRP#00 10.0.0.1 --as group", "R09"),
    ("FIXED#20 10.0.0.1", "R10"), ("GRP#00 10.0.0.1", "R11"), ("GRP#00 10.0.0.1 --as group", "R12"), ("GONE#20 10.0.0.1", "R13"),
    ("HOST#20 10.0.0.2 --as group", "R14"), ("HOST#20 10.0.0.1", "R15"), ("HOST#20 10.0.0.1 --op refresh", "R15"),
    ("HOST#20 10.0.0.2", "R16"), ("ODD#20 10.0.0.1", "R17"), ("SGRP#1C 10.0.0.1 --as group", "R18"),
    ("SGRP#1C 10.0.0.3 --as group", "R19"), ("FULL#1C 10.0.2.1 --as group", "R19 M01"), ("SERVERX#20 10.0.0.1", "R20"),
    ("LAB#1D 10.0.0.1 --op release", "L01"), ("LAB#20.%s 10.0.0.1 --op release" % LONG_SCOPE, "L02"),
    ("NEW#20 10.0.0.1 --op release", "L03"), ("GONE#20 10.0.0.1 --op release", "L04"), ("FIXED#20 10.0.0.1 --op release", "L05"),
    ("FIXEDGRP#00 10.0.0.1 --op release", "L06"), ("HOST#20 10.0.0.1 --from 10.0.0.5 --op release", "L07"),
    ("HOST#20 10.0.0.1 --op release", "L08 L10"), ("REPLICA#20 10.0.0.1 --op release", "L08 L11"),
    ("MULTI#20 10.0.0.2 --op release", "L09"), ("LAB#1D 10.0.0.1 --op query", "Q02"), ("GRP#00 10.0.0.1 --op query", "Q03"),
    ("GONE#20 10.0.0.1 --op query", "Q04"), ("HOST#20 10.0.0.1 --op query", "Q05"), ("SGRP#1C 10.0.0.1 --op query", "Q06"),
    ("DEADGRP#1C 10.0.0.1 --op query", "Q07"), ("*#1B 10.0.0.1 --op query", "Q08"), ("SERVERX#20 10.0.0.1 --op status", "Q09"),
    ("HOST#20 10.0.0.1 --op status", "Q10"), ("NEW#20 10.0.0.1 --op query", "Q11"), ("SERVERX#20 10.0.0.1 --op query", "Q12"),
    ("HOST#20 10.66.0.1 --op query", "P01"), ("NEW#20 10.0.0.1 --from 10.66.0.1", "P02"), ("NEW#20 224.0.0.1", "P03"),
    ("NEW#20 127.0.0.1 --from 10.0.0.1", "P03"), ("MP_PS1#1A 10.2.0.1", "P04"), ("SMS_SLP#1A 10.1.0.7 --from 10.0.0.1", "P05"),
    ("SMS_SLP#1A 10.1.0.7", "R08"), ("KEPT#20 10.0.0.2", "P06"),
]

# What each conduct of a challenged holder ends in.
OUTCOMES = [
    ("HOST#20 10.0.0.2", ["C01", "C03", "C04", "C05"]),
    ("HOST#20 10.0.0.2 --as group", ["C01", "C02", "C02", "C05"]),
]


def row_of(name, kind, state, static, owner, addresses, version):
    text, suffix = name.split("#")
    expires_s = 0 if static else int(time.time()) + 300000
    members = b"".join(socket.inet_aton(address) + socket.inet_aton(owner) + struct.pack(">q", expires_s) for address in addresses)
    (owner_number,) = struct.unpack(">I", socket.inet_aton(owner))
    return (text.ljust(15).encode() + bytes([int(suffix, 16)]), kind, state, 3, static, owner_number, version, expires_s, owner_number, members)


class Explain(harness.Case):
    def setUp(self):
        super().setUp()
        config = self.write("winsd.conf", CONF)
        self.registry = lab.Registry(self, harness.free_port((SELF,)), more=["--config", config, "--netbios-name", "SERVERX"])
        self.registry.process.stop()
        with sqlite3.connect(self.registry.db) as db:
            db.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                           [row_of(*record, version) for version, record in enumerate(RECORDS, 1)])
            db.execute("UPDATE registry SET version = ?", [len(RECORDS)])
        db.close()
        self.registry.start()

    def explain(self, words):
        return self.registry.ctl_ok("explain", *words.split(" "), "--json").answer

    def records(self):
        """All of them, but for the seconds that are left."""
        return [{**record, "expires_s": None} for record in self.registry.ctl_ok("list", "--json").answer]

    def test_every_row_a_request_can_meet(self):
        """R02-R20 L01-L11 Q02-Q12 M01 P01-P06 P09 C01-C05: explain names each, and no row of the tables is left without a place"""
        before = self.records()
        met = set()
        for words, expected in CASES:
            answer = self.explain(words)
            self.assertEqual(" ".join(filter(None, (answer["rule"], answer["then"]))), expected, words)
            self.assertTrue(answer["meaning"], words)
            met.update(expected.split(" "))
        for words, expected in OUTCOMES:
            told = [re.search(r": ([A-Z]\d\d), \S", line).group(1) for line in self.explain(words)["outcomes"]]
            self.assertEqual(told, expected, words)
            page = self.registry.ctl_ok("explain", *words.split(" "), "--table").out
            self.assertEqual(re.findall(r"(?m)^  [^,]*: ([A-Z]\d\d), ", page), expected, "each outcome on a line of its own")
            met.update(told)
        self.write("winsd.conf", CONF + "names_max = %d\n" % len(RECORDS))
        self.registry.process.signal(signal.SIGHUP)
        harness.wait_until(lambda: "reloaded" in self.registry.process.log(), "the bound being taken over")
        self.assertEqual([self.explain(words)["rule"] for words in ("NEW#20 10.0.0.1", "GONE#20 10.0.0.1")], ["P09", "R13"])
        met.add("P09")
        with open(os.path.join(os.environ["abs_top_srcdir"], "wins-emu/core/rules.h"), encoding="utf-8") as header:
            tables = set(re.findall(r"^    X\((\w+),", header.read(), re.M))
        self.assertEqual(met & set(ELSEWHERE), set())
        self.assertEqual(tables - met, set(ELSEWHERE))
        self.assertEqual(self.records(), before)

    def test_mistakes_are_told(self):
        """explain refuses what is no address"""
        self.assertEqual(self.registry.ctl("explain", "HOST#20", "10.0.0.1", "--from", "nobody").code, 2)
        self.assertEqual(self.registry.ctl("explain", "HOST#20", "10.0.0").code, 2)


if __name__ == "__main__":
    harness.main()
