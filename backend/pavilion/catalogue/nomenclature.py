"""The trade's words as data: enumerations, aliases, columns, laboratories, countries and issue codes.

The tables lie in `data/nomenclature`; a change of a word is a change of data. They are read once per process.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data" / "nomenclature"

# Sentences in which the house says another word than the tables it shares: 裸石 for a stone that is sold.
_HOUSE_ZH = {
    "replace_hits_reserved": "文件中缺少的{n}颗裸石正在拍卖、保留、寄售或已有看货预约，予以保留。",
    "report_required": "仅接受附实验室证书的裸石。",
    "report_belongs_to_other_species": "证书属于其他种类的裸石。",
    "fancy_and_white_both": "一颗裸石只能有D-Z颜色或彩色之一。",
    "natural_lab_mixed": "本目录不接受实验室培育裸石。",
    "media_unmatched": "没有与文件名匹配的裸石。",
}
_ZERO_WIDTH = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"))
_DASHES = {**dict.fromkeys(range(0x2010, 0x2016), "-"), 0x2212: "-"}
_FOLDED = {**_ZERO_WIDTH, **_DASHES}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_JOINT = re.compile(r"(?<=[^\W_])[\s._-]+(?=[^\W_])")


def clean(raw: str) -> str:
    """The text as a person meant it: NFKC, one kind of dash and space, nothing invisible."""
    if raw.isascii() and raw.isalnum():
        return raw
    text = unicodedata.normalize("NFKC", raw).translate(_FOLDED)
    return " ".join(_CONTROL.sub("", text).split())


def key(text: str) -> str:
    """How two spellings are compared. A trailing sign stays: `VS1-` is not `VS1`."""
    return _JOINT.sub("", clean(text).casefold()).rstrip(".")


def header_key(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold().replace("%", "pct").replace("$", "usd")
    return "".join(character for character in text if character.isalnum())


@dataclass(frozen=True, slots=True)
class Column:
    """How one column is read. `rejects`: an error in it rejects the row; otherwise only the value is dropped."""

    name: str
    type: str
    rejects: bool
    required: bool
    minimum: int | None
    maximum: int | None
    fraction: bool
    max_chars: int
    enumeration: str
    default: str | None
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A word that has more than one reading: only a profile or the sender can say which."""

    candidates: tuple[str, ...]
    profile: dict[str, str]


@dataclass(frozen=True, slots=True)
class IssueCode:
    code: str
    scope: str
    severity: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Nomenclature:
    columns: dict[str, Column]
    codes: dict[str, tuple[str, ...]]
    """The codes of an enumeration in its order, best or thinnest first."""
    terms: dict[str, dict[str, tuple[str, str]]]
    """English and Chinese term by enumeration and code."""
    aliases: dict[str, dict[str, str]]
    """Code by column and alias key."""
    doubts: dict[str, dict[str, Doubt]]
    header_doubts: dict[str, Doubt]
    headers: dict[str, str]
    countries: dict[str, str]
    country_terms: dict[str, tuple[str, str]]
    labs: dict[str, re.Pattern[str]]
    any_lab: re.Pattern[str]
    refused_report_words: frozenset[str]
    scientific: re.Pattern[str]
    lab_scoped: dict[tuple[str, str], tuple[tuple[str, str, str], ...]]
    """(column, alias key) -> (laboratory or any, value, degree)."""
    joined: dict[tuple[str, str], tuple[str, dict[str, str]]]
    """(column, alias key) -> value and what it says of other columns: 3EX, CVD."""
    fancy: dict[str, Any]
    issue_codes: dict[str, IssueCode]
    sha256: dict[str, str]
    """The hash of each table as it was read."""


