"""Pages of the suggested order: how the present one stands, what a search finds, and its acceptance."""

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response
from pydantic import Field

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board, ordering, ordering_facts
from pavilion.auctions.board_page import done
from pavilion.auctions.forms import MOST_LOTS, Said, Ulid
from pavilion.auctions.ordering import Suggested
from pavilion.auctions.ordering_facts import Task
from pavilion.kernel.clock import monotonic_s
from pavilion.kernel.db import reading
from pavilion.webkit.deps import Now, Writing
from pavilion.webkit.html import page

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]
LONGEST_S = 60  # no search takes as long: it is ended by its steps, on a machine in trouble by this
MOST_SEEDS = 999_999


class Seed(Said):
    seed: Annotated[int, Field(ge=1, le=MOST_SEEDS)] = 1


class Order(Said):
    """The lots as they were suggested, and the place typed for each."""

    lot: Annotated[list[Ulid], Field(min_length=1, max_length=MOST_LOTS)]
    at: Annotated[list[Annotated[int, Field(ge=1, le=MOST_LOTS)]], Field(max_length=MOST_LOTS)]
    mark: Annotated[str, Field(max_length=64)]


@router.get("/{sale}/ordering")
async def present(request: Request, sale: str, actor: Curator, now: Now) -> Response:
    """How the present order stands."""
    return _page(request, await _task(request, sale, actor, now), None, 0)


@router.post("/{sale}/ordering")
async def search(request: Request, sale: str, said: Annotated[Seed, Form()], actor: Curator, now: Now) -> Response:
    """A better order, if there is one; nothing is stored."""
    task = await _task(request, sale, actor, now)
    until = monotonic_s() + LONGEST_S
    find = partial(ordering.suggest, task.features, task.closes, task.stretches, said.seed)
    found = await to_thread.run_sync(partial(find, over=lambda: monotonic_s() > until))
    return _page(request, task, found, said.seed)


@router.post("/{sale}/ordering/changes")
async def accept(
    request: Request, sale: str, said: Annotated[Order, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    async def act() -> None:
        await ordering_facts.accept(
            session, sale=sale, order=said.lot, places=said.at, mark=said.mark, actor=actor, now=now
        )

    return await done(request, session, sale, actor, now, act)


async def _task(request: Request, sale: str, actor: Actor, now: Now) -> Task:
    """Read and let go: the search that follows holds no connection."""
    async with reading(request.app.state.sessions) as session:
        return await ordering_facts.task_of(session, await board.sale_of(session, sale, drafts=True), actor, now)


def _page(request: Request, task: Task, found: Suggested | None, seed: int) -> Response:
    stood = {lot.lot: place for place, lot in enumerate(task.features, 1)}
    features = {lot.lot: lot for lot in task.features}
    return page(
        request,
        "auctions/ordering.html",
        sale=task.sale,
        task=task,
        found=found,
        seed=seed,
        another=seed % MOST_SEEDS + 1,
        stood=stood,
        before=ordering.terms_of(task.features, task.closes, task.stretches),
        features=features,
        after=[features[lot] for lot in found.order] if found else [],
        most_steps=ordering.STEPS,
    )
