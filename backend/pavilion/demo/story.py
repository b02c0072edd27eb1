"""How the demonstration opens: a finished sale, one that runs, one to come, and a next one whenever none runs."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from random import Random  # noqa: TID251 - seeded; plays, guards nothing

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions import rates
from pavilion.auctions.models import Sale
from pavilion.catalogue import importing, jobs, uploads
from pavilion.catalogue.models import Stone
from pavilion.catalogue.upload_models import Mode
from pavilion.demo import (
    after_sale,
    earlier,
    notices,
    outcomes,
    payments,
    people,
    pictures,
    price_lists,
    sales,
    searches,
    shortlists,
    staging,
    stones,
    tenders,
    trades,
    unpaid,
    viewings,
    visits,
)
from pavilion.demo.people import LUMEN, RIVALS, SCHELDT, VAN_DAEL
from pavilion.demo.sales import Bill
from pavilion.kernel.clock import Clock, utc_now
from pavilion.kernel.db import Sessions, reading
from pavilion.provenance import log_wiring, trust_table
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.connecting import in_this_process
from pavilion.provenance.registries.file import SignedFolder
from pavilion.settings import Settings
from pavilion.settlement import jobs as settlement

Told = Callable[[str], None]

LIMIT = 90_000_000  # minor units: USD 900,000.00
RIVAL_LIMITS = dict.fromkeys(RIVALS, 100_000_000)
SEED = 20261122
HALF_FURNISHED = "furnishing"  # the mark in the data folder of a house that is not furnished to its end
LEAD = "lena@pavilion.example"
RATES = {"EUR": "0.92", "GBP": "0.78", "HKD": "7.78", "CNY": "7.12", "INR": "84.5", "ILS": "3.62", "AED": "3.6725",
         "JPY": "151", "CHF": "0.88", "SGD": "1.34"}  # fmt: skip


async def open_house(settings: Settings, sessions: Sessions, now: datetime, told: Told) -> None:
    """The first start fills an empty house; every later one finds it as it was left."""
    async with sessions() as session:
        furnished = await session.scalar(select(func.count(Sale.id)))
    if furnished:
        return
    with _marked(settings.data_dir / HALF_FURNISHED):
        await _furnish(settings, sessions, now, told)


@contextmanager
def _marked(mark: Path) -> Iterator[None]:
    """What is stopped in between, however, leaves its mark."""
    mark.touch()
    yield
    mark.unlink()


async def _furnish(settings: Settings, sessions: Sessions, now: datetime, told: Told) -> None:
    folder = settings.data_dir / "registry"
    told("people and companies")
    async with sessions.begin() as session:
        await people.settle_in(session, now - timedelta(days=30))
        await _rates(session, now - timedelta(days=1))
        await price_lists.take_in(session, now - timedelta(days=1))
        await viewings.furnish(session, now)
    told("stones, each checked against its registry")
    stock = stones.write(settings.data_dir, stones.SAMPLE)
    # The witnesses start with the house; what it is furnished with they see in their first checkpoint.
    signer = LogSigner(log_wiring.signer_of(settings).key)
    await _trust(sessions, folder, now - timedelta(hours=14))
    await _import(sessions, settings, stock, signer, now - timedelta(hours=13))
    await viewings.put_stones(sessions, now)
    await pictures.send(sessions, settings.data_dir, now - timedelta(minutes=2))
    await searches.keep(sessions, now - timedelta(hours=12))
    told("what became of rough, as polishers report it")
    await outcomes.furnish(sessions, now, settings.house_did)
    told("a sale whose winner never paid")
    await unpaid.play(settings, sessions, now)
    told("a sale of some days ago, from which prices are told")
    await earlier.play(settings, sessions, now)
    told("a sale that has ended")
    await _finished(settings, sessions, now)
    told("what its buyers have paid")
    await payments.play(settings, sessions, now)
    told("a sale to come")
    coming = await _upcoming(settings, sessions, now)
    await viewings.send_to_sale(sessions, coming, now)
    await visits.arrange(sessions, coming, now)
    await shortlists.fill(sessions, coming, now)
    told("stones held and bought at fixed prices")
    await trades.play(sessions, now)
    told("a sealed tender, with the key files of its simulated custodians")
    await tenders.hold(settings, sessions, utc_now, LIMIT)
    told("a sale that runs")
    await _running(settings, sessions, utc_now)  # the last: what comes between it and the start is an interruption


async def _rates(session: AsyncSession, now: datetime) -> None:
    """Amounts may be shown in other currencies too, at figures of the demonstration's own."""
    noor, lena = [(await people.actor(session, one)).public_id for one in ("noor@pavilion.example", LEAD)]
    figures, _ = rates.read_rates(RATES)
    facts = {"day": now.date().isoformat(), "source": "Demonstration figures", "rates": figures}
    rates.put(session, facts, str(noor), str(lena), now)


