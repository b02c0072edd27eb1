"""For buyers who bid by program: the live protocol over `websockets`, with keys that make every retry safe.

    async with Client("https://auctions.example", cookie="session=..", key=KEY, keep=Path("bids.json")) as client:
        await client.watch(SALE)
        answer = await client.place_bid(LOT, 300_000)

The client believes nothing that it can check: every event must follow from the one before it, every checkpoint must be
signed with the house's key and may never contradict an earlier one, and a receipt must lead to a signed root.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from httpx2 import AsyncClient, HTTPError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from pavilion.client_checks import Broken, check_receipt, other_rules, told_of
from pavilion.kernel.canon import canonical, document_hash, read_json
from pavilion.kernel.signing import BadNote, Checkpoint, VerifierKey, parse_checkpoint, parse_vkey, verify_note
from pavilion.kernel.tlog import leaf_hash

PROTOCOL = "pavilion.1"
BACK_OFF_MS = (500, 1000, 2000, 4000, 8000)
PING_S = 20
NOT_KNOWN_YET = frozenset({"engine_away", "slow_down"})
Doc = dict[str, Any]


class Refused(Exception):
    """The house does not let this client in, or will not answer at all; `code` as in the protocol."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Lot:
    """A lot as its book tells it."""

    lot: str
    seq: int
    hash: str
    facts: Doc  # state, leader, price, ask, reserve_met, end

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["facts"][name]
        except KeyError:
            raise AttributeError(name) from None


@dataclass(frozen=True)
class Answer:
    """What became of a bid: `accepted`, or refused with a code. The same key always gets the same answer."""

    key: str
    lot: str
    accepted: bool
    code: str | None
    facts: Doc


@dataclass
class _Intent:
    message: Doc
    confirm: bool
    answered: asyncio.Future[Answer] = field(repr=False)
    tries: int = 0


