"""The figures and tables of the rules: two persons change them, stones feel it, and old verdicts keep their tables."""

import asyncio
import json
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Proposal
from pavilion.accounts.rules import Role
from pavilion.kernel.errors import BadInput, NotAllowed, StaleVersion
from pavilion.kernel.events import Event
from pavilion.provenance import service, table_changing, table_queries, table_settings, table_versions, trusting
from pavilion.provenance.gathering import evidence_of
from pavilion.provenance.house import ALL, HOUSE, shipped_house, shipped_of
from pavilion.provenance.models import ExposedStone, StoneVerdict, VerdictRecord
from pavilion.provenance.recomputing import recompute
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.file import Fault
from pavilion.provenance.reverifying import Pace, Sweep, follow
from pavilion.provenance.table_models import TableVersion
from pavilion.provenance.tables import shipped
from pavilion.provenance.trust_forms import RowForm
from pavilion.provenance.trust_models import TrustAct, TrustDeed
from tests import make
from tests.make import NOON
from tests.provenance import stones

REASON = "Our scales were calibrated anew."
PACE = Pace(live=timedelta(seconds=10), catalogue=timedelta(hours=30), judged=timedelta(hours=30))
HOUSE_DID = "did:web:pavilion.test"
HANDLERS = {**table_changing.proposal_handlers(HOUSE_DID), **trusting.proposal_handlers(HOUSE_DID)}
SECOND = timedelta(seconds=1)


@pytest.fixture
async def staff(sessions):
    """Two of compliance, and the admin."""
    roles = (Role.COMPLIANCE, Role.COMPLIANCE, Role.ADMIN)
    async with sessions.begin() as session:
        return [await make.actor(session, f"c{n}@pavilion.example", (role,)) for n, role in enumerate(roles)]


async def proposed(sessions, actor, now=NOON, **values):
    async with sessions.begin() as session:
        _, bases = await table_changing.figures_in_force(session)
        said = {name: str(value) for name, value in values.items()}
        made = await table_changing.propose_settings(session, said, bases, reason=REASON, actor=actor, now=now)
        return made.public_id


async def approved(sessions, name, actor, now=NOON):
    async with sessions.begin() as session:
        await accounts.decide(session, proposal_id=name, approve=True, actor=actor, handlers=HANDLERS, now=now)


async def confirmed(sessions, tmp_path, change=lambda events: None):
    events = stones.chain(1)
    change(events)
    registry = stones.registry(tmp_path / "registry", (1, events))
    claim = stones.claim(1)
    async with sessions.begin() as session:
        await service.confirm(session, claims=[claim], registry=registry, now=NOON, log=stones.LOG)
    await Sweep(PACE).tick(sessions, registry, NOON, stones.LOG)
    return registry, claim.stone


async def standing(sessions, stone):
    async with sessions() as session:
        row = await session.get_one(StoneVerdict, stone)
        return row.verdict, row.codes, await session.get(ExposedStone, stone) is not None


async def looked_again(sessions, registry):
    await follow(sessions, NOON + SECOND)
    await Sweep(PACE).tick(sessions, registry, NOON + SECOND, stones.LOG)


async def test_a_tighter_tolerance_takes_a_stone_back_at_the_next_look_and_the_old_verdict_keeps_its_table(
    sessions, staff, tmp_path
):
    registry, stone = await confirmed(sessions, tmp_path)
    assert (await standing(sessions, stone))[::2] == ("verified", True)
    await follow(sessions, NOON)
    await approved(sessions, await proposed(sessions, staff[0], silence_days=1), staff[1])
    async with sessions() as session:
        tables = await table_versions.tables_in_force(session)
        assert tables.limits.silence_days == 1 and await table_versions.tables_in_force(session) is tables
        assert shipped().limits.silence_days == 180
        told = await session.scalar(select(Event).where(Event.name == "table:changed"))
        assert (told.subject, told.facts["sha256"]) == ("limits", tables.sha256["limits"])
    await looked_again(sessions, registry)
    verdict, codes, shown = await standing(sessions, stone)
    assert (verdict, "CU-02" in codes, shown) == ("review", True, False)
    async with sessions() as session:
        rows = (await session.scalars(select(VerdictRecord.document).order_by(VerdictRecord.id))).all()
        hashes = [json.loads(text)["tables"]["limits"] for text in rows]
        assert set(hashes[:-1]) == {shipped().sha256["limits"]} and hashes[-1] == tables.sha256["limits"]
        for text in rows:
            evidence = await evidence_of(session, text.encode())
            assert recompute(text.encode(), *evidence) == text.encode()


