"""Samba's and other people's NetBIOS programs against winsd and the site's NetBIOS side. Port 137, so in a private namespace."""

import concurrent.futures
import os
import time

import harness
import lab
import nbns


class SambaClients(harness.Case):
    """nmblookup, nbtscan, smbtorture on the same machine."""

    def setUp(self):
        super().setUp()
        self.registry = lab.Registry(self, 137, more=["--netbios-name", "WINSBOX"])

    def nmblookup(self, *words, code=0):
        return self.run_ok([harness.tool("nmblookup", "samba-common-bin"), "-s", "/dev/null", "--option=interfaces=127.0.0.1/8",
                            "-U", self.registry.address] + list(words), code=code)

    def test_nmblookup_finds_the_published_management_point(self):
        """S1.19 the default MP's name MP_<code>#1A is found by nmblookup --recursion"""
        site = lab.Site(self, http=["127.0.0.11:80"], addresses=["127.0.0.11", "127.0.0.12"])
        lab.fill(site, targets=[[self.registry.uri]])
        site.publish()
        self.assertIn("127.0.0.11 MP_PS1<1a>", self.nmblookup("--recursion", "MP_PS1#1A").out)

        site.ctl_ok("mp", "designate", "mp2.example.org")
        site.publish()
        found = self.nmblookup("--recursion", "MP_PS1#1A").out
        self.assertIn("127.0.0.12 MP_PS1<1a>", found, "S1.25 the newly designated MP is not in the registry")
        self.assertNotIn("127.0.0.11", found, "S1.20 two default MPs in the registry")

    def test_nmblookup_sees_rows_of_the_query_table(self):
        """Q01 Q05 Q11 nmblookup with and without recursion, known and unknown names"""
        self.registry.ctl_ok("add", "PRINTER#20", "10.1.2.3")
        self.assertIn("10.1.2.3 PRINTER<20>", self.nmblookup("--recursion", "PRINTER#20").out, "Q05")
        self.assertIn("failed to find", self.nmblookup("--recursion", "NOBODY#20", code=1).out, "Q11")
        self.assertIn("failed to find", self.nmblookup("PRINTER#20", code=1).out, "Q01")

    def net_lookup(self, name):
        """What `net lookup host` prints with us as its WINS server and nothing else to ask."""
        options = ["--option=%s=%s" % pair for pair in (("interfaces", "127.0.0.1/8"), ("wins server", self.registry.address),
                                                        ("name resolve order", "wins"), ("lock directory", self.folder),
                                                        ("state directory", self.folder), ("cache directory", self.folder),
                                                        ("private directory", self.folder))]
        return harness.run([harness.tool("net", "samba-common-bin"), "lookup", "host", name, "-s", "/dev/null"] + options)

    def test_net_lookup_finds_names_and_tells_unknown_ones(self):
        """Q05 Q04 Q11 S1.19 `net lookup host` finds a server, a management point and a group's members, and not what nobody has"""
        self.registry.ctl_ok("add", "PRINTER#20", "10.1.2.3")
        self.registry.ctl_ok("add", "MP_PS1#1A", "10.1.2.4")
        self.registry.ctl_ok("add", "LAB#1C", "10.1.2.5", "--group")
        for name, address in (("PRINTER", "10.1.2.3"), ("PRINTER#20", "10.1.2.3"), ("MP_PS1#1A", "10.1.2.4"), ("LAB#1C", "10.1.2.5")):
            found = self.net_lookup(name)
            self.assertEqual((found.code, found.out.split()), (0, [address]), str(found))
        self.assertNotEqual(self.net_lookup("NOBODY").code, 0, "Q11")

    def test_nmblookup_and_nbtscan_read_the_node_status(self):
        """Q09 node status of the registry itself, by nmblookup -A and nbtscan"""
        self.assertRegex(self.nmblookup("-A", self.registry.address).out, r"WINSBOX\s+<20> -\s+.*<ACTIVE>")
        scan = self.run_ok([harness.tool("nbtscan", "nbtscan"), "-q", self.registry.address])
        self.assertRegex(scan.out, r"127\.0\.0\.2\s+WINSBOX", str(scan))

    def smbtorture(self, test, host, *options, hosts=(1, 3, 4, 5, 6, 7)):
        interfaces = " ".join("127.0.0.%d/8" % n for n in hosts)
        result = harness.run([harness.tool("smbtorture", "samba-testsuite"), "//%s/_none_" % host, "-U%", "-s", "/dev/null",
                              "--basedir=" + self.folder, "--option=interfaces=" + interfaces] + list(options) + [test],
                             timeout_s=240, cwd=self.folder)
        self.assertEqual(result.code, 0, "smbtorture found a difference\n%s" % result)
        self.assertNotIn("SKIPPED", result.out + result.err)
        self.assertIn("success:", result.out, "nothing was tested")

    def test_smbtorture_registration_suite_and_hook(self):
        """R02-R16 C01 Q02-Q05 L01-L09 smbtorture nbt.wins.wins passes with no case skipped; beside it, since both wait for the end of
        challenges most of the time, 4.1 nbt.wins.wins_bad_names: the hook is told of plain names and of no others"""
        hook = self.write("hook", "#!/bin/sh\nprintf '%%s' \"$2\" > '%s/wins_hook_writes_here'\n" % self.folder)
        os.chmod(hook, 0o755)
        hooked = lab.Registry(self, 137, address="127.0.0.22", more=["--hook", hook])
        os.environ["SELFTEST_TMPDIR"] = self.folder
        self.addCleanup(os.environ.pop, "SELFTEST_TMPDIR")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            done = [pool.submit(self.smbtorture, "nbt.wins.wins", self.registry.address),
                    pool.submit(self.smbtorture, "nbt.wins.wins_bad_names", hooked.address, hosts=(21, 23, 24, 25, 26, 27))]
        for one in done:
            one.result()

    def test_smbtorture_own_names(self):
        """Q12 smbtorture nbt.register: the registry refuses registration and refresh of its own name"""
        for test in ("nbt.register.register_own", "nbt.register.refresh_own"):
            self.smbtorture(test, "WINSBOX", "--option=wins server=" + self.registry.address, "--option=name resolve order=wins")


