"""A price list of the demonstration's own: invented by a rule, so that nobody takes it for a list of the trade."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.catalogue import benchmarks
from pavilion.catalogue.benchmark_sheets import ListRead, Row
from pavilion.demo import people

# A list has one name, as its owner gave it: this one's says in both languages what it is.
OWNER, NAME = "Pavilion demonstration · Pavilion 演示", "Invented list, for demonstration only · 虚构价目表，仅供演示"
BANDS = ((230, 290, 1_800), (300, 390, 2_500), (400, 490, 3_200), (500, 690, 4_600), (700, 890, 6_600),
         (900, 990, 8_800), (1000, 1490, 13_800), (1500, 1990, 19_200), (2000, 2990, 27_000))  # fmt: skip
COLORS = "DEFGHIJ"
CLARITIES = ("IF", "VVS1", "VVS2", "VS1", "VS2", "SI1", "SI2", "I1")


def invented() -> ListRead:
    """Whole dollars per carat of rounds: a tenth less for each colour and a ninth less for each clarity."""
    rows = [
        Row("round", color, clarity, least, most, best * 9**c * 8**q // (10**c * 9**q) * 100)
        for least, most, best in BANDS
        for c, color in enumerate(COLORS)
        for q, clarity in enumerate(CLARITIES)
    ]
    return ListRead(rows, ())


async def take_in(session: AsyncSession, now: datetime) -> None:
    """It stands beside the rounds of the stock, under a name that says what it is."""
    about = benchmarks.Named(OWNER, NAME, (now - timedelta(days=10)).date(), "USD")
    adam = await people.actor(session, people.role_email("admin"))
    await benchmarks.take_in(session, about=about, read=invented(), actor=adam, now=now)
