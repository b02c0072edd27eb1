"""Of a passport of another house: what the reader handed in to check it by, and what that house says at its own
addresses where the operator allows it to be asked. Nothing of it is kept but DID documents, for ten minutes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from starlette.applications import Starlette

from pavilion.kernel.base64url import from_base64url
from pavilion.kernel.canon import read_json
from pavilion.provenance import checks, did
from pavilion.provenance.proofs import MAX_CREDENTIAL
from pavilion.provenance.registries.outbound import LOOPBACK, Outbound
from pavilion.provenance.verifying_forms import (
    Anchors,
    Evidence,
    Unreadable,
    anchors_of,
    keys_of,
    read_policy,
)
from pavilion.settings import Environment, Settings

MOST_PINS: Final = 4


class Elsewhere(NamedTuple):
    """What counts for a passport of another house, and what that house answered, by address."""

    anchors: Anchors
    served: Mapping[str, bytes]
    asked: bool  # the keys are what the house's own addresses answered


def issuer_of(evidence: Evidence) -> str | None:
    """The DID that the passport names as its issuer, not yet believed."""
    try:
        body = evidence.passport or from_base64url((evidence.jwt or "").split(".")[1])
        issuer = read_json(body, MAX_CREDENTIAL)["issuer"]["id"]
        return issuer if isinstance(issuer, str) and did.host_of(issuer) else None
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def given(files: Mapping[str, bytes]) -> Anchors:
    """What the reader pins; Unreadable names the file that is neither policy nor DID document."""
    if len(files) > MOST_PINS:
        raise Unreadable("more files to check by than a page takes")
    return anchors_of(files)


async def learned(app: Starlette, evidence: Evidence, pinned: Anchors, now: datetime) -> Elsewhere:
    """What is known of the passport's house: what was handed in counts before what the house itself says. A host that
    the operator did not name is never asked."""
    issuer = issuer_of(evidence)
    if issuer is None or (pinned.policy is not None and issuer in pinned.keys and evidence.bundle is not None):
        return Elsewhere(pinned, {}, False)
    resolver = resolver_of(app)
    try:
        found = await resolver.resolve(issuer, now)
        base = _base(issuer, resolver.loopback)
        told = pinned
        if issuer not in told.keys:
            told = replace(told, keys={**told.keys, issuer: keys_of(found.body)[1]})
        if told.policy is None and (policy := await _got(resolver.outbound, f"{base}/log/policy")) is not None:
            told = replace(told, policy=read_policy(policy))
        return Elsewhere(told, await _bundle(resolver.outbound, evidence, base), told is not pinned)
    except (OSError, ValueError):
        return Elsewhere(pinned, {}, False)


async def _bundle(door: Outbound, evidence: Evidence, base: str) -> dict[str, bytes]:
    """The bundle of a passport that came alone, if its house serves it under the address that the passport names."""
    named = checks.named_in(evidence.passport, evidence.jwt)
    if evidence.bundle is not None or named is None or not named.startswith(f"{base}/passports/"):
        return {}
    body = await _got(door, f"{named}/bundle")
    return {} if body is None else {f"{named}/bundle": body}


async def _got(door: Outbound, url: str) -> bytes | None:
    heard = await door.get(url)
    return heard.body if heard.status == 200 else None


def _base(issuer: str, loopback: bool) -> str:
    """The house behind a DID; a party that a house hosts has that house's log."""
    host = did.host_of(issuer)
    plain = loopback and host.partition(":")[0] in LOOPBACK
    return f"{'http' if plain else 'https'}://{host}"


def resolver_of(app: Starlette) -> did.Resolver:
    """The one resolver of the house, behind the one door through which it asks other houses."""
    if getattr(app.state, "did_resolver", None) is None:
        settings: Settings = app.state.settings
        trying = settings.environment is not Environment.PRODUCTION
        hosts = settings.outbound_hosts | (LOOPBACK if trying else frozenset())
        app.state.did_resolver = did.Resolver(Outbound(hosts, loopback=trying), loopback=trying)
    resolver: did.Resolver = app.state.did_resolver
    return resolver