async def _trust(sessions: Sessions, folder: Path, now: datetime) -> None:
    """Two compliance people have read who signs for the registries, and with which key."""
    with closing(SignedFolder(folder)) as registry:
        async with sessions.begin() as session:
            cato, imre = [(await people.actor(session, one)).public_id for one in people.emails("compliance")]
            await trust_table.adopt(
                session,
                trust=registry.trust_rows,
                keys=registry.key_rows,
                proposed_by=str(cato),
                approved_by=str(imre),
                reason="Connected with the simulated registries; invented parties.",
                now=now,
            )


async def _import(sessions: Sessions, settings: Settings, stock: list[Path], log: LogSigner, now: datetime) -> None:
    # The simulators speak from the same signed files; asked here nobody answers too late, however busy the machine is.
    registries = in_this_process(settings.data_dir / "registry")
    try:
        for path in stock:
            async with sessions.begin() as session:
                supplier = await session.scalar(select(Company.id).where(Company.name == SCHELDT))
                assert supplier is not None
                received = await uploads.receive(
                    session,
                    supplier_company_id=supplier,
                    content=path.read_bytes(),
                    filename=path.name,
                    mode=Mode.ADD,
                    profile="none",
                    dry_run=False,
                    by=None,
                    now=now,
                )
                public_id = received.file.public_id
            await importing.run_file(sessions, registries, public_id, lambda: now, log=log)
    finally:
        await registries.close()
    async with sessions.begin() as session:
        for stock_no, picture in stones.pictures().items():
            await session.execute(update(Stone).where(Stone.stock_no == stock_no).values(picture=picture))
    while await jobs.follow_verdicts(sessions, now):
        pass


async def _finished(settings: Settings, sessions: Sessions, now: datetime) -> None:
    opens, closes = now - timedelta(hours=10), now - timedelta(hours=7)
    bill = Bill(
        "Winter Whites", "冬日白钻",
        "Twelve white rounds from one supplier, each with its chain from the mine to the polishing wheel.",
        "十二颗白钻圆形裸石，来自同一供应商，每颗均附由矿山至切磨的完整来源。",
        opens, closes, stagger_s=120,
    )  # fmt: skip
    begun = now - timedelta(hours=11)
    async with sessions() as session:
        chosen = await sales.free_stones(
            session, await people.actor(session, "noor@pavilion.example"), jewels=False, most=12
        )
    sale = await sales.stage(sessions, bill, chosen, begun)
    await sales.register(sessions, sale, {LUMEN: LIMIT, VAN_DAEL: LIMIT, **RIVAL_LIMITS}, begun)
    luck = Random(SEED)  # noqa: S311
    async with staging.stage(settings, sessions, begun, sale) as stage:
        await stage.writer(sale)
        await stage.move_to(sale, opens)
        await stage.leave(sale, lot=7)
        await stage.bid_maximum(sale, LUMEN, lots=(1, 4), share_bp=12_500)
        await stage.bid_maximum(sale, VAN_DAEL, lots=(2,), share_bp=12_000)
        await stage.play(sale, closes - timedelta(minutes=5), timedelta(minutes=6), luck)
        await stage.play_out(sale, timedelta(seconds=20), luck)
        await settlement.bill_sold_lots(sessions, stage.clock.at)
    await after_sale.offer(sessions, sale, VAN_DAEL, now)


