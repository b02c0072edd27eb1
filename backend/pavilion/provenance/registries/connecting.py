"""The registries of this house, from its settings."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pavilion.kernel.canon import read_json
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.authorities import KimberleyRegistry, MemberList, WarrantyRegister
from pavilion.provenance.registries.file import FileRegistry, RegistryUnreadable
from pavilion.provenance.registries.laboratory import LaboratoryRegistry
from pavilion.provenance.registries.lines import HttpLine, Line, LocalLine
from pavilion.provenance.registries.none import NoRegistry
from pavilion.provenance.registries.outbound import Outbound
from pavilion.provenance.registries.port import (
    KP,
    LABORATORY,
    MATCH,
    NAMES,
    OWN_PRODUCTION,
    PRODUCERS,
    RJC,
    SANCTIONS,
    WARRANTY,
    Registry,
)
from pavilion.provenance.registries.producers import MatchRegistry, ProducerRegistry
from pavilion.provenance.registries.sanctions import SanctionsRegistry
from pavilion.provenance.registries.world import World
from pavilion.settings import Environment, Settings

LONGEST_S = 30.0  # a call, whatever the house says: the guard of each registry ends it sooner
NEEDED = (OWN_PRODUCTION, LABORATORY, KP, WARRANTY, SANCTIONS)  # not connected, they hold a stone up


def connect(settings: Settings) -> Registries:
    """A folder of signed event files is answered from in this process; a file names each registry's address; without
    either no registry answers, and nothing is verified."""
    place: Path = settings.registries or settings.data_dir / "registry"
    if place.is_file():
        return _complete(_over_http(place, settings))
    if settings.registries is not None or (place / "registry.json").exists():
        return in_this_process(place)
    return _complete([])


def in_this_process(folder: Path) -> Registries:
    """All registries simulated from one signed folder, without a network."""
    return of_world(World(folder))


def of_world(world: World) -> Registries:
    """The same, of a world that can be ordered to misbehave."""
    chains = [FileRegistry(world.opened, name=name) for name in PRODUCERS]
    others = [adapter_for(name, LocalLine(world, name)) for name in NAMES if name not in PRODUCERS]
    return Registries.of(*chains, *others)


def hosts_of(document: Mapping[str, Any]) -> frozenset[str]:
    """The hosts that a file of registries names."""
    return frozenset(httpx2.URL(entry["url"].replace("{lab}", "lab")).host for entry in document["registries"])


def read_addresses(path: Path) -> dict[str, Any]:
    """The file `{"registries":[{name, url, key?, public_key}]}`; RegistryUnreadable for anything else."""
    try:
        document = read_json(path.read_bytes())
        entries = document["registries"]
        named = [entry["name"] for entry in entries]
        if len(set(named)) != len(named) or not set(named) <= set(NAMES):
            raise ValueError("unknown or named twice")
        for entry in entries:
            if not isinstance(entry["url"], str) or entry.keys() - {"name", "url", "key", "key_file", "public_key"}:
                raise ValueError("an entry names its address and its keys")
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(entry["public_key"]))
        hosts_of(document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, httpx2.InvalidURL) as fault:
        raise RegistryUnreadable(folder=path.name, fault=f"{type(fault).__name__} {fault}"[:120]) from None
    return dict(document)


def _over_http(path: Path, settings: Settings) -> list[Registry]:
    document = read_addresses(path)
    loopback = settings.environment is not Environment.PRODUCTION
    outbound = Outbound(hosts_of(document) | settings.outbound_hosts, loopback=loopback, timeout_s=LONGEST_S)
    return [adapter_for(entry["name"], _line(entry, outbound, path.parent)) for entry in document["registries"]]


def _line(entry: Mapping[str, str], outbound: Outbound, beside: Path) -> HttpLine:
    key = entry.get("key", "")
    if "key_file" in entry:
        try:
            key = (beside / entry["key_file"]).read_text().strip()
        except (OSError, ValueError) as fault:
            raise RegistryUnreadable(folder=entry["key_file"], fault=type(fault).__name__) from None
    public_key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(entry["public_key"]))
    return HttpLine(outbound, entry["url"], public_key, key)


def adapter_for(name: str, line: Line) -> Registry:
    if name in PRODUCERS:
        return ProducerRegistry(name, line)
    kinds: Mapping[str, Callable[[Line], Registry]] = {
        MATCH: MatchRegistry,
        LABORATORY: LaboratoryRegistry,
        KP: KimberleyRegistry,
        RJC: MemberList,
        WARRANTY: WarrantyRegister,
        SANCTIONS: SanctionsRegistry,
    }
    return kinds[name](line)


def _complete(connected: Iterable[Registry]) -> Registries:
    """A needed registry that nobody connected never answers, instead of never being asked."""
    found = list(connected)
    named = {registry.name for registry in found}
    missing = [name for name in NEEDED if name not in named and not (name in PRODUCERS and named & set(PRODUCERS))]
    return Registries.of(*found, *map(NoRegistry, missing))
