"""A mixed load on a registry, and a model of what the registry has promised.

Every name has at most one change under way. The model holds for each name the set of states that it may be in: one state once a
change was acknowledged, the one before and the one after it while it is in doubt. check() compares the registry with it.
"""

import random
import selectors
import socket
import struct
import time

import harness
import nbns

CLIENTS = ["127.0.0.%d" % number for number in range(11, 17)]
UNIQUE_NAMES, GROUP_NAMES = 400, 60
CHANGES_UNDER_WAY, QUERIES_UNDER_WAY, ADMIN_UNDER_WAY = 64, 16, 4
ABSENT, ACTIVE, RELEASED, TOMBSTONE, STATIC = "absent", "active", "released", "tombstone", "static"
VERSION_COLUMN = 7          # of the rows of `show`
FINAL = (0xad80, 0xb400)     # positive answers to a registration or refresh, and to a release


class State(tuple):
    """(word, addresses); a record that nobody may see in an answer has none."""

    def __new__(cls, word, addresses=()):
        return super().__new__(cls, (word, frozenset(addresses)))


class Name:
    def __init__(self, text, suffix):
        self.text, self.suffix = text, suffix
        self.may_be = {State(ABSENT)}
        self.under_way = None
        self.changes = 0

    @property
    def is_group(self):
        return self.suffix == 0x1C

    @property
    def full(self):
        return "%s#%02X" % (self.text, self.suffix)

    @property
    def state(self):
        (only,) = self.may_be
        return only

    def begin(self, after):
        self.under_way = after
        self.changes += 1
        self.may_be = {self.state, after}

    def acknowledge(self):
        self.may_be = {self.under_way}
        self.under_way = None


class Admin:
    """One request on the control socket, with a file if there is one, without waiting."""

    def __init__(self, path, verb, arguments, name=None, file=None):
        self.verb, self.name, self.answer = verb, name, b""
        self.rows = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(path)
        body = b"Q" + b"".join(word.encode() + b"\0" for word in [verb, ""] + arguments)
        socket.send_fds(self.socket, [struct.pack(">I", len(body)) + body], [file] if file is not None else [])
        self.socket.setblocking(False)

    def read(self):
        """The words of the last frame once it is there; False when the connection is over without one."""
        try:
            octets = self.socket.recv(65536)
        except BlockingIOError:
            return None
        except OSError:
            return False
        self.answer += octets
        while len(self.answer) >= 5:
            (length,) = struct.unpack(">I", self.answer[:4])
            if len(self.answer) < 4 + length:
                break
            kind, words = self.answer[4:5], self.answer[5:4 + length].split(b"\0")[:-1]
            self.answer = self.answer[4 + length:]
            if kind == b"R":
                self.rows.append([word.decode() for word in words])
            if kind == b"E":
                return [word.decode() for word in words]
        return None if octets else False


