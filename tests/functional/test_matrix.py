"""The matrix of the main job: which schema the directory has, whether the registry is up, what is asked for - and what must come out.

The site publishes to the directory and registers with the registry, as far as the schema lets it; then the client asks both, directory
first. Each row of MATRIX is one cell.
"""

import harness
import lab

# schema of the directory, registry, verb: exit code, outcome, reason, scheme of the source that answered
MATRIX = {
    ("full", "up", "mp"): (0, "ok", "", "ldap"),
    ("full", "up", "dp"): (0, "ok", "", "ldap"),
    ("full", "down", "mp"): (0, "ok", "", "ldap"),
    ("full", "down", "dp"): (0, "ok", "", "ldap"),
    ("2003", "up", "mp"): (0, "ok", "", "ldap"),
    ("2003", "up", "dp"): (0, "ok", "", "ldap"),
    ("2003", "down", "mp"): (0, "ok", "", "ldap"),
    ("2003", "down", "dp"): (0, "ok", "", "ldap"),
    ("none", "up", "mp"): (0, "ok", "", "wins"),
    ("none", "up", "dp"): (0, "ok", "", "wins"),
    # The one source that could hold the answer was not asked to the end: that is not a "no".
    ("none", "down", "mp"): (3, "unreachable", "could-not-ask", None),
    ("none", "down", "dp"): (3, "unreachable", "could-not-ask", None),
}

ANSWERS = {"mp": {"site": "PS1", "mp": ("mp1.example.org", "127.0.0.11")},
           "dp": {"site": "PS1", "package": lab.PACKAGE, "dp": lab.DPS}}


class Matrix(harness.Case):

    def build(self, schema):
        addresses = list(lab.MP_ADDRESSES.values()) + [lab.REGISTRY_ADDRESS]
        self.nbt_port, self.http_port = harness.free_port(addresses), harness.free_port(addresses)
        self.directory = lab.Directory(self, schema=schema)
        self.registry = lab.Registry(self, self.nbt_port)
        self.site = lab.Site(self, nbt_port=self.nbt_port, http=["127.0.0.11:%d" % self.http_port], addresses=["127.0.0.11"])
        lab.fill(self.site, self.http_port, targets=[[self.directory.uri_base] + self.directory.credentials, [self.registry.uri]])
        self.site.ctl("publish", "--apply")
        harness.wait_until(lambda: self.registry.addresses("MP_PS1#1A") == ["127.0.0.11"], "the MP's name in the registry")

    def check_cell(self, schema, winsd, verb):
        code, outcome, reason, scheme = MATRIX[schema, winsd, verb]
        words = [verb, "--site", "PS1", "--source", self.directory.uri_base, "--source", self.registry.uri, "--mp-port", str(self.http_port),
                 "--timeout", "2s"] + lab.RESOLVE
        if verb == "dp":
            words += ["--package", lab.PACKAGE, "--seed", "7"]
        found = lab.find(*words)
        cell = "schema %s, winsd %s, find %s\n%s" % (schema, winsd, verb, found)
        self.assertEqual(found.code, code, cell)
        self.assertEqual(found.json["outcome"], outcome, cell)
        self.assertEqual(found.json["reason"], reason, cell)
        if code != 0:
            return
        for key, expected in ANSWERS[verb].items():
            self.assertIn(found.answer[key], expected if isinstance(expected, tuple) else (expected,), "%s in %s" % (key, cell))
        if verb == "mp":
            self.assertEqual(found.answer["source"].split(":")[0], scheme, cell)

    def check_schema(self, schema):
        self.build(schema)
        for winsd in ("up", "down"):
            if winsd == "down":
                self.registry.process.kill()
            for verb in ("mp", "dp"):
                with self.subTest(schema=schema, winsd=winsd, verb=verb):
                    self.check_cell(schema, winsd, verb)

    def test_full_schema(self):
        """S1.02 S1.15 the directory answers, whatever the registry does"""
        self.check_schema("full")

    def test_schema_of_sms_2003(self):
        """S1.02 S1.15 the older schema, without the later attributes, is enough"""
        self.check_schema("2003")

    def test_no_schema(self):
        """S1.19 without the schema the MP is found through the registry, or "could not be asked", never "does not exist" """
        self.check_schema("none")


class Coverage(harness.Case):

    def test_every_cell_is_there(self):
        """the matrix is complete"""
        self.assertEqual(set(MATRIX), {(schema, winsd, verb) for schema in ("full", "2003", "none") for winsd in ("up", "down")
                                       for verb in ("mp", "dp")})


harness.main()
