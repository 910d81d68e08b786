"""Worlds: sources with contents and states, and an independent model of what a client must get out of them.

The model knows nothing of the code under test: it is written from the rules of docs/locator.md. A source is a Source; each says, to
a question, a word of docs/locator.md ("answer", "not-found" ...) and with "answer" what it found. judge() puts them together.
"""

import dataclasses
import ipaddress

NEGATIVE = {"schema-not-extended", "nothing-published", "not-found", "no-default-mp"}
OUTCOMES = {"answer": "ok", "could-not-ask": "unreachable", "container-unreadable": "denied", "access-refused": "denied",
            "bad-file": "usage", "not-asked": "usage", "ambiguous": "usage"}
OUTCOMES.update(dict.fromkeys(NEGATIVE, "negative"))


@dataclasses.dataclass(frozen=True)
class Mp:
    site: str
    name: str
    default: bool = True
    address: str = ""
    forest: str = ""


@dataclasses.dataclass(frozen=True)
class SiteObject:
    code: str
    assignment: str = ""
    boundaries: tuple = ()      # values as they are stored
    ranges: tuple = ()          # (low, high) as dotted addresses
    forest: str = ""

    @property
    def parent(self):
        return self.assignment or self.code


@dataclasses.dataclass(frozen=True)
class Client:
    addresses: tuple = ()       # "10.1.2.3/16" or "10.1.2.3"
    ad_site: str = ""


@dataclasses.dataclass(frozen=True)
class Question:
    verb: str                   # "mp", "site", "name"
    subject: str = ""
    profile: str = "cm2007"
    client: Client = Client()
    forest: str = ""
    no_schema: bool = False
    roaming: bool = False       # verb "mp": `subject` is the client's assigned site


@dataclasses.dataclass(frozen=True)
class Said:
    word: str
    mp: str = ""
    address: str = ""
    site: str = ""
    resident: str = ""
    by: str = ""


def default_of(mps, profile):
    """The MP that counts, "no-default-mp", or None when there is none at all."""
    if not mps:
        return None
    ranked = sorted(mps, key=lambda mp: (mp.name.lower(), mp.address))
    defaults = [mp for mp in ranked if mp.default]
    if defaults:
        return defaults[0]
    return ranked[0] if profile == "cb" else "no-default-mp"


def held_by(value, client):
    """How a boundary holds a client: None, ("ad-site" or "subnet", weight); an exact match weighs 1000, a guess its length."""
    try:
        boundary = ipaddress.ip_network(value)
    except ValueError:
        same = client.ad_site and value.lower() == client.ad_site.lower()
        return ("ad-site", 1000) if same else None
    best = None
    for text in client.addresses:
        address, _, length = text.partition("/")
        ip = ipaddress.ip_address(address)
        if ip.version != boundary.version:
            continue
        if "/" in value:
            if ip in boundary:
                best = ("subnet", 1000)
        elif ip.version == 6:
            continue
        elif length:
            if ipaddress.ip_interface(text).network.network_address == boundary.network_address:
                best = ("subnet", 1000)
        else:
            for n in range(32, 0, -1):
                if ipaddress.ip_interface("%s/%d" % (address, n)).network.network_address == boundary.network_address:
                    if best is None or n > best[1]:
                        best = ("subnet", n)
                    break
    return best


def in_range(low, high, client):
    low, high = ipaddress.ip_address(low), ipaddress.ip_address(high)
    for text in client.addresses:
        ip = ipaddress.ip_address(text.partition("/")[0])
        if ip.version == 4 and low <= ip <= high:
            return True
    return False


BY = ("ad-site", "subnet", "range")


def places(sites, client):
    """The sites that hold a client as {code: (by, weight)}, the heaviest boundary of each."""
    found = {}
    for site in sites:
        ways = [held_by(value, client) for value in site.boundaries]
        ways += [("range", 1000) for low, high in site.ranges if in_range(low, high, client)]
        for way in filter(None, ways):
            if site.code not in found or (way[1], -BY.index(way[0])) > (found[site.code][1], -BY.index(found[site.code][0])):
                found[site.code] = way
    return found


