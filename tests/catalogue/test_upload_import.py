"""A stock file is imported row by row: stored, its origin confirmed, answered."""

import asyncio
import gzip
from functools import partial

import pytest
from sqlalchemy import func, select, update

from pavilion.catalogue import importing, service, uploads
from pavilion.catalogue.breaking import FAULTS
from pavilion.catalogue.models import CommitmentKind, Stone
from pavilion.catalogue.upload_models import FileState, Mode, StockContent, StockFile, StockRow
from pavilion.kernel.errors import ActNotAllowed, BadInput
from pavilion.kernel.sheet import Limits
from pavilion.provenance.models import StoneVerdict
from tests import make
from tests.catalogue import upload_world as world


@pytest.fixture(scope="session")
def diamonds(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "diamonds.csv"
    path.write_bytes(gzip.decompress(world.TABLE.read_bytes()))
    return path


@pytest.fixture(scope="session")
def forty(diamonds, tmp_path_factory):
    """Forty stones, all in order."""
    return world.made(diamonds, tmp_path_factory.mktemp("forty"), rows=40, broken_bp=0)


async def stones(sessions):
    async with sessions() as session:
        return (await session.scalars(select(Stone).order_by(Stone.id))).all()


def lines(folder):
    return (folder / "stock.csv").read_text("utf-8").splitlines()


def file_of(head, *rows):
    return "\n".join([head, *rows]).encode()


async def answered_as_foretold(sessions, folder):
    company = await world.supplier(sessions)
    file = await world.imported(sessions, company, (folder / "stock.csv").read_bytes(), world.registry_of(folder))
    foretold = world.answers_of(folder)
    assert file.state == FileState.DONE and file.done == file.received == len(foretold)
    told = [world.told(row) for row in await world.rows_of(sessions, file)]
    assert told == [{key: value for key, value in answer.items() if key != "broken"} for answer in foretold]


async def test_two_thousand_stones_are_answered_as_foretold(sqlite_sessions, diamonds, tmp_path):
    await answered_as_foretold(sqlite_sessions, world.made(diamonds, tmp_path, rows=2000, broken_bp=2000))


async def test_three_hundred_stones_are_answered_as_foretold_on_postgresql(postgres_sessions, diamonds, tmp_path):
    await answered_as_foretold(postgres_sessions, world.made(diamonds, tmp_path, rows=300, seed=5, broken_bp=4000))


def test_the_generator_makes_the_same_bytes_again(diamonds, tmp_path):
    one, two = (world.made(diamonds, tmp_path / name, rows=120) for name in ("one", "two"))
    for path in one.rglob("*.*"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()


def test_every_fault_is_planted_and_foretold(diamonds, tmp_path):
    folder = world.made(diamonds, tmp_path, rows=400, broken_bp=6000)
    assert {answer["broken"] for answer in world.answers_of(folder)} == {None, *(fault.name for fault in FAULTS)}


async def test_only_verified_stones_are_listed_and_carry_what_their_chain_says(sessions, diamonds, tmp_path):
    folder = world.made(diamonds, tmp_path, rows=60, broken_bp=5000)
    company = await world.supplier(sessions)
    file = await world.imported(sessions, company, (folder / "stock.csv").read_bytes(), world.registry_of(folder))
    verified = {row.stone for row in await world.rows_of(sessions, file) if row.verdict == "verified"}
    found = await stones(sessions)
    assert {stone.public_id for stone in found if stone.listed} == verified
    listed = next(stone for stone in found if stone.listed)
    assert listed.mine and listed.producer and listed.mine_country and listed.cutter_name and listed.rough_weight_mct


async def test_the_mixed_file_of_ten_rows(sessions, forty):
    """Six accepted, one with a warning, one duplicate, one rejected, one whose registry is silent."""
    head, *rows = lines(forty)
    clean = [row for row, answer in zip(rows, world.answers_of(forty), strict=True) if answer["outcome"] == "accepted"]
    warned = clean[6].split(",")
    warned[head.split(",").index("Report Date")] = "soon"
    rejected = clean[7].split(",")
    rejected[head.split(",").index("Shape")] = "Zebra"
    ten = file_of(head, *clean[:6], ",".join(warned), clean[0], ",".join(rejected), clean[8])
    silent = clean[8].split(",")[head.split(",").index("Origin ID")]
    company = await world.supplier(sessions)
    file = await world.imported(sessions, company, ten, world.Silent(world.registry_of(forty), {silent}))
    assert file.counts == {
        "accepted": 6,
        "accepted_with_warnings": 1,
        "duplicate_in_file": 1,
        "rejected": 1,
        "pending_origin": 1,
    }


async def test_the_same_file_again_is_the_same_answer(sessions, forty):
    company = await world.supplier(sessions)
    content = (forty / "stock.csv").read_bytes()
    first = await world.send(sessions, company, content)
    again = await world.send(sessions, company, content)
    other_mode = await world.send(sessions, company, content, mode=Mode.REPLACE)
    assert (first.repeated, again.repeated, again.file.id == first.file.id) == (False, True, True)
    assert other_mode.file.id != first.file.id


async def test_a_file_sent_in_other_clothes_changes_nothing(sessions, forty):
    company, registry = await world.supplier(sessions), world.registry_of(forty)
    content = (forty / "stock.csv").read_bytes()
    await world.imported(sessions, company, content, registry)
    before = [(stone.seq, stone.updated_at) for stone in await stones(sessions)]
    file = await world.imported(sessions, company, content + b"\r\n\r\n", registry)
    assert set(file.counts) == {"unchanged"} or file.counts["unchanged"] == 40 - file.counts.get("review", 0)
    assert [(stone.seq, stone.updated_at) for stone in await stones(sessions)] == before


class Died(Exception):
    pass


async def test_an_import_that_died_goes_on_after_its_last_batch(sessions, forty):
    company = await world.supplier(sessions)
    content = (forty / "stock.csv").read_bytes()
    sent = (await world.send(sessions, company, content)).file

    def dies_after_twenty(file):
        if file.done == 20:
            raise Died

    with pytest.raises(Died):
        await world.run(sessions, world.registry_of(forty), sent.public_id, batch=10, told=dies_after_twenty)
    half = await world.file_of(sessions, sent.public_id)
    assert (half.state, half.done, len(await world.rows_of(sessions, half))) == (FileState.RUNNING, 20, 20)
    whole = await world.run(sessions, world.registry_of(forty), sent.public_id, batch=10)
    rows = await world.rows_of(sessions, whole)
    assert (whole.state, whole.done, [row.row for row in rows]) == (FileState.DONE, 40, list(range(2, 42)))
    assert sum(whole.counts.values()) == 40 and len(await stones(sessions)) == 40


async def test_two_runners_of_one_file_do_not_both_go_on(sessions, forty):
    company = await world.supplier(sessions)
    sent = (await world.send(sessions, company, (forty / "stock.csv").read_bytes())).file
    both = [world.run(sessions, world.registry_of(forty), sent.public_id, batch=7) for _ in range(2)]
    ended = await asyncio.gather(*both, return_exceptions=True)
    assert all(isinstance(end, importing.Overtaken | StockFile) for end in ended)
    await world.run(sessions, world.registry_of(forty), sent.public_id)
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(StockRow)) == 40
    assert (await world.file_of(sessions, sent.public_id)).done == 40


async def test_the_worker_imports_what_was_queued(sessions, forty):
    company = await world.supplier(sessions)
    sent = (await world.send(sessions, company, (forty / "stock.csv").read_bytes())).file
    ports = world.Ports(world.registry_of(forty))
    assert await importing.tick(sessions, ports, make.NOON) == 1
    assert (await world.file_of(sessions, sent.public_id)).state == FileState.DONE
    assert await importing.tick(sessions, ports, make.NOON) == 0


async def test_an_import_that_fails_is_tried_again_later_and_loses_nothing(sessions, forty, monkeypatch):
    company = await world.supplier(sessions)
    sent = (await world.send(sessions, company, (forty / "stock.csv").read_bytes())).file

    async def fails(*_args, **_more):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(importing.service, "store_stones", fails)
        with pytest.raises(RuntimeError):
            await importing.tick(sessions, world.Ports(world.registry_of(forty)), make.NOON)
    half = await world.file_of(sessions, sent.public_id)
    assert (half.state, half.done) == (FileState.RUNNING, 0)
    ports = world.Ports(world.registry_of(forty))
    assert await importing.tick(sessions, ports, make.NOON) == 0  # not before its time
    assert await importing.tick(sessions, ports, make.NOON + make.HOUR) == 1
    assert (await world.file_of(sessions, sent.public_id)).done == 40


async def test_a_file_with_a_file_level_fault_applies_nothing(sessions, forty):
    company = await world.supplier(sessions)
    file = await world.imported(sessions, company, b"Shape,Price\nRBC,100\n", world.registry_of(forty))
    codes = [issue["code"] for issue in file.file_issues]
    assert file.state == FileState.STOPPED and codes[0] == "ambiguous_header" and "header_missing" in codes
    assert await stones(sessions) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_file_with_too_many_cells_stores_and_withdraws_nothing(sessions, forty, monkeypatch):
    """Its first rows are in order and would have filled several batches; in whatever way it is sent."""
    company, registry = await world.supplier(sessions), world.registry_of(forty)
    head, *rows = lines(forty)
    await world.imported(sessions, company, file_of(head, *rows[:20]), registry)
    before = [(stone.stock_no, stone.seq, stone.withdrawn_at) for stone in await stones(sessions)]
    content = file_of(head, *rows[15:])
    filled = sum(cell != "" for line in content.decode().splitlines() for cell in line.split(","))
    limited = partial(importing.open_stock, limits=Limits(cells=filled - 1))
    monkeypatch.setattr(importing, "open_stock", limited)
    for mode, dry_run in [*((mode, False) for mode in Mode), (Mode.ADD, True)]:
        sent = (await world.send(sessions, company, content, mode=mode, dry_run=dry_run)).file
        file = await world.run(sessions, registry, sent.public_id, batch=5)
        assert (file.state, file.done, file.withdrawn_by_replace) == (FileState.STOPPED, 0, 0)
        assert file.file_issues == [{"code": "too_many_cells", "facts": {"limit": f"{filled - 1:,}"}}]
        assert await world.rows_of(sessions, file) == []
    assert [(stone.stock_no, stone.seq, stone.withdrawn_at) for stone in await stones(sessions)] == before
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(StoneVerdict)) == len(before) == 20


