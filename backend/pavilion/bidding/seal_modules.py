"""The modules that seal bids and open shares in a browser, with the hash of each: whoever does not believe the page
that it serves the published code compares these with a release's own files."""

from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

# What the form that seals and the page of the opening consist of, themselves included.
MODULES = (
    "amounts.js",
    "ceremony.js",
    "countdown.js",
    "custodian.js",
    "ed25519-worker.js",
    "ed25519.js",
    "fees.js",
    "hpke.js",
    "seal.js",
    "sha256.js",
    "tender-entry.js",
    "tender.js",
    "verify-forms.js",
    "verify-signature.js",
    "words.js",
)


class Module(NamedTuple):
    name: str
    sha256: str


def modules(frontend: Path) -> tuple[Module, ...]:
    """Name and hash of each module, as `sha256sum frontend/static/js/*.js` prints them."""
    folder = frontend / "static" / "js"
    return tuple(Module(name, sha256((folder / name).read_bytes()).hexdigest()) for name in MODULES)
