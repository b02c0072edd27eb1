"""Judging chains on one core, beside a floor of the same run: the reading of the same chains as JSON.

Judged are stones as the generator makes them, each a chain of eleven events from mine to sale, with their signatures
and their places in the log known. A stone given again from its documents alone is measured beside it.
"""

import hashlib
import json
from datetime import date

from pavilion.catalogue import chains
from pavilion.provenance.casefile import case_of, concluded, facts_of, verdict_document
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.dossier import opened
from pavilion.provenance.facts import Elsewhere
from pavilion.provenance.issuers import IssuerKeys, SimulatedIssuers
from pavilion.provenance.recomputing import recompute
from pavilion.provenance.registries.port import Answer, Status, plain_bytes
from pavilion.provenance.rules import judge
from pavilion.provenance.tables import DATA, NAMES, shipped
from pavilion.provenance.trust import Trust
from tests.bench.rounds import best
from tests.luck import Random
from tests.make import NOON

STONES, ROUNDS = 400, 5
NEEDED_PER_S = 2_000
TODAY = date(2026, 3, 2)
WORDS = {"weight": "1.01", "color": "G", "clarity": "VS1", "shape": "RBC"}


def stone(number: int, random: Random, issuers: SimulatedIssuers):
    polished = chains.Polished(f"BW:{number:07d}", 1012, WORDS, "GIA", f"0{number:09d}")
    rough = chains.rough_for(polished, random)
    events, _ = chains.whole_chain(polished, rough, chains.shipment(number, [rough], random), random)
    signed, before = [], None
    for event in events:
        signed.append(issuers.sign(event if before is None else {**event, "prev": before}))
        before = hashlib.sha256(plain_bytes(signed[-1])).hexdigest()
    return polished, signed


def dossiers():
    """Prepared stones, and who may have signed their chains."""
    random, issuers = Random(2026), SimulatedIssuers(b"bench")
    made = [stone(number, random, issuers) for number in range(STONES)]
    names = sorted({event.get("issuer", event["by"]) for _, events in made for event in events})
    keys = IssuerKeys([issuers.row(name) for name in names])
    rows = [{"issuer": name, "types": ["*"], "from": "2000-01-01", "to": None} for name in names]
    trust = Trust([row | ({"cc": row["issuer"][3:].upper()} if row["issuer"].startswith("kp-") else {}) |
                   ({"lab": row["issuer"]} if row["issuer"] in chains.LABS else {}) for row in rows])  # fmt: skip
    found = []
    for number, (polished, events) in enumerate(made):
        claim = ListingClaim(f"{number:026d}", polished.origin_id, "own-production", listed=WORDS, shape="RBC")
        answer = Answer("own-production", Status.FOUND, NOON, stone=polished.origin_id, events=tuple(events),
                        trust=trust, keys=keys, mandatory=True)  # fmt: skip
        found.append(opened(claim, [answer]))
    return found, trust, keys


def main() -> list[dict[str, object]]:
    held, trust, keys = dossiers()
    tables = shipped()
    files = {name: (DATA / file).read_bytes() for name, file in NAMES.items()}
    cases = [case_of(d, Elsewhere(), d.links, list(range(len(d.links)))) for d in held]
    facts = [facts_of(case, d.events, trust, TODAY) for case, d in zip(cases, held, strict=True)]
    judged = [judge(one, tables) for one in facts]
    assert all(one.verdict == "verified" for one in judged), next(o for o in judged if o.verdict != "verified")
    texts = [f"[{','.join(link.body for link in d.links)}]" for d in held]
    again = []
    for case, d, judgement in zip(cases, held, judged, strict=True):
        raw = plain_bytes(case)
        inputs = {hashlib.sha256(raw).hexdigest(): raw, keys.sha256: keys.document}
        document = verdict_document(
            d.claim.stone, concluded(case, judgement, None), list(inputs), trust=trust, tables=tables, as_of=TODAY
        )
        again.append((document, inputs, files, {link.sha256: link.body.encode() for link in d.links}, trust.document))
    assert all(recompute(*one) == one[0] for one in again)
    floor = best(lambda: [json.loads(text) for text in texts], ROUNDS)
    judging = best(lambda: [judge(one, tables) for one in facts], ROUNDS)
    recomputing = best(lambda: [recompute(*one) for one in again], ROUNDS)
    told: dict[str, object] = {
        "name": "judging a stone's chain of some eleven events, one core",
        "per_s": round(STONES / judging),
        "needed_per_s": NEEDED_PER_S,
        "times_reading_it_as_json": round(judging / floor, 2),
        "recomputed_from_documents_per_s": round(STONES / recomputing),
        "ok": STONES / judging >= NEEDED_PER_S,
    }
    print(f"{told['name']}: {told['per_s']:,} per s, {told['times_reading_it_as_json']} times the reading as JSON")
    print(f"  needed {NEEDED_PER_S:,}; from its documents, signatures and all: {round(STONES / recomputing):,} per s")
    return [told]


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
