"""Writes the signed folder that the registry simulators answer from.

`registry.json`
    `{"v":1,"name":"own-production","simulated":true,"key":HEX,"count":N,"trust":[...],"keys":[...],"sig":BASE64}`.
    `key` is the Ed25519 public key (32 bytes). `trust` are rows `{issuer, types[], cc?, lab?, from, to}`: which party
    may sign which events (KP_EXPORT is matched by `cc`, the certificate's region; GRADED and REGRADED by `lab`).
    `keys` are the parties' public keys (rows of `issuers.IssuerKey`). `sig` signs the document without `sig`, spelled
    by `port.plain_bytes`.
`events-000.jsonl`, ... with `index.txt` (by origin id) and `reports.txt` (by `LAB:number`)
    one line per stone (form and index: `shelves.py`), `signed` being
    `{"events":[...],"origin_id":...,"registry":...,"stone":...,"v":1}`.
`certificates-000.jsonl`, ... with `certificates.txt` (by number)
    one line per Kimberley certificate: its contents, the rough on it piece by piece, the day of its confirmation.
`world.json`
    what the other registries know, signed like `registry.json`: `companies` of the System of Warranties, `members` of
    the Responsible Jewellery Council, `sanctions`.
All but the events follows from the events (`deriving.py`).

An event has the members of the origin vectors: `t at by issuer? cc obj in out loss rec? ev?` and those of its type
(`kp`, `report`, `sow`, `plan`, ...). Decimal numbers are strings (`"ct":"1250.500"`, `"meas":["6.45","6.48","3.98"]`),
masses are whole milli-carats, days `YYYY-MM-DD` or RFC 3339. Besides the rules' members:
MINED `mine`, `producer`, `scan`; POLISHED and RECUT `shape`, `plant`, `cutter{name, years}`, `scan`; any event `rjc`,
the membership number that its actor claims; `report.inscription` is what is lasered on the girdle
(`GIA 6123456789`). `prev`, which links each event to the one before it, and `sig`, its issuer's signature
(`issuers.py`), are added here. The polished piece is called like the origin id unless `stone` says otherwise.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.provenance.issuers import SimulatedIssuers
from pavilion.provenance.registries.deriving import Derived
from pavilion.provenance.registries.port import OWN_PRODUCTION, plain_bytes
from pavilion.provenance.registries.shelves import Place, ShelfWriter, index_key, write_index


class RegistryWriter:
    """After `close` the folder is a registry that `file.FileRegistry` can answer from."""

    def __init__(
        self,
        folder: Path,
        key: Ed25519PrivateKey,
        *,
        name: str = OWN_PRODUCTION,
        trust: Iterable[Mapping[str, Any]] | None = None,
        issuers: SimulatedIssuers | None = None,
    ) -> None:
        """Without `trust` the registry vouches for each issuer it wrote, for the kinds of event it wrote. Without
        `issuers` the parties' keys follow from the registry's own."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key, self._name = folder, key, name
        self._trust = None if trust is None else [dict(row) for row in trust]
        self._issuers = issuers or SimulatedIssuers(hashlib.sha256(key.private_bytes_raw()).digest())
        self._seen: set[tuple[str, str, str | None, str | None]] = set()
        self._index: dict[str, Place] = {}
        self._reports: dict[str, Place] = {}
        self._lines = ShelfWriter(folder, "events", key)
        self._derived = Derived()

    def __enter__(self) -> "RegistryWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._lines.close()

    def add(
        self,
        origin_id: str,
        events: Sequence[Mapping[str, Any]],
        *,
        stone: str | None = None,
        registry: str | None = None,
    ) -> None:
        """The stone's chain stands in the registry, signed; `registry` if it is in another than the folder's own."""
        key = index_key(origin_id)
        if key in self._index:
            raise ValueError(f"{origin_id} is already written")
        self._seen.update(map(_signs, events))
        rest = {"origin_id": origin_id, "registry": registry or self._name, "stone": stone or origin_id, "v": 1}
        bodies = b",".join(self._signed(events))
        place = self._lines.put(b'{"events":[' + bodies + b"]," + plain_bytes(rest)[1:])
        self._index[key] = place
        for report in self._derived.add(events):
            self._reports.setdefault(index_key(report), place)

    def close(self) -> None:
        self._lines.close()
        write_index(self._folder / "index.txt", self._index)
        write_index(self._folder / "reports.txt", self._reports)
        self._write_certificates()
        self._write("world.json", {"v": 1, "simulated": True, **self._derived.world()})
        document = {
            "v": 1,
            "name": self._name,
            "simulated": True,
            "key": self._key.public_key().public_bytes_raw().hex(),
            "count": len(self._index),
            "trust": _vouched(self._seen) if self._trust is None else self._trust,
            "keys": [self._issuers.row(issuer) for issuer in sorted({issuer for issuer, *_ in self._seen})],
        }
        self._write("registry.json", document)

    def _signed(self, events: Sequence[Mapping[str, Any]]) -> Iterable[bytes]:
        """Each event as its issuer signs it. It names the SHA-256 of the one before, so none can be left out unseen."""
        before: str | None = None
        for event in events:
            link = {**event} if before is None else {**event, "prev": before}
            body = plain_bytes(self._issuers.sign(link))
            before = hashlib.sha256(body).hexdigest()
            yield body

    def _write_certificates(self) -> None:
        lines, index = ShelfWriter(self._folder, "certificates", self._key), {}
        for certificate in self._derived.certificates():
            index[index_key(certificate["no"])] = lines.put(plain_bytes(certificate))
        lines.close()
        write_index(self._folder / "certificates.txt", index)

    def _write(self, name: str, document: Mapping[str, Any]) -> None:
        sig = base64.b64encode(self._key.sign(plain_bytes(document))).decode()
        (self._folder / name).write_bytes(plain_bytes({**document, "sig": sig}) + b"\n")


def _signs(event: Mapping[str, Any]) -> tuple[str, str, str | None, str | None]:
    kind = event["t"]
    cc = event["kp"]["issuer"] if kind == "KP_EXPORT" and "kp" in event else None
    lab = event["report"]["lab"] if kind in ("GRADED", "REGRADED") and "report" in event else None
    return event.get("issuer", event["by"]), kind, cc, lab


def _vouched(seen: set[tuple[str, str, str | None, str | None]]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str, str], list[str]] = {}
    for issuer, kind, cc, lab in seen:
        rows.setdefault((issuer, cc or "", lab or ""), []).append(kind)
    return [
        {"issuer": issuer, "types": sorted(kinds), "from": "2000-01-01", "to": None}
        | ({"cc": cc} if cc else {})
        | ({"lab": lab} if lab else {})
        for (issuer, cc, lab), kinds in sorted(rows.items())
    ]