async def test_a_grade_that_may_no_longer_be_listed_leaves_the_catalogue_though_it_stays_verified(
    sessions, staff, tmp_path
):
    registry, stone = await confirmed(sessions, tmp_path)
    await follow(sessions, NOON)
    await approved(sessions, await proposed(sessions, staff[0], listed_grades="A"), staff[1])
    await looked_again(sessions, registry)
    verdict, _, shown = await standing(sessions, stone)
    async with sessions() as session:
        told = await session.scalars(select(Event).where(Event.name == "stone:verdict_changed").order_by(Event.id))
        last = told.all()[-1]
        assert await table_versions.ever_listed(session) == {"A", "B"}
    assert (verdict, shown) == ("verified", False)
    assert (last.subject, last.facts["from"], last.facts["to"]) == (stone, "verified", "verified")


async def test_one_person_alone_changes_nothing_and_the_database_sees_to_it(sessions, staff):
    name = await proposed(sessions, staff[0], scale_mct=9)
    with pytest.raises(accounts.SameApprover):
        await approved(sessions, name, staff[0])
    with pytest.raises(NotAllowed):
        await approved(sessions, name, staff[2])
    with pytest.raises(IntegrityError):
        async with sessions.begin() as session:
            alone = {"proposed_by": "one", "approved_by": "one", "at": NOON, "reason": REASON}
            session.add(TableVersion(name="limits", sha256="ab" * 32, document="{}", **alone))


async def test_what_was_put_in_force_can_never_be_rewritten(sessions, staff):
    await approved(sessions, await proposed(sessions, staff[0], scale_mct=9), staff[1])
    with pytest.raises(DBAPIError):
        async with sessions.begin() as session:
            await session.execute(update(TableVersion).values(document="{}"))


async def test_of_two_proposals_about_the_same_table_the_second_is_stale(sessions, staff):
    first = await proposed(sessions, staff[0], scale_mct=9)
    second = await proposed(sessions, staff[1], scale_mct=8)
    said = await asyncio.gather(
        approved(sessions, first, staff[1]), approved(sessions, second, staff[0]), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in said) == ["NoneType", "StaleVersion"]
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(TableVersion)) == 1
        assert (await session.scalars(select(Proposal.state).order_by(Proposal.state))).all() == ["approved", "open"]


async def test_a_form_filled_before_another_change_is_stale(sessions, staff):
    async with sessions() as session:
        _, bases = await table_changing.figures_in_force(session)
    await approved(sessions, await proposed(sessions, staff[0], scale_mct=9), staff[1])
    with pytest.raises(StaleVersion):
        async with sessions.begin() as session:
            await table_changing.propose_settings(
                session, {"scale_mct": "8"}, bases, reason=REASON, actor=staff[0], now=NOON
            )


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("scale_mct", "-1", "setting_no_number"),
        ("scale_mct", "2.5", "setting_no_number"),
        ("scale_mct", "", "setting_no_number"),
        ("scale_mct", "٢", "setting_no_number"),
        ("scale_mct", "9999999", "setting_no_number"),
        ("scale_mct", "51", "setting_out_of_bounds"),
        ("listed_grades", "B", "setting_out_of_bounds"),
        ("in_flight", "0", "setting_out_of_bounds"),
    ],
)
async def test_a_figure_beyond_its_bounds_is_not_even_proposed(sessions, staff, name, text, code):
    with pytest.raises(BadInput) as refused:
        await proposed(sessions, staff[0], **{name: text})
    assert refused.value.facts["fields"] == {name: code}


async def test_what_stands_already_is_no_proposal(sessions, staff):
    with pytest.raises(table_changing.NothingChanged):
        await proposed(sessions, staff[0], scale_mct=2)


@pytest.mark.parametrize("name", [name for name in ALL if name not in table_settings.TABLES])
async def test_every_other_table_is_changed_as_a_whole_and_told_line_by_line(sessions, staff, name):
    document = json.loads(shipped_of(name)) | {"note": "Looked through once more.", "version": "2026-11-30"}
    async with sessions.begin() as session:
        text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
        made = await table_changing.propose(session, name, text, reason=REASON, actor=staff[0], now=NOON)
        assert made.facts["tables"][0]["name"] == name and any(line[0] == "+" for line in made.facts["diff"])
        public_id = made.public_id
    await approved(sessions, public_id, staff[1])
    async with sessions() as session:
        tables = await table_versions.tables_in_force(session)
        assert tables.sha256[name] != shipped().sha256[name]
        assert (await table_versions.bytes_in_force(session, name)).decode() == text
        (line,) = await table_queries.history(session, [name])
        assert line.place is not None and line.version.approved_by == staff[1].public_id


