"""By what lots are sorted: the trade's own orders of colour, clarity and shape; pure but for the trade's words."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from pavilion.catalogue.nomenclature import nomenclature
from pavilion.kernel.errors import BadInput

MOST_FIELDS = 4
T = TypeVar("T")


class Field(StrEnum):
    WEIGHT = "weight"
    ESTIMATE = "estimate"
    OPENING = "opening"
    SHAPE = "shape"
    COLOR = "color"
    CLARITY = "clarity"
    OWNER = "owner"
    NUMBER = "number"


class Sorted(NamedTuple):
    """What a lot can be sorted by."""

    number: int | None
    suffix: str
    weight: int | None
    estimate: int | None
    opening: int | None
    owner: str | None
    shape: str | None
    color: str | None
    hue: str | None
    intensity: str | None
    clarity: str | None


def fields_of(by: Sequence[str]) -> list[tuple[Field, bool]]:
    """Each field, and whether it is turned round; one that is no field, or a fifth, is refused."""
    said = [name for name in by if name]
    fields = [(name.removeprefix("-"), name.startswith("-")) for name in said]
    if not 0 < len(said) <= MOST_FIELDS or any(name not in set(Field) for name, _ in fields):
        raise BadInput(fields={"by": "unknown_value" if said else "required"})
    return [(Field(name), turned) for name, turned in fields]


def in_order(lots: Sequence[tuple[T, Sorted]], fields: Sequence[tuple[Field, bool]]) -> list[T]:
    """By the first field, where that is alike by the second, and so on; what is alike in all stays as it stands, and
    what does not say comes last either way."""
    found = list(lots)
    for name, turned in reversed(fields):
        told = [one for one in found if _key(one[1], name) is not None]
        silent = [one for one in found if _key(one[1], name) is None]
        found = [*sorted(told, key=lambda one: _key(one[1], name) or (), reverse=turned), *silent]
    return [lot for lot, _ in found]


def _key(lot: Sorted, field: Field) -> tuple[int | str, ...] | None:
    match field:
        case Field.NUMBER:
            return None if lot.number is None else (lot.number, lot.suffix)
        case Field.COLOR if lot.hue:  # fancy colours behind the white ones, hue by hue, the faint before the vivid
            return (1, _place("fancy_color", lot.hue), _place("fancy_intensity", lot.intensity))
        case Field.COLOR:
            return None if lot.color is None else (0, _place("color", lot.color), 0)
        case Field.CLARITY:
            return None if lot.clarity is None else (_place("clarity", lot.clarity),)
        case Field.SHAPE:
            return None if lot.shape is None else (_place("shape", lot.shape),)
        case Field.OWNER:
            return None if lot.owner is None else (lot.owner.casefold(),)
        case Field.WEIGHT:
            return None if lot.weight is None else (lot.weight,)
        case Field.ESTIMATE:
            return None if lot.estimate is None else (lot.estimate,)
        case Field.OPENING:
            return None if lot.opening is None else (lot.opening,)


def _place(enumeration: str, code: str | None) -> int:
    codes = nomenclature().codes[enumeration]
    return codes.index(code) if code in codes else len(codes)
