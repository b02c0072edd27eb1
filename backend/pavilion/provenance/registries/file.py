"""The own-production registry, simulated: answers from signed event files (format: `writing.py`)."""

import asyncio
import base64
import binascii
import hashlib
import json
import mmap
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pavilion.kernel.errors import Refusal
from pavilion.provenance.registries.port import Answer, Claim, Event, Reason, Status, plain_bytes
from pavilion.provenance.registries.writing import INDEX_LINE, KEY_DIGITS, SIGNATURE_AT, SIGNED_AT, index_key
from pavilion.provenance.trust import Trust

SLOW_S = 5
MAX_RECORD = 1024 * 1024
MAX_MANIFEST = 1024 * 1024
EVENTS = '{"events":['


class Fault(StrEnum):
    """What the simulator can be ordered to do wrong."""

    SLOW = "slow"
    DOWN = "down"
    LYING = "lying"  # says what was never signed
    SWAPPED = "swapped"  # sends the signed record of another stone


class RegistryUnreadable(Refusal):
    """The folder is no registry, or its own signature does not hold."""

    status, code = 422, "registry_unreadable"


class FileRegistry:
    """Looks up one stone at a time in files it maps but never reads whole."""

    def __init__(self, folder: Path, *, key: bytes | None = None, fault: Fault | None = None) -> None:
        """`key` pins the registry's public key; without it the one in the folder is taken on the operator's word."""
        self._folder, self.fault = folder, fault
        manifest, self._key = _manifest(folder, key)
        self.name: str = manifest["name"]
        self.count: int = manifest["count"]
        self.simulated = True
        self._trust: Trust = manifest["trust"]
        self._index = _mapped(folder / "index.txt")

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        if self.fault is Fault.DOWN:
            return self._silent(now, Reason.DOWN)
        if self.fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        line = self._line(claim.key)
        if line is None:
            return Answer(self.name, Status.ABSENT, now, simulated=True)
        if self.fault is Fault.LYING:
            line = line.replace(b'"MINED"', b'"mined"', 1)
        if self.fault is Fault.SWAPPED:
            line = self._any_other(line)
        return self._answer(line, claim, now)

    def close(self) -> None:
        if isinstance(self._index, mmap.mmap):
            self._index.close()

    def _answer(self, line: bytes, claim: Claim, now: datetime) -> Answer:
        raw_sha256 = hashlib.sha256(line).hexdigest()
        signature = line[SIGNATURE_AT : SIGNATURE_AT + 88]
        signed = line[SIGNED_AT:-1]
        try:
            self._key.verify(base64.b64decode(signature, validate=True), signed)
        except (InvalidSignature, binascii.Error, ValueError):
            return self._silent(now, Reason.BAD_SIGNATURE, raw_sha256)
        try:
            record, events, bodies = _read(signed.decode("utf-8"))
            stone = str(record["stone"])
            differs = ["origin_id"] if record["origin_id"] != claim.key else _differs(claim.fields, events)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return self._silent(now, Reason.SCHEMA, raw_sha256)
        return Answer(
            registry=self.name,
            status=Status.MISMATCH if differs else Status.FOUND,
            at=now,
            raw_sha256=raw_sha256,
            differs=tuple(differs),
            stone=stone,
            events=events,
            bodies=bodies,
            trust=self._trust,
            signature=signature.decode("ascii"),
            simulated=True,
        )

    def _silent(self, now: datetime, reason: Reason, raw_sha256: str | None = None) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, raw_sha256=raw_sha256, reason=reason, simulated=True)

    def _line(self, origin_id: str) -> bytes | None:
        place = self._place(index_key(origin_id).encode())
        if place is None:
            return None
        number, offset, length = place
        return self._part(number, offset, length)

    def _place(self, wanted: bytes) -> tuple[int, int, int] | None:
        """Binary search among the index's lines of equal length."""
        low, high = 0, len(self._index) // INDEX_LINE
        while low < high:
            middle = (low + high) // 2
            line = self._index[middle * INDEX_LINE : (middle + 1) * INDEX_LINE]
            if line[:KEY_DIGITS] < wanted:
                low = middle + 1
            elif line[:KEY_DIGITS] > wanted:
                high = middle
            else:
                number, offset, length = line[KEY_DIGITS:].split()
                return int(number), int(offset), int(length)
        return None

    def _part(self, number: int, offset: int, length: int) -> bytes:
        return _part(self._folder / f"events-{number:03d}.jsonl", offset, min(length, MAX_RECORD))

    def _any_other(self, line: bytes) -> bytes:
        for start in range(0, len(self._index), INDEX_LINE):
            number, offset, length = map(int, self._index[start + KEY_DIGITS : start + INDEX_LINE].split())
            other = self._part(number, offset, length)
            if other != line:
                return other
        return line


def _differs(fields: Mapping[str, str | int], events: tuple[Event, ...]) -> list[str]:
    """The fields of the claim that the chain contradicts; a field the chain is silent about is contradicted too."""
    if not fields:
        return []
    said: dict[str, set[str | int]] = {}
    for event in events:
        if event["t"] == "MINED":
            said.setdefault("mine_country", set()).add(event.get("cc", ""))
            said.setdefault("rough_weight_mct", set()).update(event.get("out", {}).values())
        elif event["t"] == "KP_EXPORT":
            said.setdefault("kp_no", set()).add(event.get("kp", {}).get("no", ""))
        elif event["t"] in ("GRADED", "REGRADED"):
            report = event.get("report", {})
            said["report"] = {f"{report.get('lab')}:{report.get('no')}"}
    return sorted(name for name, value in fields.items() if value not in said.get(name, ()))


def _read(signed: str) -> tuple[dict[str, Any], tuple[Event, ...], tuple[str, ...]]:
    """The record, its events, and each event exactly as it stands in the signed text."""
    if not signed.startswith(EVENTS):
        raise ValueError("a record begins with its events")
    at, events, bodies = len(EVENTS), [], []
    while signed[at] != "]":
        start = at + (1 if signed[at] == "," else 0)
        event, at = _DECODER.raw_decode(signed, start)
        events.append(dict(event))
        bodies.append(signed[start:at])
    return json.loads("{" + signed[at + 2 :]), tuple(events), tuple(bodies)


def _no_fraction(text: str) -> None:
    raise ValueError(f"a binary fraction in a signed record: {text[:20]}")


_DECODER = json.JSONDecoder(parse_float=_no_fraction)


def _manifest(folder: Path, pinned: bytes | None) -> tuple[dict[str, Any], Ed25519PublicKey]:
    try:
        raw = (folder / "registry.json").read_bytes()
        if len(raw) > MAX_MANIFEST:
            raise ValueError("too long")
        document = json.loads(raw)
        sig = base64.b64decode(document.pop("sig"), validate=True)
        key = Ed25519PublicKey.from_public_bytes(pinned or bytes.fromhex(document["key"]))
        key.verify(sig, plain_bytes(document))
        trust = Trust(document["trust"])
        return {"name": str(document["name"]), "count": int(document["count"]), "trust": trust}, key
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as fault:
        raise RegistryUnreadable(folder=folder.name, fault=type(fault).__name__) from None


def _part(path: Path, offset: int, length: int) -> bytes:
    """A file read piece by piece: mapped, its pages would count as our memory long after they were looked at."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            return file.read(length)
    except OSError:
        return b""  # no record, so no signature that holds


def _mapped(path: Path) -> mmap.mmap | bytes:
    """The file's bytes without reading them; an empty file cannot be mapped."""
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        return b""
    except OSError:
        raise RegistryUnreadable(folder=path.parent.name, fault=path.name) from None