async def test_text_that_no_database_takes_is_a_rows_fault_not_the_files(sessions, forty):
    head, *rows = lines(forty)
    cells = rows[0].split(",")
    cells[0], cells[19] = "AB\0C", "Ant\0werp" + "x" * 90
    blank = "\n" * 5000  # past the part that is looked at to tell a table from a picture
    content = f"{head}\n{rows[1]}\n{blank}{','.join(cells)}\n".encode()
    company = await world.supplier(sessions)
    file = await world.imported(sessions, company, content, world.registry_of(forty))
    rows = await world.rows_of(sessions, file)
    assert (file.state, len(rows), rows[1].stock_no) == (FileState.DONE, 2, "ABC")


async def test_a_dry_run_answers_and_stores_nothing(sessions, forty):
    company = await world.supplier(sessions)
    content = (forty / "stock.csv").read_bytes()
    file = await world.imported(sessions, company, content, world.registry_of(forty), dry_run=True)
    assert file.done == 40 and file.counts["accepted"] > 30
    assert await stones(sessions) == []
    async with sessions() as session:
        assert await session.scalar(select(func.count()).select_from(StoneVerdict)) == 0


async def test_a_report_that_another_member_lists_is_told_so(sessions, forty):
    content = (forty / "stock.csv").read_bytes()
    first, second = await world.supplier(sessions), await world.supplier(sessions, "Other Diamonds")
    accepted = (await world.imported(sessions, first, content, world.registry_of(forty))).counts
    file = await world.imported(sessions, second, content, world.registry_of(forty))
    listed = sum(accepted.get(outcome, 0) for outcome in ("accepted", "accepted_with_warnings"))
    assert file.counts["duplicate_of_other_supplier"] == listed


