"""Amounts that nothing else in the house spells, looked for in all that leaves the engine's memory."""

import asyncio
import base64
import io
import re
import secrets
import struct
import zipfile
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from sqlalchemy import text

from pavilion.accounts.rules import HOUSE_ROLES, Permission, Role
from pavilion.bidding.exporting import record_of
from pavilion.kernel import db
from pavilion.kernel.canon import canonical
from tests import make
from tests.auctions.world import FIRST_CLOSE
from tests.bidding.house import house
from tests.bidding.served import enter, served
from tests.bidding.test_tender_house import closed as tender_closed
from tests.bidding.test_tender_house import envelope, tender_house
from tests.make import HOUR

LEADING, LOSING, REFUSED = 7_373_739, 903_331, 46_464_649
PLANNED, BUDGET, PASSED, RESERVE, LOWER = 5_454_547, 9_191_917, 412_127, 457_000, 431_000
SEALED = 8_282_827

OF_HOUSE = (
    *("/sales", "/desk/bids", "/staff", "/staff/registrations", "/staff/sales", "/staff/fairness", "/staff/rates"),
    *("/viewings", "/viewings/appointments", "/viewings/waitlist", "/staff/viewings", "/staff/viewings/travel"),
    *("/staff/proposals", "/results", "/results.csv", "/results.xlsx", "/api/v1/results", "/insight"),
)
OF_SALE = (
    *("/sales/{}", "/sales/{}/room", "/sales/{}/plans", "/sales/{}/rules", "/sales/{}/rules.json"),
    *("/sales/{}/record.jsonl", "/sales/{}/registration", "/api/v1/sales/{}/snapshot", "/api/v1/plans?sale={}"),
    *("/sales/{}/opening", "/sales/{}/tender.json", "/staff/sales/{}/tender"),
    *("/staff/sales/{}/console", "/staff/sales/{}/console.json?after=-1", "/staff/sales/{}/requests"),
    *("/staff/sales/{}/report", "/staff/sales/{}/report.csv", "/staff/sales/{}", "/staff/sales/{}/rules"),
)
OF_LOT = ("/lots/{}", "/api/v1/lots/{}/events", "/lots/{}/why")
OF_EVENT = ("/sales/{}/receipts/{}", "/sales/{}/receipts/{}.json", "/sales/{}/receipts/{}.tlog-proof")


GAPS = tuple(gap.encode() for gap in (",", ".", "'", " ", "\u00a0", "\u202f"))


def spelled(secret):
    """As people, programs and packers write it."""
    if isinstance(secret, str):
        raw = bytes.fromhex(secret)
        return {secret.encode(), raw, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}
    whole, cents = divmod(secret, 100)
    grouped = {f"{amount:,}".encode().replace(b",", gap) for amount in (secret, whole) for gap in GAPS}
    return grouped | {b"%d" % secret, b"%d.%02d" % (whole, cents), struct.pack(">q", secret), struct.pack("<q", secret)}


def stands(form, content):
    """Digits count only where they are not part of a longer figure or of a word."""
    if form not in content:
        return False
    if not form.isascii() or not form[:1].isdigit() or len(form) > 12:
        return True
    return re.search(rb"(?<![0-9a-zA-Z])" + re.escape(form) + rb"(?![0-9a-zA-Z])", content) is not None


def found(secrets_by_name, seen):
    """Which secret stands where; `seen` are pairs of a place and its bytes."""
    everything = b"\n".join(content for _, content in seen)  # what stands nowhere in it is looked for in no place
    forms = [(name, form) for name, secret in secrets_by_name.items() for form in spelled(secret) if form in everything]
    return {(name, place) for place, content in seen for name, form in forms if stands(form, content)}


def as_bytes(value):
    return bytes(value) if isinstance(value, bytes | bytearray | memoryview) else str(value).encode()


async def dump(url):
    """Every column of every row of every table."""
    engine = db.create_engine(url)
    listing = {
        "sqlite": "select name from sqlite_master where type = 'table'",
        "postgresql": "select tablename from pg_tables where schemaname = 'public'",
    }[engine.dialect.name]
    cells = {}
    async with engine.connect() as connection:
        for (table,) in (await connection.execute(text(listing))).all():
            for row in (await connection.execute(text(f'select * from "{table}"'))).mappings():
                for column, value in row.items():
                    cells.setdefault((table, column), []).append(as_bytes(value))
    await engine.dispose()
    return [(place, b"\n".join(values)) for place, values in cells.items()]


def unpacked(content):
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return b"\n".join(book.read(name) for name in book.namelist())


