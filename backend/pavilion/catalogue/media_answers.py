"""What the interface for programs tells of photographs, turns, videos and reports."""

from typing import Annotated, Any, Literal

from pydantic import Field

from pavilion.catalogue.media_models import MediaKind, MediaSending, PieceState, SendingState, StoneMedia
from pavilion.catalogue.media_queries import FILES, Told, sheets_of
from pavilion.catalogue.models import Stone
from pavilion.kernel.instants import stamp
from pavilion.webkit.answers import Instant, Sha256, Ulid
from pavilion.webkit.answers import Told as Answer

_ADDRESS = "/stones/01KAR9T5M0Q8ZJ4W7X2C6V1B3N/media/01KAR9T5M0Q8ZJ4W7X2C6V1B3P/l.jpg"
Kind = Literal["photo", "spin", "video", "report"]
_STATES: dict[str, Literal["queued", "running", "done"]] = {
    SendingState.RECEIVED: "queued",
    SendingState.SORTED: "running",
    SendingState.DONE: "done",
}


class SendingAccepted(Answer):
    """Where to follow what was sent."""

    id: Ulid


class Arrived(Answer):
    """What need not be sent again."""

    known: Annotated[list[Sha256], Field(description="Those of the files asked for that are here.")]


class PieceTold(Answer):
    """One photograph, turn, video or report among the files, or a file that is none of them."""

    name: Annotated[str, Field(examples=["PV-000127_1.jpg"])]
    kind: Kind | None
    files: Annotated[int, Field(description="More than one: the frames of a turn.", examples=[1])]
    stone: Ulid | None
    stock_no: Annotated[str | None, Field(examples=["PV-000127"])]
    state: Literal["waiting", "placed", "again", "refused"]
    code: Annotated[str | None, Field(description="Why it was refused.", examples=["media_unmatched"])]
    facts: Annotated[dict[str, Any], Field(examples=[{}])]


class SendingTold(Answer):
    """What became of everything that was sent together."""

    id: Ulid
    state: Literal["queued", "running", "done"]
    at: Instant
    files: Annotated[int, Field(examples=[3])]
    received: Annotated[int, Field(description="Pieces among the files.", examples=[3])]
    answered: Annotated[int, Field(examples=[3])]
    progress: Annotated[int, Field(description="Percent.", examples=[100])]
    placed: Annotated[int, Field(examples=[2])]
    again: Annotated[int, Field(description="The stone had it already.", examples=[0])]
    refused: Annotated[int, Field(examples=[1])]
    pieces: list[PieceTold]


class MediumTold(Answer):
    """One thing to look at. `files` are addresses of what the house drew from the original of that SHA-256."""

    id: Ulid
    kind: Kind
    sha256: Sha256
    width: Annotated[int, Field(examples=[3600])]
    height: Annotated[int, Field(examples=[2400])]
    frames: Annotated[int | None, Field(description="Of a turn; of a report its pages.", examples=[36])]
    millis: Annotated[int | None, Field(description="How long a video lasts.", examples=[None])]
    at: Instant
    files: Annotated[list[str], Field(examples=[[_ADDRESS]])]


class MediaTold(Answer):
    """Photographs first, each kind in its order."""

    items: list[MediumTold]


def sending_told(sending: MediaSending, pieces: list[Told]) -> SendingTold:
    counts = {state: sum(one.piece.state == state for one in pieces) for state in PieceState}
    answered = len(pieces) - counts[PieceState.WAITING]
    done = sending.state == SendingState.DONE
    return SendingTold(
        id=sending.public_id,
        state=_STATES[sending.state],
        at=stamp(sending.at),
        files=len(sending.files),
        received=len(pieces),
        answered=answered,
        progress=100 if done else answered * 100 // max(1, len(pieces)),
        placed=counts[PieceState.PLACED],
        again=counts[PieceState.AGAIN],
        refused=counts[PieceState.REFUSED],
        pieces=[_piece(one) for one in pieces],
    )


def media_told(stone: Stone, media: list[StoneMedia]) -> MediaTold:
    return MediaTold(items=[_medium(stone, one) for one in media])


def _piece(one: Told) -> PieceTold:
    piece = one.piece
    return PieceTold(
        name=piece.name,
        kind=piece.kind,  # type: ignore[arg-type]  # held to its kinds by the matching
        files=max(1, len(piece.paths)),
        stone=one.stone,
        stock_no=one.stock_no,
        state=piece.state,  # type: ignore[arg-type]  # held to its states by the database
        code=piece.code,
        facts=piece.facts,
    )


def _medium(stone: Stone, one: StoneMedia) -> MediumTold:
    kind = MediaKind(one.kind)
    names = sorted(FILES[kind])
    if kind is MediaKind.SPIN:
        names = [name for name in names if not name.startswith("sheet") or int(name[5:7]) < sheets_of(one.frames or 0)]
    return MediumTold(
        id=one.public_id,
        kind=kind.value,
        sha256=one.sha256,
        width=one.width,
        height=one.height,
        frames=one.frames,
        millis=one.millis,
        at=stamp(one.at),
        files=[f"/stones/{stone.public_id}/media/{one.public_id}/{name}" for name in names],
    )
