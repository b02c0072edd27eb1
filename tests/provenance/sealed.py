"""A house of one stone, made without a database: passport, log, witnesses and the bundle of it all."""

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from pavilion.kernel.canon import canonical
from pavilion.kernel.cosigning import cosign, parse_policy
from pavilion.kernel.merkle import Tree, leaf_hash
from pavilion.kernel.signing import COSIGNER, SigningKey, checkpoint_text, sign_note
from pavilion.kernel.tlogproof import TlogProof, format_tlog_proof
from pavilion.provenance import bundle, did, proofs, status
from pavilion.provenance.bundle import BundleParts
from pavilion.provenance.log_queries import extra_of

HOST = "house.example"
BASE, DID = f"https://{HOST}", f"did:web:{HOST}"
STONE = "01KJ8Q3V5W9X7Y2Z4A6B8C0D1E"
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
SECOND = "2026-04-01T12:00:00Z"
SIGNER = proofs.Signer(f"{DID}#passport-2026", sha256(b"passport").digest())
STRANGER = proofs.Signer(f"{DID}#passport-2026", sha256(b"stranger").digest())
LOG = SigningKey(f"{HOST}/origin", sha256(b"log").digest())
WITNESSES = [SigningKey(f"witness.example/w{n}", sha256(b"witness %d" % n).digest(), COSIGNER) for n in (1, 2, 3)]
EVENTS = [
    {"t": "MINED", "at": "2025-01-02T00:00:00Z", "by": "mine", "out": {"R": 2650}, "seq": 0},
    {"t": "CUT", "at": "2025-02-02T00:00:00Z", "by": "cutter", "in": "R", "out": {"P": 1012}, "seq": 1},
]


def policy(quorum: int = 2, witnesses: list[SigningKey] = WITNESSES, log: SigningKey = LOG) -> str:
    lines = [f"log {log.verifier}"]
    lines += [f"witness w{n} {key.verifier}" for n, key in enumerate(witnesses, start=1)]
    names = " ".join(f"w{n}" for n in range(1, len(witnesses) + 1))
    return "\n".join([*lines, f"group g {quorum} {names}", "quorum g", ""])


def did_document(signer: proofs.Signer = SIGNER, **validity: str | None) -> bytes:
    return did.served([did.Key(signer.kid, signer.public, "2026-01-01T00:00:00Z")._replace(**validity)], DID)


def document(events: list[dict[str, Any]], digest: str, n: int = 3, stone: str = STONE) -> dict[str, Any]:
    own = f"{BASE}/passports/{stone}"
    entry = {"type": "BitstringStatusListEntry", "statusListIndex": "4711"}
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2", f"{BASE}/contexts/stone/v1"],
        "type": ["DigitalProductPassport", "VerifiableCredential"],
        "id": f"{own}/{n}",
        "issuer": {"type": ["CredentialIssuer"], "id": DID, "name": "House", "issuerAlsoKnownAs": []},
        "validFrom": SECOND,
        "validUntil": "2036-04-01T12:00:00Z",
        "credentialStatus": [
            {**entry, "statusPurpose": "revocation", "statusListCredential": f"{BASE}/status/1"},
            {**entry, "statusPurpose": "suspension", "statusListCredential": f"{BASE}/status/2"},
        ],
        "credentialSubject": {
            "id": f"{BASE}/id/stone/{stone}",
            "product": {"name": "Natural diamond", "characteristics": {"mass_mct": 1012}},
            "stone:origin": {
                "verdict": "VERIFIED",
                "grade": "A",
                "asOf": "2026-04-01",
                "verdictDigest": f"sha256:{digest}",
            },
            "stone:events": events,
            "stone:log": {"origin": f"{HOST}/origin", "treeSize": 3, "proof": f"{own}/proof"},
        },
    }


def status_token(
    number: int, marked: tuple[int, ...] = (), now: datetime = NOW, signer: proofs.Signer = SIGNER
) -> bytes:
    listed = status.list_document(BASE, DID, number, status.encode(marked), now)
    return proofs.sign_jwt(listed, signer).encode()


class Sealed:
    """Everything about one stone, signed and logged; `parts` may be changed before it is packed."""

    def __init__(
        self,
        *,
        signer: proofs.Signer = SIGNER,
        cosigners: list[SigningKey] = WITNESSES[:2],
        created: str = SECOND,
        log: SigningKey = LOG,
        quorum: int = 2,
        stone: str = STONE,
    ) -> None:
        tables = {"law": b'{"entries":[]}'}
        verdict = {
            "v": 1, "stone": stone, "ruleset": "2026.2", "inputs": [], "findings": [], "verdict": "verified",
            "grade": "A", "as_of": "2026-04-01", "tables": {"law": sha256(tables["law"]).hexdigest()},
        }  # fmt: skip
        self.tree = Tree()
        self.entries: list[tuple[str, bytes, bytes]] = []
        bodies = [canonical(event) for event in EVENTS]
        listed = []
        for place, body in enumerate(bodies):
            self._append(f"event-{place:03}", "event", body, f"{DID}:did:party", place)
            leaf = leaf_hash(self.entries[-1][1]).hex()
            listed.append({"type": EVENTS[place]["t"], "index": place, "leaf": leaf, "evidence": "measured"})
        raw = canonical(verdict)
        self._append("verdict", "verdict", raw, DID, 2)
        plain = document(listed, sha256(raw).hexdigest(), stone=stone) | {"validFrom": created}
        passport = canonical(proofs.sign_di(plain, signer, created))
        self._append("passport", "passport", passport, DID, 3)
        self._append("other", "event", b"{}", DID, 4)
        note = sign_note(checkpoint_text(log.name, self.tree.size, self.tree.root()), log)
        text = note.partition("\n\n")[0] + "\n"
        self.note = note + "".join(cosign(text, key, int(NOW.timestamp())) + "\n" for key in cosigners)
        self.parts = BundleParts(
            passport=passport,
            jwt=proofs.sign_jwt(plain, signer).encode(),
            policy=policy(quorum, log=log).encode(),
            verdict=raw,
            events=dict(enumerate(bodies)),
            proofs={name: self.proof(place) for place, (name, *_) in enumerate(self.entries[:4])},
            dids={HOST: did_document(signer)},
            status={1: status_token(1, signer=signer), 2: status_token(2, signer=signer)},
            tables=tables,
            rules=b"{}",
        )

    def _append(self, name: str, kind: str, body: bytes, issuer: str, place: int) -> None:
        salt = bytes([place]) * 16
        commit = sha256(salt + body).hexdigest()
        entry = f'{{"commit":"{commit}","issuer":"{issuer}","kind":"{kind}","t":"{SECOND}","v":1}}'.encode()
        self.tree.append(leaf_hash(entry))
        self.entries.append((name, entry, extra_of(kind, salt)))

    def proof(self, place: int, *, shown: bool = True) -> tuple[bytes, bytes]:
        _, entry, extra = self.entries[place]
        hashes = self.tree.inclusion_proof(place)
        return entry, format_tlog_proof(TlogProof(place, hashes, self.note, extra if shown else None)).encode()

    def packed(self, **changes: Any) -> bytes:
        return bundle.pack(replace(self.parts, **changes))


def pinned(text: str | None = None) -> Any:
    return parse_policy(text if text is not None else policy())
