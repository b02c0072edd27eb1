"""All that is known of a stone, as a set of links (RFC 9264) in the words of UNTP. Pure."""

from collections.abc import Mapping
from typing import Any

LINK_TYPES = "https://test.uncefact.org/vocabulary/linkTypes/"


def linkset_of(base: str, passport: Mapping[str, Any]) -> dict[str, Any]:
    """Passport, events and evidence of the stone the passport is about."""
    subject = passport["credentialSubject"]
    stone = subject["product"]["registeredId"]
    own, title = f"{base}/passports/{stone}", subject["product"]["name"]
    events = [
        {"href": link["linkURL"], "type": "application/ld+json", "title": link["linkName"]}
        for traced in subject["traceabilityInformation"]
        for link in traced["traceabilityEvent"]
    ]
    return {
        "linkset": [
            {
                "anchor": f"{base}/id/stone/{stone}",
                f"{LINK_TYPES}dpp": [
                    {"href": own, "type": "application/vc", "title": title},
                    {"href": own, "type": "application/vc+jwt", "title": title},
                    {"href": own, "type": "text/html", "title": title, "hreflang": ["en", "zh"]},
                    {"href": own, "type": "application/pdf", "title": title, "hreflang": ["en", "zh"]},
                ],
                f"{LINK_TYPES}dte": events,
                f"{LINK_TYPES}dcc": [
                    {"href": f"{own}/bundle", "type": "application/zip", "title": "Verdict and evidence"}
                ],
            }
        ]
    }
