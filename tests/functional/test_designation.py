"""S1.20 exactly one default management point at any instant, for readers of every kind, while administrators designate."""

import threading

import harness
import lab
import named

COUNT = 50
MPS = list(lab.MP_ADDRESSES)
OWNER = "_mssms_mp_ps1._tcp.example.org"


class Reader(threading.Thread):
    """Asks its sources again and again, and keeps what was no answer, or another than one of the two."""

    def __init__(self, sources):
        super().__init__()
        self.words = [word for source in sources for word in ("--source", source)]
        self.stop, self.answers, self.wrong = threading.Event(), 0, []
        self.said = set()

    def run(self):
        while not self.stop.is_set():
            found = lab.find("mp", "--site", "PS1", *self.words)
            said = found.answer["mp"] if found.code == 0 else None
            said = next((mp for mp in MPS if said in (mp, lab.MP_ADDRESSES[mp])), None)
            several = [text for text in found.json["warnings"] if "default management points" in text]
            if said is None or several:
                self.wrong.append(str(found))
            self.said.add(said)
            self.answers += 1


class Designation(harness.Case):

    def setUp(self):
        super().setUp()
        self.dns = named.Named(self, updates=["grant site name %s. SRV;" % OWNER], hosts={"mp1": "127.0.0.11", "mp2": "127.0.0.12"})
        self.directory = lab.Directory(self)
        nbt_port = harness.free_port(list(lab.MP_ADDRESSES.values()) + [lab.REGISTRY_ADDRESS])
        self.registry = lab.Registry(self, nbt_port)
        self.site = lab.Site(self, roles="server", nbt_port=nbt_port)
        for address in lab.MP_ADDRESSES.values():
            self.site.start_mp_host(address, harness.free_port([address]))
        lab.fill(self.site, targets=[[self.directory.uri_base, *self.directory.credentials], [self.registry.uri],
                                     [self.dns.target, "--tsig-key", self.dns.key_file]])
        self.site.publish()

    def test_readers_get_one_answer(self):
        """S1.20 50 designations: by directory, name registry, DNS and several of them every answer is one of the two, none is missing"""
        views = {"directory": [self.directory.uri_base], "registry": [self.registry.uri], "DNS": [self.dns.target],
                 "all": [self.directory.uri_base, self.dns.target, self.registry.uri]}
        readers = {name: Reader(sources) for name, sources in views.items()}
        for reader in readers.values():
            reader.start()
        try:
            for number in range(COUNT):
                self.site.ctl_ok("mp", "designate", MPS[(number + 1) % 2], *(["--wait"] if number % 5 == 4 else []))
        finally:
            for reader in readers.values():
                reader.stop.set()
                reader.join()
        for name, reader in readers.items():
            self.assertEqual(reader.wrong, [], "%s: %d of %d answers" % (name, len(reader.wrong), reader.answers))
            self.assertEqual(reader.said, set(MPS), name)
            self.assertGreater(reader.answers, COUNT // 5, name)

    def test_between_two_writes(self):
        """S1.20 a directory between the two writes of a designation is read again; only one that stays so has no default (S1.26)"""
        mps = {entry["dnshostname"][0]: dn for dn, entry in self.directory.search(self.directory.container_dn, "(objectClass=mSSMSManagementPoint)")}

        def say(mp, value):
            self.directory.modify("dn: %s\nchangetype: modify\nreplace: mSSMSDefaultMP\nmSSMSDefaultMP: %s\n" % (mps[mp], value))

        def find():
            found = lab.find("mp", "--site", "PS1", "--source", self.directory.uri_base)
            return found, [step["asked"] for step in found.json["steps"]]

        def meets_it():
            """A lookup that begins between the two writes; on a busy machine the second may come too early or too late."""
            say(MPS[0], "FALSE")
            later = threading.Timer(0.05, say, (MPS[1], "TRUE"))
            later.start()
            found, asked = find()
            later.join()
            say(MPS[1], "FALSE")
            return found.code == 0 and found.answer["mp"] == MPS[1] and "again: a designation may be under way (S1.20)" in asked
        harness.wait_until(meets_it, "a lookup that meets a designation under way")
        found, asked = find()
        self.assertEqual((found.code, found.json["reason"]), (1, "no-default-mp"), str(found))
        self.assertEqual(asked.count("management points of PS1"), 4, str(found))


harness.main()
