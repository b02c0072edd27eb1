"""EPCIS 2.0 over HTTP: capture and query."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from pavilion.accounts.deps import CurrentActor, may
from pavilion.accounts.rules import Actor, Permission
from pavilion.kernel.canon import read_json
from pavilion.kernel.errors import BadInput, NotFound
from pavilion.provenance import epcis_queries, reporting
from pavilion.provenance.epcis import FORMS, Ids, document
from pavilion.provenance.epcis_queries import MOST, PAGE, Wanted
from pavilion.provenance.epcis_reading import MAX_DOCUMENT
from pavilion.provenance.facts import moment
from pavilion.webkit.deps import Now, Reading, Writing
from pavilion.webkit.limits import take
from pavilion.webkit.upload import body_of

router = APIRouter(tags=["provenance"])

Reporter = Annotated[Actor, may(Permission.EVENT_REPORT)]
MEDIA = "application/ld+json"
QUERY = "SimpleEventQuery"


@router.post("/epcis/capture")
async def capture(request: Request, actor: Reporter, session: Writing, now: Now) -> Response:
    """The document's events are kept, all or none; sent again, nothing is kept twice."""
    await take(request, "epcis", str(actor.public_id), per_minute=120)
    data = await body_of(request, MAX_DOCUMENT)
    try:
        said = read_json(data, MAX_DOCUMENT, fraction=Decimal)
    except ValueError as fault:
        raise reporting.BadCapture(pointer="", fault=str(fault)) from None
    ids, house = _ids(request), request.app.state.settings.house_did
    kept = await reporting.capture(session, said, ids=ids, house=house, actor=actor, now=now)
    body = {"events": [ids.event(sha256) for sha256 in kept.events], "new": kept.new}
    return JSONResponse(body, 201 if kept.new else 200)


@router.get("/epcis/events")
async def events(
    request: Request,
    actor: CurrentActor,
    session: Reading,
    now: Now,
    epc: Annotated[str | None, Query(alias="MATCH_anyEPC", max_length=400)] = None,
    kind: Annotated[str | None, Query(alias="stone:type", max_length=20)] = None,
    since: Annotated[str | None, Query(alias="GE_eventTime", max_length=40)] = None,
    before: Annotated[str | None, Query(alias="LT_eventTime", max_length=40)] = None,
    per_page: Annotated[int, Query(alias="perPage", ge=1, le=MOST)] = PAGE,
    token: Annotated[str, Query(alias="nextPageToken", max_length=60)] = "",
) -> Response:
    """`MATCH_anyEPC` names the stone; the answer is a query document of EPCIS, the next page named by `Link`."""
    if kind is not None and kind not in FORMS:
        raise BadInput(fields={"stone:type": "bad_input"})
    wanted = Wanted(epc, kind, _time(since, "GE_eventTime"), _time(before, "LT_eventTime"))
    place = epcis_queries.cursor_place(token) if token else None
    found = await epcis_queries.events_of(session, actor, wanted, _ids(request), after=place, limit=per_page)
    answer = document(found.events, _ids(request), now)
    results = {"queryName": QUERY, "resultsBody": answer.pop("epcisBody")}
    answer |= {"type": "EPCISQueryDocument", "epcisBody": {"queryResults": results}}
    headers = {"Vary": "Cookie", "Cache-Control": "private, no-store"}
    if found.after is not None:
        following = {**request.query_params, "nextPageToken": epcis_queries.cursor_text(found.after)}
        headers["Link"] = f'<{request.url.path}?{urlencode(following)}>; rel="next"'
    return JSONResponse(answer, media_type=MEDIA, headers=headers)


@router.get("/epcis/events/{name}")
async def event(request: Request, name: str, actor: CurrentActor, session: Reading) -> Response:
    found: dict[str, Any] | None = await epcis_queries.event(session, actor, name[:100], _ids(request))
    if found is None:
        raise NotFound()
    body = {"@context": _ids(request).contexts, **found}
    return JSONResponse(body, media_type=MEDIA, headers={"Vary": "Cookie", "Cache-Control": "private, no-store"})


def _ids(request: Request) -> Ids:
    return Ids(request.app.state.settings.public_url.rstrip("/"))


def _time(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        return moment(text.replace(" ", "+"))[0]  # a plus that was not escaped arrives as a blank
    except ValueError:
        raise BadInput(fields={name: "bad_input"}) from None
