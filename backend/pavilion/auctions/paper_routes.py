"""The printed catalogue of a published sale, for anybody."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from pavilion.auctions import board, papers
from pavilion.webkit import limits
from pavilion.webkit.deps import Now, Reading
from pavilion.webkit.html import page

router = APIRouter(tags=["catalogue"])

Id = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,40}$")]
ASKED = 30  # a minute from one address: each question reads the whole list


@router.get("/sales/{sale}/catalogue.pdf")
async def catalogue(
    request: Request,
    sale: Id,
    session: Reading,
    now: Now,
    lang: Annotated[Literal["en", "zh", "both"], Query()] = "en",
) -> Response:
    """The bytes, or a page that waits while they are made."""
    row = await board.sale_of(session, sale)
    await limits.take(request, "catalogue", sale, per_minute=ASKED)
    lang = lang if len(row.langs) > 1 else "en" if "en" in row.langs else "zh"  # what there is of it
    state = request.app.state
    asked = await papers.wanted(session, row, lang, house=state.settings.public_url, tongues=state.pages.tongues)
    made = await papers.printed(session, asked.sha256)
    if made is not None:
        name = f'inline; filename="pavilion-{sale}-{lang}.pdf"'
        headers = {"content-disposition": name, "etag": f'"{asked.sha256}"', "cache-control": "no-cache"}
        return Response(made, media_type="application/pdf", headers=headers)
    async with state.sessions.begin() as writing:
        await papers.order(writing, row, lang, asked.sha256, now)
    seconds = asked.seconds
    shown = page(request, "auctions/catalogue_waiting.html", status_code=202, sale=row, seconds=seconds, wanted=lang)
    shown.headers["retry-after"] = str(seconds)
    return shown