class Source:
    uri = ""

    def says(self, question):
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Directory(Source):
    """A directory, live or dumped; `state` is "up", or the word that it answers everything with."""

    uri: str
    mps: tuple = ()
    sites: tuple = ()
    state: str = "up"
    schema: bool = True

    def absent(self):
        if not self.schema:
            return Said("schema-not-extended")
        return Said("not-found" if self.mps or self.sites else "nothing-published")

    def mp(self, question, code):
        chosen = default_of([mp for mp in self.mps if mp.site == code], question.profile)
        if chosen is None:
            return Said("no-default-mp") if any(site.code == code for site in self.sites) else self.absent()
        if chosen == "no-default-mp":
            return Said(chosen)
        if question.forest and chosen.forest and question.forest.lower() != chosen.forest.lower():
            return Said("not-found")
        return Said("answer", mp=chosen.name, address=chosen.address, site=code)

    def says(self, question):
        if question.verb == "name":
            return Said("not-asked")
        if question.no_schema and self.state != "bad-file" and not (self.uri.startswith("ldif:") and self.state != "up"):
            return Said("schema-not-extended")
        if self.state != "up":
            return Said(self.state)
        if question.verb == "mp":
            return self.mp(question, question.subject)
        ours = [site for site in self.sites if not (question.forest and site.forest and site.forest.lower() != question.forest.lower())]
        if question.subject:
            if not any(site.code == question.subject for site in ours):
                return Said("not-found") if any(site.code == question.subject for site in self.sites) else self.absent()
            return Said("answer", site=question.subject, by="site-code", mp=self.mp(question, question.subject).mp)
        found = places(ours, question.client)
        if not found:
            return Said("not-found") if self.sites else self.absent()
        code = min(found, key=lambda one: (-found[one][1], one))
        parent = next(site.parent for site in self.sites if site.code == code)
        return Said("answer", site=parent, resident=code, by=found[code][0], mp=self.mp(question, parent).mp)


@dataclasses.dataclass(frozen=True)
class Zone(Source):
    """The DNS: each site's SRV records as (host, address or "")."""

    uri: str
    records: tuple = ()         # (site, host, address)
    state: str = "up"

    def says(self, question):
        if question.verb != "mp":
            return Said("not-asked")
        if self.state != "up":
            return Said(self.state)
        found = sorted((host.lower(), host, address) for site, host, address in self.records if site == question.subject)
        return Said("answer", mp=found[0][1], address=found[0][2], site=question.subject) if found else Said("not-found")


@dataclasses.dataclass(frozen=True)
class Registry(Source):
    """A registry: names as (name, address, is it still valid)."""

    uri: str
    names: tuple = ()
    state: str = "up"

    def says(self, question):
        if question.verb == "site":
            return Said("not-asked")
        if self.state != "up":
            return Said(self.state)
        wanted = [question.subject] if question.verb == "name" else ["MP_%s#1A" % question.subject, "NLB_%s#1A" % question.subject]
        for name in wanted:
            for registered, address, valid in self.names:
                if registered == name and valid:
                    return Said("answer", mp=address, address=address, site=question.subject)
        return Said("not-found")


@dataclasses.dataclass(frozen=True)
class Point(Source):
    """A server locator point; sites as (code, mp or "", address)."""

    uri: str
    sites: tuple = ()
    state: str = "up"

    def says(self, question):
        if question.verb == "name":
            return Said("not-asked")
        if self.state != "up":
            return Said(self.state)
        for code, mp, address in self.sites:
            if code != question.subject:
                continue
            if question.verb == "site":
                return Said("answer", site=code, by="site-code", mp=mp)
            return Said("answer", mp=mp, address=address, site=code) if mp else Said("no-default-mp")
        return Said("not-found")


@dataclasses.dataclass(frozen=True)
class Verdict:
    outcome: str
    reason: str
    source: str = ""
    said: Said = Said("")
    lower: bool = False         # a source of higher rank had no answer


def judge(sources, question, strict=False):
    """What must come out of a question: J1 to J6, and of a client that roams R1 to R4."""
    here = judge_one(sources, question, strict)
    if not question.roaming or here.outcome not in ("ok", "degraded"):
        return here
    place = judge_one(sources, dataclasses.replace(question, verb="site", subject=""))
    if place.said.resident in ("", question.subject):
        return here
    there = judge_one(sources, dataclasses.replace(question, subject=place.said.resident), strict)
    return there if there.outcome in ("ok", "degraded") else here


def judge_one(sources, question, strict=False):
    """J1 to J6 over what the sources say, in order."""
    heard = [(source, source.says(question)) for source in sources]
    before = []
    for source, said in heard:
        if said.word == "answer":
            lower = any(word != "not-asked" for word in before)
            return Verdict("degraded" if strict and lower else "ok", "lower-ranked" if strict and lower else "", source.uri, said, lower)
        if said.word == "no-default-mp":
            return Verdict("negative", said.word)
        before.append(said.word)
    words = [word for word in before if word not in NEGATIVE and word != "not-asked"] or [word for word in before if word in NEGATIVE] or before
    return Verdict(OUTCOMES[words[0]], words[0])