class Client:
    """One sale watched over one socket, which is opened again whenever it breaks."""

    def __init__(
        self,
        house: str,
        *,
        cookie: str | None = None,
        headers: Mapping[str, str] | None = None,
        ticket: bool = False,
        key: str | None = None,
        keep: Path | None = None,
        back_off_ms: tuple[int, ...] = BACK_OFF_MS,
    ) -> None:
        """`cookie` or `headers` sign the requests in; with `ticket` the socket is entered by a one-use ticket instead
        of the cookie. `key`: the verifier key of the house's sales, as printed on /verify; without it checkpoints are
        only held against each other. `keep`: a file in which bids stand until they are answered."""
        self.house = house.rstrip("/")
        self.headers = dict(headers or {}) | ({"cookie": cookie} if cookie else {})
        self.by_ticket, self.keep, self.back_off_ms = ticket, keep, back_off_ms
        self.key: VerifierKey | None = None if key is None else parse_vkey(key)
        self.sale, self.rules, self.rules_hash, self.state = "", Doc(), "", ""
        self.amended: dict[str, str] = {}  # by lot: the hash of its rules, where they are not the sale's
        self._read_rules: dict[str, str] = {}  # by lot: the hash of those that the program read last
        self.lots: dict[str, Lot] = {}
        self.own: dict[str, Doc] = {}  # by lot: what the house last said of the reader's own standing
        self.checkpoint: Checkpoint | None = None
        self.note: str | None = None  # the newest checkpoint as it was signed
        self.connections = 0
        self._http = AsyncClient(base_url=self.house, headers=self.headers, timeout=20)
        self._intents: dict[str, _Intent] = {}
        self._socket: ClientConnection | None = None
        self._running: asyncio.Task[None] | None = None
        self._turn = asyncio.Condition()
        self._listeners: list[asyncio.Queue[Doc | None]] = []
        self._fault: Exception | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        await self._http.aclose()

    # -- what a program asks ------------------------------------------------------------------------------------------

    async def watch(self, sale: str) -> None:
        """From now on the sale's lots stand in `lots`; bids kept from an earlier run are sent again."""
        answer = await self._http.get(f"/sales/{sale}/rules.json")
        if answer.status_code != 200:
            raise Refused("not_found")
        self.sale, self.rules = sale, read_json(answer.content)
        self.rules_hash = document_hash(self.rules)
        for message in _read_kept(self.keep):
            self._intend(message, confirm=message["confirm"] is not None)
        self._running = asyncio.create_task(self._run())
        await self.until(lambda: bool(self.lots))

    async def until(self, happened: Callable[[], bool]) -> None:
        """Waits until this is true of what the client knows."""
        async with self._turn:
            await self._turn.wait_for(lambda: self._fault is not None or happened())
        if self._fault is not None:
            raise self._fault

    async def events(self) -> AsyncIterator[Doc]:
        """The sale's events from now on, each checked against the book, none twice and none missing."""
        queue: asyncio.Queue[Doc | None] = asyncio.Queue()
        self._listeners.append(queue)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._listeners.remove(queue)
        if self._fault is not None:
            raise self._fault

    async def rules_of(self, lot: str) -> Doc:
        """The rule set by which the lot runs now, checked against its hash; a bid from here on names it. Bids on a lot
        whose amended rules were not read are refused by the house with `rules_changed`."""
        name = self.amended.get(lot, self.rules_hash)
        if name == self.rules_hash:
            rules = self.rules
        else:
            answer = await self._http.get(f"/sales/{self.sale}/rules/{name}.json")
            if answer.status_code != 200:
                raise Refused("not_found")
            rules = read_json(answer.content)
            if document_hash(rules) != name:
                raise Broken("the rules are not those that the book names")
        self._read_rules[lot] = name
        return rules

    async def place_bid(self, lot: str, most: int, *, confirm: bool = False, key: str | None = None) -> Answer:
        """The house's answer to a maximum in minor units. Until it comes the bid is sent again over every new
        connection, always under its one key, so it can never count twice. `confirm`: a large jump is meant."""
        key = key or secrets.token_hex(16)
        message = {
            "op": "place_bid", "key": key, "lot": lot, "max": most, "currency": self.rules["currency"],
            "rules": self._read_rules.get(lot, self.rules_hash), "confirm": None,
        }  # fmt: skip
        intent = self._intents.get(key) or self._intend(message, confirm=confirm)
        await self._say(intent.message)
        return await asyncio.shield(intent.answered)

    async def receipt(self, answer: Answer) -> Doc:
        """The receipt of a decided bid, after it was checked: the event is in the signed tree, and it commits to
        exactly what was bid."""
        found = await self._http.get(f"/api/v1/sales/{self.sale}/receipts/{answer.facts['n']}")
        if found.status_code != 200:
            raise Refused("not_found")
        document: Doc = found.json()
        check_receipt(document, self.key, self.rules["currency"])
        return document

    # -- the connection -----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        failures = 0
        try:
            while True:
                try:
                    await self._visit()
                    failures = 0
                except (ConnectionClosed, InvalidHandshake, OSError, HTTPError, TimeoutError):
                    failures = 0 if self._socket is not None else failures + 1
                finally:
                    self._socket = None
                await asyncio.sleep(self._pause_s(failures))
        except (Broken, Refused) as fault:
            await self._stop(fault)

    async def _visit(self) -> None:
        """One connection, from `hello` until it breaks."""
        ticket = await self._ticket() if self.by_ticket else None
        headers = {} if self.by_ticket else self.headers
        address = f"ws{self.house.removeprefix('http')}/live"
        async with connect(
            address, additional_headers=headers, subprotocols=[Subprotocol(PROTOCOL)], compression=None, proxy=None
        ) as socket:
            self.connections += 1
            await _send(socket, {"op": "hello", "v": 1, "ticket": ticket})
            await self._ask(socket)
            pinging = asyncio.create_task(_ping(socket))
            try:
                async for words in socket:
                    await self._hear(socket, json.loads(words))
            finally:
                pinging.cancel()

    async def _ask(self, socket: ClientConnection) -> None:
        """What was missed, by the last event that is known of each lot."""
        after = {name: lot.seq for name, lot in self.lots.items()}
        await _send(socket, {"op": "watch", "sale": self.sale, "lots": "all", "after": after})

    async def _ticket(self) -> str:
        answer = await self._http.post("/api/v1/tickets")
        if answer.status_code != 201:
            raise Refused(answer.json().get("code", "signed_out"))
        return str(answer.json()["ticket"])

    def _pause_s(self, failures: int) -> float:
        """Half to the whole of the step, so that a thousand clients do not come back in the same instant."""
        most = self.back_off_ms[min(failures, len(self.back_off_ms) - 1)]
        return (most // 2 + secrets.randbelow(most // 2 + 1)) / 1000

    async def _stop(self, fault: Exception) -> None:
        self._fault = fault
        for intent in self._intents.values():
            if not intent.answered.done():
                intent.answered.set_exception(fault)
        for queue in self._listeners:
            queue.put_nowait(None)
        async with self._turn:
            self._turn.notify_all()

    # -- what the house says ------------------------------------------------------------------------------------------

    async def _hear(self, socket: ClientConnection, frame: Doc) -> None:
        match frame["op"]:
            case "snapshot":
                self._snapshot(frame)
                self._socket = socket
                for intent in list(self._intents.values()):
                    await _send(socket, intent.message)
            case "batch" if frame["sale"] == self.sale:
                missed = [event for event in frame["events"] if not self._fold(event)]
                if missed:
                    await self._ask(socket)
                if frame["checkpoint"]:
                    self._seal(frame["checkpoint"])
            case "you":
                self.own[frame["lot"]] = frame
            case "ack":
                await self._answered(frame)
            case "resync":
                await self._ask(socket)
            case "error" if frame["code"] in ("signed_out", "not_allowed", "not_found"):
                raise Refused(frame["code"])
            case _:
                return
        async with self._turn:
            self._turn.notify_all()

    def _snapshot(self, frame: Doc) -> None:
        if frame["rules"] != self.rules_hash:
            raise Broken("the rules are not those that were read")
        self.state, self.amended = frame["state"], dict(frame.get("amended", {}))
        for told in frame["lots"]:
            known = self.lots.get(told["lot"])
            if known is not None and (
                told["seq"] < known.seq or (told["seq"] == known.seq and told["hash"] != known.hash)
            ):
                raise Broken(f"the book of lot {known.lot} is another than before")
            facts = {name: value for name, value in told.items() if name not in ("lot", "seq", "hash")}
            self.lots[told["lot"]] = Lot(told["lot"], told["seq"], told["hash"], facts)

    def _fold(self, event: Doc) -> bool:
        """The event is in; false when something before it is missing."""
        self.amended |= other_rules(event)
        if event["lot"] is None:
            self.state = {"sale.opened": "open", "sale.paused": "paused", "sale.resumed": "open",
                          "sale.closed": "closed"}.get(event["type"], self.state)  # fmt: skip
            self._pass_on(event)
            return True
        lot = self.lots.get(event["lot"])
        if lot is None or event["seq"] > lot.seq + 1:
            return lot is None and event["seq"] == 1
        if event["seq"] <= lot.seq:
            return True
        if event["prev"] != lot.hash:
            raise Broken(f"event {event['seq']} of lot {lot.lot} does not follow from the one before it")
        lot.seq, lot.hash = event["seq"], leaf_hash(canonical(event)).hex()
        lot.facts |= told_of(event)
        self._pass_on(event)
        return True

    def _pass_on(self, event: Doc) -> None:
        for queue in self._listeners:
            queue.put_nowait(event)

    def _seal(self, note: str) -> None:
        """The newest checkpoint is kept; one that the house did not sign, or that unsays an earlier one, is a lie."""
        try:
            signed = parse_checkpoint(verify_note(note, [self.key]) if self.key else note.partition("\n\n")[0] + "\n")
        except BadNote as fault:
            raise Broken(f"a checkpoint: {fault}") from None
        if not signed.origin.endswith(f"/sale/{self.sale}"):
            raise Broken("a checkpoint of another sale")
        known = self.checkpoint
        if known is not None and signed.size == known.size and signed.root != known.root:
            raise Broken(f"two roots for the first {signed.size} events")
        if known is None or signed.size > known.size:
            self.checkpoint, self.note = signed, note

    # -- bids ---------------------------------------------------------------------------------------------------------

    def _intend(self, message: Doc, *, confirm: bool) -> _Intent:
        """The bid stands in the file before it is sent: a program that dies finds its key again."""
        intent = _Intent(message, confirm, asyncio.get_running_loop().create_future())
        self._intents[message["key"]] = intent
        self._write_kept()
        return intent

    async def _answered(self, ack: Doc) -> None:
        intent = self._intents.get(ack["key"])
        if intent is None:
            return
        if ack["result"] == "unknown" or ack["code"] in NOT_KNOWN_YET:
            intent.tries += 1
            asyncio.get_running_loop().call_later(self._pause_s(intent.tries), self._again, intent)
            return
        if ack["code"] == "confirm_needed" and intent.confirm and intent.message["confirm"] is None:
            intent.message |= {"confirm": intent.message["max"]}
            await self._say(intent.message)
            return
        del self._intents[ack["key"]]
        self._write_kept()
        if not intent.answered.done():
            accepted = ack["result"] == "accepted"
            intent.answered.set_result(Answer(ack["key"], ack["lot"], accepted, ack["code"], ack))

    def _again(self, intent: _Intent) -> None:
        if intent.message["key"] in self._intents and self._running is not None:
            self._retry = asyncio.create_task(self._say(intent.message))

    async def _say(self, message: Doc) -> None:
        """Sent if there is a connection; else the next one begins with it."""
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await _send(self._socket, message)

    def _write_kept(self) -> None:
        if self.keep is not None:
            text = json.dumps([intent.message for intent in self._intents.values()])
            fresh = self.keep.with_name(f"{self.keep.name}.new")
            fresh.write_text(text)
            fresh.replace(self.keep)


async def _send(socket: ClientConnection, message: Doc) -> None:
    await socket.send(json.dumps(message))


async def _ping(socket: ClientConnection) -> None:
    """A silent client is let go after a minute."""
    with suppress(ConnectionClosed):
        for number in range(2**53):
            await asyncio.sleep(PING_S)
            await _send(socket, {"op": "ping", "id": number})


def _read_kept(keep: Path | None) -> list[Doc]:
    return json.loads(keep.read_text()) if keep is not None and keep.exists() else []