async def pages(site, actors, events=(), beside=()):
    """What each of them is answered on every page, program address and download about the sale, and beside it."""
    made, seen = site.house, []
    paths = [
        *beside,
        *(path.format(made.sale) for path in OF_SALE),
        *(path.format(lot) for path in OF_LOT for lot in made.lots),
        *(path.format(made.sale, n) for path in OF_EVENT for n in events),
        *(f"/staff/sales/{made.sale}/lots/{lot}" for lot in made.lots[-1:]),
    ]
    for name, actor in actors.items():
        async with site.browser(actor) as browser:
            for path in paths:
                answer = await browser.get(path)
                assert answer.status_code < 500 or answer.status_code == 503, (name, path)
                seen.append(((name, path), unpacked(answer.content) + str(answer.headers).encode()))
    return seen


async def people(made):
    """A visitor, a rival, the seller and the house's staff: every role on one kind of database, some on the other."""
    some = {Role.LEAD, Role.AUCTIONEER, Role.AUDITOR}
    roles = sorted(HOUSE_ROLES if made.url.startswith("sqlite") else some)
    async with made.sessions.begin() as session:
        staff = {str(role): await make.actor(session, f"{role}@people.example", (role,)) for role in roles}
        seller = await make.actor(session, "seller@people.example", (Role.SUPPLIER,), made.world.supplier)
    return {"visitor": None, "rival": made.buyers[2], "seller": seller, "keeper": made.world.keeper} | staff


@asynccontextmanager
async def log_lines():
    """All that the program logs meanwhile, down to the least."""
    config, lines = structlog.get_config(), io.StringIO()
    try:
        structlog.configure(
            wrapper_class=structlog.make_filtering_bound_logger(0), logger_factory=structlog.WriteLoggerFactory(lines)
        )
        yield lines
    finally:
        structlog.configure(**config)


@asynccontextmanager
async def ears(site, actors):
    """The frames that these people are sent."""
    frames = []

    async def listen(name, socket):
        async for frame in socket:
            frames.append((("frame", name), as_bytes(frame)))

    async with AsyncExitStack() as stack:
        tasks = []
        for name, actor in actors.items():
            socket = await stack.enter_async_context(site.socket((await site.cookie(actor))[0] if actor else ""))
            frames.append((("snapshot", name), as_bytes(await enter(socket, site.house.sale))))
            tasks.append(asyncio.create_task(listen(name, socket)))
        yield frames
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def bid(site, buyer, amount, lot):
    made = site.house
    body = {"max": amount, "currency": "USD", "rules": made.rules, "confirm": amount}
    async with site.browser(made.buyers[buyer]) as browser:
        return (
            await browser.post(
                f"/api/v1/lots/{made.lots[lot]}/bids", json=body, headers={"idempotency-key": secrets.token_hex(16)}
            )
        ).json()


async def plan(site, buyer, lot):
    made = site.house
    body = {
        "sale": made.sale, "lots": [{"lot": made.lots[lot], "max": PLANNED}], "win_at_most": 1, "budget": BUDGET,
        "currency": "USD", "rules": made.rules,
    }  # fmt: skip
    async with site.browser(made.buyers[buyer]) as browser:
        answer = await browser.post("/api/v1/plans", json=body, headers={"idempotency-key": secrets.token_hex(16)})
    assert answer.status_code == 201, answer.text


async def lower(site, lot):
    """A second person is asked for a lower reserve; until then it waits."""
    made = site.house
    said = {"act": "lower_reserve", "lot": made.lots[lot], "amount": f"{LOWER // 100}", "reason": "seller"}
    async with site.browser(made.world.keeper) as browser:
        headers = {"accept": "application/json", "origin": site.origin}
        answer = await browser.post(f"/staff/sales/{made.sale}/acts", data=said, headers=headers)
    assert answer.json()["result"] == "proposed", answer.text


def amiss(places, keepers=frozenset()):
    """But for the reserves on the pages of those who are given the right to see them."""
    return {(name, at) for name, at in places if name != "reserve" or at[0] not in keepers}


def test_the_search_finds_what_it_looks_for():
    said = {"amount": LEADING, "nonce": "ab" * 32}
    nonce = bytes.fromhex(said["nonce"])
    for text_form in ("7373739", "7,373,739", "$73,737.39", "73.737,39 €", "73737.39", "73\u00a0737", '"max":7373739}'):
        assert found(said, [("page", text_form.encode())]) == {("amount", "page")}
    assert found(said, [("row", b"xx" + LEADING.to_bytes(8, "big"))]) == {("amount", "row")}
    for form in (nonce, nonce.hex().encode(), base64.b64encode(nonce), base64.urlsafe_b64encode(nonce)):
        assert found(said, [("row", b"xx" + form)]) == {("nonce", "row")}
    assert found(said, [("page", b"17373739 7373738 737,373.90")]) == set()


