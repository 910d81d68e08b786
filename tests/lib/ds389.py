"""A throw-away 389 Directory Server: its own folder and a free loopback port; ready after two seconds, without its set-up tools.

    server = Ds389(folder)
    server.start()          # an empty tree with a base entry that everybody may read
    server.stop()

`plugins` names those that are off without it. Runs as the calling user; started by root it drops to nobody.
"""

import base64
import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess

import harness
import slapd

DATA = "/usr/share/dirsrv"
SUFFIX = "dc=example,dc=com"
BASE = ("dn: %s\nobjectClass: domain\ndc: example\naci: (targetattr != \"userPassword\")(version 3.0; acl \"read\"; allow (read, search, compare) "
        "userdn = \"ldap:///anyone\";)\n" % SUFFIX)


def hashed(password):
    """As the server keeps it: it takes no root password in the clear from its file."""
    salt = os.urandom(8)
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


class Ds389:

    def __init__(self, folder, plugins=()):
        self.folder, self.port, self.process, self.plugins = os.path.abspath(folder), slapd.free_port(), None, plugins
        self.uri = "ldap://127.0.0.1:%d" % self.port
        self.uri_base = "%s/%s" % (self.uri, SUFFIX)
        self.admin_dn, self.password = "cn=Directory Manager", "secret12"
        self.rights, self.uid, self.gid = slapd.drop_rights()

    @property
    def credentials(self):
        return ["--bind-dn", self.admin_dn, "--password-file", self.password_file]

    def values(self):
        """What stands for the words of the server's own templates."""
        folders = {name + "_dir": os.path.join(self.folder, name) for name in
                   ("lock", "tmp", "cert", "ldif", "bak", "run", "inst", "log", "db", "db_home", "config")}
        return dict(folders, schema_dir=os.path.join(self.folder, "config", "schema"), fqdn="localhost", ds_port=str(self.port),
                    ds_user=pwd.getpwuid(self.uid).pw_name, rootdn=self.admin_dn, ds_passwd=hashed(self.password), ldapi_enabled="off", ldapi="/none",
                    ldapi_autobind="off", ds_bename="userRoot", ds_suffix=SUFFIX, db_lib="bdb")

    def make(self):
        values = self.values()
        for name, folder in values.items():
            if name.endswith("_dir") and name != "schema_dir":
                os.makedirs(folder)
        shutil.copytree(DATA + "/schema", values["schema_dir"])
        with open(os.path.join(values["config_dir"], "slapd-collations.conf"), "w", encoding="utf-8"):
            pass    # no collation; the package's own file is not everybody's to read
        text = ""
        for template in ("template-dse.ldif", "template-suffix-db.ldif"):
            with open("%s/data/%s" % (DATA, template), encoding="utf-8") as file:
                text += file.read().rstrip() + "\n\n"
        for name, value in values.items():
            text = text.replace("%" + name + "%", value)
        for plugin in self.plugins:
            entry = re.compile("(dn: cn=%s,cn=plugins,cn=config\n(?:.+\n)*?nsslapd-pluginenabled: )off\n" % re.escape(plugin))
            text, found = entry.subn("\\1on\n", text)
            if found != 1:
                raise harness.Failed("the server's template has no plugin %s that is off" % plugin)
        with open(os.path.join(values["config_dir"], "dse.ldif"), "w", encoding="utf-8") as file:
            file.write(text)
        self.password_file = os.path.join(self.folder, "password")
        with open(self.password_file, "w", encoding="utf-8") as file:
            file.write(self.password + "\n")
        for path, folders, files in os.walk(self.folder):
            for name in [path] + [os.path.join(path, file) for file in files]:
                os.chown(name, self.uid, self.gid)
        os.chown(self.password_file, os.getuid(), os.getgid())
        os.chmod(self.password_file, 0o600)

    def is_ready(self):
        if self.process.poll() is not None:
            raise harness.Failed("ns-slapd ended with %d" % self.process.returncode)
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def start(self):
        self.make()
        with open(os.path.join(self.folder, "out"), "wb") as log:
            self.process = subprocess.Popen([slapd.find_program("ns-slapd", "389-ds-base"), "-D", os.path.join(self.folder, "config"), "-i",
                                             os.path.join(self.folder, "run", "pid"), "-d", "0"], stdout=log, stderr=log, **self.rights)
        harness.wait_until(self.is_ready, "ns-slapd listening", timeout_s=40)
        self.tool("ldapadd", stdin=BASE)

    def tool(self, name, *words, stdin=None):
        """A tool of ldap-utils as the administrator; its output."""
        done = harness.run([harness.tool(name, "ldap-utils"), "-x", "-H", self.uri, "-D", self.admin_dn, "-w", self.password, *words], stdin=stdin)
        if done.code != 0:
            raise harness.Failed(str(done))
        return done.out

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
