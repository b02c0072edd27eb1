"""Which columns of the table of stones a reader has chosen: a person by account, a visitor by cookie."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.rules import Actor
from pavilion.catalogue.column_models import ChosenColumns
from pavilion.kernel.db import inserting

COOKIE = "columns"
COLUMNS = (
    *("weight", "color", "clarity", "cut", "polish", "symmetry", "fluor", "size", "depth", "table", "lab", "report"),
    *("ppc", "total", "against", "list", "mine", "now"),
)
USUAL = ("weight", "clarity", "cut", "lab", "ppc", "total", "against", "mine", "now")
PRICED = frozenset({"ppc", "total", "against", "list"})


def offered(*, prices: bool, against: bool = False) -> list[str]:
    """`against`: stones are set against a price list."""
    seen = [column for column in COLUMNS if prices or column not in PRICED]
    return [column for column in seen if against or column != "against"]


def known(named: Iterable[str]) -> list[str]:
    """Those that there are, in the order of the table; the usual ones when there is none."""
    chosen = set(named)
    return [column for column in COLUMNS if column in chosen] or list(USUAL)


async def of_reader(session: AsyncSession, actor: Actor, cookie: str) -> list[str]:
    own = await session.get(ChosenColumns, actor.person_id) if actor.person_id is not None else None
    return known(own.columns if own is not None else cookie[:400].split("."))


async def choose(session: AsyncSession, person_id: int, columns: Sequence[str], now: datetime) -> None:
    said = {"columns": list(columns), "at": now}
    row = inserting(session, ChosenColumns).values(person_id=person_id, **said)
    await session.execute(row.on_conflict_do_update(index_elements=["person_id"], set_=said))
