"""Writes the signed event files that the own-production registry simulator reads.

A registry is a folder:

`registry.json`
    `{"v":1,"name":"own-production","simulated":true,"key":HEX,"count":N,"trust":[...],"sig":BASE64}`. `key` is the
    Ed25519 public key (32 bytes). `trust` are rows `{issuer, types[], cc?, lab?, from, to}`: which party may sign
    which events (KP_EXPORT is matched by `cc`, the certificate's region; GRADED and REGRADED by `lab`). `sig` signs
    the document without `sig`, spelled by `port.plain_bytes`.
`events-000.jsonl`, `events-001.jsonl`, ...
    one line per stone: `{"sig":BASE64,"signed":{"events":[...],"origin_id":...,"registry":...,"stone":...,"v":1}}`.
    The signature is over exactly the bytes between `"signed":` and the last `}` of the line; being 88 characters it
    leaves them at a fixed place, so nobody has to spell the document again to check it.
`index.txt`
    one line of 60 characters and a line feed per stone, sorted: SHA-256 of the origin id (first 32 hex digits), file
    (4 digits), offset (12), length (9), separated by blanks. It is searched in place and never read whole.

An event has the members of the origin vectors: `t at by issuer? cc obj in out loss rec? ev?` and those of its type
(`kp`, `report`, `sow`, `plan`, ...). Decimal numbers are strings (`"ct":"1250.500"`, `"meas":["6.45","6.48","3.98"]`),
masses are whole milli-carats, days `YYYY-MM-DD` or RFC 3339. Besides the rules' members:
MINED `mine`, `producer`; POLISHED and RECUT `shape`, `plant`, `cutter{name, years}`; `report.inscription` is what is
lasered on the girdle (`GIA 6123456789`). `prev`, which links each event to
the one before it, is added here. The polished piece is called like the origin id unless `stone` says otherwise.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.provenance.registries.port import OWN_PRODUCTION, chained, plain_bytes

FILE_BYTES = 32 * 1024 * 1024
HEAD, MIDDLE = b'{"sig":"', b'","signed":'
SIGNATURE_AT = len(HEAD)
SIGNED_AT = SIGNATURE_AT + 88 + len(MIDDLE)
KEY_DIGITS = 32
INDEX_LINE = KEY_DIGITS + 1 + 4 + 1 + 12 + 1 + 9 + 1


class RegistryWriter:
    """After `close` the folder is a registry that `file.FileRegistry` can answer from."""

    def __init__(
        self,
        folder: Path,
        key: Ed25519PrivateKey,
        *,
        name: str = OWN_PRODUCTION,
        trust: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        """Without `trust` the registry vouches for each issuer it wrote, for the kinds of event it wrote."""
        self._folder, self._key, self._name = folder, key, name
        self._trust = None if trust is None else [dict(row) for row in trust]
        self._seen: set[tuple[str, str, str | None, str | None]] = set()
        self._index: dict[str, tuple[int, int, int]] = {}
        self._file: BinaryIO | None = None
        self._number, self._offset = -1, 0
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> "RegistryWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.close()
        elif self._file is not None:
            self._file.close()

    def add(self, origin_id: str, events: Sequence[Mapping[str, Any]], *, stone: str | None = None) -> None:
        """The stone's chain stands in the registry, signed."""
        place = index_key(origin_id)
        if place in self._index:
            raise ValueError(f"{origin_id} is already written")
        self._seen.update(map(_signs, events))
        signed = plain_bytes(
            {
                "v": 1,
                "registry": self._name,
                "origin_id": origin_id,
                "stone": stone or origin_id,
                "events": chained(events),
            }
        )
        line = HEAD + base64.b64encode(self._key.sign(signed)) + MIDDLE + signed + b"}"
        self._index[place] = (*self._append(line + b"\n"), len(line))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        with (self._folder / "index.txt").open("wb") as index:
            for place, (number, offset, length) in sorted(self._index.items()):
                index.write(b"%s %04d %012d %09d\n" % (place.encode(), number, offset, length))
        document = {
            "v": 1,
            "name": self._name,
            "simulated": True,
            "key": self._key.public_key().public_bytes_raw().hex(),
            "count": len(self._index),
            "trust": _vouched(self._seen) if self._trust is None else self._trust,
        }
        sig = base64.b64encode(self._key.sign(plain_bytes(document))).decode()
        (self._folder / "registry.json").write_bytes(plain_bytes({**document, "sig": sig}) + b"\n")

    def _append(self, line: bytes) -> tuple[int, int]:
        if self._file is None or self._offset + len(line) > FILE_BYTES:
            if self._file is not None:
                self._file.close()
            self._number, self._offset = self._number + 1, 0
            self._file = (self._folder / f"events-{self._number:03d}.jsonl").open("wb")
        self._file.write(line)
        start, self._offset = self._offset, self._offset + len(line)
        return self._number, start


def index_key(origin_id: str) -> str:
    return hashlib.sha256(origin_id.encode()).hexdigest()[:KEY_DIGITS]


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
