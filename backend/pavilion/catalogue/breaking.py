"""Ways in which a stone's row or chain is broken on purpose, each with the answer that must be given."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from pavilion.catalogue.chains import Event

Row = dict[str, str]


@dataclass(slots=True)
class Draft:
    """A stone on its way into the file and the registry."""

    row: Row
    events: list[Event]
    origin_id: str
    mass_mct: int
    first: tuple[int, Row] | None = None  # an earlier good row, for duplicates
    registered: bool = True
    first_row: int | None = None
    codes: set[str] = field(default_factory=set)

    def event(self, kind: str) -> Event:
        return next(event for event in self.events if event["t"] == kind)

    def without(self, *kinds: str) -> None:
        self.events = [event for event in self.events if event["t"] not in kinds]


ACCEPTED, REJECTED, REVIEW = "accepted", "rejected", "review"
DUPLICATE, WARNED, CHANGED = "duplicate_in_file", "accepted_with_warnings", "accepted_changed"


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    outcome: str
    codes: tuple[str, ...]
    plant: Callable[[Draft], None]
    needs: Callable[[Draft], bool] = lambda draft: True
    judged: bool = True  # the chain is looked at: the row itself is in order


def _no_mine(draft: Draft) -> None:
    """The supplier does not state what nobody registered."""
    draft.without("MINED")
    draft.row["Rough Ct"] = ""


def _spent_twice(draft: Draft) -> None:
    """The sawn piece went over the wheel once before, for another owner."""
    polished = draft.event("POLISHED")
    piece, oid = polished["in"], draft.origin_id
    mass = polished["out"][oid] * 2 // 5
    first = {**polished, "out": {f"{oid}.X": mass}, "loss": polished["loss"] + polished["out"][oid] - mass}
    first.pop("plan_item")
    assert piece
    draft.events.insert(draft.events.index(polished), first)


def _more_than_its_piece(draft: Draft) -> None:
    draft.event("POLISHED")["loss"] += 60


def _unaccounted(draft: Draft) -> None:
    polished = draft.event("POLISHED")
    piece = polished["loss"] + draft.mass_mct
    polished["loss"] -= max(8, piece * 2 // 100)


def _more_than_its_rough(draft: Draft) -> None:
    """The other sawn piece is polished into more than the rough ever weighed."""
    cut, polished = draft.event("CUT"), draft.event("POLISHED")
    rest = f"{draft.origin_id}.B"
    rough = draft.event("MINED")["out"][cut["in"]]
    second = rough - draft.mass_mct + 10
    also = {**polished, "in": rest, "out": {f"{draft.origin_id}.Y": second}, "loss": 0}
    also.pop("plan_item")
    draft.events.insert(draft.events.index(polished) + 1, also)


def _yield(permille: int) -> Callable[[Draft], None]:
    def plant(draft: Draft) -> None:
        """The sawn piece is hardly larger than what came off it; the rest of the rough takes the difference."""
        cut, polished = draft.event("CUT"), draft.event("POLISHED")
        piece, rest = polished["in"], f"{draft.origin_id}.B"
        small = draft.mass_mct * 1000 // permille
        cut["out"] = {piece: small, rest: cut["out"][rest] + cut["out"][piece] - small}
        polished["loss"] = small - draft.mass_mct

    return plant


def _smuggled(draft: Draft) -> None:
    draft.without("KP_EXPORT", "KP_IMPORT")
    draft.row["KP No"] = ""


def _expired(draft: Draft) -> None:
    export = draft.event("KP_EXPORT")
    day = date.fromisoformat(export["at"])
    _own_certificate(draft)
    export["kp"] |= {
        "issued": (day - timedelta(days=90)).isoformat(),
        "expires": (day - timedelta(days=30)).isoformat(),
    }


def _other_origin(draft: Draft) -> None:
    _own_certificate(draft)
    draft.event("KP_EXPORT")["kp"]["origin"] = ["ZW"]


def _small_certificate(draft: Draft) -> None:
    """The certificate weighs less than this stone's rough alone."""
    _own_certificate(draft)
    rough = draft.event("MINED")["out"][draft.event("CUT")["in"]]
    draft.event("KP_EXPORT")["kp"]["ct"] = f"{(rough - 20) // 1000}.{(rough - 20) % 1000:03d}"
    draft.event("KP_IMPORT").pop("weighed_mct")