def without(table, *path):
    for step in path[:-1]:
        table = table[step]
    del table[path[-1]]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("kp", lambda t: t["rows"][0].update(cc="be")),
        ("kp", lambda t: t["rows"][0].update(to="2001-01-01")),
        ("kp", lambda t: t.update(more=1)),
        ("kp", lambda t: t.update(version=7)),
        ("kp_mixed", lambda t: t["rows"][0].update({"from": "soon"})),
        ("labs", lambda t: t["labs"]["GIA"].update(number="(")),
        ("labs", lambda t: t["labs"].clear()),
        ("warranties", lambda t: t["rows"][0].update(scope=["all"])),
        ("warranties", lambda t: without(t, "rows", 0, "text_en")),
        ("bands", lambda t: t["shapes"]["RBC"].update(hi=100)),
        ("bands", lambda t: t["default"].update(max=1001)),
        ("bands", lambda t: t["default"].update(lo=True)),
        ("devices", lambda t: t["accepted"].append("accepted")),
        ("devices", lambda t: t.update(accepted="accepted")),
        ("nomenclature", lambda t: t["wording"]["any"]["en"].append(["(", "x"])),
        ("nomenclature", lambda t: without(t, "color")),
        ("nomenclature", lambda t: t.update(clarity=[7])),
    ],
)
async def test_a_table_that_cannot_be_relied_on_is_not_even_proposed(sessions, staff, name, spoil):
    table = json.loads(shipped_of(name))
    spoil(table)
    with pytest.raises(BadInput) as refused:
        async with sessions.begin() as session:
            said = json.dumps(table)
            await table_changing.propose(session, name, said, reason=REASON, actor=staff[0], now=NOON)
    assert refused.value.facts["fields"] == {"document": "table_unreadable"}


async def test_the_admin_sets_how_the_house_works_but_no_rule(sessions, staff, tmp_path):
    registries = Registries.of(stones.registry(tmp_path / "registry", (1, stones.chain(1))))
    with pytest.raises(NotAllowed):
        await proposed(sessions, staff[2], scale_mct=9)
    await approved(sessions, await proposed(sessions, staff[2], in_flight=3, sweep_hours=2), staff[0])
    sweep = Sweep(PACE)
    await sweep.tick(sessions, registries, NOON)
    await table_versions.follow_house(sessions, registries, NOON)
    assert (registries.in_flight, sweep.pace.catalogue) == (3, timedelta(hours=2))
    async with sessions() as session:
        house = await table_versions.house_in_force(session)
        assert (house.in_flight, house.stop_hours) == (3, shipped_house().stop_hours)
        assert await table_versions.tables_in_force(session) is shipped()
        (line,) = await table_queries.history(session, ALL)
    assert [(change.setting.name, change.old, change.new) for change in line.changes] == [
        ("in_flight", 64, 3),
        ("sweep_hours", 24, 2),
    ]
    assert line.version.name == HOUSE and line.place is not None


async def test_a_pending_stone_goes_to_a_person_when_the_house_says_so(sessions, staff, tmp_path):
    silent = stones.registry(tmp_path / "silent")
    silent.fault = Fault.DOWN
    claim = stones.claim(1)
    await approved(sessions, await proposed(sessions, staff[0], pending_hours=1), staff[1])
    for hours, wanted in ((0, "pending"), (1, "review")):
        async with sessions.begin() as session:
            later = NOON + timedelta(hours=hours)
            await service.confirm(session, claims=[claim], registry=silent, now=later, log=stones.LOG)
        assert (await standing(sessions, claim.stone))[0] == wanted


def test_each_figure_has_its_bounds_and_the_shipped_ones_lie_within():
    figures = {**shipped().limits.document(), **shipped_house().document()}
    assert figures.keys() == table_settings.BY_NAME.keys()
    assert all(table_settings.fits(setting, figures[setting.name]) for setting in table_settings.SETTINGS)


async def test_one_persons_stop_of_a_signer_lasts_as_long_as_the_house_says(sessions, staff):
    await approved(sessions, await proposed(sessions, staff[0], stop_hours=2), staff[1])
    async with sessions.begin() as session:
        said = RowForm(issuer="lab", types=["GRADED"], lab="GIA", start="2020-01-01", reason=REASON)
        row = (await trusting.propose_row(session, said, actor=staff[0], now=NOON)).public_id
    await approved(sessions, row, staff[1])
    async with sessions.begin() as session:
        row = await session.scalar(select(TrustAct.row))
        await trusting.stop(session, row, reason=REASON, actor=staff[0], house=HOUSE_DID, now=NOON)
    async with sessions() as session:
        until = await session.scalar(select(TrustAct.until).where(TrustAct.act == TrustDeed.STOP))
    assert until == NOON + timedelta(hours=2)
