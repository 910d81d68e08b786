"""Throw-away certificates for tests: a CA and server certificates made with the openssl program."""
import os
import socket
import subprocess


def _openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


class Authority:
    """A CA in `folder`; `ca_file` is its certificate."""

    is_intermediate = False

    def __init__(self, folder, name="Test CA"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca_file = os.path.join(folder, "ca.crt")
        self.key = os.path.join(folder, "ca.key")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE",
                 "-keyout", self.key, "-out", self.ca_file)

    def intermediate(self, folder, name):
        """An authority below this one: what it issues comes with its own certificate behind."""
        below = Authority.__new__(Authority)
        os.makedirs(folder, exist_ok=True)
        below.folder, below.ca_file, below.key = folder, os.path.join(folder, "ca.crt"), os.path.join(folder, "ca.key")
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=" + name,
                 "-addext", "basicConstraints=critical,CA:TRUE", "-CA", self.ca_file, "-CAkey", self.key, "-keyout", below.key,
                 "-out", below.ca_file)
        below.is_intermediate = True
        return below

    def issue(self, name, hosts, expired=False, early=False):
        """Returns (certificate, key) for hosts ("DNS:localhost", "IP:127.0.0.1")."""
        base = os.path.join(self.folder, name)
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                 "-addext", "subjectAltName=" + ",".join(hosts), "-keyout", base + ".key", "-out", base + ".csr")
        conf = base + ".conf"
        with open(conf, "w") as f:
            f.write(f"[ca]\ndefault_ca=d\n[d]\ndatabase={base}.index\nnew_certs_dir={self.folder}\ndefault_md=sha256\n"
                    "policy=p\ncopy_extensions=copy\nrand_serial=yes\nunique_subject=no\n[p]\ncommonName=supplied\n")
        open(base + ".index", "w").close()
        dates = (["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"] if expired else
                 ["-startdate", "20490101000000Z", "-enddate", "20490201000000Z"] if early else ["-days", "20"])
        _openssl("ca", "-batch", "-notext", "-config", conf, "-cert", self.ca_file, "-keyfile", self.key, *dates,
                 "-in", base + ".csr", "-out", base + ".crt")
        if self.is_intermediate:
            with open(base + ".crt", "a") as chain, open(self.ca_file) as own:
                chain.write(own.read())
        os.chmod(base + ".key", 0o644)
        return base + ".crt", base + ".key"


def local_hosts():
    """The names a server on this machine is called by; libldap replaces "localhost" by the machine's own name."""
    names = ["localhost", socket.gethostname(), socket.getfqdn()]
    return ["DNS:" + n for n in dict.fromkeys(names)] + ["IP:127.0.0.1"]
