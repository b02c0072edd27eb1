"""`pavilion verify`: whether what a passport, its bundle or a proof of the log says is true. Pure but for the resolver
it may be given; no database, no settings.

What it believes is decided in docs/decisions/0010: keys that were pinned, or else those that came along, and then the
line KEYS says whose and with which fingerprint.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from pavilion.kernel.cosigning import Policy
from pavilion.provenance import checks, checks_bundle, checks_log, checks_shared
from pavilion.provenance.checks import Keys, Passport
from pavilion.provenance.checks_log import Logged, Seen, fingerprint
from pavilion.provenance.verifying_forms import (
    Anchors,
    Evidence,
    Key,
    Unreadable,
    evidence_of,
    keys_of,
    read_policy,
)
from pavilion.provenance.verifying_report import Examination, Line, Report

__all__ = ["Anchors", "Line", "Report", "Resolver", "Unreadable", "examine", "verify"]

Resolver = Callable[[str], bytes | None]  # an address to what stands there; None when nobody answers
NOTHING: Final = Anchors()
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(?:%3A[0-9]{1,5})?")
_PART: Final = re.compile(r"[A-Za-z0-9._~-]{1,100}")


def verify(
    data: bytes,
    *,
    policy: Anchors = NOTHING,
    offline: bool,
    now: datetime,
    resolver: Resolver | None = None,
    entry: bytes | None = None,
) -> Report:
    """The report on a file. `policy`: what is believed beforehand; with `offline` nobody is asked anything. Unreadable
    for what is none of the forms."""
    return examine(evidence_of(data, entry), policy, now=now, resolver=None if offline else resolver, offline=offline)


def examine(
    evidence: Evidence,
    anchors: Anchors,
    *,
    now: datetime,
    resolver: Resolver | None = None,
    offline: bool = False,
    believe_own: bool = True,
) -> Report:
    """The report on what was found. `believe_own`: without a pin, keys that came along count, and the line KEYS says
    so; a page that speaks for one house does not let them."""
    exam = Examination()
    if evidence.presentation is not None:
        return _presented(exam, evidence.presentation, anchors, now, resolver, believe_own)
    if not evidence.of_passport:
        return _proof_alone(exam, evidence, anchors)
    passport = _read(exam, evidence)
    if passport is not None and evidence.bundle is None and resolver is not None:
        exam, evidence = _fetched(exam, evidence, passport, resolver)
        passport = _read(exam, evidence) if evidence.bundle is not None else passport
    if passport is None:
        return exam.report("")
    policy, keys = _believed(exam, evidence, passport, anchors, believe_own)
    _examine(exam, evidence, passport, policy, keys, anchors, now, resolver, offline)
    return exam.report(_valid(passport, exam))


def _valid(passport: Passport, exam: Examination) -> str:
    seen = next((line for line in exam.lines if line.name == "WITNESS"), None)
    witnesses = "not asked"
    if seen is not None and seen.state == "ok":
        witnesses = f"{seen.facts.get('good', 0)} of {seen.facts.get('of', 0)}"
    return f"VALID, grade {passport.origin['grade']}, as of {passport.origin['asOf']}, witnesses {witnesses}"


def _read(exam: Examination, evidence: Evidence) -> Passport | None:
    if evidence.passport is not None:
        return checks.read_passport(exam, evidence.passport)
    assert evidence.jwt is not None
    return checks.read_token(exam, evidence.jwt)


def _examine(
    exam: Examination,
    evidence: Evidence,
    passport: Passport,
    policy: Policy | None,
    keys: Keys,
    anchors: Anchors,
    now: datetime,
    resolver: Resolver | None,
    offline: bool,
) -> None:
    """Every check that applies; the order of the lines is the report's business."""
    signed = checks.proof_jwt(exam, passport, evidence.jwt, keys)
    if passport.proof is not None or evidence.passport is not None:
        signed = checks.proof_di(exam, passport, keys)
    else:
        exam.skip("PROOF-DI", "only the token was given")
    seen = _log(exam, evidence, passport, policy)
    if signed is not None:
        checks.key_period(exam, passport, signed, seen.at if seen is not None else None)
    checks.validity(exam, passport, now)
    bundle = evidence.bundle
    tokens = {} if bundle is None else bundle.within("status")
    if bundle is None and offline:
        exam.undecided("STATUS", "whether it was revoked is told by a bundle, or by its issuer")
    elif signed is not None:
        only = None if anchors.policy is None or passport.did in anchors.keys else signed.kid
        checks.status_of(exam, passport, tokens, keys, now, only=only, fetch=resolver)
    if bundle is not None:
        checks_bundle.manifest(exam, bundle)
        checks_bundle.countersigned(exam, bundle, passport, keys)
        document = checks_bundle.verdict_document(exam, bundle, passport)
        checks_bundle.tables(exam, bundle, document)
        checks_bundle.recomputed(exam, bundle, document)


