"""Stage *laboratory*: what the report says beside what the row says, at once or late."""

import csv
import gzip
import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from pavilion.catalogue import completing
from pavilion.catalogue.laboratory import compare
from pavilion.catalogue.models import Stone, StoneChange
from pavilion.catalogue.upload_models import FileState, Mode, StockFile
from pavilion.kernel.events import Event
from pavilion.provenance import jobs
from pavilion.provenance.registries.connecting import of_world
from pavilion.provenance.registries.port import LABORATORY, Answer, Reason, Status
from pavilion.provenance.registries.world import World
from pavilion.provenance.tables import shipped
from tests.catalogue import upload_world as world
from tests.make import NOON

ROW = {"lab": "GIA", "report_no": "6100000001", "color": "F", "clarity": "VS1", "cut": "very_good", "carat": 1010}
REPORT = {"lab": "GIA", "no": "6100000001", "type": "DG", "withdrawn": False, "color": "G", "clarity": "VS1"}
GEM = {"lab": "GIA", "no": "6100000001", "type": "CSI", "withdrawn": False, "species": "Corundum"}


def heard(values=(), report=(), status=Status.FOUND, earlier=None):
    fields = {**REPORT, **dict(report)} if status is Status.FOUND else {}
    answer = Answer(LABORATORY, status, NOON, fields=fields, reason=Reason.DOWN if not fields else None)
    return compare({**ROW, **dict(values)}, answer, shipped().labs, earlier)


def codes(word):
    return [(issue.column, issue.code, issue.severity) for issue in word.issues]


def test_a_grade_is_the_laboratorys_and_both_are_told():
    word = heard(report={"cut": "Excellent", "weight": "1.02", "shape": "OVAL", "fluorescence": "Faint"})
    assert (word.values["color"], word.values["cut"], word.said) == (
        "G",
        "excellent",
        {"color": "F", "cut": "very_good"},
    )
    assert codes(word) == [("color", "lab_mismatch", "warning"), ("cut", "lab_mismatch", "warning")]
    assert word.issues[0].facts == {"field": "color", "lab_value": "G", "value": "F"}
    assert word.values["carat"] == 1010, "what tells the stone from others stays for GR-03"
    assert "fluor_intensity" not in word.values, "what the row does not state is not added"


@pytest.mark.parametrize(
    ("values", "report"),
    [
        ({"color": "G"}, {}),
        ({"color": "G", "polish": "good"}, {}),  # the report is silent on it: GR-03's to refuse
        ({"color": "G"}, {"clarity": "VS1-"}),  # no grade of ours
        ({"fancy_color": "yellow"}, {"color": "FANCY"}),
        ({"color": "G", "clarity": "none"}, {}),
        ({}, {"withdrawn": True}),  # GR-01's
    ],
)
def test_nothing_else_is_changed(values, report):
    word = heard(values, report)
    assert (word.issues, word.said, word.values) == ((), {}, {**ROW, **values})


def test_a_fluorescence_that_is_none_has_no_colour():
    word = heard({"color": "G", "fluor_intensity": "faint", "fluor_color": "blue"}, {"fluorescence": "None"})
    assert (word.values["fluor_intensity"], "fluor_color" in word.values) == ("none", False)


@pytest.mark.parametrize(
    ("values", "report", "status", "column", "code"),
    [
        ({"lab": "GSI"}, {}, Status.UNAVAILABLE, "lab", "lab_unknown"),
        ({}, {}, Status.ABSENT, "report_no", "report_not_found"),
        ({}, {"type": "LGDR"}, Status.FOUND, "report_no", "natural_lab_mixed"),
        ({}, {"no": "LG6100000001"}, Status.FOUND, "report_no", "natural_lab_mixed"),
        ({"species": "corundum"}, {}, Status.FOUND, "report_no", "report_belongs_to_other_species"),
        ({}, GEM, Status.FOUND, "report_no", "report_belongs_to_other_species"),
        ({"species": "beryl"}, {**GEM, "color": None}, Status.FOUND, "report_no", "report_belongs_to_other_species"),
    ],
)
def test_what_the_laboratory_refuses(values, report, status, column, code):
    word = heard(values, report, status)
    assert (codes(word), word.refused, word.said) == ([(column, code, "error")], True, {})


