"""A server locator point, or any small HTTP server, in Python: it says what the test tells it to.

    point = slp.Point(case)
    point.sites = {"PS1": slp.Site("PS1", mp="mp1.example.org", port=8080)}      # answers the questions of docs/locator.md
    point.uri

With `certificate` (crt, key) it speaks TLS, with `client_ca` it wants a certificate of that authority. `behave`, a function of the
handler, replaces the answers.
"""

import dataclasses
import http.server
import ipaddress
import ssl
import threading
import urllib.parse
import xml.etree.ElementTree as ET

PATH = "/SMS_SLP/slp.dll"


@dataclasses.dataclass
class Site:
    code: str
    assignment: str = ""
    subnets: tuple = ()         # "10.1.0.0/16"
    ad_sites: tuple = ()
    mp: str = ""
    address: str = ""
    port: int = 80
    forest: str = "example.org"
    caps: tuple = ()


class Point:
    def __init__(self, case, host="127.0.0.1", certificate=None, client_ca=None, scheme="slp+http", port=0):
        self.sites, self.asked, self.behave, self.path = {}, [], None, PATH
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                if outer.behave:
                    outer.behave(self)
                else:
                    outer.answer(self)

            def say(self, text, status=200):
                octets = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer((host, port), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None   # handshakes that the client breaks off
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if client_ca:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_ca)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        case.addCleanup(server.server_close)
        case.addCleanup(server.shutdown)
        self.host, self.port = host, server.server_port
        self.uri = "%s%s://%s:%d" % (scheme, "s" if certificate else "", host, self.port)

    def answer(self, handler):
        url = urllib.parse.urlsplit(handler.path)
        if url.path != self.path:
            handler.say("", 404)
            return
        query = urllib.parse.parse_qs(url.query)
        if "sc" in query:
            found, by = [s for s in self.sites.values() if s.code == query["sc"][0]], "site-code"
        else:
            found, by = self.locate(query)
        root = ET.Element("SLPReply", SchemaVersion="1.0")
        for site in found:
            node = ET.SubElement(root, "Site", SiteCode=site.code, AssignmentSiteCode=site.assignment or site.code, AssignedBy=by)
            if site.mp:
                ET.SubElement(node, "MP", Name=site.mp, Address=site.address, Port=str(site.port), Version="6487", Forest=site.forest)
            for cap in site.caps:
                ET.SubElement(node, "CAP", Name=cap)
        handler.say(ET.tostring(root, encoding="unicode"))

    def locate(self, query):
        for site in self.sites.values():
            if set(query.get("ad", [])) & set(site.ad_sites):
                return [site], "ad-site"
        for site in self.sites.values():
            for address in query.get("ip", []):
                if any(str(ipaddress.ip_interface(address).network) == subnet for subnet in site.subnets):
                    return [site], "subnet"
        return [], ""
