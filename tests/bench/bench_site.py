"""The figures of the site beside a baseline in the same run. Usage: tests/lib/bench.py."""

import http.client
import os
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bench  # noqa: E402
import harness  # noqa: E402
import lab  # noqa: E402

ADDRESS, MEMORY, NGINX = "127.0.0.11", "127.0.0.12", "127.0.0.13"
DPS, BOUNDARIES, HOLDERS = 1000, 10000, 4
PAIRS, SECONDS, CONNECTIONS, REQUESTS = 7, 2, 16, 20000
LARGE = 512 << 20
KEY = b"\0" * 10 + b"\xff\xff"


def ip4(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


# ---- content location ------------------------------------------------------------------------------------------------------


def fill(path, packages):
    """A large site, put into the database directly: one command for each row would take hours."""
    base = sqlite3.connect(path)
    chance = random.Random(1)
    with base:
        base.executemany("INSERT INTO dp (site_id, host, url) SELECT id, ?, ? FROM site",
                         (("dp%d.example.org" % i, "http://dp%d.example.org/SMS_DP_SMSPKG$/" % i) for i in range(DPS)))
        base.executemany("INSERT INTO boundary (site_id, kind, value, low, high) SELECT id, 'subnet', ?, ?, ? FROM site",
                         (("%s/24" % ip4((10 << 24) + i * 256), KEY + ((10 << 24) + i * 256).to_bytes(4, "big"),
                           KEY + ((10 << 24) + i * 256 + 255).to_bytes(4, "big")) for i in range(BOUNDARIES)))
        base.executemany("INSERT INTO package (site_id, package, version) SELECT id, ?, 3 FROM site", (("P%07d" % i,) for i in range(packages)))
        dps = [row[0] for row in base.execute("SELECT id FROM dp")]
        base.executemany("INSERT INTO package_dp (package_id, dp_id, site_id) VALUES (?, ?, ?)",
                         ((package, dp, site) for package, site in base.execute("SELECT id, site_id FROM package").fetchall()
                          for dp in chance.sample(dps, HOLDERS)))
        base.execute("ANALYZE")
    base.close()


def message(package, address):
    body = ('<ContentLocationRequest SchemaVersion="1.0"><Package ID="%s" Version="3"/><AssignedSite SiteCode="PS1"/><ClientLocationInfo>'
            '<ADSite Name=""/><IPAddresses><IPAddress SubnetAddress="%s" Address="%s"/></IPAddresses></ClientLocationInfo>'
            '</ContentLocationRequest>' % (package, ip4(address & ~255), ip4(address))).encode("utf-16-le") + b"\0\0"
    header = ('<Msg SchemaVersion="1.1"><Body Type="ByteRange" Offset="0" Length="%d"/><ID>{11111111-2222-3333-4444-555555555555}</ID>'
              '<ReplyMode>Sync</ReplyMode><TargetEndpoint>MP_LocationManager</TargetEndpoint></Msg>' % len(body)).encode("utf-16-le")
    whole = (b"--aA\r\nContent-Type: text/plain; charset=UTF-16\r\n\r\n\xff\xfe" + header
             + b"\r\n--aA\r\nContent-Type: application/octet-stream\r\n\r\n" + body + b"\r\n--aA--\r\n")
    head = ("CCM_POST /ccm_system/request HTTP/1.1\r\nHost: mp\r\nContent-Type: multipart/mixed; boundary=\"aA\"\r\n"
            "Content-Length: %d\r\n\r\n" % len(whole)).encode()
    return head + whole


def requests(case, packages):
    """A file of requests for packages and out of subnets by chance."""
    chance = random.Random(2)
    path = case.path("requests-%d" % packages)
    with open(path, "wb") as file:
        for _ in range(REQUESTS):
            one = message("P%07d" % chance.randrange(packages), (10 << 24) + chance.randrange(BOUNDARIES * 256))
            file.write(b"%d\n" % len(one) + one)
    return path


def tool(name):
    return os.path.join(harness.BUILDDIR, "tests", "bench", name)


def load(address, port, path):
    """Answers per second."""
    done = harness.run([tool("load-http"), address, port, CONNECTIONS, SECONDS, path, "dp"], timeout_s=120)
    if done.code != 0:
        raise harness.Failed(str(done))
    answers, seconds = done.out.split()
    return int(answers) / float(seconds)


def management_point(case, packages):
    port = harness.free_port([ADDRESS])
    site = lab.Site(case, http=["%s:%d" % (ADDRESS, port)], name="site%d" % packages)
    site.process.stop()
    fill(site.db, packages)
    site.start()
    return port


def one_answer(port, path):
    """An answer as it is, for the baseline to say."""
    with open(path, "rb") as file:
        octets = file.read(int(file.readline()))
    head, body = octets.split(b"\r\n\r\n", 1)
    kind = [line.split(b": ", 1)[1] for line in head.split(b"\r\n") if line.startswith(b"Content-Type")][0]
    one = http.client.HTTPConnection(ADDRESS, port, timeout=10)
    one.request("CCM_POST", "/ccm_system/request", body, {"Content-Type": kind.decode()})
    got = one.getresponse()
    answer = got.read()
    one.close()
    return answer, got.headers["Content-Type"]


def from_memory(case, octets, kind):
    """The baseline: libmicrohttpd with this answer in memory."""
    path, port = case.path("answer"), harness.free_port([MEMORY])
    with open(path, "wb") as file:
        file.write(octets)
    process = subprocess.Popen([tool("memory-http"), MEMORY, str(port), path, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    case.addCleanup(process.wait, 10)
    case.addCleanup(process.stdout.close)
    case.addCleanup(process.stdin.close)
    process.stdout.readline()
    return port


def content_location():
    with bench.Bench() as case:
        port, path = management_point(case, 100000), requests(case, 100000)
        memory = from_memory(case, *one_answer(port, path))
        value, ours, theirs = bench.ratio(lambda: load(ADDRESS, port, path), lambda: load(MEMORY, memory, path), PAIRS)
        return value, "%.0f/s, from memory %.0f/s" % (ours, theirs)


def content_flat():
    with bench.Bench() as case:
        small, large = management_point(case, 1000), management_point(case, 100000)
        few, many = requests(case, 1000), requests(case, 100000)
        value, one, other = bench.ratio(lambda: load(ADDRESS, small, few), lambda: load(ADDRESS, large, many), PAIRS)
        return value, "1 000 packages %.0f/s, 100 000 %.0f/s" % (one, other)


# ---- transfer ----------------------------------------------------------------------------------------------------------------

NGINX_CONF = """
daemon off;
worker_processes 2;
pid %(folder)s/pid;
error_log %(folder)s/error.log;
events { worker_connections 64; }
http { access_log off; sendfile on; tcp_nopush on;
  client_body_temp_path %(folder)s/b; proxy_temp_path %(folder)s/p; fastcgi_temp_path %(folder)s/f; uwsgi_temp_path %(folder)s/u;
  scgi_temp_path %(folder)s/s;
  server { listen %(at)s; root %(root)s; } }
"""


def nginx(case, root):
    port, folder = harness.free_port([NGINX]), case.path("nginx")
    os.mkdir(folder)
    conf = case.write("nginx.conf", NGINX_CONF % {"folder": folder, "at": "%s:%d" % (NGINX, port), "root": root})
    case.start([harness.tool("nginx", "nginx-light"), "-p", folder, "-c", conf, "-g", "user %s;" % ("root" if os.getuid() == 0 else "nobody")],
               clean_exit=False)
    harness.wait_until(lambda: harness.is_accepting(NGINX, port), "nginx answering")
    return port


def download(url):
    """MiB per second of one transfer that is thrown away."""
    done = harness.run([harness.tool("curl", "curl"), "-s", "-f", "-o", "/dev/null", "-w", "%{size_download} %{time_total}", url], timeout_s=120)
    size, seconds = done.out.split()
    if done.code != 0 or int(size) != LARGE:
        raise harness.Failed(str(done))
    return LARGE / float(seconds) / (1 << 20)


def transfer():
    with bench.Bench() as case:
        port, root = harness.free_port([ADDRESS]), case.path("root")
        site = lab.Site(case, http=["%s:%d" % (ADDRESS, port)])
        os.mkdir(root)
        with open(os.path.join(root, "large"), "wb") as file:
            for _ in range(LARGE >> 20):
                file.write(os.urandom(1 << 20))
        site.ctl_ok("dp", "add", "dp1.example.org", "--url", "http://%s:%d/SMS_DP_SMSPKG$/" % (ADDRESS, port))
        site.ctl_ok("package", "add", "LAB00001", "--version", "1", "--on", "dp1.example.org", "--dir", root)
        other = nginx(case, root)
        ours = "http://%s:%d/SMS_DP_SMSPKG$/LAB00001.1/large" % (ADDRESS, port)
        value, mine, theirs = bench.ratio(lambda: download(ours), lambda: download("http://%s:%d/large" % (NGINX, other)), PAIRS)
        return value, "%.0f MiB/s, nginx %.0f MiB/s" % (mine, theirs)


bench.main({
    "content": bench.Row("content locations/s of 100 000 packages, by an answer from memory", content_location, 0.5, least=True),
    "content-flat": bench.Row("1 000 packages by 100 000", content_flat, 1.3),
    "transfer": bench.Row("a large file from a distribution point, by nginx", transfer, 0.9, least=True),
})
