"""A machine of its own that systemd boots: this one's files with a layer above them that is gone afterwards, its own processes,
mounts and cgroups, and the network of the test. Root of the machine and harness.need_namespace("-nm") are needed.

    machine = boot.Machine(case, prepare)      # prepare(root) changes its files before it boots
    machine.run_ok("systemctl", "start", "winsd")
    machine.write("/etc/sitelocator/winsd.conf", "...")
"""
import os

import harness

BOOT_S = 30
TARGET = "[Unit]\nDescription=What a machine needs\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\n"
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
# In a mount namespace of its own: the virtual file systems, then systemd with this root; as a chroot, since ours may be one too,
# which could not be pivoted.
INIT = r"""
set -e
root=$1; shift
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name; do touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"; done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --make-rshared "$root"
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /lib/systemd/systemd --system
"""


class Machine:

    def __init__(self, case, prepare):
        self.case = case
        harness.tool("systemd-analyze", "systemd")
        layer, self.cgroups = case.path("layer"), case.path("cgroups")
        self.root = os.path.join(layer, "root")
        self._mount(["-t", "tmpfs", "tmpfs"], layer)
        for name in ("upper", "work"):
            os.mkdir(os.path.join(layer, name))
        self._mount(["-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir=%s/upper,workdir=%s/work" % (layer, layer)], self.root)
        self._mount(["-t", "cgroup2", "cgroup2"], self.cgroups)
        self._leave_out_what_is_started_here()
        prepare(self.root)
        self._boot()

    def _mount(self, words, at):
        os.mkdir(at)
        self.case.run_ok(["mount"] + words + [at])
        self.case.addCleanup(harness.run, ["umount", "-l", at])

    def _leave_out_what_is_started_here(self):
        """Nothing but basic.target; the caches of /etc and /var are as new as /usr is."""
        self.write("/etc/systemd/system/try.target", TARGET)
        os.symlink("try.target", self.at("/etc/systemd/system/default.target.new"))
        os.rename(self.at("/etc/systemd/system/default.target.new"), self.at("/etc/systemd/system/default.target"))
        self.write("/etc/fstab", "")
        for name in ("/etc/.updated", "/var/.updated"):
            self.write(name, "")
        for folder, names, _ in os.walk(self.at("/etc/systemd/system")):
            for name in [name for name in names if name.endswith(".wants")]:
                self.case.run_ok(["rm", "-r", os.path.join(folder, name)])

    def _boot(self):
        group = os.path.join(self.cgroups, "sl-%d" % os.getpid())
        os.mkdir(group)
        self.case.addCleanup(self._end, group)
        join = 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"'
        self._holder = self.case.start(["bash", "-c", join, "bash", group, "unshare", "-mpuiC", "--fork", "--kill-child", "bash", "-c", INIT,
                                        "bash", self.root, *DEVICES], name="machine", clean_exit=False)
        harness.wait_until(self._is_up, "the machine to boot", BOOT_S)

    def _is_up(self):
        self._holder.check_alive()
        with open("/proc/%d/task/%d/children" % (self._holder.pid, self._holder.pid), encoding="ascii") as children:
            self.pid = int(children.read() or 0)
        return self.pid and self.run("systemctl", "is-system-running").out.strip() in ("running", "degraded")

    def _end(self, group):
        self._holder.kill()
        for folder, _, _ in os.walk(group, topdown=False):
            harness.wait_until(lambda: os.rmdir(folder) is None, "%s to be empty" % folder)     # the kernel takes its time

    def at(self, path):
        """The path of one of its files, for us."""
        return self.root + path

    def write(self, path, text, mode=0o644, owner="root:root"):
        os.makedirs(os.path.dirname(self.at(path)), exist_ok=True)
        with open(self.at(path), "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(self.at(path), mode)
        if owner != "root:root":
            self.run_ok("chown", owner, path)

    def command(self, *words):
        """The command line that runs a program on it, as root there."""
        return ["nsenter", "-t", str(self.pid), "-r", "-m", "-p", "-u", "-i", "-C", "--", "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME=/root", "LC_ALL=C", *(str(word) for word in words)]

    def run(self, *words):
        return harness.run(self.command(*words), timeout_s=BOOT_S)

    def run_ok(self, *words, code=0):
        return self.case.run_ok(self.command(*words), code=code, timeout_s=BOOT_S)

    def unit(self, name, *keys):
        """Properties of a unit, as one text or a list of them."""
        values = [self.run_ok("systemctl", "show", "-P", key, name).out.strip() for key in keys]
        return values if len(values) > 1 else values[0]

    def journal(self, unit):
        """What a unit has logged: a list of dictionaries, the oldest first."""
        return [harness.json.loads(line) for line in self.run_ok("journalctl", "-u", unit, "-o", "json", "--no-pager").out.splitlines()]