def test_a_report_of_the_same_species_is_no_other():
    assert heard({"species": "corundum", "color": None}, {**GEM, "color": None}).issues == ()


def test_while_it_is_silent_its_earlier_word_stands():
    assert heard(status=Status.UNAVAILABLE).issues == ()
    word = heard(status=Status.UNAVAILABLE, earlier={"color": "G", "clarity": "VS1"})
    assert (word.values["color"], word.said) == ("G", {"color": "F"})


# -- a whole file -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Stones in order, whose file is rewritten by each test."""
    folder = tmp_path_factory.mktemp("laboratory")
    (folder / "diamonds.csv").write_bytes(gzip.decompress(world.TABLE.read_bytes()))
    return world.made(folder / "diamonds.csv", folder, rows=30, seed=7, broken_bp=0)


def good(folder):
    with (folder / "stock.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    answers = world.answers_of(folder)
    return [{**row, "Total Price": ""} for row, a in zip(rows, answers, strict=True) if a["outcome"] == "accepted"]


def other(row):
    """Another colour than the report's."""
    return {**row, "Color": "D" if row["Color"] != "D" else "E"}


def content(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def told(sessions, file):
    rows = await world.rows_of(sessions, file)
    return [(row.outcome, sorted({issue["code"] for issue in row.issues})) for row in rows], rows


async def stone_of(sessions, stock_no):
    async with sessions() as session:
        return await session.scalar(select(Stone).where(Stone.stock_no == stock_no))


async def test_a_file_is_answered_with_the_laboratorys_word_and_stays_so(sessions, folder):
    rows = good(folder)[:6]
    graded, unknown, gem, strange, oval, plain = rows
    sent = [
        {**other(graded), "Polish": "Fair" if graded["Polish"] != "F" else "Good"},
        {**unknown, "Lab": "GIA", "Report #": "7999999999"},
        {**gem, "Species": "Corundum", "Treatment": "none", "Image": "a.jpg"},
        {**strange, "Lab": "GSI"},
        {**oval, "Shape": "Oval"},
        plain,
    ]
    company, simulated = await world.supplier(sessions), World(folder / "registry")
    registries = of_world(simulated)
    file = await world.imported(sessions, company, content(sent), registries)
    answers, found = await told(sessions, file)
    assert answers == [
        ("accepted_changed", ["lab_mismatch"]),
        ("rejected", ["report_not_found"]),
        ("rejected", ["report_belongs_to_other_species"]),
        ("rejected", ["lab_unknown"]),
        ("rejected", ["GR-03", "NM-01"]),
        ("accepted", []),
    ]
    assert file.counts == {"accepted_changed": 1, "rejected": 4, "accepted": 1}
    assert simulated.asked["laboratory"] == 6, "each report is asked for once, in the round of all registries"
    assert [row.stone is None for row in found] == [False, True, True, True, False, False], "the refused are not stored"
    first = found[0]
    colour = next(issue for issue in first.issues if issue["column"] == "color")
    assert (colour["header"], colour["raw"], colour["normalised"]) == ("Color", sent[0]["Color"], graded["Color"])
    stone = await stone_of(sessions, graded["Stock #"])
    assert stone.listed and stone.color == graded["Color"]
    assert stone.supplier_said["color"] == sent[0]["Color"] and set(stone.supplier_said) == {"color", "polish"}

    # Sent again, by every way and also while the laboratory is silent: the stone stays as it is.
    again = await world.imported(sessions, company, content(sent[:1]), registries)
    answers, _ = await told(sessions, again)
    assert answers == [("unchanged", ["lab_mismatch"])]
    simulated.orders.give("laboratory", "down")
    silent = of_world(simulated)
    for mode in (Mode.REPLACE, Mode.UPDATE):
        cells = (
            [{name: sent[0][name] for name in ("Stock #", "Color")}]
            if mode == Mode.UPDATE
            else [sent[0], sent[4], plain]
        )
        file = await world.imported(sessions, company, content(cells) + b"\n", silent, mode=mode)
        answers, _ = await told(sessions, file)
        assert answers[0] == ("unchanged", ["lab_mismatch"])
    now = await stone_of(sessions, graded["Stock #"])
    assert (now.seq, now.color, now.supplier_said, now.listed) == (stone.seq, stone.color, stone.supplier_said, True)

    # Another price leaves what was said; the right grade takes it away, and the history knows both.
    simulated.orders.give("laboratory", "well")
    back = of_world(simulated)
    cells = [{"Stock #": graded["Stock #"], "$/ct": "4321"}]
    file = await world.imported(sessions, company, content(cells), back, mode=Mode.UPDATE)
    assert (await told(sessions, file))[0] == [("accepted", [])]
    assert (await stone_of(sessions, graded["Stock #"])).supplier_said == stone.supplier_said
    file = await world.imported(sessions, company, content([graded]), back)
    assert (await told(sessions, file))[0] == [("accepted", [])]
    mended = await stone_of(sessions, graded["Stock #"])
    assert (mended.color, mended.supplier_said) == (stone.color, None)
    async with sessions() as session:
        changes = select(StoneChange).where(StoneChange.stone_id == stone.id).order_by(StoneChange.seq.desc())
        last = (await session.scalars(changes)).first()
    assert (last.before["supplier_said"], last.after["supplier_said"]) == (stone.supplier_said, None)


async def test_a_late_answer_of_the_laboratory_completes_the_rows(sessions, folder):
    graded, plain, unknown, mute = good(folder)[6:10]
    sent = [other(graded), plain, {**unknown, "Lab": "GIA", "Report #": "7999999998"}, other(mute)]
    company, simulated = await world.supplier(sessions), World(folder / "registry")
    simulated.orders.give("laboratory", "down")
    silent = world.Silent(of_world(simulated), {unknown["Origin ID"], mute["Origin ID"]})
    file = await world.imported(sessions, company, content(sent), silent)
    answers, rows = await told(sessions, file)
    assert [outcome for outcome, _ in answers] == ["pending_lab"] * 2 + ["pending_origin"] * 2
    assert file.counts == {"pending_lab": 2, "pending_origin": 2} and rows[0].graded["color"] == sent[0]["Color"]
    before = await stone_of(sessions, graded["Stock #"])
    assert not before.listed and before.color == graded["Color"], "so the laboratory signed it into the chain"
    assert (await stone_of(sessions, mute["Stock #"])).color == sent[3]["Color"], "of this one nobody said anything yet"
    assert await completing.tick(sessions, NOON) == 0, "nothing new was heard"

    soon = NOON + timedelta(minutes=1)
    silent = world.Silent(of_world(simulated), {unknown["Origin ID"]})
    assert await jobs.retry_pending(sessions, silent, soon, log=world.LOG, settle=completing.settle) == 4
    assert await completing.tick(sessions, soon)
    now = await world.file_of(sessions, file.public_id)
    assert now.counts == {"pending_lab": 3, "pending_origin": 1}, "of one more only the laboratory is missing"

    simulated.orders.give("laboratory", "well")
    later = NOON + timedelta(minutes=10)
    assert await jobs.retry_pending(sessions, of_world(simulated), later, log=world.LOG, settle=completing.settle) == 4
    assert await completing.tick(sessions, later) == 4
    file = await world.file_of(sessions, file.public_id)
    answers, rows = await told(sessions, file)
    assert [outcome for outcome, _ in answers] == ["accepted_changed", "accepted", "rejected", "accepted_changed"]
    assert answers[0][1] == ["lab_mismatch"] and "report_not_found" in answers[2][1]
    assert file.counts == {"accepted_changed": 2, "accepted": 1, "rejected": 1} and file.state == FileState.DONE
    for place, was in ((0, graded), (3, mute)):
        issue, said = rows[place].issues[0], sent[place]["Color"]
        assert (issue["header"], issue["raw"], issue["normalised"]) == ("Color", said, was["Color"])
        stone = await stone_of(sessions, was["Stock #"])
        assert (stone.listed, stone.color, stone.supplier_said) == (True, was["Color"], {"color": said})
    assert not (await stone_of(sessions, unknown["Stock #"])).listed
    assert await completing.tick(sessions, later) == 0
    async with sessions() as session:
        said = (await session.scalars(select(Event).where(Event.name == "upload:completed"))).all()
        assert [(one.subject, one.at, one.facts["counts"]) for one in said] == [(file.public_id, later, file.counts)]
        assert len((await session.scalars(select(StockFile))).all()) == 1, "nobody sent anything again"
