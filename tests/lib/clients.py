"""Clients of a management point as the facts describe their messages (sms.md 5.3, 10), made without our codec."""

import http.client
import os
import re
import subprocess
import uuid

import harness


class Signer:
    """A client's RSA key: its PUBLICKEYBLOB, and signatures with their octets reversed, all by openssl."""

    def __init__(self, case):
        self.openssl = harness.tool("openssl", "openssl")
        self.path = case.path("client-%d.key" % len(os.listdir(case.folder)))
        case.run_ok([self.openssl, "genrsa", "-out", self.path, "2048"])
        modulus = case.run_ok([self.openssl, "rsa", "-in", self.path, "-noout", "-modulus"]).out.strip().partition("=")[2]
        self.key = (bytes.fromhex("0602000000A40000525341310008000001000100") + bytes.fromhex(modulus)[::-1]).hex().upper()

    def certificate(self):
        """A certificate of this key, signed by itself, in hexadecimal."""
        made = subprocess.run([self.openssl, "req", "-x509", "-new", "-key", self.path, "-subj", "/CN=ConfigMgr Client", "-days", "9", "-outform", "DER"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
        return made.stdout.hex().upper()

    def sign(self, octets):
        made = subprocess.run([self.openssl, "dgst", "-sha256", "-sign", self.path], input=octets, stdout=subprocess.PIPE, check=True)
        return made.stdout[::-1].hex().upper()


def new_id():
    return "{%s}" % str(uuid.uuid4()).upper()


def instance(kind, content="New", **properties):
    inside = "".join("<%s>%s</%s>" % (name, value, name) for name, value in properties.items())
    return '<Instance ParentClass="%s" Class="%s" Namespace="\\\\pc\\root\\cimv2" Content="%s"><%s>%s</%s></Instance>' % (
        kind, kind, content, kind, inside, kind)


class Client:
    """A client with an SMSID, talking to the management point at (host, port)."""

    def __init__(self, where, number=1, signer=None):
        self.where, self.signer = where, signer
        self.smsid = "GUID:00000000-0000-4000-8000-%012X" % number
        self.name = "PC%d" % number

    def envelope(self, endpoint, xml, message=None):
        body = xml.encode("utf-16-le") + b"\0\0"
        hook = ""
        if self.signer:
            hook = '<Hooks><Hook2 Name="clientauth"><Property Name="PublicKey">%s</Property><Property Name="PayloadSignature">%s</Property>' \
                '<Property Name="HashAlgorithm">1.2.840.113549.1.1.11</Property></Hook2></Hooks>' % (self.signer.key, self.signer.sign(body))
        header = '<Msg SchemaVersion="1.1"><Body Type="ByteRange" Offset="0" Length="%d"/>%s<ID>%s</ID><SourceHost>%s</SourceHost>' \
            '<SourceID>%s</SourceID><TargetAddress>mp:%s</TargetAddress><TargetEndpoint>%s</TargetEndpoint></Msg>' % (
                len(body), hook, message or new_id(), self.name, self.smsid, endpoint, endpoint)
        return (b"--aAbBcC\r\ncontent-type: text/plain; charset=UTF-16\r\n\r\n" + b"\xff\xfe" + header.encode("utf-16-le")
                + b"\r\n--aAbBcC\r\ncontent-type: application/octet-stream\r\n\r\n" + body + b"\r\n--aAbBcC--\r\n")

    def send(self, endpoint, xml, message=None):
        """The status and text of the answer; status 0 when there was none."""
        try:
            one = http.client.HTTPConnection(*self.where, timeout=20)
            one.request("CCM_POST", "/ccm_system/request", self.envelope(endpoint, xml, message),
                        {"Content-Type": "multipart/mixed; boundary=aAbBcC"})
            got = one.getresponse()
            octets = got.read()
            self.headers = got.headers      # of the last answer
            one.close()
        except (OSError, http.client.HTTPException):
            return 0, ""
        if got.status != 200:
            return got.status, octets.decode()
        mark = re.search(r'boundary="?([^";]+)', got.headers["Content-Type"]).group(1).encode()
        return 200, octets.split(b"--" + mark)[2].split(b"\r\n\r\n", 1)[1].decode("utf-16-le", "replace").rstrip("\r\n\0\u0a0d")

    def register(self, smsid=None, **more):
        xml = '<ClientRegistrationRequest><Data HashAlgorithm="1.2.840.113549.1.1.11" SMSID="%s" RequestType="Registration" ' \
            'TimeStamp="2026-11-22T10:00:00Z"><AgentInformation AgentIdentity="test" AgentVersion="4.0"/><DiscoveryProperties>' \
            '<Property Name="NetBIOS Name" Value="%s"/><Property Name="FQ Name" Value="%s.example.org"/></DiscoveryProperties></Data>' \
            '<Signature/></ClientRegistrationRequest>' % (self.smsid if smsid is None else smsid, self.name, self.name.lower())
        return self.send("MP_ClientRegistration", xml, **more)

    def report(self, instances, kind="Full", action=1, client=None, **more):
        xml = '<Report><ReportHeader><Identification><Machine><ClientInstalled>1</ClientInstalled><ClientType>1</ClientType>' \
            '<ClientID>%s</ClientID><ClientVersion>4.0</ClientVersion><NetBIOSName>%s</NetBIOSName><CodePage>850</CodePage>' \
            '<SystemDefaultLCID>1033</SystemDefaultLCID></Machine></Identification><ReportDetails><ReportContent>Inventory Data</ReportContent>' \
            '<ReportType>%s</ReportType><Date>20261122100000.000000+000</Date><Version>1.0</Version><Format>1.1</Format></ReportDetails>' \
            '<InventoryAction ActionType="Predefined"><InventoryActionID>{00000000-0000-0000-0000-%012d}</InventoryActionID></InventoryAction>' \
            '</ReportHeader><ReportBody>%s</ReportBody></Report>' % (client or self.smsid, self.name, kind, action, "".join(instances))
        return self.send("MP_DdrEndpoint" if action == 3 else "MP_HinvEndpoint", xml, **more)

    def ask_policy(self, source="", **more):
        """A RequestAssignments, with the site of PolicySource."""
        xml = '<RequestAssignments SchemaVersion="1.00" ACK="False" RequestType="Full" ValidationRequest="CRC"><Identification><Machine>' \
            '<ClientID>%s</ClientID><NetBIOSName>%s</NetBIOSName></Machine></Identification>%s<Resource ResourceType="Machine"/>' \
            '<ServerCookie/></RequestAssignments>' % (self.smsid, self.name, "<PolicySource>SMS:%s</PolicySource>" % source if source else "")
        return self.send("MP_PolicyManager", xml, **more)

    def advertisements(self, source=""):
        """The paths of the bodies of the policies that advertise something."""
        status, text = self.ask_policy(source)
        if status != 200:
            raise OSError("policy: %d %s" % (status, text))
        return re.findall(r'PolicyCategory="SoftwareDistribution"><PolicyLocation[^>]*>https?://&lt;mp&gt;(/SMS_MP/\.sms_pol\?[^<]*)<', text)

    def discover(self, **more):
        return self.report([instance("CCM_System", NetBIOSName=self.name)], action=3, **more)

    def status(self, number=1, **more):
        return self.send("MP_StatusManager", '<StatusMessage ID="%d"><Property Name="Text" Value="done"/></StatusMessage>' % number, **more)

    def meter(self, **more):
        return self.send("MP_RelayEndpoint", '<MeteringReport><Usage File="cmd.exe" Seconds="60"/></MeteringReport>', **more)
