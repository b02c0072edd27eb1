"""The desk's verbs play the public vectors, and stories of our own, on both databases."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from pavilion.viewings import vectors
from pavilion.viewings.models import Appointment, Claim
from tests.viewings.stories import EARLY, NINE, STORIES, TEN, book, setup, then

PUBLIC = Path(__file__).parents[1] / "vectors" / "claims.jsonl"


async def played(sessions, given):
    """What the desk answers in a transaction that is taken back, and the rows it had."""
    async with sessions() as session:
        said = await vectors.play(session, given)
        claims, appointments = [await session.scalar(select(func.count()).select_from(t)) for t in (Claim, Appointment)]
        await session.rollback()
    return said, claims, appointments


async def test_our_stories_hold_on_both_databases(sessions):
    wrong = {}
    for name, (house, told) in STORIES.items():
        said, _, _ = await played(sessions, {"setup": house, "ops": [op for op, _ in told]})
        if (fault := vectors.compare(said, [answer for _, answer in told])) is not None:
            wrong[name] = fault
    assert wrong == {}


async def test_the_public_vectors_hold_on_a_server_too(postgres_sessions):
    """On SQLite they are played from the command line (tests/test_conformance.py)."""
    wrong = {}
    for line in map(json.loads, PUBLIC.read_text("utf-8").splitlines()):
        said, _, _ = await played(postgres_sessions, line["input"])
        if (fault := vectors.compare(said, line["expect"])) is not None:
            wrong[line["id"]] = fault
    assert wrong == {}


async def test_what_is_refused_leaves_no_row(sqlite_sessions):
    house, told = STORIES["bad input is named and nothing is taken"]
    bad = [op for op, answer in told if answer["code"] != "ok" and op["ref"] != "o"]
    said, claims, appointments = await played(sqlite_sessions, {"setup": house, "ops": bad})
    assert (claims, appointments) == (0, 0) and all(one["code"] != "ok" for one in said)


async def test_the_rows_of_a_viewing_are_those_of_the_specification(sqlite_sessions):
    ops = [book("a", start=NINE, end="2026-03-16T09:10:00Z", stones=["S1"], party=2, visitors=["Ada"]),
           then("look", "a", EARLY)]  # fmt: skip
    async with sqlite_sessions() as session:
        await vectors.play(session, {"setup": setup({"before": 5, "after": 10}), "ops": ops})
        rows = (await session.execute(select(Claim.resource, Claim.quantum, Claim.appointment_id))).all()
        company, person = (await session.execute(select(Appointment.company_id, Appointment.id))).one()
        await session.rollback()
    nine = 1773651600 // 300
    core = range(nine, nine + 2)
    wanted = {(f"{thing}:f", q) for thing in ("desk:A3", "stone:S1") for q in range(nine - 1, nine + 2)}
    wanted |= {(f"{thing}:t", q) for thing in ("desk:A3", "stone:S1") for q in range(nine, nine + 4)}
    counters = ("seat:R1:1", "seat:R1:2", "roomco:R1:1", f"company:{company}:1", "visitor:p1")
    wanted |= {(name, q) for name in counters for q in core}
    assert {(resource, quantum) for resource, quantum, _ in rows} == wanted
    assert all((owner is None) == resource.startswith("roomco") for resource, _, owner in rows)
    assert {owner for _, _, owner in rows} == {None, person}


@pytest.mark.parametrize(
    ("said", "expect", "fault"),
    [
        ([{"code": "ok"}], [{"code": "ok"}], None),
        ([{"code": "ok", "offers": ["a"]}], [{"code": "ok"}], "op 1: expected no offers got ['a']"),
        ([{"code": "ok"}], [{"code": "no"}], "op 1: expected code no got ok (ok)"),
        ([], [{"code": "ok"}], "expected 1 answers got 0"),
    ],
)
def test_a_difference_is_named(said, expect, fault):
    assert vectors.compare(said, expect) == fault


def test_a_line_that_differs_says_so():
    given = {"setup": setup(), "ops": [book("a"), book("b", start=NINE, end=TEN)]}
    assert vectors.check({"input": given, "expect": [{"code": "ok"}, {"code": "ok"}]}).startswith("op 2: expected code")
