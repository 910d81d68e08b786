"""A throw-away OpenLDAP server: its own folder, a free loopback port and an ldapi socket, no system service.

    with Slapd(folder, schema="full", tls=True) as dir:
        run([..., dir.uri, "--bind-dn", dir.publisher_dn, "--password-file", dir.publisher_password_file])

Runs as the calling user; started by root it drops to nobody (the folder is made reachable for it). The calling user is the
directory's administrator through SASL EXTERNAL on `dir.ldapi`, for the data and for cn=config.
The schema files are the ones that the build makes.
"""
import os
import pwd
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import certs  # noqa: E402
import harness  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SYSTEM_SCHEMA = "/etc/ldap/schema"
MODULES = "/usr/lib/ldap"
CONTAINER = "CN=System Management,CN=System"


def build_folder():
    """The build tree: SL_BUILDDIR or abs_top_builddir of the environment, else build/ of the source tree."""
    return os.environ.get("SL_BUILDDIR") or os.environ.get("abs_top_builddir") or os.path.join(ROOT, "build")


def schema_text(flavor, part, since=2007):
    """A schema file as the build's generator writes it."""
    gen = os.path.join(build_folder(), "ldap-schema", "schema-gen")
    words = ["2003"] if since == 2003 else []
    return subprocess.run([gen, flavor, part, *words], check=True, capture_output=True, text=True).stdout


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def find_program(name, package):
    for folder in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise RuntimeError(f"{name} not found: install the package {package}")


def is_mapped(uid):
    """True when this user exists in our user namespace (inside unshare -r there is nobody but root)."""
    with open("/proc/self/uid_map") as rows:
        return any(int(first) <= uid < int(first) + int(count) for first, _, count in map(str.split, rows))


def drop_rights():
    """Popen arguments that run a child as nobody when we are root, and the uid it gets."""
    if os.getuid() != 0 or not is_mapped(pwd.getpwnam("nobody").pw_uid):
        return {}, os.getuid(), os.getgid()
    who = pwd.getpwnam("nobody")
    return {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}, who.pw_uid, who.pw_gid