async def _running(settings: Settings, sessions: Sessions, clock: Clock) -> None:
    now = clock()
    opens = now - timedelta(hours=2)
    bill = Bill(
        "Spectral IV", "光谱 IV",
        "Fancy colours and coloured stones, with fine whites beside them. The lots close one after another.",
        "彩色钻石与彩色宝石，兼有优质白钻。各件拍品依次截止。",
        opens, now + timedelta(minutes=5), stagger_s=75, breaks=((8, 1800), (16, 7200)),
    )  # fmt: skip
    begun = now - timedelta(hours=3)
    async with sessions() as session:
        noor = await people.actor(session, "noor@pavilion.example")
        chosen = await sales.free_stones(session, noor, jewels=True, most=17)
        chosen += await sales.free_stones(session, noor, jewels=False, most=7)
    sale = await sales.stage(sessions, bill, _mixed(chosen), begun)
    await sales.register(sessions, sale, {LUMEN: LIMIT, VAN_DAEL: LIMIT // 4, **RIVAL_LIMITS}, begun)
    luck = Random(SEED + 1)  # noqa: S311
    async with staging.stage(settings, sessions, begun, sale) as stage:
        await stage.writer(sale)
        await stage.move_to(sale, opens)
        await stage.bid_maximum(sale, LUMEN, lots=(3, 6), share_bp=7_500)
        await stage.play(sale, now - timedelta(minutes=5), timedelta(minutes=5), luck)
        await stage.move_to(sale, clock())


async def _upcoming(settings: Settings, sessions: Sessions, now: datetime) -> str:
    day = (now + timedelta(days=3)).replace(hour=2, minute=0, second=0, microsecond=0)
    bill = Bill(
        "Harbour Rounds", "海港圆钻",
        "Rounds between half a carat and two, offered from Hong Kong.",
        "半克拉至两克拉圆形钻石，于香港拍卖。",
        day, day + timedelta(days=2, hours=6), stagger_s=60,
        zone="Asia/Hong_Kong", city="Hong Kong", entity="HKG",
        options={"viewing_gate": {"gate_bp": 10_000, "lots": "all"}}, words=sales.SAID_OF_LOTS, on_request=(4,),
    )  # fmt: skip
    async with sessions() as session:
        noor = await people.actor(session, "noor@pavilion.example")
        chosen = await sales.free_stones(session, noor, jewels=False, most=20)
    sale = await sales.stage(sessions, bill, chosen, now)
    await sales.register(sessions, sale, RIVAL_LIMITS, now)
    await sales.ask_deposits(sessions, sale, LUMEN, 6, now)
    await sales.register(sessions, sale, {VAN_DAEL: 0}, now)
    async with staging.stage(settings, sessions, now, sale) as stage:
        await stage.writer(sale)
        await notices.raise_estimate(sessions, stage, sale, 1, now)
    return sale


async def next_sale(sessions: Sessions, now: datetime) -> int:
    """Whenever no sale runs, another opens within minutes, for as long as stones with a fresh verdict are left."""
    async with reading(sessions) as session:
        live = select(func.count(Sale.id)).where(Sale.state.in_(("open", "paused")), Sale.type != "tender")
        soon = select(func.count(Sale.id)).where(Sale.state == "published", Sale.opens_at < now + timedelta(hours=1))
        if (await session.scalar(live) or 0) + (await session.scalar(soon) or 0):
            return 0
        noor = await people.actor(session, "noor@pavilion.example")
        chosen = await sales.free_stones(session, noor, jewels=False, most=16)
        number = (await session.scalar(select(func.count(Sale.id))) or 0) + 1
    if len(chosen) < 4:
        return 0
    bill = Bill(
        f"Counter Sale {number}", f"柜台拍卖 {number}",
        "White rounds of the house's stock, closing one after another.",
        "本行库存白钻圆形裸石，逐一结束竞价。",
        now + timedelta(seconds=30), now + timedelta(minutes=12), stagger_s=90,
    )  # fmt: skip
    sale = await sales.stage(sessions, bill, chosen, now)
    await sales.register(sessions, sale, {LUMEN: LIMIT, VAN_DAEL: LIMIT // 4, **RIVAL_LIMITS}, now)
    return 1


def _mixed(chosen: list[str]) -> list[str]:
    """After every two stones of the first part one of the last seven."""
    colours, whites = chosen[:-7], chosen[-7:]
    order: list[str] = []
    for place, stone in enumerate(colours, start=1):
        order.append(stone)
        if place % 2 == 0 and whites:
            order.append(whites.pop(0))
    return order + whites


def welcome(simulators: str, folder: Path, provider: str, program: str) -> list[str]:
    """What a newcomer is told: who can sign in, what to try, and where the simulated registries stand."""
    producers = [("producer", outcomes.FIRST_EMAIL), ("producer", outcomes.PRODUCER_EMAIL)]
    who = [*((one.role, one.email) for one in people.PEOPLE), *producers]
    signs = [f"sign-in: {role} {email} {people.PASSWORD}" for role, email in who]
    tries = [one.format(folder=folder) for one in TRY]
    places = [
        f"simulators: {simulators}/ (withdraw a report there, and see its lot stop)",
        f"partner: {program}/ (a simulated program that the house calls for Lumen; see /account/company/webhooks)",
    ]
    if provider:
        places.append(f"payments: {provider}/ (the simulated provider's desk and bank: send transfers, order faults)")
    return [*signs, *tries, *places]


TRY = (
    "try: as wen@lumen.example read under /mail what she was told (a simulated mail box), and choose under "
    "/account/notifications what she wants to hear",
    "try: as wen@lumen.example enter the saleroom of the running sale and bid; its first lots close within minutes",
    "try: in a second browser bid against her as ilse@vandael.example; simulated rivals bid too (RIVALS=0 stops them)",
    "try: as wen@lumen.example seal a bid in the Quiet Tender; it ends minutes after the start. Open it then on its "
    "page of the opening, once each with two of the three simulated custodians' key files in {folder}/custodians",
    "try: as sam@scheldt.example upload {folder}/sample/new.csv under /stock: "
    "stones not listed yet, some with faults, each row with its answer",
    "try: as noor@pavilion.example build a sale under /staff/sales; lena@pavilion.example approves it",
    "try: as cato@pavilion.example see under /staff/exceptions which stones were refused and why",
    "try: as lea@motse.example report under /outcomes what became of rough, and see under /insight how others cut it",
    "try: as kagiso@kgale.example record a purchase of rough under /outcomes",
    "try: as cato@pavilion.example read /staff/law, and under /staff/trust stop a party for a day; "
    "imre@pavilion.example agrees to end the stop under /staff/proposals",
    "try: as wen@lumen.example choose stones under /viewings, an office and an hour; the invitation is in her mail",
    "try: as vic@pavilion.example open the next working day under /staff/viewings; mei@pavilion.example has Hong Kong",
    "try: as sam@scheldt.example open a stone of his and its position, move the price; as adam@pavilion.example hand "
    "in a price list under /staff/settings/benchmarks; without signing in see /prices and /prices/hues",
    "try: without signing in, read in Harbour Rounds what is said of its first lots, which estimate was changed by a "
    "notice and which is on request; /sales keeps each version of a catalogue",
    "try: without signing in, open any stone under /stones, its passport and /log; verify its bundle under /verify",
    "try: as cato@pavilion.example read under /staff/fairness why two of the simulated rivals look like one",
    "try: as ilse@vandael.example pay her invoice under /desk/invoices, by card up to the ceiling; the page she comes "
    "to is simulated",
    "try: as wen@lumen.example ask there for her own account, and send any part of the sum from the simulated bank at "
    "the address of the payments below",
    "try: as tomas@pavilion.example see the day under /staff/cashier and enter a transfer; lena@pavilion.example "
    "confirms it under /staff/proposals, where one waits for half an hour after the first start",
    "try: as tomas@pavilion.example choose under /staff/defaults what becomes of two lots that were never paid; as "
    "wen@lumen.example answer the offer under /desk/offers",
    "try: as sam@scheldt.example answer under /desk/approaches what a buyer offers for a lot of Winter Whites that "
    "passed; as wen@lumen.example offer for it too, from its page",
    "try: as wen@lumen.example see under /desk/holds and /desk/orders what she holds and bought at fixed prices, and "
    "buy a stone from its page; sam@scheldt.example answers under /stock/orders",
    "try: as vic@pavilion.example hand out and weigh in under /staff/orders/memos what wen@lumen.example has on memo; "
    "sam@scheldt.example answers her next request under /stock/memos",
    "try: as wen@lumen.example take the price that an owner named under /desk/offers, or name another; as "
    "sam@scheldt.example answer her other offer under /stock/offers",
    "try: as tomas@pavilion.example prepare under /staff/releases a stone that is paid; its buyer finds it and its "
    "papers under /desk/stones",
)
