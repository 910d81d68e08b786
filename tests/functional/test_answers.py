"""Different failures have different answers, sources are judged in order, and a dead one costs at most its own timeout."""

import socket

import harness
import lab


class FourAnswers(harness.Case):
    """X02 the four ways in which a directory has no management point for us."""

    def find(self, source, *more):
        return lab.find("mp", "--site", "PS1", "--source", source, "--timeout", "1s", *more)

    def check(self, found, code, outcome, reason):
        self.assertEqual((found.code, found.json["outcome"], found.json["reason"]), (code, outcome, reason), str(found))

    def test_schema_not_extended(self):
        """X02 a directory without the schema"""
        self.check(self.find(lab.Directory(self, schema="none").uri_base), 1, "negative", "schema-not-extended")

    def test_nothing_published(self):
        """X02 a directory with the schema and an empty container, and one without the container"""
        self.check(self.find(lab.Directory(self, "empty").uri_base), 1, "negative", "nothing-published")
        self.check(self.find(lab.Directory(self, "bare", container=None).uri_base), 1, "negative", "nothing-published")

    def test_container_unreadable(self):
        """X02 a container that this account may not read; with an account that may, the answer is another one"""
        directory = lab.Directory(self, anonymous="auth")
        self.check(self.find(directory.uri_base), 6, "denied", "container-unreadable")
        self.check(self.find(directory.uri_base, *directory.credentials), 1, "negative", "nothing-published")

    def test_could_not_ask(self):
        """X02 nobody listens, or somebody who never answers"""
        self.check(self.find("ldap://127.0.0.1:%d/dc=example,dc=com" % harness.free_port()), 3, "unreachable", "could-not-ask")
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            self.check(self.find("ldap://127.0.0.1:%d/dc=example,dc=com" % silent.getsockname()[1]), 3, "unreachable", "could-not-ask")
        self.check(self.find("wins://127.0.0.1:%d" % harness.free_port()), 3, "unreachable", "could-not-ask")

    def test_site_without_a_default(self):
        """S1.26 a site that has published and has no default MP"""
        directory = lab.Directory(self)
        site = lab.Site(self, nbt_port=harness.free_port())
        lab.fill(site, targets=[[directory.uri_base] + directory.credentials], default=None)
        site.publish()
        self.check(self.find(directory.uri_base), 1, "negative", "no-default-mp")


class OrderAndTime(harness.Case):

    def setUp(self):
        super().setUp()
        port = harness.free_port((lab.REGISTRY_ADDRESS, "127.0.0.11"))
        self.registry = lab.Registry(self, port)
        self.registry.ctl_ok("add", "MP_PS1#1A", "127.0.0.11")
        self.silent = socket.socket()
        self.addCleanup(self.silent.close)
        self.silent.bind(("127.0.0.1", 0))
        self.silent.listen()
        self.dead = "ldap://127.0.0.1:%d/dc=example,dc=com" % self.silent.getsockname()[1]

    def test_a_dead_source_costs_at_most_its_timeout(self):
        """X02 with a silent directory first and second, the registry's answer comes after one timeout, not after two"""
        found = lab.find("mp", "--site", "PS1", "--source", self.dead, "--source", self.dead, "--source", self.registry.uri, "--timeout", "3s")
        self.assertEqual((found.code, found.answer["address"]), (0, "127.0.0.11"), str(found))
        self.assertGreater(found.seconds, 2.9, "the first source was not waited for")
        self.assertLess(found.seconds, 5.5, "dead sources were waited for one after the other")

    def test_a_live_first_source_answers_at_once(self):
        """X02 a dead source behind a live one costs nothing"""
        found = lab.find("mp", "--site", "PS1", "--source", self.registry.uri, "--source", self.dead, "--timeout", "8s")
        self.assertEqual((found.code, found.answer["address"]), (0, "127.0.0.11"), str(found))
        self.assertLess(found.seconds, 6, "a dead source that nobody needs was waited for")

    def test_sources_are_judged_in_the_order_given(self):
        """X02 two sources that disagree: the first one wins, whichever is faster"""
        directory = lab.Directory(self)
        site = lab.Site(self, nbt_port=harness.free_port())
        lab.fill(site, targets=[[directory.uri_base] + directory.credentials], default="mp2.example.org")
        site.publish()
        both = {directory.uri_base: "127.0.0.12", self.registry.uri: "127.0.0.11"}
        for first, second in (list(both), list(both)[::-1]):
            found = lab.find("mp", "--site", "PS1", "--source", first, "--source", second, *lab.RESOLVE)
            self.assertEqual((found.code, found.answer["address"]), (0, both[first]), str(found))

    def test_explain_shows_why_each_source_was_passed_over(self):
        """X02 explain has one step at least for every source, with the reason of the one that could not help"""
        bare = lab.Directory(self, schema="none")
        told = harness.run([harness.program("locator"), "explain", "mp", "--site", "PS1", "--source", bare.uri_base, "--source",
                            self.registry.uri, "--json"])
        self.assertEqual(told.code, 0, str(told))
        steps = told.json["steps"]
        text = "\n".join(" ".join(str(value) for value in step.values()) for step in steps)
        self.assertIn("schema-not-extended", text)
        for source in (bare.uri, self.registry.uri):
            self.assertTrue(any(source in step["source"] for step in steps), "no step for %s\n%s" % (source, told))


