"""A throw-away PostgreSQL: a cluster in a folder of its own, reached by a Unix socket and a loopback port, no system service.

    with Postgres(folder) as server:
        uri = server.new_database()        # "postgresql://site@127.0.0.1:PORT/db1"
    standby = server.standby(folder2)      # a streaming replica of it, which only reads

On another host (hosts.py): Postgres(folder, address="10.77.0.2", command=host.unprivileged, network="10.77.0.0/24").

Runs as the calling user; started by root it drops to nobody, since PostgreSQL refuses root. Nothing but this cluster trusts
whoever connects from this machine, and nothing in it outlives the test.
"""
import atexit
import contextlib
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import slapd  # noqa: E402

START_S = 30
SETTINGS = """
listen_addresses = '%s'
port = %d
unix_socket_directories = '%s'
max_connections = 60
shared_buffers = 16MB
wal_level = replica
max_wal_senders = 4
hot_standby = on
wal_receiver_timeout = 5s
autovacuum = off
fsync = off
"""


def tool(name):
    """A program of the newest PostgreSQL server that is installed; its folder is not in PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise RuntimeError("%s not found: install the package postgresql" % name)
    return found[-1]


def run(argv, command=list):
    """Carries out a program of the server as the user who owns the cluster."""
    rights, _, _ = slapd.drop_rights()
    done = subprocess.run(command(argv), capture_output=True, text=True, timeout=120, cwd="/", check=False, **rights)
    if done.returncode != 0:
        raise RuntimeError("%s: %s%s" % (" ".join(argv), done.stdout, done.stderr))
    return done.stdout


_made = []


def new_cluster(command):
    """An empty cluster to be copied, made once in a process: initdb takes a second."""
    if _made:
        return _made[0]
    folder = tempfile.mkdtemp(prefix="slt-pg-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _, uid, gid = slapd.drop_rights()
    os.chown(folder, uid, gid)
    data = os.path.join(folder, "data")
    run([tool("initdb"), "--pgdata", data, "--username", "site", "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8"],
        command)
    _made.append(data)
    return data


class Postgres:

    def __init__(self, folder, address="127.0.0.1", command=list, network=None):
        self.folder, self.data = folder, os.path.join(folder, "data")
        self.port = slapd.free_port()
        self.address, self.command, self.network = address, command, network
        self.process, self.made = None, 0
        os.makedirs(folder, exist_ok=True)
        _, uid, gid = slapd.drop_rights()
        os.chown(folder, uid, gid)
        os.chmod(folder, 0o755)
        self.make()
        self.start()

    def make(self):
        run(["cp", "-a", new_cluster(self.command), self.data], self.command)
        if self.network:
            with open(os.path.join(self.data, "pg_hba.conf"), "a", encoding="utf-8") as file:
                file.write("host all all %s trust\nhost replication all %s trust\n" % (self.network, self.network))
        self.configure()

    def configure(self):
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(SETTINGS % (self.address, self.port, self.folder))

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            rights, _, _ = slapd.drop_rights()
            self.process = subprocess.Popen(self.command([tool("postgres"), "-D", self.data]), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            cwd="/", **rights)
        end = time.monotonic() + START_S
        while subprocess.run([tool("pg_isready"), "-q", "-h", self.address, "-p", str(self.port)], check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as log:
                    raise RuntimeError("PostgreSQL did not start:\n" + log.read()[-3000:])
            time.sleep(0.05)

    def stop(self, signo=signal.SIGINT):
        """Ends it: SIGINT as an administrator would, SIGQUIT as a crash would."""
        if self.process is not None:
            self.process.send_signal(signo)
            self.process.wait(timeout=30)
            self.process = None

    def freeze(self, signo=signal.SIGSTOP):
        """Stops all its processes: connections stay and are made, and nobody says anything. `thaw` lets them go on."""
        os.kill(self.process.pid, signo)
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as children:
            for pid in children.read().split():
                with contextlib.suppress(ProcessLookupError):  # its client has gone meanwhile
                    os.kill(int(pid), signo)

    def thaw(self):
        self.freeze(signal.SIGCONT)

    def uri(self, database):
        return "postgresql://site@%s:%d/%s" % (self.address, self.port, database)

    def new_database(self):
        """The URI of a database made for this call."""
        self.made += 1
        self.sql("CREATE DATABASE db%d" % self.made)
        return self.uri("db%d" % self.made)

    def sql(self, text, database="postgres"):
        """Carries out SQL; the rows as psql writes them without decoration."""
        done = subprocess.run(["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.uri(database), "-c", text],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError("psql: %s" % done.stderr)
        return done.stdout.strip()

    def standby(self, folder):
        """A streaming replica in another folder."""
        return Standby(folder, self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Standby(Postgres):

    def __init__(self, folder, primary, **place):
        self.primary = primary
        super().__init__(folder, **place)

    def make(self):
        run([tool("pg_basebackup"), "--pgdata", self.data, "--dbname", self.primary.uri("postgres"), "--write-recovery-conf",
             "--checkpoint", "fast", "--no-sync", "--wal-method", "stream"], self.command)
        self.configure()

    def catch_up(self, timeout_s=20):
        """Waits until it has replayed all that the primary has written by now."""
        at = self.primary.sql("SELECT pg_current_wal_lsn()")
        end = time.monotonic() + timeout_s
        while self.sql("SELECT pg_last_wal_replay_lsn() >= '%s'::pg_lsn" % at) != "t":
            if time.monotonic() > end:
                raise RuntimeError("the standby does not catch up")
            time.sleep(0.02)
