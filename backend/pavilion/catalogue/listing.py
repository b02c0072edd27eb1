"""A row's canonical values as a stone of ours, and as the claim that provenance confirms."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pavilion.catalogue.nomenclature import nomenclature
from pavilion.provenance.claims import ListingClaim
from pavilion.provenance.facts import Happening

Values = Mapping[str, Any]

# Column of a stone -> field of a file, where one is the other.
_SAME = (
    *("stock_no", "species", "variety", "shape", "color", "clarity", "cut", "polish", "symmetry", "fluor_intensity"),
    *("fluor_color", "fancy_color", "fancy_secondary", "fancy_intensity", "fancy_overtone", "treatment", "lab"),
    *("report_no", "depth_pct", "table_pct", "crown_angle", "pavilion_angle", "girdle_pct", "girdle_min", "girdle_max"),
    *("currency", "list_pct", "availability", "city", "country", "origin_id", "origin_registry", "cutter_name"),
    *("cutter_years", "comment", "girdle_condition", "culet_condition", "shade", "milky", "eye_clean", "brand"),
    *("black_inclusion", "white_inclusion", "open_inclusion", "key_to_symbols", "inscription", "report_date"),
    *("cash_list_pct", "pair_stock_no", "pair_separable", "gem_hue", "gem_tone", "gem_saturation", "color_term"),
    *("transparency", "gem_clarity", "origin_opinion"),
)
_RENAMED = {
    "weight_mct": "carat",
    "crown_height_pct": "crown_height",
    "pavilion_depth_pct": "pavilion_depth",
    "culet": "culet_size",
    "price_per_carat_minor": "price_per_carat",
    "price_total_minor": "price_total",
    "rough_weight_mct": "rough_weight",
    "mine_country": "origin_country",
    "treatment_degree": "treatment_level",
    "list_price_minor": "list_price",
    "cash_price_minor": "cash_price",
    "region": "state",
    "image_ref": "image",
    "video_ref": "video",
    "report_ref": "report_file",
    "kp_no": "kp_certificate_no",
}
_FIELDS = {**{name: name for name in _SAME}, **_RENAMED}
_LENGTHS = ("length_um", "width_um", "depth_um")
_PRICES = ("price_per_carat_minor", "price_total_minor")
_FALLBACK = {"species": "diamond", "currency": "USD", "availability": "subject_to_prior_sale"}


def stone_columns(values: Values, fields: Collection[str]) -> dict[str, Any]:
    """What the row says of the stone's columns; a column of which the file has no field is not named."""
    known = set(fields) | values.keys()
    row = {column: values.get(field) for column, field in _FIELDS.items() if field in known}
    if known & {"measurements", "meas_length"}:
        row.update(zip(_LENGTHS, values.get("measurements") or (None, None, None), strict=True))
    if known & {"price_per_carat", "price_total"}:
        row |= {column: values.get(_RENAMED[column]) for column in _PRICES}
    if "cutter_name" in row:
        row["cutter_named"] = False  # a file tells no consent; only the cutter's own event does
    return row | {name: fallback for name, fallback in _FALLBACK.items() if name in row and row[name] is None}


def values_of(stone: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse: what a row would have to say for the stone to be as it is stored."""
    values = {field: stone[column] for column, field in _FIELDS.items() if stone[column] is not None}
    if stone["length_um"] is not None:
        values["measurements"] = [stone[name] for name in _LENGTHS]
    if values.get("fancy_overtone"):
        values["fancy_overtone"] = str(values["fancy_overtone"]).split()
    return values


def claim_of(stone: str, values: Values, registry: str, uploader: str | None) -> ListingClaim:
    """The listing's facts in the laboratory's words."""
    treatment = values.get("treatment")
    return ListingClaim(
        stone=stone,
        origin_id=values["origin_id"],
        origin_registry=values.get("origin_registry") or registry,
        species=values.get("species", "diamond"),
        shape=_shape(values["shape"]),
        listed=words_of(values),
        fancy=_fancy(values),
        lab=values["lab"],
        report_no=values["report_no"],
        treatment=None if treatment in (None, "none") else treatment,
        text={"en": values["comment"]} if values.get("comment") else {},
        mine_country=values.get("origin_country"),
        rough_weight_mct=values.get("rough_weight"),
        kp_no=values.get("kp_certificate_no"),
        uploader=uploader,
    )


def _shape(code: str) -> str:
    return "RBC" if code == "round" else code.upper()


def words_of(values: Values) -> dict[str, str]:
    """The grades that are listed, as laboratories write them."""
    terms = nomenclature().terms
    carat = values["carat"]
    text = f"{carat // 1000}.{carat % 1000:03d}"
    listed = {"weight": text.removesuffix("0"), "shape": _shape(values["shape"])}
    if values.get("fancy_color"):
        listed["color"] = "FANCY"
    elif values.get("color"):
        listed["color"] = values["color"]
    if values.get("clarity") not in (None, "none"):
        listed["clarity"] = values["clarity"]
    for word, field in (
        ("cut", "cut"),
        ("polish", "polish"),
        ("symmetry", "symmetry"),
        ("fluorescence", "fluor_intensity"),
    ):
        if values.get(field):
            listed[word] = terms[field][values[field]][0]
    if values.get("species", "diamond") != "diamond":
        for field in ("species", "variety"):
            if values.get(field):
                listed[field] = terms[field][values[field]][0]
    return listed


def _fancy(values: Values) -> dict[str, str] | None:
    if not values.get("fancy_color"):
        return None
    terms = nomenclature().terms
    hue = terms["fancy_color"][values["fancy_color"]][0]
    if values.get("fancy_secondary"):
        hue = f"{terms['fancy_color'][values['fancy_secondary']][0]}-{hue}"
    modifiers = [terms["fancy_overtone"][code][0] for code in values.get("fancy_overtone") or ()]
    intensity = values.get("fancy_intensity") or "fancy"
    return {"intensity": terms["fancy_intensity"][intensity][0], "hue": " ".join([*modifiers, hue])}


def origin_columns(events: Iterable[Happening]) -> dict[str, Any]:
    """What the chain itself says of the stone's mine and cutter; it outweighs the supplier's word."""
    found: dict[str, Any] = {}
    for event in events:
        if event.kind == "MINED" and "mine_country" not in found:
            found |= {"mine_country": event.cc if event.cc and len(event.cc) == 2 else None}
            found |= {"rough_weight_mct": sum(event.outputs.values())}
            found |= {name: _words(event.more.get(name)) for name in ("mine", "producer")}
        elif event.kind == "POLISHED":
            cutter = event.more.get("cutter")
            name, years = (cutter.get("name"), cutter.get("years")) if isinstance(cutter, Mapping) else (None, None)
            found |= {"cutter_name": _words(name), "cutter_years": years if years in range(81) else None}
            found |= {"cutter_named": isinstance(cutter, Mapping) and cutter.get("consent") == "name"}
    return found


def _words(text: object) -> str | None:
    return text[:120] if isinstance(text, str) and text else None