class Load:
    def __init__(self, registry, seed):
        self.registry, self.seed = registry, seed
        self.random = random.Random(seed)
        self.names = [Name("HOST-%d" % n, 0x20) for n in range(UNIQUE_NAMES)] + [Name("DOM-%d" % n, 0x1C) for n in range(GROUP_NAMES)]
        self.by_full = {name.full: name for name in self.names}
        self.holder_of_version = {}
        self.highest = 0
        self.acknowledged = {word: 0 for word in ("register", "refresh", "release", "add", "delete", "tombstone", "query",
                                                      "show")}
        self.selector = selectors.DefaultSelector()
        self.sockets = {}
        for address in CLIENTS:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((address, 0))
            one.setblocking(False)
            self.selector.register(one, selectors.EVENT_READ)
            self.sockets[address] = one
        self.number = 0
        self.changes, self.queries, self.admins = {}, {}, {}

    def close(self):
        for one in list(self.sockets.values()) + [admin.socket for admin in self.admins.values()]:
            one.close()
        self.selector.close()

    # ---- sending

    def send(self, client, packet):
        try:
            self.sockets[client].sendto(packet, (self.registry.address, self.registry.port))
        except OSError:
            pass    # the error of an earlier datagram, from when the server was dead; this one is lost too and stays in doubt

    def next_number(self):
        self.number = (self.number + 1) & 0xffff
        return self.number

    def change(self, name, kind, opcode, client, after):
        number = self.next_number()
        name.begin(after)
        self.changes[client, number] = (name, kind)
        self.send(client, nbns.request(number, opcode, name.text, name.suffix, client, nb_flags=0xe000 if name.is_group else 0x6000,
                                       flags=0 if opcode == nbns.RELEASE else 0x0100))

    def change_group(self, name):
        client = self.random.choice(CLIENTS)
        word, members = name.state
        if client not in members:
            self.change(name, "register", nbns.REGISTER, client, State(ACTIVE, members | {client}))
        elif self.random.random() < 0.4:
            self.change(name, "refresh", nbns.REFRESH, client, name.state)
        else:
            left = members - {client}
            self.change(name, "release", nbns.RELEASE, client, State(ACTIVE, left) if left else State(RELEASED))

    def change_unique(self, name):
        word, addresses = name.state
        if word in (ABSENT, RELEASED, TOMBSTONE):
            client = self.random.choice(CLIENTS)
            self.change(name, "register", nbns.REGISTER, client, State(ACTIVE, {client}))
        elif word == ACTIVE:
            (client,) = addresses
            if self.random.random() < 0.5:
                self.change(name, "refresh", nbns.REFRESH, client, name.state)
            else:
                self.change(name, "release", nbns.RELEASE, client, State(RELEASED))

    def change_one(self):
        name = self.random.choice(self.names)
        if name.under_way is None:
            (self.change_group if name.is_group else self.change_unique)(name)

    def ask_one(self):
        name = self.random.choice(self.names)
        if name.under_way is not None:
            return
        client, number = self.random.choice(CLIENTS), self.next_number()
        self.queries[client, number] = (name, name.changes)
        self.send(client, nbns.query(number, name.text, name.suffix))

    def administer_one(self):
        name = self.random.choice(self.names)
        if name.under_way is not None:
            return
        verb = self.random.choice(["show", "delete", "tombstone"] if name.is_group else ["show", "add", "add", "delete", "tombstone"])
        if verb in ("delete", "tombstone") and name.state[0] == ABSENT:
            return
        addresses = ["10.%d.%d.%d" % tuple(self.random.randrange(1, 255) for _ in range(3))]
        admin = Admin(self.registry.control, verb, [name.full] + (addresses if verb == "add" else []), name)
        if verb != "show":
            name.begin({"add": State(STATIC, addresses), "delete": State(ABSENT), "tombstone": State(TOMBSTONE)}[verb])
        self.admins[admin.socket] = admin
        self.selector.register(admin.socket, selectors.EVENT_READ)

    # ---- answers

    def fail(self, what):
        raise harness.Failed("seed %d: %s" % (self.seed, what))

    def on_change(self, key, answer):
        name, kind = self.changes.pop(key)
        if answer.flags not in FINAL:
            self.fail("%s of %s from %s in state %s was answered with flags %04x"
                      % (kind, name.full, key[0], sorted(map(str, name.may_be)), answer.flags))
        name.acknowledge()
        self.acknowledged[kind] += 1

    def on_query(self, key, answer):
        name, changes = self.queries.pop(key)
        if changes != name.changes or name.under_way is not None:
            return      # changed while the question was under way
        expected = name.state[1]
        if (answer.rcode, set(answer.addresses if expected else ())) != (0 if expected else 3, expected):
            self.fail("%s is %s and was answered with rcode %d, %s" % (name.full, name.state, answer.rcode, answer.addresses))
        self.acknowledged["query"] += 1

    def on_datagram(self, client, packet):
        answer = nbns.Answer(packet)
        key = (client, answer.number)
        if key in self.changes:
            self.on_change(key, answer)
        elif key in self.queries:
            self.on_query(key, answer)

    def on_admin(self, admin):
        words = admin.read()
        if words is None:
            return
        self.drop_admin(admin)
        if not words:
            return      # the server is gone: in doubt
        if words[0] != "ok" and not (admin.verb == "show" and words[:2] == ["negative", "not-found"]):
            self.fail("%s of %s: %s" % (admin.verb, admin.name.full, words))
        self.acknowledged[admin.verb] += 1
        if admin.verb == "show":
            for row in admin.rows:
                self.saw_version(admin.name.full, int(row[VERSION_COLUMN]))
        else:
            admin.name.acknowledge()

    def drop_admin(self, admin):
        self.selector.unregister(admin.socket)
        admin.socket.close()
        del self.admins[admin.socket]

    def receive(self, timeout_s):
        for key, _ in self.selector.select(timeout_s):
            if key.fileobj in self.admins:
                self.on_admin(self.admins[key.fileobj])
                continue
            client = key.fileobj.getsockname()[0]
            while True:
                try:
                    packet = key.fileobj.recv(2048)
                except BlockingIOError:
                    break
                except OSError:
                    continue    # an ICMP error of the time without a server
                self.on_datagram(client, packet)

    # ---- running

    def run(self, seconds):
        """Keeps everything under way for that long; a server that answers nothing for DEADLINE_S is a failure."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(CHANGES_UNDER_WAY - len(self.changes)):
                self.change_one()
            for _ in range(QUERIES_UNDER_WAY - len(self.queries)):
                self.ask_one()
            for _ in range(ADMIN_UNDER_WAY - len(self.admins)):
                self.administer_one()
            self.receive(max(0, min(0.05, end - time.monotonic())))

    def finish(self):
        """Waits for everything that is under way."""
        def is_done():
            self.receive(0.05)
            return not (self.changes or self.queries or self.admins)
        harness.wait_until(is_done, "the answers to what is under way")

    def server_died(self):
        """What it had sent still counts; the rest is in doubt."""
        while self.selector.select(0):
            self.receive(0)
        for admin in list(self.admins.values()):
            self.drop_admin(admin)
        self.changes.clear()
        self.queries.clear()

    # ---- checking

    def saw_version(self, full, version):
        """2.11: a version id belongs to one name for ever."""
        other = self.holder_of_version.setdefault(version, full)
        if other != full:
            self.fail("version id %d was given to %s and to %s" % (version, other, full))
        self.highest = max(self.highest, version)

    def check(self):
        """Every name is in a state that it may be in; from here on it is known to be in that one."""
        counter = self.registry.ctl_ok("stats", "--json").answer["version"]
        found = {name.full: State(ABSENT) for name in self.names}
        before = self.highest
        for record in self.registry.ctl_ok("list", "--json").answer:
            self.saw_version(record["name"], record["version"])
            word = STATIC if record["static"] else record["state"]
            found[record["name"]] = State(word, record["addresses"] if word in (ACTIVE, STATIC) else ())
        if counter < max(before, self.highest):
            self.fail("the version counter is %d, %d was seen before" % (counter, max(before, self.highest)))
        self.highest = counter
        if set(found) - set(self.by_full):
            self.fail("names that nobody registered: %s" % sorted(set(found) - set(self.by_full)))
        wrong = ["%s is %s, may be %s" % (name.full, found[name.full], sorted(map(str, name.may_be)))
                 for name in self.names if found[name.full] not in name.may_be]
        if wrong:
            self.fail("%d names are wrong: %s" % (len(wrong), "; ".join(wrong[:5])))
        for name in self.names:
            name.may_be, name.under_way = {found[name.full]}, None