async def test_an_update_changes_what_it_names_and_nothing_else(sessions, forty):
    company, registry = await world.supplier(sessions), world.registry_of(forty)
    await world.imported(sessions, company, (forty / "stock.csv").read_bytes(), registry)
    before = {stone.stock_no: stone for stone in await stones(sessions)}
    one = next(iter(before))
    change = f"Stock #,$/ct,City,Fluorescence,Shade,Report Date\n{one},5000,,-,Yellow,-\nPV-9999999,4000,,,,\n".encode()
    file = await world.imported(sessions, company, change, registry, mode=Mode.UPDATE)
    rows = await world.rows_of(sessions, file)
    assert [row.outcome for row in rows] == ["accepted", "rejected"]
    assert rows[1].issues[0]["code"] == "unknown_value"
    after = {stone.stock_no: stone for stone in await stones(sessions)}
    assert len(after) == 40 and after[one].price_per_carat_minor == 500_000
    assert after[one].price_total_minor == 500 * after[one].weight_mct
    assert (after[one].city, after[one].fluor_intensity) == (before[one].city, None)
    assert before[one].report_date and (after[one].shade, after[one].report_date) == ("yellow", None)
    others = [name for name in after if name != one]
    assert all(after[name].seq == before[name].seq for name in others)


async def test_replace_withdraws_what_is_missing_and_keeps_what_is_promised(sessions, forty):
    company, registry = await world.supplier(sessions), world.registry_of(forty)
    head, *rows = lines(forty)
    await world.imported(sessions, company, file_of(head, *rows), registry)
    listed = [stone for stone in await stones(sessions) if stone.listed]
    promised = listed[-1]
    async with sessions.begin() as session:
        await service.commit_stone(
            session, stone=promised.public_id, kind=CommitmentKind.IN_SALE, ref="0" * 26, facts={}, by=None,
            now=make.NOON,
        )  # fmt: skip
    gone = {listed[0].stock_no, listed[1].stock_no, promised.stock_no}
    unreadable = listed[2].stock_no
    kept = [
        row.replace(",Natural,", ",CVD,") if row.startswith(unreadable) else row
        for row in rows
        if row.split(",")[0] not in gone
    ]
    file = await world.imported(sessions, company, file_of(head, *kept), registry, mode=Mode.REPLACE)
    withdrawn = {stone.stock_no for stone in await stones(sessions) if stone.withdrawn_at}
    assert withdrawn == gone - {promised.stock_no} and file.withdrawn_by_replace == 2
    (issue,) = file.file_issues
    assert (issue["code"], issue["facts"]) == ("replace_hits_reserved", {"n": 1, "stock_nos": [promised.stock_no]})
    assert file.counts["rejected"] == 1  # named, though unreadable: not missing


