"""The checks on what stands beside a passport in its bundle: the list of files, the tables, the verdict computed again,
and what others have signed over the passport. Pure."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from pavilion.kernel.canon import canonical, read_json
from pavilion.provenance import contexts, proofs, recomputing
from pavilion.provenance.bundle import Bundle, manifest_fault
from pavilion.provenance.checks import Passport
from pavilion.provenance.proofs import BadCredential
from pavilion.provenance.verifying_forms import Key
from pavilion.provenance.verifying_report import Examination

MOST_VERDICT: Final = 1024 * 1024
COUNTERSIGNATURE: Final = "StoneCountersignature"


def manifest(exam: Examination, bundle: Bundle) -> None:
    fault = manifest_fault(bundle)
    if fault is None:
        exam.ok("MANIFEST", "%(count)s files as they were packed", count=len(bundle.members) - 1)
    else:
        exam.fail("MANIFEST", "%(why)s", why=fault)


def verdict_document(exam: Examination, bundle: Bundle, passport: Passport) -> Mapping[str, Any] | None:
    """The verdict that the passport names, read; None if there is none, or it is another."""
    raw = bundle.get("verdict.json")
    if raw is None:
        exam.skip("VERDICT", "the verdict document did not come along")
        return None
    try:
        document: Mapping[str, Any] = read_json(raw, MOST_VERDICT)
        origin = passport.origin
        same = (document["stone"], document["verdict"].upper(), document["grade"], document["as_of"]) == (
            *(passport.stone, origin["verdict"], origin["grade"], origin["asOf"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        exam.fail("VERDICT", "the verdict document cannot be read")
        return None
    if sha256(raw).hexdigest() != passport.verdict_digest:
        exam.fail("VERDICT", "not the verdict document that the passport names")
    elif not same:
        exam.fail("VERDICT", "the verdict document says something else than the passport")
    else:
        return document
    return None


def tables(exam: Examination, bundle: Bundle, verdict: Mapping[str, Any] | None) -> None:
    """TABLES: every table that came along is the one the verdict names."""
    if verdict is None:
        exam.skip("TABLES", "without the verdict document nothing names them")
        return
    wanted = verdict.get("tables")
    if not isinstance(wanted, dict):
        exam.fail("TABLES", "the verdict names no tables")
        return
    found = {name.removesuffix(".json"): data for name, data in bundle.within("tables").items()}
    if (trust := bundle.get("trust.json")) is not None:
        found["trust"] = trust
    other = sorted(name for name, data in found.items() if wanted.get(name) != sha256(data).hexdigest())
    if other:
        exam.fail("TABLES", "%(name)s is not the table that the verdict names", name=other[0])
    elif missing := sorted(wanted.keys() - found.keys()):
        exam.skip("TABLES", "%(names)s did not come along", names=", ".join(missing))
    else:
        exam.ok("TABLES", "%(count)s tables are those that the verdict names", count=len(wanted))


def recomputed(exam: Examination, bundle: Bundle, verdict: Mapping[str, Any] | None) -> None:
    """VERDICT: the same bytes follow from the inputs. Only what nothing speaks against so far is computed, since tables
    that nobody vouches for could ask for endless work."""
    if verdict is None:
        return  # said already
    inputs = {name.removesuffix(".json"): data for name, data in bundle.within("inputs").items()}
    if (keys := bundle.get("keys.json")) is not None:
        inputs[sha256(keys).hexdigest()] = keys
    if not exam.sound:
        exam.skip("VERDICT", "not computed again while something else is open or false")
        return
    if not inputs:
        exam.skip("VERDICT", "it is the document the passport names; computed again only from the holder's bundle")
        return
    raw, trust = bundle.get("verdict.json"), bundle.get("trust.json")
    named = {name.removesuffix(".json"): data for name, data in bundle.within("tables").items()}
    events = {sha256(data).hexdigest(): data for data in bundle.within("events").values()}
    assert raw is not None
    if changed := [name for name, data in inputs.items() if sha256(data).hexdigest() != name]:
        exam.fail("VERDICT", "the input %(name)s was changed", name=changed[0])
        return
    try:
        again = recomputing.recompute(raw, inputs, named, events, trust or b"[]")
    except recomputing.NotRecomputable as why:
        exam.undecided("VERDICT", "could not be computed again: %(why)s", why=str(why)[:160])
        return
    if again == raw:
        facts = {"inputs": len(inputs), "events": len(events)}
        exam.ok("VERDICT", "computed again from %(inputs)s inputs and %(events)s events: the same bytes", **facts)
    else:
        exam.fail("VERDICT", "other bytes follow from its inputs")


def countersigned(exam: Examination, bundle: Bundle, passport: Passport, keys: Mapping[str, Key]) -> None:
    """COUNTERSIGN: who presents the stone under another name said so, of this version or an earlier one."""
    found = bundle.within("countersignatures")
    over = sha256(passport.raw).hexdigest()
    if not found:
        exam.skip("COUNTERSIGN", "nobody has countersigned")
        return
    for name, raw in sorted(found.items()):
        try:
            document = proofs.read_credential(raw)
            contexts.check(document)
            if canonical(document) != raw or COUNTERSIGNATURE not in document["type"]:
                raise BadCredential("COUNTERSIGN", "not a countersignature in its canonical bytes")
            subject, issuer = document["credentialSubject"], document["issuer"]
            did = issuer["id"] if isinstance(issuer, dict) else issuer
            kid = proofs.method_of(document)
            if kid is None or not kid.startswith(f"{did}#"):
                raise BadCredential("COUNTERSIGN", "signed with a key that is not its issuer's")
            if (key := keys.get(kid)) is None:
                exam.undecided("COUNTERSIGN", "the key %(kid)s is not known here", kid=kid)
                continue
            proofs.verify_di(document, key.public)
            if subject["id"] != passport.document["credentialSubject"]["id"]:
                raise BadCredential("COUNTERSIGN", "of another stone")
            facts = {"who": str(subject["displayName"])[:80], "did": did}
            if subject["over"] == over:
                exam.ok("COUNTERSIGN", "presented by %(who)s (%(did)s), over this version", **facts)
            else:
                exam.ok("COUNTERSIGN", "presented by %(who)s (%(did)s), over another version", **facts)
        except BadCredential as fault:
            exam.fail("COUNTERSIGN", "%(name)s: %(why)s", name=name, why=fault.why)
        except (KeyError, TypeError, AttributeError, ValueError):
            exam.fail("COUNTERSIGN", "%(name)s: %(why)s", name=name, why="not a countersignature")
