"""A supplier, a registry and a way to import a file to its end."""

import json
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select

from pavilion.catalogue import importing, uploads
from pavilion.catalogue.generating import generate
from pavilion.catalogue.upload_models import Mode, StockFile, StockRow
from pavilion.kernel import db
from pavilion.provenance.log import LogSigner
from pavilion.provenance.registries.asking import Registries
from pavilion.provenance.registries.connecting import in_this_process
from pavilion.provenance.registries.port import Answer, Reason, Status
from tests import make

TABLE = Path(__file__).parents[1] / "data" / "diamonds.csv.gz"


LOG = LogSigner.of("pavilion.test", bytes(range(32)))  # a log that asks no witness


class Ports(NamedTuple):
    registries: object
    log: object = LOG


class Silent(Registries):
    """Registries whose producer does not answer about some stones."""

    def __init__(self, registries, keys):
        super().__init__({})
        self.registries, self.keys = registries, keys

    @property
    def names(self):
        return self.registries.names

    async def ask(self, claim, now):
        producer, *others = await self.registries.ask(claim, now)
        if claim.origin_id in self.keys:
            producer = Answer(producer.registry, Status.UNAVAILABLE, now, reason=Reason.DOWN, mandatory=True)
        return (producer, *others)


def made(diamonds, folder, rows, seed=3, broken_bp=500):
    generate(diamonds, folder, rows=rows, seed=seed, broken_bp=broken_bp)
    return folder


async def supplier(sessions, name="Meridian Diamonds"):
    async with sessions.begin() as session:
        return (await make.company(session, name, "BE")).id


async def send(sessions, company_id, content, *, mode=Mode.ADD, profile="none", dry_run=False, name="stock.csv"):
    async with sessions.begin() as session:
        return await uploads.receive(
            session, supplier_company_id=company_id, content=content, filename=name, mode=mode, profile=profile,
            dry_run=dry_run, by=None, now=make.NOON,
        )  # fmt: skip


async def run(sessions, registry, public_id, **options):
    await importing.run_file(sessions, registry, public_id, lambda: make.NOON, **{"log": LOG} | options)
    return await file_of(sessions, public_id)


async def imported(sessions, company_id, content, registry, **options):
    received = await send(sessions, company_id, content, **options)
    return await run(sessions, registry, received.file.public_id)


async def file_of(sessions, public_id):
    """Looked at without a lock: who asks again and again is not to keep the writer out."""
    async with db.reading(sessions) as session:
        return await session.scalar(select(StockFile).where(StockFile.public_id == public_id))


async def rows_of(sessions, file):
    async with sessions() as session:
        return (await session.scalars(select(StockRow).where(StockRow.file_id == file.id).order_by(StockRow.row))).all()


def registry_of(folder):
    return in_this_process(folder / "registry")


def answers_of(folder):
    return [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]


def told(row):
    """A stored row as the generator foretells it."""
    codes = sorted({issue.get("rule", issue["code"]) for issue in row.issues})
    answer = {"row": row.row, "stock_no": row.stock_no, "outcome": row.outcome, "verdict": row.verdict, "codes": codes}
    return answer | ({"first_row": row.first_row} if row.first_row else {})
