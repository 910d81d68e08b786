"""A private Kerberos realm: a KDC on a loopback port with a service principal for a slapd and one user with a ticket.

    kdc = Kdc(case)
    slapd = Slapd(folder, krb5=kdc)
    run([...], env=kdc.client_environment)
"""
import os

import harness

REALM = "TEST.EXAMPLE"
USER = "publisher"


class Kdc:
    def __init__(self, case, service="ldap/localhost"):
        self.host = service.split("/")[1]
        self.realm, folder, port = REALM, case.path("krb5"), harness.free_port()
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        self._folder = folder
        conf = self._write("krb5.conf", f"""[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 dns_canonicalize_hostname = false
 udp_preference_limit = 1
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 {self.host} = {REALM}
""")
        profile = self._write("kdc.conf", f"""[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {REALM} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  max_life = 1h
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
 }}
""")
        keytab, user_keytab, cache = (os.path.join(folder, name) for name in ("ldap.keytab", "user.keytab", "cache"))
        environment = {"KRB5_CONFIG": conf, "KRB5_KDC_PROFILE": profile}
        self.server_environment = {"KRB5_CONFIG": conf, "KRB5_KTNAME": "FILE:" + keytab, "KRB5RCACHENAME": "none:"}
        self.client_environment = {"KRB5_CONFIG": conf, "KRB5CCNAME": "FILE:" + cache}
        self.keytab_environment = {"KRB5_CONFIG": conf, "KRB5_CLIENT_KTNAME": "FILE:" + user_keytab,
                                   "KRB5CCNAME": "FILE:" + os.path.join(folder, "filled-by-itself")}
        self.empty_environment = {"KRB5_CONFIG": conf, "KRB5CCNAME": "FILE:" + os.path.join(folder, "no-such-cache")}

        def admin(name, package, *args, **more):
            return case.run_ok([harness.tool(name, package), *args], env=environment, **more)

        admin("kdb5_util", "krb5-kdc", "create", "-s", "-r", REALM, "-P", "master")
        admin("kadmin.local", "krb5-admin-server", stdin=f"addprinc -randkey {service}\nktadd -k {keytab} {service}\n"
              f"addprinc -randkey {USER}\nktadd -k {user_keytab} {USER}\n")
        os.chmod(keytab, 0o644)
        self._process = case.start([harness.tool("krb5kdc", "krb5-kdc"), "-n"], name="krb5kdc", env=environment, clean_exit=False)
        harness.wait_until(lambda: harness.is_accepting("127.0.0.1", port), "the KDC taking connections")
        case.run_ok([harness.tool("kinit", "krb5-user"), "-k", "-t", user_keytab, USER], env=self.client_environment)

    def signal(self, number):
        self._process.signal(number)

    def _write(self, name, text):
        path = os.path.join(self._folder, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o644)
        return path
