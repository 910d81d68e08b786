"""A throw-away domain controller of Active Directory's kind (Samba), in the namespace of the test. Needs root.

    dc = DomainController(folder)          # provisions: accounts, a container that the publisher may write, AD sites
    dc.start()                             # until LDAP answers
    run([...], env=dc.tickets("smspub"))   # Kerberos

The schema is not extended. Its address stands on the loopback; resolv.conf names it as the server (need_namespace with a mount
namespace of our own), so that SRV records and host names are found as on a member of the domain.
"""
import os
import subprocess

import certs
import harness

DOMAIN = "lab.example"
REALM = DOMAIN.upper()
BASE = "DC=lab,DC=example"
HOST = "dc1." + DOMAIN
ADDRESS, NETWORK = "10.99.0.1", "10.99.0.0/24"
AD_SITE = "HQ"
CONTAINER = "CN=System Management,CN=System," + BASE
PASSWORDS = {"administrator": "Adm1n-of-the-lab", "smspub": "Publ1sh-the-site", "reader": "Read-the-s1te"}
START_S = 240    # provisioning a domain is seconds of work, on a busy machine a minute and more

SMB_CONF = """[global]
 netbios name = DC1
 realm = {realm}
 workgroup = LAB
 server role = active directory domain controller
 server services = rpc, ldap, cldap, kdc, dns
 interfaces = {address}/24
 bind interfaces only = yes
 private dir = {folder}/private
 state directory = {folder}/state
 cache directory = {folder}/cache
 lock directory = {folder}
 pid directory = {folder}
 ncalrpc dir = {folder}/ncalrpc
 binddns dir = {folder}/bind-dns
 log file = {folder}/log.%m
 dns forwarder =
 tls keyfile = {key}
 tls certfile = {certificate}
 tls cafile = {ca}
 tls verify peer = no_check
 dsdb:schema update allowed = yes
 load printers = no
 printcap name = /dev/null
 disable spoolss = yes
"""

KRB5_CONF = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 rdns = false
 dns_canonicalize_hostname = false
[realms]
 {realm} = {{
  kdc = {address}
 }}
[domain_realm]
 .{domain} = {realm}
"""

# Run by a python of its own: Samba's modules change the process they are loaded into.
PREPARE = """
import sys
import ldb
from samba import sites, subnets
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

conf, private, container, host, domain, network, ad_site, *accounts = sys.argv[1:]
lp = LoadParm()
lp.load(conf)
db = SamDB(url=private + "/sam.ldb", session_info=system_session(), lp=lp)
for account in accounts:
    name, password = account.split(":")
    db.newuser(name, password)
db.add({"dn": container, "objectClass": "container"})