async def test_replace_beyond_thirty_percent_waits_for_the_number(sessions, forty):
    company, registry = await world.supplier(sessions), world.registry_of(forty)
    head, *rows = lines(forty)
    await world.imported(sessions, company, file_of(head, *rows), registry)
    sent = (await world.send(sessions, company, file_of(head, *rows[:20]), mode=Mode.REPLACE)).file
    ports = world.Ports(registry)
    await importing.tick(sessions, ports, make.NOON)  # the first file's own job, done already
    await importing.tick(sessions, ports, make.NOON)
    waiting = await world.file_of(sessions, sent.public_id)
    assert (waiting.state, waiting.done) == (FileState.WAITING, 0)
    assert waiting.file_issues[0] == {
        "code": "replace_would_withdraw_over_30_percent",
        "facts": {"n": 20, "total": 40},
    }
    async with sessions.begin() as session:
        file = await session.get_one(StockFile, waiting.id)
        with pytest.raises(BadInput):
            await uploads.confirm(session, file=file, number=19, by=None, now=make.NOON)
        await uploads.confirm(session, file=file, number=20, by=None, now=make.NOON)
    async with sessions.begin() as session:
        with pytest.raises(ActNotAllowed):
            file = await session.get_one(StockFile, waiting.id)
            await uploads.confirm(session, file=file, number=20, by=None, now=make.NOON)
    await importing.tick(sessions, ports, make.NOON)
    done = await world.file_of(sessions, sent.public_id)
    assert (done.state, done.withdrawn_by_replace) == (FileState.DONE, 20)


async def test_a_meaning_chosen_once_is_kept_and_the_file_read_again(sessions, forty):
    company, registry = await world.supplier(sessions), world.registry_of(forty)
    head, *rows = lines(forty)
    cells = rows[0].split(",")
    cells[head.split(",").index("Shape")] = "R"
    file = await world.imported(sessions, company, file_of(head, ",".join(cells)), registry)
    assert file.counts == {"rejected": 1}
    async with sessions.begin() as session:
        stored = await session.get_one(StockFile, file.id)
        with pytest.raises(BadInput):
            await uploads.choose(
                session, file=stored, column="shape", word="R", meaning="zebra", by=None, now=make.NOON
            )
        again = await uploads.choose(
            session, file=stored, column="shape", word="R", meaning="round", by=None, now=make.NOON
        )
    second = await world.run(sessions, registry, again.file.public_id)
    assert (second.mapping_version, second.counts) == (1, {"accepted": 1})


async def test_a_stock_file_may_not_be_altered(sessions, forty):
    company = await world.supplier(sessions)
    file = (await world.send(sessions, company, b"Stock #\nA\n")).file
    async with sessions() as session:
        with pytest.raises(Exception, match="append"):
            await session.execute(
                update(StockContent).where(StockContent.sha256 == file.sha256).values(content=b"other")
            )