@cache
def nomenclature() -> Nomenclature:
    """All tables, read and indexed once."""
    files = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.json"))}
    tables = {name: json.loads(content) for name, content in files.items()}
    enumerations = tables["enumerations"]["enumerations"]
    values, labs, countries = tables["value_aliases"], tables["labs"], tables["countries"]
    return Nomenclature(
        columns={row["name"]: _column(row) for row in tables["columns"]["columns"]},
        codes={
            name: tuple(row["code"] for row in sorted(rows, key=lambda row: row["order"]))
            for name, rows in enumerations.items()
        },
        terms={name: {row["code"]: (row["en"], row["zh"]) for row in rows} for name, rows in enumerations.items()},
        aliases=_aliases(values, enumerations, tables["columns"]["columns"]),
        doubts=_doubts(tables["ambiguous"]["values"]),
        header_doubts={
            header_key(row["header"]): Doubt(tuple(row["candidates"]), row.get("profile", {}))
            for row in tables["ambiguous"]["headers"]
        },
        headers={row["key"]: field for field, rows in tables["header_aliases"]["headers"].items() for row in rows},
        countries=_countries(countries),
        country_terms={row["code"]: (row["en"], row["zh"]) for row in countries["countries"]},
        labs={row["code"]: re.compile(row["pattern"]) for row in labs["labs"]},
        any_lab=re.compile(labs["default_pattern"]),
        refused_report_words=frozenset(labs["refused_words"]),
        scientific=re.compile(labs["scientific"]),
        lab_scoped=_lab_scoped(values["lab_scoped"]),
        joined=_joined(values),
        fancy=tables["fancy"],
        issue_codes={
            row["code"]: IssueCode(
                row["code"], row["scope"], row["severity"], row["en"], _HOUSE_ZH.get(row["code"], row["zh"])
            )
            for row in tables["issue_codes"]["codes"]
        },
        sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    )


def term(enumeration: str, code: str, lang: str) -> str:
    """The term of a code in the reader's language; a code without one (a colour range) is its own term."""
    pair = nomenclature().terms.get(enumeration, {}).get(code)
    return code if pair is None else pair[lang == "zh"]


def column_name(column: str, lang: str) -> str:
    """What a column of a stock file holds, in the reader's language; a text that names none stays as it is."""
    spec = nomenclature().columns.get(column)
    return column if spec is None else spec.zh if lang == "zh" else spec.en


def country_name(code: str, lang: str) -> str:
    pair = nomenclature().country_terms.get(code)
    return code if pair is None else pair[lang == "zh"]


def _column(row: dict[str, Any]) -> Column:
    return Column(
        name=row["name"],
        type=row["type"],
        rejects=row["on_error"] == "reject",
        required=row.get("required", False),
        minimum=row.get("min"),
        maximum=row.get("max"),
        fraction=row.get("fraction", True),
        max_chars=row.get("max_chars", 2000),
        enumeration=row.get("enum", row["name"]),
        default=row.get("default"),
        en=row["en"],
        zh=row["zh"],
    )


def _aliases(
    values: dict[str, Any], enumerations: dict[str, Any], columns: list[dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """Codes and both terms are always aliases; the table's own lines win over them."""
    found: dict[str, dict[str, str]] = {}
    for column in columns:
        name = column["name"]
        enumeration = column.get("enum", "girdle" if name in ("girdle_min", "girdle_max") else name)
        rows = enumerations.get(enumeration, [])
        found[name] = {key(word): row["code"] for row in rows for word in (row["zh"], row["en"], row["code"])}
    for name, rows in values["columns"].items():
        found.setdefault(name, {}).update({key(row["alias"]): row["value"] for row in rows})
    return found


def _doubts(rows: list[dict[str, Any]]) -> dict[str, dict[str, Doubt]]:
    found: dict[str, dict[str, Doubt]] = {}
    for row in rows:
        doubt = Doubt(tuple(row["candidates"]), row.get("profile", {}))
        found.setdefault(row["column"], {})[key(row["alias"])] = doubt
    return found


def _countries(table: dict[str, Any]) -> dict[str, str]:
    found = {key(word): row["code"] for row in table["countries"] for word in (row["zh"], row["en"], row["code"])}
    return found | {key(word): code for word, code in table["extra"]}


def _lab_scoped(table: dict[str, Any]) -> dict[tuple[str, str], tuple[tuple[str, str, str], ...]]:
    found: dict[tuple[str, str], tuple[tuple[str, str, str], ...]] = {}
    for column, rows in table.items():
        for row in rows:
            place = (column, key(row["alias"]))
            found[place] = (*found.get(place, ()), (row["lab"], row["value"], row["treatment_degree"]))
    return found


def _joined(values: dict[str, Any]) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
    triple = values["triple_excellent"]
    found = {(triple["column"], key(alias)): (triple["value"], triple["also"]) for alias in triple["aliases"]}
    for row in values["growth_method"]:
        found[row["column"], key(row["alias"])] = (row["value"], row["also"])
    return found