def _log(exam: Examination, evidence: Evidence, passport: Passport, policy: Policy | None) -> Seen | None:
    """LEAF to WITNESS. Without the passport's own proof of the log the answer stays open, whatever was handed in."""
    logged = _logged(exam, evidence, passport)
    if logged is None:
        return None
    if not any(one.kind == "passport" for one in logged):
        exam.undecided("INCLUSION", "no proof of the log came along")
        return None
    proofs = checks_log.leaves(exam, logged, passport)
    if len(proofs) < len(logged):
        return None
    return checks_log.checkpoints(exam, proofs, policy, passport)


def _logged(exam: Examination, evidence: Evidence, passport: Passport) -> list[Logged] | None:
    """Every proof with its object; None after an object that no proof belongs to."""
    bundle = evidence.bundle
    events = {} if bundle is None else bundle.within("events")
    found: list[Logged] = []
    for name, (entry, proof) in sorted(evidence.proofs.items()):
        if name in ("passport", "proof"):
            found.append(Logged("passport", "passport", passport.raw or None, entry, proof, passport.did))
        elif name == "verdict" and bundle is not None:
            found.append(Logged(name, "verdict", bundle.get("verdict.json"), entry, proof, passport.did))
        elif name.startswith("event-"):
            found.append(Logged(name, "event", events.pop(f"{name[6:]}.json", None), entry, proof))
        else:
            exam.fail("LEAF", "%(name)s: %(why)s", name=name, why="nothing that belongs to a passport")
            return None
    if events:
        exam.fail("LEAF", "%(name)s: %(why)s", name=f"events/{min(events)}", why="no proof came along")
        return None
    return found


def _fetched(
    exam: Examination, evidence: Evidence, passport: Passport, resolver: Resolver
) -> tuple[Examination, Evidence]:
    """A bare passport with the bundle that its issuer serves for it, to be examined from the start; or as it was, with
    what came in between."""
    address = f"{passport.document['id']}/bundle"
    body = resolver(address)
    if body is None:
        exam.note("KEYS", "nobody answers at %(address)s", address=address)
        return exam, evidence
    try:
        served = evidence_of(body)
    except Unreadable as fault:
        exam.note("KEYS", "what %(address)s answers cannot be read: %(why)s", address=address, why=str(fault)[:120])
        return exam, evidence
    fresh = Examination()
    if evidence.passport is not None and served.passport != evidence.passport:
        fresh.fail("MANIFEST", "the issuer serves another passport under this number")
    fresh.note("KEYS", "what was not in the file is from %(address)s", address=address)
    return fresh, replace(served, jwt=evidence.jwt or served.jwt)


def _believed(
    exam: Examination, evidence: Evidence, passport: Passport, anchors: Anchors, believe_own: bool
) -> tuple[Policy | None, Keys]:
    """The policy and the keys that count, and the line that says where they are from. Keys of the issuer that came
    along count when nothing is pinned, or when the pinned log must have had the very same passport."""
    keys: dict[str, Key] = {}
    own_policy: Policy | None = None
    if evidence.bundle is not None:
        try:
            for body in evidence.bundle.within("did").values():
                keys |= keys_of(body)[1]
            if (text := evidence.bundle.get("policy")) is not None:
                own_policy = read_policy(text)
        except (ValueError, Unreadable) as fault:
            exam.fail("KEYS", "the keys that came along cannot be read: %(why)s", why=str(fault)[:120])
    policy = own_policy if anchors.policy is None and believe_own else anchors.policy
    if passport.did in anchors.keys or (anchors.policy is None and not believe_own):
        keys = {kid: key for kid, key in keys.items() if not kid.startswith(f"{passport.did}#")}
    for pinned in anchors.keys.values():
        keys |= pinned
    _say_keys(exam, passport, policy, keys, anchors)
    return policy, keys


def _say_keys(exam: Examination, passport: Passport, policy: Policy | None, keys: Keys, anchors: Anchors) -> None:
    kid = passport.proof.get("verificationMethod") if passport.proof is not None else None
    key = keys.get(kid) if isinstance(kid, str) else next(iter(keys.values()), None)
    log = policy.logs[0].key if policy is not None and policy.logs else None
    prints = {
        "did": passport.did,
        "key": fingerprint(key.public) if key is not None else "–",
        "log": fingerprint(log) if log is not None else "–",
    }
    pinned_key, pinned_log = passport.did in anchors.keys, anchors.policy is not None
    where = {"did": passport.did, "keys": _address(passport.did) or "–", "policy": _policy_address(passport.did)}
    if key is None and _address(passport.did) is not None:
        exam.note("KEYS", "no key of %(did)s is known here: hand in its %(keys)s and %(policy)s", **where)
    elif key is None and log is None:
        exam.note("KEYS", "no key of %(did)s is known here", **prints)
    elif pinned_key and pinned_log:
        exam.note("KEYS", "pinned: %(did)s, passport key %(key)s, log key %(log)s", **prints)
    elif pinned_log:
        exam.note(
            "KEYS", "log key %(log)s pinned; passport key %(key)s of %(did)s as the log's own entry has it", **prints
        )
    elif pinned_key:
        exam.note("KEYS", "passport key %(key)s of %(did)s pinned; log key %(log)s from the file itself", **prints)
    else:
        exam.note(
            "KEYS",
            "from the file itself, nobody else vouches for them: %(did)s, passport key %(key)s, log key %(log)s; "
            "compare them with that house's page /verify",
            **prints,
        )


