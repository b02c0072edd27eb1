"""The hashes that are published are those of all the code that touches a sealed bid."""

import re
from hashlib import sha256

from pavilion.bidding.seal_modules import MODULES, modules
from pavilion.webkit import static

FOLDER = static.frontend() / "static" / "js"


def imported(name, found):
    """The module and everything it runs."""
    if name not in found:
        found.add(name)
        for other in re.findall(r'(?:from|import|new URL\()\s*"\./([\w-]+\.js)"', (FOLDER / name).read_text("utf-8")):
            imported(other, found)
    return found


def test_every_module_behind_sealing_and_opening_is_listed():
    found = imported("ceremony.js", imported("tender.js", set()))
    assert {"seal.js", "custodian.js"} < found
    assert tuple(sorted(found)) == MODULES


def test_a_module_has_the_hash_of_its_bytes():
    for name, told in modules(static.frontend()):
        assert told == sha256((FOLDER / name).read_bytes()).hexdigest()
