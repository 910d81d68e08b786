"""The bytes on the wire, judged by tshark: every exchange of a lookup decodes without a malformed mark."""

import harness
import lab
from capture import Capture


class Wire(harness.Case):

    def tshark(self, path, *words):
        return self.run_ok([harness.tool("tshark", "tshark"), "-n", "-r", path] + list(words)).out.strip()

    def test_exchanges_decode_without_a_malformed_mark(self):
        """P05 P12 NBNS, LDAP and HTTP of publishing and finding are well-formed for tshark"""
        path = self.path("wire.pcap")
        capture = Capture(path)
        self.addCleanup(capture.stop)
        directory = lab.Directory(self, port=389)
        registry = lab.Registry(self, 137)
        site = lab.Site(self, roles="server")
        for address in lab.MP_ADDRESSES.values():
            site.start_mp_host(address, 80)
        lab.fill(site, targets=[[directory.uri_base] + directory.credentials, [registry.uri]])
        site.publish()
        site.ctl_ok("mp", "designate", "mp2.example.org")
        site.publish()
        sources = ["--source", directory.uri_base, "--source", registry.uri]
        for words in (["mp", "--site", "PS1"] + sources, ["dp", "--site", "PS1", "--package", lab.PACKAGE] + sources + lab.RESOLVE,
                      ["name", "MP_PS1#1A"] + sources, ["mp", "--site", "PS1", "--source", registry.uri]):
            found = lab.find(*words)
            self.assertEqual(found.code, 0, str(found))
        lab.find("name", "NOBODY#20", "--source", registry.uri)
        site.ctl_ok("mp", "designate", "--none", "--wait")      # releases the name
        capture.stop()

        for protocol in ("nbns", "ldap", "http"):
            self.assertNotEqual(self.tshark(path, "-Y", protocol), "", "nothing of %s was seen" % protocol)
        self.assertEqual(self.tshark(path, "-Y", "_ws.malformed", "-V"), "", "tshark found malformed packets")
        self.assertEqual(self.tshark(path, "-Y", "_ws.expert.severity >= 8388608 && (nbns || http || ldap)"), "",
                         "tshark marks packets as errors")
        for opcode, what in ((0, "query"), (5, "registration"), (6, "release")):
            self.assertNotEqual(self.tshark(path, "-Y", "nbns.flags.opcode == %d" % opcode), "", "no %s was seen" % what)


harness.need_namespace()
harness.main()
