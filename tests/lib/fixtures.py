"""tests/fixtures/ad-sample.ldif: a container as Active Directory shows it, and what of it another server takes."""
import os

import harness

AD_SAMPLE = os.path.join(harness.SRCDIR, "tests", "fixtures", "ad-sample.ldif")
# site code: its default management point
DEFAULT_MPS = {"P01": "mecm.lab.example", "PS1": "ps1-mp.lab.example", "ABC": "sccm2.internal.example", "C07": "mp07.lab.example"}
# what the server itself keeps
KEPT = ("distinguishedName", "instanceType", "whenCreated", "whenChanged", "uSNCreated", "uSNChanged", "name", "objectGUID",
        "objectCategory", "dSCorePropagationData")
AD_ONLY = KEPT + ("showInAdvancedViewOnly",)


def _without(attributes):
    with open(AD_SAMPLE, encoding="utf-8") as sample:
        blocks = sample.read().split("\n\n")[2:]    # behind the comment and the container itself
    return "\n\n".join("\n".join(line for line in block.split("\n") if line.split(":")[0] not in attributes) for block in blocks)


def for_ad():
    """To be added below a container that is there."""
    return _without(KEPT)


def for_openldap():
    """The same for OpenLDAP."""
    return _without(AD_ONLY)