def _own_certificate(draft: Draft) -> None:
    """A number of its own, so that no other stone's certificate is drawn into it."""
    export = draft.event("KP_EXPORT")
    export["kp"] = {**export["kp"], "no": f"{export['cc']}9{draft.row['Stock #'][-7:]}"}
    draft.event("KP_IMPORT")["kp_no"] = export["kp"]["no"]
    draft.row["KP No"] = export["kp"]["no"]


def _not_the_owner(draft: Draft) -> None:
    draft.event("SOLD")["by"] = "passer-by"


def _out_of_time(draft: Draft) -> None:
    cut = draft.event("CUT")
    cut["at"] = (date.fromisoformat(draft.event("MINED")["at"]) - timedelta(days=3)).isoformat()


def _silence(draft: Draft) -> None:
    sold = draft.event("SOLD")
    later = date.fromisoformat(draft.event("GRADED")["at"]) + timedelta(days=181)
    sold["at"], sold["sow_self_assessed"] = later.isoformat(), (later - timedelta(days=40)).isoformat()


def _untested(draft: Draft) -> None:
    draft.without("TESTED_NATURAL")


def _grown_in_a_laboratory(draft: Draft) -> None:
    draft.event("TESTED_NATURAL")["result"] = "LAB_GROWN"


def _grown_by_report(draft: Draft) -> None:
    draft.event("GRADED")["report"]["type"] = "LGDR"


def _referred(draft: Draft) -> None:
    draft.event("TESTED_NATURAL")["result"] = "REFER"


def _ungraded(draft: Draft) -> None:
    draft.without("GRADED")


def _typed(draft: Draft) -> None:
    """The producer typed the report; the laboratory itself is asked, and its own word stands in place of that."""
    draft.event("GRADED")["report"]["source"] = "typed"


def _strange_number(draft: Draft) -> None:
    """Right for the laboratory's wide filter at upload, wrong for the laboratory's own pattern."""
    number = f"0{draft.row['Stock #'][-6:]}"
    report = draft.event("GRADED")
    report["by"], report["issuer"] = "HRD", "HRD"
    report["report"] |= {"lab": "HRD", "no": number, "inscription": f"HRD {number}"}
    draft.row |= {"Lab": "HRD", "Report #": number}


def _better_colour(draft: Draft) -> None:
    """A grade is the laboratory's to give: its colour is used, and the row says both."""
    draft.event("GRADED")["report"]["color"] = "K"


def _other_shape(draft: Draft) -> None:
    """No grade that can be put right: the report is of another stone."""
    draft.event("GRADED")["report"]["shape"] = "OVAL"


def _heavier(draft: Draft) -> None:
    """The wheel left two points more than the laboratory weighed."""
    polished = draft.event("POLISHED")
    polished["out"] = {draft.origin_id: draft.mass_mct + 20}
    polished["loss"] -= 20


def _unwarranted(draft: Draft) -> None:
    draft.event("SOLD").pop("sow")


def _stale_assessment(draft: Draft) -> None:
    sold = draft.event("SOLD")
    sold["sow_self_assessed"] = (date.fromisoformat(sold["at"]) - timedelta(days=400)).isoformat()


def _stolen(draft: Draft) -> None:
    sold = draft.event("SOLD")
    place = draft.events.index(sold)
    draft.events.insert(place, {**{k: sold[k] for k in ("at", "by", "cc", "obj")}, "t": "STOLEN", "reason": "theft"})


def _unknown(draft: Draft) -> None:
    """The laboratory knows its report, no registry the stone."""
    draft.row["Origin ID"] += "-X"


def _unheard_of(draft: Draft) -> None:
    draft.registered = False


def _other_rough(draft: Draft) -> None:
    whole, _, part = draft.row["Rough Ct"].partition(".")
    draft.row["Rough Ct"] = f"{int(whole) + 1}.{part}"


def _cell(column: str, value: str) -> Callable[[Draft], None]:
    def plant(draft: Draft) -> None:
        draft.row[column] = value

    return plant


def _wrong_total(draft: Draft) -> None:
    whole, _, cents = draft.row["Total Price"].partition(".")
    draft.row["Total Price"] = f"{int(whole) + 500}.{cents}"


def _comma(draft: Draft) -> None:
    draft.row["Carat"] = draft.row["Carat"].replace(".", ",")


def _copy(draft: Draft) -> None:
    assert draft.first is not None
    draft.first_row, draft.row["Stock #"] = draft.first[0], draft.first[1]["Stock #"]


