"""Which column of a stock file is which field."""

from collections.abc import Sequence

from pavilion.catalogue.cells import Context
from pavilion.catalogue.nomenclature import header_key, nomenclature

Fault = tuple[int, str]  # place in the header, code

ERROR_COLUMN = "_error"  # the column of our own fix file; read past


def read_headers(raw: Sequence[str], context: Context) -> tuple[list[str | None], list[Fault]]:
    """The field of each column or None, and what keeps the header from being understood."""
    table = nomenclature()
    keys = [header_key(name) for name in raw]
    own = {header_key(name): value for name, value in (context.mappings.get("@headers") or {}).items()}
    fields: list[str | None] = []
    doubtful: list[int] = []
    for place, name in enumerate(keys):
        if name in own:
            fields.append(own[name] if own[name] in table.columns else None)
        elif name in table.header_doubts:
            doubtful.append(place)
            fields.append(None)
        else:
            fields.append(table.headers.get(name) if raw[place] != ERROR_COLUMN else None)
    faults: list[Fault] = []
    for place in doubtful:
        others = {field for field in fields if field is not None}
        meant = table.header_doubts[keys[place]].profile.get(context.profile) or _meant(keys[place], others)
        fields[place] = meant
        if meant is None:
            faults.append((place, "ambiguous_header"))
    seen: set[str] = set()
    for place, field in enumerate(fields):
        if field is None:
            continue
        if field in seen:
            faults.append((place, "header_twice"))
        seen.add(field)
    return fields, sorted(faults)


def candidates(header: str) -> tuple[str, ...]:
    doubt = nomenclature().header_doubts.get(header_key(header))
    return () if doubt is None else doubt.candidates


def _meant(name: str, others: set[str]) -> str | None:
    """What a doubtful header means beside the other columns of the file."""
    if name == "cut":
        if "shape" in others:
            return None if "cut" in others else "cut"
        return "shape" if "cut" in others else None
    if name == "depth":
        if not {"meas_length", "meas_width"} <= others:
            return None if "depth_pct" in others else "depth_pct"
        missing = {"meas_depth", "depth_pct"} - others
        return missing.pop() if len(missing) == 1 else None
    return None
