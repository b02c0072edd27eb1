"""What the laboratory says of a stone held against what its row says: stage *laboratory* of a stock file. Pure.

Decision 0035: a grade is the laboratory's to give, so its value is used and the row says both. What tells one stone
from another (weight, shape, species, variety) is left as the row has it: there a difference means another stone or
another report, and rule GR-03 refuses it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pavilion.catalogue.nomenclature import column_name, nomenclature, term
from pavilion.catalogue.rowrules import Issue, Values
from pavilion.provenance.registries.port import Answer, Status
from pavilion.provenance.tables import Lab

# A grade in the registries' words -> the column of a file.
GRADES = {name: name for name in ("color", "clarity", "cut", "polish", "symmetry")} | {
    "fluorescence": "fluor_intensity"
}
COLUMNS = frozenset({*GRADES.values(), "fluor_color"})  # of a row that the laboratory's word may change
MISMATCH, NOT_FOUND, UNKNOWN = "lab_mismatch", "report_not_found", "lab_unknown"
OTHER_SPECIES, GROWN = "report_belongs_to_other_species", "natural_lab_mixed"
CODES = frozenset({MISMATCH, NOT_FOUND, UNKNOWN, OTHER_SPECIES, GROWN})
_AS_CODES = ("color", "clarity")  # the trade writes their codes, not their terms
_UNGRADED = "none"


@dataclass(frozen=True, slots=True)
class Heard:
    """`values` are those to use; `said` is what the row says in each column whose value is the laboratory's."""

    values: Values
    issues: tuple[Issue, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return any(issue.severity == "error" for issue in self.issues)

    @property
    def changed(self) -> bool:
        return bool(self.said)


def compare(
    values: Values, answer: Answer | None, labs: Mapping[str, Lab], earlier: Mapping[str, str] | None = None
) -> Heard:
    """`answer`: the laboratory's, None where none was asked. `earlier`: the grades that it is known to have given this
    report, by column; they stand while it is silent. `labs`: those whose reports count."""
    if values["lab"] not in labs:
        return _refused(values, "lab", UNKNOWN)
    if answer is None or answer.status is Status.UNAVAILABLE:
        return _used(values, earlier or {})
    if answer.status is Status.ABSENT:
        return _refused(values, "report_no", NOT_FOUND)
    said = answer.fields
    if said.get("withdrawn") is True:
        return Heard(values)  # GR-01 judges what is no report any more
    kind, number = str(said.get("type") or ""), str(said.get("no") or "")
    if kind.startswith("LG") or kind in labs[values["lab"]].labgrown_types or number.upper().startswith("LG"):
        return _refused(values, "report_no", GROWN)
    if _of_other_species(values, said):
        return _refused(values, "report_no", OTHER_SPECIES)
    return _used(values, grades_in(said))


def grades_in(words: Mapping[str, object]) -> dict[str, str]:
    """The grades of a report by column, in our codes; what is no single grade of ours is left out."""
    told = {column: _code(column, words.get(word)) for word, column in GRADES.items()}
    return {column: code for column, code in told.items() if code is not None}


def word_of(column: str, code: str) -> str:
    """A grade as laboratories write it."""
    return code if column in _AS_CODES else nomenclature().terms[column][code][0]


def shown(column: str, code: str, lang: str) -> str:
    """A grade in the reader's language; colour and clarity are codes in every language."""
    return code if column in _AS_CODES else term(nomenclature().columns[column].enumeration, code, lang)


def said_of(said: Mapping[str, str] | None, lang: str) -> list[tuple[str, str]]:
    """The names of the columns and what the supplier says in each."""
    return [(column_name(column, lang), shown(column, code, lang)) for column, code in (said or {}).items()]


def _used(values: Values, told: Mapping[str, str]) -> Heard:
    """A grade that the row does not state is not added, and one that the report lacks is not taken away."""
    said = {column: values[column] for column, code in told.items() if _differs(values, column, code)}
    if not said:
        return Heard(values)
    used = {**values, **{column: told[column] for column in said}}
    if used.get("fluor_intensity") == "none":
        used.pop("fluor_color", None)
    issues = tuple(
        Issue(column, MISMATCH, "warning", {"field": column, "lab_value": told[column], "value": was})
        for column, was in said.items()
    )
    return Heard(used, issues, said)


def _differs(values: Values, column: str, code: str) -> bool:
    stated = values.get(column)
    if (
        stated is None
        or (column == "clarity" and stated == _UNGRADED)
        or (column == "color" and "fancy_color" in values)
    ):
        return False
    return bool(stated != code)


def _of_other_species(values: Values, said: Mapping[str, object]) -> bool:
    """A report of a diamond names no species, but grades its colour and clarity."""
    mine, theirs = values.get("species", "diamond"), said.get("species")
    if theirs is None:
        return mine != "diamond" and said.get("color") is not None
    return theirs != nomenclature().terms["species"][mine][0]


def _code(column: str, word: object) -> str | None:
    """None for a word that is no single grade: GR-03 decides on it."""
    if not isinstance(word, str):
        return None
    table = nomenclature()
    known = table.terms[column] | (table.terms["color_range"] if column == "color" else {})
    if column in _AS_CODES:
        return word if word in known and word != _UNGRADED else None
    return next((code for code, terms in known.items() if terms[0] == word), None)


def _refused(values: Values, column: str, code: str) -> Heard:
    return Heard(values, (Issue(column, code, "error"),))