class Slapd:
    """
    schema      "full", "2003" (what SMS 2003 had), "none"; msuser=True loads Debian's msuser schema first
    suffix      base DN, of dc= components or o=
    container   RDNs below the suffix or None when it shall not exist; "ou=..." makes organizationalUnits (an ou= tree)
    anonymous   "read", "auth" (may only bind, 50 or 32 for the rest) or "none"
    publisher_scope  "container" or "base": where the publisher may write
    tls         StartTLS and a port for ldaps (ldaps_uri); ca_file is the CA; certificate=(crt, key) brings another
    krb5        a Kdc of krb5.py: GSSAPI and GSS-SPNEGO with its keytab; SCRAM works with the publisher's name and password
    config      more lines of cn=config itself, "olcSizeLimit: 500"
    entries     LDIF text appended to the data
    sync        the overlay syncprov (RFC 4533), with a log of sessions
    indexes     more attributes to be indexed, "ATTRIBUTE,... eq"
    address, command  where it listens, and what makes a command line one of another host (hosts.py)
    extra_suffixes  more (empty) databases, so that the rootDSE names several naming contexts
    """

    def __init__(self, folder, schema="full", suffix="dc=example,dc=com", container=CONTAINER, anonymous="read", msuser=False,
                 publisher_scope="container", tls=False, certificate=None, krb5=None, entries="", extra_suffixes=(), port=None, config="",
                 indexes="", sync=False, address="127.0.0.1", command=list):
        self.folder = os.path.abspath(folder)
        self.schema, self.suffix, self.container, self.anonymous = schema, suffix, container, anonymous
        self.msuser, self.publisher_scope, self.krb5, self.entries = msuser, publisher_scope, krb5, entries
        self.extra_suffixes, self.config, self.sync = extra_suffixes, config, sync
        self.indexes = "".join("olcDbIndex: %s\n" % one for one in ("objectClass,cn eq", indexes) if one)
        self.port = port or free_port()
        self.address, self.command = address, command
        self.uri = f"ldap://{self.address}:{self.port}"
        self.ldapi = "ldapi://" + os.path.join(self.folder, "ldapi").replace("/", "%2F")
        self.admin_dn, self.admin_password = "cn=admin," + suffix, "secret"
        self.publisher_dn, self.publisher_password = f"cn=publisher,ou=svc,{suffix}", "pw"
        self.container_dn = f"{container},{suffix}" if container else suffix
        self.process = None
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o755)
        self.admin_password_file = self._file("admin.pw", self.admin_password + "\n")
        self.publisher_password_file = self._file("publisher.pw", self.publisher_password + "\n")
        self.tls = tls or certificate is not None
        if self.tls:
            self.ldaps_port = free_port()
            self.ldaps_uri = f"ldaps://127.0.0.1:{self.ldaps_port}"
            if certificate is None:
                authority = certs.Authority(os.path.join(self.folder, "tls"))
                self.ca_file = authority.ca_file
                certificate = authority.issue("server", certs.local_hosts())
            self.certificate = certificate

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def _file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    # ---- configuration -------------------------------------------------------------------------------------------

    def _schema_ldif(self):
        parts = ["core", "cosine", "inetorgperson"] + (["nis", "msuser"] if self.msuser else [])
        text = "".join(f"include: file://{SYSTEM_SCHEMA}/{p}.ldif\n\n" for p in parts)
        if self.schema != "none":
            since = 2003 if self.schema == "2003" else 2007
            text += schema_text("openldap", "base") + schema_text("openldap", "sms", since)
        return text

    def _access(self):
        other = {"read": "by * read", "auth": "by users read by anonymous auth", "none": "by users read"}[self.anonymous]
        where = self.container_dn if self.publisher_scope == "container" else self.suffix
        return (f"olcAccess: to attrs=userPassword by anonymous auth by * none\n"
                f"olcAccess: to dn.subtree=\"{where}\" by dn.children=\"ou=svc,{self.suffix}\" write {other}\n"
                f"olcAccess: to * {other}\n")

    def _config_ldif(self):
        peer = "gidNumber=[0-9]+\\+uidNumber={},cn=peercred,cn=external,cn=auth"
        tls = ""
        if self.tls:
            tls = f"olcTLSCertificateFile: {self.certificate[0]}\nolcTLSCertificateKeyFile: {self.certificate[1]}\n"
        sasl = "" if not self.krb5 else f"olcSaslHost: {self.krb5.host}\nolcSaslRealm: {self.krb5.realm}\n"
        text = (f"dn: cn=config\nobjectClass: olcGlobal\ncn: config\nolcPidFile: {self.folder}/slapd.pid\n"
                f"olcThreads: 4\n{sasl}{tls}{self.config}"
                f"olcAuthzRegexp: {{0}}{peer.format(os.getuid())} {self.admin_dn}\n"
                f"olcAuthzRegexp: {{1}}uid=([^,]+),.*cn=(gssapi|gss-spnego|scram-sha-[0-9]+),cn=auth cn=$1,ou=svc,{self.suffix}\n\n"
                f"dn: cn=module,cn=config\nobjectClass: olcModuleList\ncn: module\nolcModulePath: {MODULES}\n"
                "olcModuleLoad: back_mdb.so\n" + ("olcModuleLoad: syncprov.so\n" if self.sync else "") + "\n"
                "dn: cn=schema,cn=config\nobjectClass: olcSchemaConfig\ncn: schema\n\n" + self._schema_ldif() +
                "dn: olcDatabase={-1}frontend,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcFrontendConfig\n"
                "olcDatabase: {-1}frontend\nolcAccess: to dn.base=\"\" by * read\n"
                "olcAccess: to dn.base=\"cn=Subschema\" by * read\n\n"
                "dn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\nolcDatabase: {0}config\n"
                f"olcAccess: to * by dn.exact=\"{self.admin_dn}\" manage by * none\n\n")
        for n, suffix in enumerate((self.suffix, *self.extra_suffixes)):
            os.makedirs(f"{self.folder}/db{n}", exist_ok=True)
            text += (f"dn: olcDatabase={{{n + 1}}}mdb,cn=config\nobjectClass: olcDatabaseConfig\nobjectClass: olcMdbConfig\n"
                     f"olcDatabase: {{{n + 1}}}mdb\nolcDbDirectory: {self.folder}/db{n}\nolcSuffix: {suffix}\n"
                     f"olcRootDN: {self.admin_dn}\nolcDbMaxSize: 104857600\nolcDbNoSync: TRUE\n{self.indexes}")
            text += (f"olcRootPW: {self.admin_password}\n" + self._access() if n == 0 else "") + "\n"
            if self.sync and n == 0:
                text += (f"dn: olcOverlay={{0}}syncprov,olcDatabase={{{n + 1}}}mdb,cn=config\nobjectClass: olcOverlayConfig\n"
                         "objectClass: olcSyncProvConfig\nolcOverlay: {0}syncprov\nolcSpCheckpoint: 1 1\n"
                         "olcSpSessionlog: 100\n\n")
        return text

    def _entry(self, dn, upper_class):
        kind, value = dn.split(",")[0].split("=", 1)
        return f"dn: {dn}\nobjectClass: {'organizationalUnit' if kind.lower() == 'ou' else upper_class}\n{kind}: {value}\n\n"

    def _data_ldif(self):
        kind, value = self.suffix.split(",")[0].split("=", 1)
        head = f"dn: {self.suffix}\n" + (f"objectClass: dcObject\nobjectClass: organization\no: {value}\ndc: {value}\n\n"
                                         if kind.lower() == "dc" else f"objectClass: organization\no: {value}\n\n")
        text = head + self._entry(f"ou=svc,{self.suffix}", "")
        text += (f"dn: {self.publisher_dn}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: publisher\n"
                 f"userPassword: {self.publisher_password}\n\n")
        if self.container:
            below, rdns = self.suffix, self.container.split(",")
            for rdn in reversed(rdns):
                below = f"{rdn},{below}"
                text += self._entry(below, "applicationProcess" if self.schema == "none" else "container")
        return text + self.entries

    # ---- life ----------------------------------------------------------------------------------------------------

    def _environment(self):
        env = dict(os.environ, LDAPNOINIT="1")
        if self.krb5:
            env.update(self.krb5.server_environment)
        return env

    def prepare(self):
        """Writes configuration and data with slapadd; once."""
        conf = os.path.join(self.folder, "conf")
        if os.path.isdir(conf):
            return
        os.makedirs(conf)
        config, data = self._file("config.ldif", self._config_ldif()), self._file("data.ldif", self._data_ldif())
        rights, uid, gid = drop_rights()
        if rights:
            for path, folders, files in os.walk(self.folder):
                for name in [path] + [os.path.join(path, f) for f in folders + files]:
                    os.chown(name, uid, gid)
        slapadd = find_program("slapadd", "slapd")
        for args in (["-n0", "-l", config], ["-q", "-n1", "-l", data]):
            done = subprocess.run([slapadd, "-F", conf, *args], capture_output=True, text=True, env=self._environment(), **rights)
            if done.returncode != 0:
                raise RuntimeError(f"slapadd {' '.join(args)}: {done.stderr}")

    def start(self):
        """Starts and waits until a connection is taken (the pid file comes too early)."""
        self.prepare()
        rights, _, _ = drop_rights()
        urls = f"{self.ldapi} {self.uri}" + (f" {self.ldaps_uri}" if self.tls else "")
        with open(os.path.join(self.folder, "slapd.log"), "a") as log:
            argv = [find_program("slapd", "slapd"), "-F", os.path.join(self.folder, "conf"), "-h", urls, "-d", "0"]
            self.process = subprocess.Popen(self.command(argv), stdout=log, stderr=log, env=self._environment(),
                                            preexec_fn=harness.die_with_parent, **rights)
        for _ in range(500):
            if self.process.poll() is not None:
                raise RuntimeError("slapd ended: " + open(os.path.join(self.folder, "slapd.log")).read()[-2000:])
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise RuntimeError("slapd takes no connections")

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    # ---- access for tests ----------------------------------------------------------------------------------------

    def tool(self, name, *args, text_in=None, check=True):
        """Runs an OpenLDAP client tool as the administrator over ldapi."""
        env = dict(os.environ, LDAPNOINIT="1")
        return subprocess.run([find_program(name, "ldap-utils"), "-H", self.ldapi, "-Y", "EXTERNAL", "-Q", *args], input=text_in,
                              check=check, capture_output=True, text=True, env=env)

    def add(self, ldif):
        self.tool("ldapadd", text_in=ldif)

    def modify(self, ldif):
        self.tool("ldapmodify", text_in=ldif)

    def search(self, base, filter="(objectClass=*)", *attrs, scope="sub"):
        """A list of (dn, {attribute in lower case: [values]})."""
        done = self.tool("ldapsearch", "-LLL", "-o", "ldif-wrap=no", "-s", scope, "-b", base, filter, *attrs, check=False)
        if done.returncode not in (0, 32):
            raise RuntimeError(done.stderr)
        found = []
        for block in done.stdout.strip().split("\n\n"):
            entry = {}
            for line in block.splitlines():
                name, _, value = line.partition(": ")
                entry.setdefault(name.rstrip(":").lower(), []).append(value)
            if "dn" in entry:
                found.append((entry.pop("dn")[0], entry))
        return found