async def test_no_maximum_nonce_or_reserve_is_read_outside_the_engine(database_url, sessions, capfd, caplog):
    """While lots are open nothing is said of them; afterwards the record opens what lost, and nothing else."""
    reserve, increments = {2: RESERVE}, [[0, 1000]]
    async with (
        log_lines() as lines,
        house(database_url, sessions, 3, reserve=reserve, increments=increments) as made,
    ):
        actors = await people(made)
        async with served(made) as site:
            watching = {name: actors[name] for name in ("rival", "lead", "auctioneer")}
            async with ears(site, watching) as frames:
                first = await bid(site, 0, LEADING, 0)
                second = await bid(site, 1, LOSING, 0)
                refused = await bid(site, 1, REFUSED, 2)
                await bid(site, 1, PASSED, 2)
                assert (first["state"], second["state"], refused["code"]) == ("winning", "outbid", "over_limit")
                await plan(site, 0, 1)
                await lower(site, 2)
                book = made.rooms.engine.writers[made.sale].book
                hidden = {
                    "leading": LEADING, "losing": LOSING, "refused": REFUSED, "passed": PASSED, "planned": PLANNED,
                    "budget": BUDGET, "reserve": RESERVE, "lower": LOWER,
                }  # fmt: skip
                nonces = {f"nonce {given.n}": given.opening.nonce for given in book.given.values()}
                own = {given.n: given.opening.amount for given in book.given.values()}
                nonces["reserve's nonce"] = next(lot.reserve_nonce for lot in book.lots.values() if lot.reserve_nonce)
                assert set(own.values()) == {LEADING, LOSING, REFUSED, PASSED, PLANNED}
                seen = await pages(site, actors, list(own)[:1], OF_HOUSE)
                await made.until(lambda: any(b"bid.accepted" in frame for _, frame in frames))
            seen += frames + await dump(database_url)
            keepers = {name for name, actor in actors.items() if actor and actor.may(Permission.RESERVE_SEE)}
            places = found(hidden | nonces, seen)
            assert amiss(places, keepers) == set()
            assert any(name == "reserve" for name, _ in places), "its keepers are shown the reserve"
        made.clock.at = FIRST_CLOSE + HOUR
        await made.until(lambda: made.sale not in made.rooms.engine.writers, 20)
        async with served(made) as site:
            seen = await pages(site, {name: actors[name] for name in ("visitor", "rival", "lead")}, events=own)
        async with sessions() as session:
            record = b"".join(await record_of(session, made.sale, made.rooms.verifier, made.clock.at))
        seen += [("export", record), *await dump(database_url)]
        lost = {"losing", *(f"nonce {n}" for n, amount in own.items() if amount == LOSING)}
        reach = {name: secret for name, secret in (hidden | nonces).items() if name not in lost}
        assert amiss(found(reach, seen)) == set()
        assert found({"losing": LOSING}, [("export", record)]), "the record opens what lost"
    logged = [("log", (lines.getvalue() + caplog.text + "".join(capfd.readouterr())).encode())]
    assert b"request" in logged[0][1] and found(hidden | nonces, logged) == set()


async def test_no_sealed_amount_is_read_before_the_opening(database_url, sessions, capfd, caplog):
    async with log_lines() as lines, tender_house(database_url, sessions) as made:
        actors = await people(made)
        few = {name: actors[name] for name in ("visitor", "rival", "lead", "auctioneer")}
        async with served(made) as site:
            async with (
                ears(site, {name: few[name] for name in ("rival", "lead")}) as frames,
                site.browser(made.buyers[0]) as buyer,
            ):
                sealed = await envelope(made, 0, SEALED)
                answer = await buyer.post(
                    f"/api/v1/lots/{made.lots[0]}/envelopes",
                    content=canonical(sealed.document()),
                    headers={"idempotency-key": sealed.key},
                )
                assert answer.status_code == 201
                receipt = await buyer.get(answer.json()["receipt"] + ".json")
                await made.until(lambda: any(b'"batch"' in frame for _, frame in frames))
                seen = await pages(site, few | {"bidder": made.buyers[0]}, [answer.json()["n"]])
            seen += [*frames, ("answer", answer.content), ("receipt", receipt.content)]
            await tender_closed(made)
            seen += await pages(site, {"rival": few["rival"], "lead": few["lead"]})
        seen += await dump(database_url)
    seen.append(("log", (lines.getvalue() + caplog.text + "".join(capfd.readouterr())).encode()))
    assert found({"sealed": SEALED}, seen) == set()
