"""Several machines on one wire: network namespaces joined by a bridge, inside harness.need_namespace("-rnm").

    wire = hosts.Wire(case)                    # we are on it too, as WE
    server = wire.host("server", 1)            # 10.77.0.1, known to all as server.example.org
    case.start(server.command(["sited", ...]))
    server.unplug(), server.plug()
"""
import os
import pwd

import harness

NETWORK, PREFIX, WE, DOMAIN = "10.77.0.0/24", "10.77.0.", "10.77.0.254", "example.org"
NOBODY = str(next(user.pw_uid for user in pwd.getpwall() if user.pw_uid))    # for programs that refuse to be root


class Wire:

    def __init__(self, case):
        self.case, self.ip = case, harness.tool("ip", "iproute2")
        self.names = ["127.0.0.1 localhost"]
        # With an address of its own, or ours would be that of a host, another one whenever one is plugged or unplugged.
        for words in (["link", "add", "sl-wire", "address", "02:00:00:00:00:fe", "type", "bridge"], ["addr", "add", WE + "/24", "dev", "sl-wire"],
                      ["link", "set", "sl-wire", "up"]):
            case.run_ok([self.ip] + words)
        case.addCleanup(harness.run, [self.ip, "link", "del", "sl-wire"])
        self.file = case.write("hosts", "", 0o644)
        case.run_ok(["mount", "--bind", self.file, "/etc/hosts"])
        case.addCleanup(harness.run, ["umount", "/etc/hosts"])

    def name(self, host, address):
        """Makes a name known on every host."""
        self.names.append("%s %s.%s %s" % (address, host, DOMAIN, host))
        with open(self.file, "w", encoding="utf-8") as out:     # the file that is mounted, not another in its place
            out.write("\n".join(self.names) + "\n")

    def host(self, name, number):
        return Host(self, name, PREFIX + str(number))


class Host:

    def __init__(self, wire, name, address):
        self.wire, self.name, self.address, self.fqdn = wire, name, address, "%s.%s" % (name, DOMAIN)
        case, ip = wire.case, wire.ip
        self._nsenter, self._unshare = harness.tool("nsenter", "util-linux"), harness.tool("unshare", "util-linux")
        self._holder = case.start([self._unshare, "-n", "sleep", "1000000"], name="host-" + name, clean_exit=False)
        own = os.readlink("/proc/self/ns/net")
        harness.wait_until(lambda: os.readlink("/proc/%d/ns/net" % self._holder.pid) != own, "the namespace of " + name)
        self.link = "sl-" + name
        case.run_ok([ip, "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", str(self._holder.pid)])
        case.addCleanup(harness.run, [ip, "link", "delete", self.link])  # the kernel takes its time with those of a dead namespace
        case.run_ok([ip, "link", "set", self.link, "master", "sl-wire", "up"])
        for words in (["addr", "add", address + "/24", "brd", "+", "dev", "eth0"], ["link", "set", "eth0", "up"], ["link", "set", "lo", "up"]):
            case.run_ok(self.command([ip] + words))
        wire.name(name, address)

    def command(self, argv):
        """The command line that runs argv on this host."""
        return [self._nsenter, "-t", str(self._holder.pid), "-n", "--"] + [str(word) for word in argv]

    def unprivileged(self, argv):
        """The same as somebody who is not root, with our files as his."""
        return self.command([self._unshare, "--user", "--map-user=" + NOBODY, "--map-group=" + NOBODY, "--"] + list(argv))

    def run_ok(self, *words):
        return self.wire.case.run_ok(self.command(words))

    def unplug(self):
        self.wire.case.run_ok([self.wire.ip, "link", "set", self.link, "nomaster"])

    def plug(self):
        self.wire.case.run_ok([self.wire.ip, "link", "set", self.link, "master", "sl-wire"])
