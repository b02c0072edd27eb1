"""What the catalogue hands in for a verdict, and what it gets back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pavilion.provenance.findings import Finding


@dataclass(frozen=True, slots=True)
class ListingClaim:
    """A listing's facts, in the laboratory's words (`RBC`, `Very Good`); kept as an input of the verdict.

    `listed` may hold weight ("1.01"), color, clarity, shape, cut, polish, symmetry, fluorescence, species, variety;
    `text` the listing's prose by language. `seller` is the party that must own the stone at the end of its chain; None
    leaves ownership to the registry's last entry. `mass_mct` is a scale's mass; None takes the chain's own.
    The optional facts are compared by the registry where they are given: a difference is a contradiction (RG-02).
    """

    stone: str  # ULID of ours
    origin_id: str
    origin_registry: str
    species: str = "diamond"
    shape: str | None = None
    listed: Mapping[str, str] = field(default_factory=dict)
    fancy: Mapping[str, str] | None = None
    lab: str | None = None
    report_no: str | None = None
    inscription: str | None = None  # None: the chain's own
    mass_mct: int | None = None
    treatment: str | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    seller: str | None = None
    mine_country: str | None = None
    rough_weight_mct: int | None = None
    kp_no: str | None = None
    uploader: str | None = None  # public id of the person; may not decide a review of it

    def document(self) -> dict[str, Any]:
        """As it is stored and hashed; what was not said is left out."""
        said = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in said if value is not None}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "ListingClaim":
        return cls(**document)


class Weakest(NamedTuple):
    """The link of a chain with the least evidence behind it."""

    place: int
    kind: str
    evidence: str  # measured attested declared


@dataclass(frozen=True, slots=True)
class Verdict:
    """`lab` tells, for each field that the laboratory knows, what the listing said and what the laboratory says."""

    stone: str
    verdict: str  # verified review pending rejected
    grade: str  # A B C, "-" unless verified
    findings: tuple[Finding, ...]
    verdict_sha256: str
    weakest: Weakest | None = None
    lab: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)

    @property
    def codes(self) -> list[str]:
        return sorted({finding.code for finding in self.findings})
