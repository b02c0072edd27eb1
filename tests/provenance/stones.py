"""Stones with a whole chain behind them, and a registry that vouches for it."""

import json
import re
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.kernel.ids import ulid
from pavilion.provenance import rules
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.file import FileRegistry
from pavilion.provenance.registries.writing import RegistryWriter
from tests.make import NOON

VECTORS = Path(__file__).parents[1] / "vectors" / "origin.jsonl"
_DAY = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2}")
BEFORE = timedelta(days=14)  # so much earlier than in the vectors: all of it has happened by NOON


def _told_earlier(base: dict) -> dict:
    events = _DAY.sub(lambda day: (date.fromisoformat(day[0]) - BEFORE).isoformat(), json.dumps(base["events"]))
    return base | {"events": json.loads(events)}


BASE = _told_earlier(json.loads(VECTORS.read_text("utf-8").splitlines()[0], parse_float=str)["base"])
LOG = LogSigner.of("pavilion.test", bytes(range(32)))  # a log that asks no witness
KEY = Ed25519PrivateKey.from_private_bytes(b"a key that everybody may know!!!")


def chain(number: int = 1, *, listed: bool = False) -> list[dict]:
    """The events of stone `number`: pieces, report and certificate are its own."""
    text = json.dumps(BASE["events"] if listed else BASE["events"][:-1])
    for old, new in (("R-1", f"R-{number}"), ("P-1", origin_id(number)), ("6123456789", report_no(number))):
        text = text.replace(old, new)
    events = json.loads(text.replace("BW004321", f"BW{number:06d}"))
    for event in events:
        event.pop("sig"), event.pop("log")
    report(events)["inscription"] = f"GIA {report_no(number)}"
    return events


def origin_id(number: int) -> str:
    return f"OP-{number:05d}"


def report_no(number: int) -> str:
    return f"{6_100_000_000 + number}"


def event(events: list[dict], kind: str) -> dict:
    return next(e for e in events if e["t"] == kind)


def report(events: list[dict]) -> dict:
    return event(events, "GRADED")["report"]


def claim(number: int = 1, **changes) -> ListingClaim:
    facts = {
        "stone": ulid(NOON),
        "origin_id": origin_id(number),
        "origin_registry": "own-production",
        "shape": "RBC",
        "listed": {"weight": "1.01", "color": "G", "clarity": "VS1", "shape": "RBC"},
        "lab": "GIA",
        "report_no": report_no(number),
    }
    return ListingClaim(**(facts | changes))


def registry(folder: Path, *chains: tuple[int, list[dict]], **how) -> FileRegistry:
    with RegistryWriter(folder, KEY, trust=trust()) as writer:
        for number, events in chains:
            writer.add(origin_id(number), events)
    return FileRegistry(folder, **how)


def trust() -> list[dict]:
    return deepcopy(BASE["trust"])


def names_of_facts() -> set[str]:
    """The names of all facts that findings carry."""
    folder = Path(rules.__file__).parent
    files = ["lineage", "mass", "kimberley", "custody", "grading", "warranty", "law", "signatures", "words"]
    sources = (folder.joinpath(f"{name}.py").read_text("utf-8") for name in files)
    return {name for source in sources for name in re.findall(r"[{ ]\"([a-z_]+)\": ", source)}