class DefaultManagementPoint(harness.Case):

    def setUp(self):
        super().setUp()
        addresses = list(lab.MP_ADDRESSES.values()) + [lab.REGISTRY_ADDRESS]
        self.nbt_port, self.http_port = harness.free_port(addresses), harness.free_port(addresses)
        self.directory = lab.Directory(self)
        self.registry = lab.Registry(self, self.nbt_port)
        self.site = lab.Site(self, nbt_port=self.nbt_port, roles="server")
        self.hosts = {address: self.site.start_mp_host(address, self.http_port) for address in lab.MP_ADDRESSES.values()}
        lab.fill(self.site, self.http_port, targets=[[self.directory.uri_base] + self.directory.credentials, [self.registry.uri]])
        self.site.publish()

    def found_in(self, source):
        found = lab.find("mp", "--site", "PS1", "--source", source, *lab.RESOLVE)
        return found.answer["address"] if found.code == 0 else found

    def check_everywhere(self, address):
        for source in (self.directory.uri_base, self.registry.uri):
            harness.wait_until(lambda: self.found_in(source) == address, "S1.25 %s answering %s" % (source, address))
        defaults = [one for one in self.directory.published("mSSMSManagementPoint") if one["mssmsdefaultmp"] == ["TRUE"]]
        self.assertEqual([one["mssmsmpaddress"] for one in defaults], [[address]], "S1.20 one default MP in the directory")

    def test_designating_swaps_everywhere(self):
        """S1.08 S1.20 S1.25 designating the other MP: directory and registry both follow, never two at a time"""
        self.check_everywhere("127.0.0.11")
        for host, address in (("mp2.example.org", "127.0.0.12"), ("mp1.example.org", "127.0.0.11"), ("mp2.example.org", "127.0.0.12")):
            self.site.ctl_ok("mp", "designate", host)
            self.check_everywhere(address)

    def test_designating_after_the_old_one_died(self):
        """S1.24 S1.25 C01 the old MP is dead: nothing moves by itself; after designating, both views follow"""
        self.check_everywhere("127.0.0.11")
        self.hosts["127.0.0.11"].kill()
        self.assertEqual(self.found_in(self.directory.uri_base), "127.0.0.11", "S1.24 no automatic failover")
        self.assertEqual(self.found_in(self.registry.uri), "127.0.0.11", "S1.24 no automatic failover")
        self.site.ctl_ok("mp", "designate", "mp2.example.org")
        self.check_everywhere("127.0.0.12")

    def test_ten_seeds_choose_both_distribution_points(self):
        """S1.16 X24 the choice is random over all DPs, and a seed repeats it"""
        words = ["dp", "--site", "PS1", "--package", lab.PACKAGE, "--source", self.directory.uri_base] + lab.RESOLVE
        chosen = {}
        for seed in range(1, 11):
            found = lab.find(*words, "--seed", str(seed))
            self.assertEqual(found.code, 0, str(found))
            self.assertEqual(found.answer["seed"], seed)
            chosen[seed] = found.answer["dp"]
        self.assertEqual(set(chosen.values()), set(lab.DPS))
        self.assertEqual(lab.find(*words, "--seed", "3").answer["dp"], chosen[3], "X24 the same seed chose another DP")

    def test_package_that_nobody_has(self):
        """S1.15 a package without a DP is "not found", not "could not ask" """
        found = lab.find("dp", "--site", "PS1", "--package", "PS1FFFFF", "--source", self.directory.uri_base, *lab.RESOLVE)
        self.assertEqual((found.code, found.json["reason"]), (1, "not-found"), str(found))

    def test_the_mp_is_down(self):
        """S2.15 the MP is down: the DP could not be asked for"""
        self.hosts["127.0.0.11"].kill()
        found = lab.find("dp", "--site", "PS1", "--package", lab.PACKAGE, "--source", self.directory.uri_base, "--timeout", "1s", *lab.RESOLVE)
        self.assertEqual((found.code, found.json["reason"]), (3, "could-not-ask"), str(found))


harness.main()