class SecondMachine(harness.Case):
    """nmbd as the NetBIOS side of another machine, joined to ours by a veth pair."""

    CONF = """[global]
netbios name = SAMBABOX
workgroup = TESTGROUP
wins server = 10.78.0.1
interfaces = 10.78.0.2/24
bind interfaces only = yes
domain master = no
local master = no
preferred master = no
server role = standalone server
lock directory = %(folder)s
state directory = %(folder)s
cache directory = %(folder)s
pid directory = %(folder)s
private dir = %(folder)s
ncalrpc dir = %(folder)s/ncalrpc
nmbd:socket dir = %(folder)s/nmbd
"""

    def test_nmbd_registers_refreshes_and_releases(self):
        """R05-R16 L08 Q05 nmbd with "wins server = us" registers its names, they are found, and it releases them when it stops"""
        other = harness.SecondHost(self, "10.78.0.1/24", "10.78.0.2/24")
        registry = lab.Registry(self, 137, address="10.78.0.1")
        conf = self.write("smb.conf", self.CONF % {"folder": self.folder})
        nmbd = self.start(other.command([harness.tool("nmbd", "samba"), "-F", "--no-process-group", "-s", conf, "-l", self.folder]),
                          name="nmbd", clean_exit=False)
        for name in ("SAMBABOX#00", "SAMBABOX#03", "SAMBABOX#20"):
            harness.wait_until(lambda: registry.addresses(name) == ["10.78.0.2"], "nmbd's registration of %s" % name, timeout_s=30)
        self.assertEqual(registry.record("TESTGROUP#00")["type"], "group")

        found = self.run_ok(other.command([harness.tool("nmblookup", "samba-common-bin"), "-s", conf, "-U", "10.78.0.1", "--recursion",
                                           "SAMBABOX#20"]))
        self.assertIn("10.78.0.2 SAMBABOX<20>", found.out)
        registry.ctl_ok("add", "ELSEWHERE#20", "10.9.8.7")
        found = self.run_ok(other.command([harness.tool("net", "samba-common-bin"), "lookup", "host", "ELSEWHERE", "-s", conf]))
        self.assertEqual(found.out.split(), ["10.9.8.7"], "Q05 Samba with \"wins server = us\" finds a name")

        nmbd.stop()
        harness.wait_until(lambda: registry.addresses("SAMBABOX#20") == [], "L08 the release of SAMBABOX#20 by nmbd", timeout_s=30)


class DeadMachines(harness.Case):
    """Holders on the same wire that are switched off: nothing answers ARP for them."""

    HOLDERS = 600
    RIVALS = ("10.50.0.1", "127.0.0.3", "127.0.0.4")   # each has its own share of the challenges
    UNDER_TEST_S = 4.0

    def test_challenges_of_dead_holders_stop_nobody_else_R16(self):
        """R16 hundreds of challenges that hang in ARP at once: queries of others are answered as ever, then C01 frees the names"""
        harness.SecondHost(self, "10.50.0.1/16", "10.50.0.2/16")
        registry = lab.Registry(self, 137, address="10.50.0.1", more=["--workers", "1"])
        client = nbns.Client((registry.address, 137), local="10.50.0.1")
        self.addCleanup(client.close)
        self.assertEqual(client.register("ALIVE", 0x20, "10.50.0.1").rcode, 0)
        for number in range(self.HOLDERS):
            dead = "10.50.%d.%d" % (10 + number // 250, 2 + number % 250)
            self.assertEqual(client.register("DEAD%d" % number, 0x20, dead).rcode, 0)
        rivals = [nbns.Client((registry.address, 137), local=address) for address in self.RIVALS]
        for rival in rivals:
            self.addCleanup(rival.close)
        for number in range(self.HOLDERS):
            rivals[number % len(rivals)].send(nbns.request(number, nbns.REGISTER, "DEAD%d" % number, 0x20, "10.50.0.1"))
        end, asked = time.monotonic() + self.UNDER_TEST_S, 0
        while time.monotonic() < end:
            asked += 1
            time.sleep(0.001)
            answer = client.ask(nbns.query(asked & 0xffff, "ALIVE", 0x20), tries=1, timeout_s=1.0)
            self.assertIsNotNone(answer, "query %d waits for the dead" % asked)
        harness.wait_until(lambda: registry.addresses("DEAD%d#20" % (self.HOLDERS - 1)) == ["10.50.0.1"],
                           "C01 for the last name")


harness.need_namespace()
harness.main()
