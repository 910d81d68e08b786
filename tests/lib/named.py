"""A throw-away DNS server (BIND) on a loopback port, with a zone that takes dynamic updates.

    zone = named.Named(case, updates=["grant site name _mssms_mp_ps1._tcp.example.org. SRV;"])
    ... zone.target, zone.key_file ...
"""

import os
import shutil

import harness

KEY_NAME, SECRET = "site", "c2l0ZWxvY2F0b3IgdGVzdHMgb25seQ=="


class Named:
    """
    updates     lines of the zone's update-policy
    hosts       address records, name below the zone to address
    keytab      of a Kerberos principal DNS/ns.<zone> for GSS-TSIG, and the environment to read it with
    """

    def __init__(self, case, zone="example.org", updates=(), hosts=None, keytab=None, env=None):
        self.case, self.zone, self.env = case, zone, env
        self.port = harness.free_port()
        self.folder = case.path("named")
        os.makedirs(self.folder)
        key = 'key "%s" { algorithm hmac-sha256; secret "%s"; };\n' % (KEY_NAME, SECRET)
        self.key_file = self._write("tsig.key", key)
        self.wrong_key_file = self._write("wrong.key", key.replace(SECRET, SECRET[::-1].strip("=") + "=="))
        self._write("zone", "$TTL 3600\n@ IN SOA ns.{0}. root.{0}. 1 3600 600 86400 60\n@ IN NS ns.{0}.\nns IN A 127.0.0.1\n".format(zone) +
                    "".join("%s IN A %s\n" % host for host in (hosts or {}).items()))
        gss = 'tkey-gssapi-keytab "%s"; ' % keytab if keytab else ""
        self.conf = self._write("named.conf", key + """options {{ directory "{0}"; listen-on port {1} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  pid-file "{0}/pid"; session-keyfile "{0}/session.key"; recursion no; dnssec-validation no; notify no; {2}}};
controls {{ }};
zone "{3}" {{ type primary; file "{0}/zone"; update-policy {{ {4} }}; }};
""".format(self.folder, self.port, gss, zone, " ".join(updates)))
        # A copy: where AppArmor watches over the installed one, that may read nothing below /tmp.
        self.program = self.folder + "/named"
        shutil.copy(harness.tool("named", "bind9"), self.program)
        self.process = None
        self.start()

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path

    def start(self):
        self.process = self.case.start([self.program, "-g", "-n", "1", "-c", self.conf], env=self.env, clean_exit=False)

        def is_ready():
            self.process.check_alive()
            return "running" in self.process.log() and harness.is_accepting("127.0.0.1", self.port)
        harness.wait_until(is_ready, "named answering on port %d" % self.port)

    @property
    def target(self):
        """As a target, and as a source of the locator."""
        return "dns://127.0.0.1:%d/%s" % (self.port, self.zone)