def _copy_report(draft: Draft) -> None:
    assert draft.first is not None
    draft.first_row = draft.first[0]
    draft.row |= {name: draft.first[1][name] for name in ("Lab", "Report #")}


def _travelled(draft: Draft) -> bool:
    return any(event["t"] == "KP_EXPORT" for event in draft.events)


def _of_a_carat(draft: Draft) -> bool:
    """So large that two points are no fault against plan and size."""
    return draft.mass_mct >= 900


def _follows(draft: Draft) -> bool:
    return draft.first is not None


def _chain(name: str, codes: str, plant: Callable[[Draft], None], outcome: str = REJECTED, **more: Any) -> Fault:
    return Fault(name, outcome, tuple(codes.split()), plant, **more)


def _row(name: str, codes: str, plant: Callable[[Draft], None], outcome: str = REJECTED, **more: Any) -> Fault:
    return Fault(name, outcome, tuple(codes.split()), plant, judged=outcome == WARNED, **more)


FAULTS: tuple[Fault, ...] = (
    _chain("no mine", "ID-01", _no_mine),
    _chain("piece spent twice", "ID-02", _spent_twice),
    _chain("heavier than its piece", "MB-01", _more_than_its_piece),
    _chain("loss not accounted for", "MB-02", _unaccounted, REVIEW),
    _chain("more polished than rough", "MB-03", _more_than_its_rough),
    _chain("impossible yield", "MB-04", _yield(800)),
    _chain("high yield", "MB-04", _yield(660), REVIEW),
    _chain("no Kimberley certificate", "KP-01", _smuggled, needs=_travelled),
    _chain("expired certificate", "KP-02", _expired, needs=_travelled),
    _chain("certificate of another origin", "KP-07", _other_origin, needs=_travelled),
    _chain("certificate used up", "KP-08", _small_certificate, needs=_travelled),
    _chain("sold by a stranger", "CU-01", _not_the_owner),
    _chain("cut before it was mined", "CU-03", _out_of_time),
    _chain("long silence", "CU-02", _silence, REVIEW),
    _chain("no natural test", "NT-01", _untested),
    _chain("test found it grown", "NT-01", _grown_in_a_laboratory),
    _chain("test referred", "NT-03", _referred, REVIEW),
    _chain("report of a grown stone", "natural_lab_mixed", _grown_by_report, judged=False),
    _chain("no report", "report_not_found", _ungraded, judged=False),
    _chain("report typed by hand", "", _typed, ACCEPTED),
    _chain("number no laboratory writes", "GR-02", _strange_number),
    _chain("better colour than graded", "lab_mismatch", _better_colour, CHANGED),
    _chain("other shape than graded", "GR-03", _other_shape),
    _chain("heavier than graded", "GR-04", _heavier, needs=_of_a_carat),
    _chain("no warranty", "WA-01", _unwarranted),
    _chain("old self-assessment", "WA-02", _stale_assessment, REVIEW),
    _chain("stolen", "ID-06", _stolen),
    _chain("unknown to the registry", "RG-03", _unknown),
    _chain("unknown to everybody", "report_not_found", _unheard_of, judged=False),
    _chain("other rough weight than registered", "RG-02", _other_rough),
    _row("no origin", "origin_missing", _cell("Origin ID", "")),
    _row("shape with two readings", "ambiguous_value", _cell("Shape", "R")),
    _row("unknown clarity", "unknown_value", _cell("Clarity", "VS1-")),
    _row("no cut grade", "cut_required_for_round", _cell("Cut Grade", "")),
    _row("total does not follow", "price_inconsistent", _wrong_total),
    _row("number turned by a spreadsheet", "report_no_scientific", _cell("Report #", "2.2057E+09")),
    _row("grown by its own word", "natural_lab_mixed", _cell("Growth Type", "CVD")),
    _row("no weight", "out_of_range", _cell("Carat", "0")),
    _row("formula", "formula_cell", _cell("$/ct", "=A1*2")),
    _row("same stock number", "duplicate_in_file", _copy, DUPLICATE, needs=_follows),
    _row("same report", "duplicate_in_file", _copy_report, DUPLICATE, needs=_follows),
    _row("comma as decimal mark", "decimal_mark", _comma, WARNED),
    _row("date nobody can read", "date_format", _cell("Report Date", "soon"), WARNED),
)
