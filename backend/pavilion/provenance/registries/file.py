"""A producers' registry answered from signed event files in this process (format: `writing.py`)."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pavilion.kernel.canon import no_fraction
from pavilion.kernel.errors import Refusal
from pavilion.provenance.issuers import IssuerKeys
from pavilion.provenance.registries.orders import Fault
from pavilion.provenance.registries.port import Answer, Claim, Event, Reason, Status, plain_bytes
from pavilion.provenance.registries.shelves import Shelf, ShelfMissing, signature_in, signed_in
from pavilion.provenance.trust import Trust

__all__ = ["Fault", "FileRegistry", "RegistryUnreadable", "SignedFolder", "differs_from"]

SLOW_S = 5
MAX_DOCUMENT = 4 * 1024 * 1024
EVENTS = '{"events":['


class RegistryUnreadable(Refusal):
    """The folder is no registry, or its own signature does not hold."""

    status, code = 422, "registry_unreadable"


class SignedFolder:
    """The files of a simulated world: each is believed only under the folder's own key."""

    def __init__(self, folder: Path, key: bytes | None = None) -> None:
        """`key` pins the folder's public key; without it the one inside is taken on the operator's word."""
        try:
            manifest, self.key = _signed_document(folder / "registry.json", key)
            self.name, self.count = str(manifest["name"]), int(manifest["count"])
            self.trust_rows: list[dict[str, Any]] = manifest["trust"]
            self.key_rows: list[dict[str, Any]] = manifest.get("keys", [])
            self.trust, self.keys = Trust(self.trust_rows), IssuerKeys(self.key_rows)
            self._events = Shelf(folder, "index", "events")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as fault:
            name = str(fault) if isinstance(fault, ShelfMissing) else type(fault).__name__
            raise RegistryUnreadable(folder=folder.name, fault=name) from None
        self._reports = self._certificates = None
        with suppress(ShelfMissing):  # written before the other registries were simulated
            self._reports = Shelf(folder, "reports", "events")
            self._certificates = Shelf(folder, "certificates", "certificates")
        self.world = self._world(folder)
        self._read_last: tuple[bytes, dict[str, Any]] = (b"", {})

    def keep(self, line: bytes, record: dict[str, Any]) -> None:
        """A line just believed and read; the laboratory is asked about the same stone in the next moment."""
        self._read_last = (line, record)

    def line(self, origin_id: str) -> bytes | None:
        """The stone's line as it stands in the file, not yet believed."""
        return self._events.line(origin_id)

    def lines(self) -> Iterator[bytes]:
        return self._events.lines()

    def record(self, origin_id: str) -> dict[str, Any] | None:
        return self._believed(self._events, origin_id)

    def record_with_report(self, lab: str, number: str) -> dict[str, Any] | None:
        return self._believed(self._reports, f"{lab}:{number}")

    def certificate(self, number: str) -> dict[str, Any] | None:
        return self._believed(self._certificates, number)

    def close(self) -> None:
        for shelf in (self._events, self._reports, self._certificates):
            if shelf is not None:
                shelf.close()

    def _believed(self, shelf: Shelf | None, key: str) -> dict[str, Any] | None:
        line = None if shelf is None else shelf.line(key)
        if line is not None and line == self._read_last[0]:
            return self._read_last[1]
        signed = None if line is None else signed_in(line, self.key)
        return None if signed is None else json.loads(signed, parse_float=no_fraction)

    def _world(self, folder: Path) -> dict[str, Any]:
        try:
            return _signed_document(folder / "world.json", self.key.public_bytes_raw())[0]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidSignature) as fault:
            raise RegistryUnreadable(folder=folder.name, fault=type(fault).__name__) from None


class FileRegistry:
    """Looks up one stone at a time in files that it never reads whole."""

    def __init__(
        self,
        folder: Path | Callable[[], SignedFolder],
        *,
        key: bytes | None = None,
        fault: Fault | None = None,
        name: str | None = None,
    ) -> None:
        """`name`: the producers' registry to speak for, if not the folder's own. A folder that others read too is
        given as what opens it."""
        self._own: SignedFolder | None = None
        self._folder: Callable[[], SignedFolder]
        if isinstance(folder, Path):
            own = self._own = SignedFolder(folder, key)
            self._folder = lambda: own
        else:
            self._folder = folder
        self.name: str = name or self._folder().name
        self.count: int = self._folder().count
        self.fault = fault
        self.simulated, self.address = True, ""

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        if self.fault is Fault.DOWN:
            return self._silent(now, Reason.DOWN)
        if self.fault is Fault.SLOW:
            await asyncio.sleep(SLOW_S)
        folder = self._folder()
        line = folder.line(claim.key)
        if line is None:
            return Answer(self.name, Status.ABSENT, now, simulated=True)
        if self.fault is Fault.LYING:
            line = line.replace(b'"MINED"', b'"mined"', 1)
        if self.fault is Fault.SWAPPED:
            line = next((other for other in folder.lines() if other != line), line)
        return self._answer(folder, line, claim, now)

    def close(self) -> None:
        if self._own is not None:
            self._own.close()

    def _answer(self, folder: SignedFolder, line: bytes, claim: Claim, now: datetime) -> Answer:
        raw_sha256 = hashlib.sha256(line).hexdigest()
        signed = signed_in(line, folder.key)
        if signed is None:
            return self._silent(now, Reason.BAD_SIGNATURE, raw_sha256)
        try:
            record, events, bodies = _read(signed.decode("utf-8"))
            stone, registry = str(record["stone"]), record["registry"]
            differs = ["origin_id"] if record["origin_id"] != claim.key else differs_from(claim.fields, events)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return self._silent(now, Reason.SCHEMA, raw_sha256)
        if registry != self.name:
            return Answer(self.name, Status.ABSENT, now, simulated=True)
        folder.keep(line, {**record, "events": list(events)})
        return Answer(
            registry=self.name,
            status=Status.MISMATCH if differs else Status.FOUND,
            at=now,
            raw_sha256=raw_sha256,
            differs=tuple(differs),
            stone=stone,
            events=events,
            bodies=bodies,
            trust=folder.trust,
            keys=folder.keys,
            signature=signature_in(line),
            simulated=True,
            fields={"stolen": [], "revoked": []},
        )

    def _silent(self, now: datetime, reason: Reason, raw_sha256: str | None = None) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, raw_sha256=raw_sha256, reason=reason, simulated=True)


def differs_from(fields: Mapping[str, str | int], events: tuple[Event, ...]) -> list[str]:
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


_DECODER = json.JSONDecoder(parse_float=no_fraction)


def _signed_document(path: Path, pinned: bytes | None) -> tuple[dict[str, Any], Ed25519PublicKey]:
    raw = path.read_bytes()
    if len(raw) > MAX_DOCUMENT:
        raise ValueError("too long")
    document = json.loads(raw)
    sig = base64.b64decode(document.pop("sig"), validate=True)
    key = Ed25519PublicKey.from_public_bytes(pinned or bytes.fromhex(document["key"]))
    key.verify(sig, plain_bytes(document))
    return document, key
