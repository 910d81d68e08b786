"""A directory whose name has several addresses is reached by the one that answers."""
import subprocess

import harness
from slapd import Slapd


class Addresses(harness.Case):
    def setUp(self):
        super().setUp()
        hosts = self.write("hosts", "::1 dir.example\n127.0.0.1 dir.example\n::1 none.example\n")
        subprocess.run([harness.tool("mount", "mount"), "--bind", hosts, "/etc/hosts"], check=True)
        self.addCleanup(subprocess.run, [harness.tool("umount", "mount"), "/etc/hosts"], check=True)
        self.server = Slapd(self.path("slapd"))
        self.server.start()
        self.addCleanup(self.server.stop)

    def check(self, host, code):
        uri = self.server.uri.replace("127.0.0.1", host)
        return self.run_ok([harness.program("sitectl"), "schema", "check", uri, "--json"], code=code).json

    def test_the_second_address_is_tried_when_the_first_refuses(self):
        self.assertEqual(self.check("dir.example", 0)["outcome"], "ok")

    def test_a_refusal_by_all_and_an_unknown_name_are_told(self):
        self.assertIn("refused", self.check("none.example", 3)["message"])
        self.assertRegex(self.check("nobody.invalid", 3)["message"], "name resolution|not known")


if __name__ == "__main__":
    harness.need_namespace("-rnm")
    harness.main()
