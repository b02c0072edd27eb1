"""Words, tags, owner and pins of the chosen lots: previewed, then said at once."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from pavilion.accounts.deps import may
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions import board, board_words, curation, wording
from pavilion.auctions.board_forms import Reword
from pavilion.auctions.board_page import done
from pavilion.auctions.bulk_words import WordAct, WordsSaid, propose_words
from pavilion.kernel.errors import BadInput
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.html import page

router = APIRouter(prefix="/staff/sales", tags=["curation"])

Curator = Annotated[Actor, may(Permission.LOT_CURATE)]


@router.post("/{sale}/words/preview")
async def preview(
    request: Request, sale: str, said: Annotated[Reword, Form()], actor: Curator, session: Reading
) -> Response:
    """What the change would do; nothing is stored."""
    row = await board.sale_of(session, sale, drafts=True)
    lots = await board_words.word_lots(session, row, said.lot, actor)
    lines = propose_words(await _meant(session, said), lots)
    facts: dict[str, Any] = {
        "titles": await board.titles_of(session, row, [line.lot for line in lines]),
        "owners": await board_words.owners_of(session, lines),
        "action": f"/staff/sales/{sale}/words",
        "carried": {"words": said.words} | said.model_dump(include={"title_en", "title_zh", "tag", "owner"}),
        "what": said.words,
    }
    return page(request, "auctions/preview.html", sale=row, lines=lines, chosen=len(lots), **facts)


@router.post("/{sale}/words")
async def apply(
    request: Request, sale: str, said: Annotated[Reword, Form()], actor: Curator, session: Writing, now: Now
) -> Response:
    """The previewed change, unless a lot has changed since the preview."""
    row = await board.sale_of(session, sale, drafts=True)
    lots = await board_words.word_lots(session, row, said.lot, actor)
    versions = said.versions

    async def act() -> None:
        lines = propose_words(await _meant(session, said), lots)
        if broken := {code: code for line in lines for code in line.broken}:
            raise BadInput(fields=broken, codes=sorted(broken))
        edits = {line.lot: (versions.get(line.lot, 0), line.new) for line in lines}
        await curation.edit_lots(
            session, sale=sale, edits=edits, kind=said.words, reason=said.why, actor=actor, now=now
        )

    return await done(request, session, sale, actor, now, act)


async def _meant(session: Reading, said: Reword) -> WordsSaid:
    """What was typed, read; a tag or an owner that is missing is refused, and so are words the house does not use."""
    needed = {
        WordAct.TITLE: said.title_en or said.title_zh,
        WordAct.TAG: said.tag,
        WordAct.UNTAG: said.tag,
        WordAct.OWNER: said.owner,
    }
    if not needed.get(said.words, "said"):
        raise BadInput(fields={said.words: "required"})
    owner = None
    if said.words is WordAct.OWNER:
        owner = await board_words.owner_of(session, said.owner)
        if owner is None:
            raise BadInput(fields={"owner": "unknown_value"})
    wording.refuse({"title_en": said.title_en, "title_zh": said.title_zh})
    return WordsSaid(said.words, said.title_en, said.title_zh, said.tag, owner)