# full control for the publisher, inherited, as the documentation of the product asks for the site server's account
sid = db.schema_format_value("objectSID", db.search(expression="(sAMAccountName=smspub)", attrs=["objectSid"])[0]["objectSid"][0])
found = db.search(container, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]["nTSecurityDescriptor"][0]
domain_sid = security.dom_sid(db.get_domain_sid())
sddl = ndr_unpack(security.descriptor, found).as_sddl(domain_sid)
owner, rights = sddl.split("D:", 1)
flags, aces = rights.split("(", 1)
sddl = owner + "D:" + flags + "(A;CI;GA;;;" + sid.decode() + ")(" + aces
message = ldb.Message(ldb.Dn(db, container))
message["nTSecurityDescriptor"] = ldb.MessageElement(ndr_pack(security.descriptor.from_sddl(sddl, domain_sid)),
                                                     ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
db.modify(message)

configuration = str(db.get_config_basedn())
sites.create_site(db, configuration, ad_site)
subnets.create_subnet(db, configuration, network, ad_site)

# what the dnsupdate service, which does not run here, would register
message = ldb.Message(ldb.Dn(db, "CN=DC1,OU=Domain Controllers," + db.domain_dn()))
names = ["ldap/" + host, "ldap/dc1", "ldap/%s/%s" % (host, domain), "GC/%s/%s" % (host, domain)]
message["servicePrincipalName"] = ldb.MessageElement(names, ldb.FLAG_MOD_ADD, "servicePrincipalName")
db.modify(message)
"""

# The host name of the controller that took the last write of an entry, by Samba's own decoding.
ORIGIN = """
import sys
import ldb
from samba.auth import system_session
from samba.dcerpc import drsblobs, misc
from samba.ndr import ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

conf, private, dn = sys.argv[1:]
lp = LoadParm()
lp.load(conf)
db = SamDB(url=private + "/sam.ldb", session_info=system_session(), lp=lp)
blob = db.search(dn, scope=ldb.SCOPE_BASE, attrs=["replPropertyMetaData"])[0]["replPropertyMetaData"][0]
rows = ndr_unpack(drsblobs.replPropertyMetaDataBlob, blob).ctr.array
newest = max(rows, key=lambda row: (row.originating_change_time, row.local_usn)).originating_invocation_id
for server in db.search(str(db.get_config_basedn()), expression="(objectClass=nTDSDSA)", attrs=["invocationId"]):
    if ndr_unpack(misc.GUID, server["invocationId"][0]) == newest:
        print(db.search(server.dn.parent(), scope=ldb.SCOPE_BASE, attrs=["dNSHostName"])[0]["dNSHostName"][0])
"""


def prepare_namespace():
    """In namespaces of our own: the address of the controller on the loopback, and it as the only DNS server."""
    harness.need_namespace("-nm")
    harness.run([harness.tool("ip", "iproute2"), "addr", "add", ADDRESS + "/24", "dev", "lo"])


class DomainController:
    def __init__(self, folder):
        self.folder = os.path.join(folder, "dc")
        os.makedirs(self.folder)
        self.uri, self.ldaps_uri, self.gc_uri = "ldap://" + HOST, "ldaps://" + HOST, "ldap://%s:3268" % HOST
        self.gc_ldaps_uri = "ldaps://%s:3269" % HOST
        authority = certs.Authority(os.path.join(folder, "tls"))
        self.ca_file = authority.ca_file
        certificate, key = authority.issue("dc1", ["DNS:" + HOST, "DNS:" + DOMAIN, "IP:" + ADDRESS])
        os.chmod(key, 0o600)    # Samba reads no other
        self._provision()
        self._conf = self._write("etc/smb.conf", SMB_CONF.format(realm=REALM, address=ADDRESS, folder=self.folder, key=key,
                                                                 certificate=certificate, ca=self.ca_file))
        self._krb5_conf = self._write("krb5.conf", KRB5_CONF.format(realm=REALM, address=ADDRESS, domain=DOMAIN))
        self.password_files = {name: self._write(name + ".pw", password + "\n") for name, password in PASSWORDS.items()}
        self._prepare()
        self._process = None

    def _write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)
        return path

    def _run(self, argv, **more):
        result = harness.run(argv, timeout_s=START_S, **more)
        if result.code != 0:
            raise harness.Failed(str(result))
        return result

    def _provision(self):
        self._run([harness.tool("samba-tool", "samba-common-bin"), "domain", "provision", "--server-role=dc",
                   "--dns-backend=SAMBA_INTERNAL", "--realm=" + REALM, "--domain=LAB", "--adminpass=" + PASSWORDS["administrator"],
                   "--host-name=dc1", "--host-ip=" + ADDRESS, "--targetdir=" + self.folder])

    def _prepare(self):
        accounts = ["%s:%s" % (name, PASSWORDS[name]) for name in ("smspub", "reader")]
        self._run(["/usr/bin/python3", "-c", PREPARE, self._conf, os.path.join(self.folder, "private"), CONTAINER, HOST, DOMAIN, NETWORK,
                   AD_SITE, *accounts])

    def start(self):
        resolv = self._write("resolv.conf", "nameserver %s\nsearch %s\n" % (ADDRESS, DOMAIN))
        self._run([harness.tool("mount", "mount"), "--bind", resolv, "/etc/resolv.conf"])
        self._process = harness.Process([harness.tool("samba", "samba-ad-dc"), "-F", "--no-process-group", "-M", "single",
                                         "--configfile=" + self._conf], os.path.join(self.folder, "samba.log"), clean_exit=False,
                                        env={"KRB5_CONFIG": self._krb5_conf})
        harness.wait_until(self._is_ready, "the domain controller answering", timeout_s=START_S, poll_s=0.1)

    def _is_ready(self):
        self._process.check_alive()
        ldapsearch = harness.tool("ldapsearch", "ldap-utils")
        return all(harness.run([ldapsearch, "-x", "-o", "nettimeout=1", "-H", uri, "-s", "base", "-b", "", "dnsHostName"]).code == 0
                   for uri in (self.uri, self.gc_uri))

    def stop(self):
        if self._process is not None:
            self._process.stop()
        subprocess.run([harness.tool("umount", "mount"), "/etc/resolv.conf"], stderr=subprocess.DEVNULL)

    def log(self):
        return self._process.log()

    def simple(self, account):
        """The flags of a simple bind, for a protected connection."""
        return ["--bind-dn", "%s@%s" % (account, DOMAIN), "--password-file", self.password_files[account]]

    def tickets(self, account):
        """An environment with the credential cache of an account."""
        env = {"KRB5_CONFIG": self._krb5_conf, "KRB5CCNAME": "FILE:" + os.path.join(self.folder, account + ".cc")}
        self._run([harness.tool("kinit", "krb5-user"), account], stdin=PASSWORDS[account] + "\n", env=env)
        return env

    def origin(self, dn):
        """The controller that took the last write of an entry, as Samba reads it."""
        return self._run(["/usr/bin/python3", "-c", ORIGIN, self._conf, os.path.join(self.folder, "private"), dn]).out.strip()

    def add(self, ldif):
        """Adds entries as the administrator."""
        self._run([harness.tool("ldapadd", "ldap-utils"), "-Q", "-Y", "GSSAPI", "-N", "-H", self.uri], stdin=ldif,
                  env=self.tickets("administrator"))
