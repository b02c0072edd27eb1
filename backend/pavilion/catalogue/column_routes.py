"""A reader chooses the columns of the table of stones, and the price list that stones are set against."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from pavilion.accounts.deps import CurrentActor
from pavilion.catalogue import benchmarks, table_columns
from pavilion.kernel.ids import is_ulid
from pavilion.webkit.deps import Now, Writing
from pavilion.webkit.html import safe_back

router = APIRouter(tags=["columns"])

YEAR_S = 31_536_000

Columns = Annotated[list[str], Form(default_factory=list, max_length=len(table_columns.COLUMNS))]


@router.post("/stones/columns")
async def choose(
    request: Request,
    actor: CurrentActor,
    session: Writing,
    now: Now,
    column: Columns,
    back: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """A person finds the choice again wherever he signs in, a visitor in this browser."""
    chosen = table_columns.known(column)
    answer = RedirectResponse(safe_back(back, "/stones?view=table"), status_code=303)
    if actor.person_id is not None:
        await table_columns.choose(session, actor.person_id, chosen, now)
        return answer
    secure = request.app.state.settings.secure
    text = ".".join(chosen)
    answer.set_cookie(table_columns.COOKIE, text, max_age=YEAR_S, samesite="lax", httponly=True, secure=secure)
    return answer


@router.post("/stones/price-list")
async def choose_list(
    request: Request,
    price_list: Annotated[str, Form(max_length=26)] = "",
    back: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """In this browser; a list that counts no more is as none chosen."""
    answer = RedirectResponse(safe_back(back, "/stones"), status_code=303)
    chosen = price_list if is_ulid(price_list) else benchmarks.NO_LIST
    secure = request.app.state.settings.secure
    answer.set_cookie(benchmarks.COOKIE, chosen, max_age=YEAR_S, samesite="lax", httponly=True, secure=secure)
    return answer
