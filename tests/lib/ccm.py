"""Messages to a management point, made from the description of their format and not with our codec."""

import re
import xml.etree.ElementTree
import zlib


def envelope(xml, endpoint="MP_LocationManager", compressed=False, source=None, sign=None):
    """
    A CCM message: the octets of its multipart/mixed body, whose boundary is aAbBcC. sign(body, part) gives the hook "clientauth".
    """
    body = xml.encode("utf-16-le") + b"\0\0"
    part = zlib.compress(body) if compressed else body
    hooks = (sign(body, part) if sign else "") + ('<Hook3 Name="zlib-compress"/>' if compressed else "")
    hooks = "<Hooks>%s</Hooks>" % hooks if hooks else ""
    header = ('<Msg SchemaVersion="1.1"><Body Type="ByteRange" Offset="0" Length="%d"/><ID>{11111111-2222-3333-4444-555555555555}</ID>%s'
              '<Payload Type="inline"/><ReplyMode>Sync</ReplyMode><SourceHost>pc1</SourceHost>%s<TargetAddress>mp:%s</TargetAddress>'
              '<TargetEndpoint>%s</TargetEndpoint></Msg>' % (len(body), hooks, "<SourceID>%s</SourceID>" % source if source else "",
                                                             endpoint, endpoint))
    return (b"--aAbBcC\r\ncontent-type: text/plain; charset=UTF-16\r\n\r\n" + b"\xff\xfe" + header.encode("utf-16-le")
            + b"\r\n--aAbBcC\r\ncontent-type: application/octet-stream\r\n\r\n" + part
            + b"\r\n--aAbBcC--\r\n")


CONTENT_TYPE = "multipart/mixed; boundary=aAbBcC"


def open_envelope(kind, octets):
    """Header and body of an answer as XML elements."""
    mark = re.search(r'boundary="?([^";]+)', kind).group(1).encode()
    parts = [part.split(b"\r\n\r\n", 1)[1] for part in octets.split(b"--" + mark)[1:3]]
    return [xml.etree.ElementTree.fromstring(part.decode("utf-16" if part[:2] == b"\xff\xfe" else "utf-16-le").rstrip("\r\n\0"))
            for part in (parts[0][:-2], parts[1][:-2])]