def _presented(
    exam: Examination, text: str, anchors: Anchors, now: datetime, resolver: Resolver | None, believe_own: bool
) -> Report:
    """What a holder shows, by a pinned key or by the one that stands at the issuer's address today, and the passport it
    is of, from the bundle of that version. Without the bundle status and log stay open, and so does the answer."""
    keys = _keys_for(exam, text, anchors, resolver)
    shown = checks_shared.presentation(exam, text, keys)
    if shown is None:
        return exam.report("")
    served = _bundle_of(exam, checks_shared.address_of(shown), resolver)
    if served is None:
        exam.undecided("STATUS", "whether it was revoked is told by a bundle, or by its issuer")
        exam.undecided("INCLUSION", "no proof of the log came along")
        return exam.report("")
    passport = _read(exam, served)
    if passport is None:
        return exam.report("")
    checks_shared.same(exam, shown, passport)
    policy, believed = _believed(exam, served, passport, anchors, believe_own)
    _examine(exam, served, passport, policy, believed, anchors, now, resolver, False)
    return exam.report(_valid(passport, exam))


def _bundle_of(exam: Examination, address: str | None, resolver: Resolver | None) -> Evidence | None:
    """The bundle that stands beside a passport's address, if anybody answers with one."""
    if address is None or resolver is None:
        return None
    body = resolver(f"{address}/bundle")
    if body is None:
        exam.note("KEYS", "nobody answers at %(address)s", address=f"{address}/bundle")
        return None
    try:
        served = evidence_of(body)
    except Unreadable as fault:
        why = str(fault)[:120]
        exam.note("KEYS", "what %(address)s answers cannot be read: %(why)s", address=f"{address}/bundle", why=why)
        return None
    if served.bundle is None:
        return None
    exam.note("KEYS", "what was not in the file is from %(address)s", address=f"{address}/bundle")
    return served


def _keys_for(exam: Examination, text: str, anchors: Anchors, resolver: Resolver | None) -> dict[str, Key]:
    issuer = checks_shared.issuer_of(text)
    keys = dict(anchors.keys.get(issuer or "", {}))
    if not keys and issuer is not None and resolver is not None and (address := _address(issuer)) is not None:
        body = resolver(address)
        try:
            name, found = keys_of(body) if body is not None else ("", {})
        except ValueError:
            name, found = "", {}
        if name == issuer:
            keys = dict(found)
            exam.note("KEYS", "what was not in the file is from %(address)s", address=address)
    return keys


def _address(issuer: str) -> str | None:
    """Where a did:web stands."""
    host, *path = issuer.removeprefix("did:web:").split(":")
    if (
        not issuer.startswith("did:web:")
        or _HOST.fullmatch(host) is None
        or any(_PART.fullmatch(p) is None for p in path)
    ):
        return None
    return f"https://{host.replace('%3A', ':')}/{'/'.join(path) or '.well-known'}/did.json"


def _policy_address(issuer: str) -> str:
    """Where the house behind a DID serves the policy of its log; hosted parties have their house's."""
    return f"https://{issuer.removeprefix('did:web:').partition(':')[0].replace('%3A', ':')}/log/policy"


def _proof_alone(exam: Examination, evidence: Evidence, anchors: Anchors) -> Report:
    """A tlog-proof and, if it came along, its entry: that something was logged. What that is was not shown, and the
    last line says so: an entry says nothing of whether a passport is good."""
    ((name, (entry, proof)),) = evidence.proofs.items()
    if entry is None:
        exam.undecided("LEAF", "the entry that goes with the proof is missing")
        return exam.report("")
    found = checks_log.leaves(exam, [Logged(name, None, None, entry, proof)], None)
    seen = checks_log.checkpoints(exam, found, anchors.policy, None) if found else None
    if seen is None:
        return exam.report("")
    told = checks_log.read_entry(entry)
    return exam.report(
        f"VALID, {told.kind} of {told.at[:10]} by {told.issuer}, content not shown, witnesses {seen.good} of {seen.of}"
    )
