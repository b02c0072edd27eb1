"""For companies that trade by program: the interface of `/api/v1` with its own types, over a key.

    async with Partner("https://auctions.example", key="pv_...") as house:
        async for stone in house.stones(shape=["round"], ct_from="1.00"):
            print(stone.id, stone.weight_mct, stone.price)
        hold = await house.hold(stone)

Answers are read into the very models by which the house declares them; members that a later version adds are passed
over. Asking again is safe: reading is, and every act carries a key of its own under which it is done once. So a broken
line, a house that restarts and a rate that is used up cost time and nothing else.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from httpx2 import AsyncBaseTransport, AsyncClient, HTTPError, Response
from pydantic import BaseModel

from pavilion.bidding.answers import SalesTold, SaleTold, WholeLot, WholeSale
from pavilion.catalogue.answers import ChangesTold, ChangeTold, StonesTold, StoneTold
from pavilion.catalogue.answers_stock import FileTaken, FileTold, RowsTold, RowTold
from pavilion.catalogue.media_answers import Arrived, SendingAccepted
from pavilion.insight.answers import ResultsTold, ResultTold
from pavilion.insight.seller_interest_answers import StockInsightTold, StoneInsightTold
from pavilion.notifications.webhook_answers import Calls, CallTold, Removed, Replayed, Webhooks, WebhookTold
from pavilion.notifications.webhook_signing import BadSignature as BadSignature
from pavilion.notifications.webhook_signing import verify as verify
from pavilion.provenance.passport_answers import PassportTold
from pavilion.trading.answers import Holds, HoldTold, Memos, MemoTold, Offers, OfferTold, Orders, OrderTold

Answer = TypeVar("Answer", bound=BaseModel)
Item = TypeVar("Item", covariant=True)
Said = Mapping[str, Any]
Asked = Mapping[str, str | Sequence[str]]

TRIES = 6
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 4.0)
LONGEST_S = 60.0  # beyond that a rate's end is not waited for
PAGE = 250
HASHES = 50  # asked for at once
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Refused(Exception):
    """The house will not; `code` as in its document, `facts` as it told them."""

    def __init__(self, status: int, code: str, detail: str, facts: Said) -> None:
        super().__init__(f"{status} {code}: {detail}" if detail else f"{status} {code}")
        self.status, self.code, self.detail, self.facts = status, code, detail, facts


class Away(Exception):
    """The house was not reached, however often it was tried. What was sent may have been done: send it again under the
    same idempotency key, and it is done once."""


class Partner:
    """One line to one house. `key` is a company's, made at /account/company/keys with the scopes it needs."""

    def __init__(
        self, house: str, *, key: str = "", lang: str = "en", transport: AsyncBaseTransport | None = None
    ) -> None:
        shown = {"authorization": f"Bearer {key}"} if key else {}
        headers = {"accept-language": lang, "accept": "application/json", **shown}
        self._http = AsyncClient(base_url=house.rstrip("/"), headers=headers, timeout=30, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    # -- stones ---------------------------------------------------------------------------------------------------

    async def search(self, asked: Asked, *, cursor: str | None = None, limit: int = PAGE) -> StonesTold:
        """One page of stones, with the counts of what else could be asked; `asked` by the names of the document."""
        return await self._get(StonesTold, "/stones", {**asked, "limit": str(limit), **_behind(cursor)})

    def stones(self, **asked: str | Sequence[str]) -> AsyncIterator[StoneTold]:
        """Every stone that fits, page by page."""
        return _all(lambda cursor: self.search(asked, cursor=cursor))

    async def stone(self, stone: str) -> StoneTold:
        return await self._get(StoneTold, f"/stones/{stone}")

    async def passport(self, stone: str) -> PassportTold:
        return await self._get(PassportTold, f"/stones/{stone}/passport")

    async def changes(self, after: str = "") -> ChangesTold:
        """What changed since; keep `next` and ask with it the next time."""
        return await self._get(ChangesTold, "/changes", {"limit": str(PAGE)} | ({"after": after} if after else {}))

    async def following(self, after: str = "", *, every_s: float = 5.0) -> AsyncIterator[tuple[ChangeTold, str]]:
        """Every change from there on, without end, each with the place from which to go on after it."""
        while True:
            found = await self.changes(after)
            after = found.next
            for change in found.items:
                yield change, f"{change.seq}-{change.id}"
            if not found.more:
                await asyncio.sleep(every_s)

    # -- sales ----------------------------------------------------------------------------------------------------

    def sales(self) -> AsyncIterator[SaleTold]:
        return _all(lambda cursor: self._get(SalesTold, "/sales", _behind(cursor)))

    async def sale(self, sale: str) -> WholeSale:
        return await self._get(WholeSale, f"/sales/{sale}")

    async def lot(self, lot: str) -> WholeLot:
        return await self._get(WholeLot, f"/lots/{lot}")

    def results(self, **asked: str | Sequence[str]) -> AsyncIterator[ResultTold]:
        """Lots that ended, by the names of the document."""
        return _all(lambda cursor: self._get(ResultsTold, "/results", {**asked, **_behind(cursor)}))

    # -- trading: each act takes a `once` of yours, or makes one; under the same one it is done once -----------------

    async def holds(self) -> list[HoldTold]:
        return list((await self._get(Holds, "/holds")).items)

    async def hold(self, stone: StoneTold, *, once: str | None = None) -> HoldTold:
        """The stone as it was read: if it changed since, the house says so."""
        return await self._act(HoldTold, "/holds", {"stone": stone.id, "seen": stone.seq}, once)

    async def orders(self) -> list[OrderTold]:
        return list((await self._get(Orders, "/orders")).items)

    async def order(
        self, stone: StoneTold, destination: str, *, hold: HoldTold | None = None, once: str | None = None
    ) -> OrderTold:
        """Buys the stone at the price that was read."""
        total = stone.price.total if stone.price else None
        if total is None:
            raise ValueError("a stone without a price cannot be bought")
        said = {
            "stone": stone.id,
            "seen": stone.seq,
            "price": {"amount_minor": total.amount_minor, "currency": total.currency},
            "destination": destination,
        } | ({"hold": hold.id} if hold else {})
        return await self._act(OrderTold, "/orders", said, once)

    async def offers(self) -> list[OfferTold]:
        return list((await self._get(Offers, "/offers")).items)

    async def offer(self, offer: str) -> OfferTold:
        return await self._get(OfferTold, f"/offers/{offer}")

    async def make_offer(
        self,
        stones: Sequence[StoneTold],
        amount_minor: int,
        currency: str,
        destination: str,
        *,
        days: int,
        terms: str = "",
        confirm: bool = False,
        once: str | None = None,
    ) -> OfferTold:
        """`confirm`: a price above what is asked, or below a tenth of it, is meant; it is refused otherwise."""
        said = {
            "stones": [stone.id for stone in stones],
            "seen": max(stone.seq for stone in stones),
            "price": {"amount_minor": amount_minor, "currency": currency},
            "destination": destination,
            "days": days,
            "terms": terms,
        } | ({"confirm": amount_minor} if confirm else {})
        return await self._act(OfferTold, "/offers", said, once)

    async def answer_offer(self, offer: OfferTold, act: str, *, once: str | None = None, **said: Any) -> OfferTold:
        """`act` and what goes with it as in the document; a turn taken meanwhile is refused with `round_changed`."""
        return await self._act(
            OfferTold, f"/offers/{offer.id}/answers", {"act": act, "round": offer.round} | said, once
        )

    async def memos(self) -> list[MemoTold]:
        return list((await self._get(Memos, "/memos")).items)

    async def ask_memo(
        self, stones: Sequence[StoneTold], destination: str, *, days: int, once: str | None = None
    ) -> MemoTold:
        seen = max(stone.seq for stone in stones)
        said = {"stones": [stone.id for stone in stones], "seen": seen, "destination": destination, "days": days}
        return await self._act(MemoTold, "/memos", said, once)

    # -- stock files: the same file sent twice is the same upload -----------------------------------------------------

    async def send_stock(
        self, file: Path, *, mode: str = "add", profile: str = "none", dry_run: bool = False, supplier: str = ""
    ) -> str:
        """The id under which the file is answered; see `stock_answer`. `supplier`: none but the key's own."""
        content = await asyncio.to_thread(file.read_bytes)
        said = {"mode": mode, "profile": profile, "dry_run": "true" if dry_run else "false", "filename": file.name}
        said |= {"supplier": supplier} if supplier else {}
        kind = XLSX if content.startswith(b"PK") else "text/csv"
        told = await self._ask("PUT", "/stock-files", params=said, content=content, headers={"content-type": kind})
        return _read(FileTaken, told).id

    async def stock_file(self, file: str) -> FileTold:
        return await self._get(FileTold, f"/stock-files/{file}")

    async def stock_answer(self, file: str, *, every_s: float = 1.0) -> FileTold:
        """The file once it is read, refused, or waits for a confirmation."""
        told = await self.stock_file(file)
        while told.state in ("queued", "running"):
            await asyncio.sleep(every_s)
            told = await self.stock_file(file)
        return told

    async def stock_rows(self, file: str, outcome: str | None = None) -> AsyncIterator[RowTold]:
        cursor: int | None = None
        while True:
            said = ({"outcome": outcome} if outcome else {}) | ({"cursor": str(cursor)} if cursor else {})
            page = await self._get(RowsTold, f"/stock-files/{file}/rows", said | {"limit": str(PAGE)})
            for row in page.rows:
                yield row
            if (cursor := page.next_cursor) is None:
                return

    async def refused_rows(self, file: str) -> bytes:
        """The bad rows in the sender's own columns with `_error`, to mend and send again."""
        return (await self._ask("GET", f"/stock-files/{file}/fix.csv")).content

    async def confirm_stock(self, file: str, number: int) -> str:
        """A replacing file goes on that would withdraw so many stones."""
        return (await self._act(FileTaken, f"/stock-files/{file}/confirmation", {"number": number}, None)).id

    async def choose_meaning(self, file: str, column: str, word: str, meaning: str) -> str:
        """The id under which the file is read again with this meaning."""
        said = {"column": column, "word": word, "meaning": meaning}
        return (await self._act(FileTaken, f"/stock-files/{file}/mappings", said, None)).id

    def stock_insight(self) -> AsyncIterator[StoneInsightTold]:
        """How the company's own listed stones stand, by stock number."""
        return _all(lambda cursor: self._get(StockInsightTold, "/stock-insight", _behind(cursor)))

    # -- pictures: what has arrived is not sent again -----------------------------------------------------------------

    async def media_arrived(self, sha256: Sequence[str]) -> set[str]:
        """Those of these files that are there."""
        found: set[str] = set()
        for start in range(0, len(sha256), HASHES):
            some = sha256[start : start + HASHES]
            found |= set((await self._get(Arrived, "/media-files", {"sha256": some})).known)
        return found

    async def send_media(self, name: str, content: bytes, *, once: str | None = None) -> str:
        """The id under which it is answered. An archive is unpacked there."""
        headers = {"idempotency-key": once or secrets.token_hex(16), "content-type": "application/octet-stream"}
        told = await self._ask("PUT", "/media-files", params={"filename": name}, content=content, headers=headers)
        return _read(SendingAccepted, told).id

    # -- webhooks: what is called is checked with `verify(secret, headers, body, now)` --------------------------------

    async def webhooks(self) -> list[WebhookTold]:
        return list((await self._get(Webhooks, "/webhooks")).items)

    async def make_webhook(self, url: str, events: Sequence[str], *, once: str | None = None) -> WebhookTold:
        """Keep its `secret`: it is told here alone."""
        return await self._act(WebhookTold, "/webhooks", {"url": url, "events": list(events)}, once)

    async def webhook_calls(self, webhook: str) -> list[CallTold]:
        return list((await self._get(Calls, f"/webhooks/{webhook}/calls")).items)

    async def test_webhook(self, webhook: str, *, once: str | None = None) -> CallTold:
        return await self._act(CallTold, f"/webhooks/{webhook}/tests", {}, once)

    async def replay_webhook(self, webhook: str, *, once: str | None = None, **said: str) -> int:
        """`event=` one call, or `since=` and `until=` a span; how many are sent again."""
        return (await self._act(Replayed, f"/webhooks/{webhook}/replays", said, once)).calls

    async def resume_webhook(self, webhook: str, *, once: str | None = None) -> WebhookTold:
        return await self._act(WebhookTold, f"/webhooks/{webhook}/resumption", {}, once)

    async def renew_webhook_secret(self, webhook: str, *, once: str | None = None) -> WebhookTold:
        return await self._act(WebhookTold, f"/webhooks/{webhook}/secret", {}, once)

    async def remove_webhook(self, webhook: str, *, once: str | None = None) -> None:
        headers = {"idempotency-key": once or secrets.token_hex(16)}
        _read(Removed, await self._ask("DELETE", f"/webhooks/{webhook}", headers=headers))

    # -- the line -----------------------------------------------------------------------------------------------------

    async def _get(self, model: type[Answer], path: str, said: Said | None = None) -> Answer:
        params = [(name, one) for name, value in (said or {}).items() for one in _each(value)]
        return _read(model, await self._ask("GET", path, params=params))

    async def _act(self, model: type[Answer], path: str, said: Said, once: str | None) -> Answer:
        headers = {"idempotency-key": once or secrets.token_hex(16)}
        return _read(model, await self._ask("POST", path, json=said, headers=headers))

    async def _ask(self, method: str, path: str, **said: Any) -> Response:
        """What the house answers in the end; a refusal that waiting cures is waited for."""
        why = "no answer"
        for tries in range(TRIES):
            try:
                told = await self._http.request(method, f"/api/v1{path}", **said)
            except HTTPError as fault:
                why = type(fault).__name__
            else:
                wait = float(told.headers.get("retry-after") or 0)
                if told.status_code < 400:
                    return told
                if told.status_code not in (429, 502, 503, 504) or wait > LONGEST_S:
                    raise _refused(told)
                why = f"status {told.status_code}"
                await asyncio.sleep(wait)
            if tries < len(BACK_OFF_S):
                await asyncio.sleep(BACK_OFF_S[tries] * (0.5 + secrets.randbelow(1000) / 1000))
        raise Away(f"{method} {path}: {why}")


class _Page(Protocol[Item]):
    @property
    def items(self) -> Sequence[Item]: ...

    @property
    def cursor(self) -> str | None: ...


async def _all(turned_to: Callable[[str | None], Awaitable[_Page[Item]]]) -> AsyncIterator[Item]:
    """What stands on all pages, each asked for when the one before it has been read."""
    cursor: str | None = None
    while True:
        page = await turned_to(cursor)
        for one in page.items:
            yield one
        if (cursor := page.cursor) is None:
            return


def _behind(cursor: str | None) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}


def _each(value: str | Iterable[str]) -> Iterable[str]:
    return [value] if isinstance(value, str) else value


def _read(model: type[Answer], told: Response) -> Answer:
    return model.model_validate_json(told.content, extra="ignore")


def _refused(told: Response) -> Refused:
    try:
        said = told.json()
    except ValueError:
        said = {}
    known = {"type", "title", "status", "detail", "code", "instance"}
    facts = {name: value for name, value in said.items() if name not in known}
    return Refused(told.status_code, said.get("code", "unknown"), said.get("detail") or said.get("title", ""), facts)
