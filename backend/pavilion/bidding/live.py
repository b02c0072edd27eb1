"""One browser in the room, without a socket: text comes in, orders and frames come out."""

from collections import deque
from dataclasses import dataclass

from pydantic import ValidationError

from pavilion.bidding.messages import READ, Error, FromBrowser, Hello, PlaceBid, Resync, SealBid, frame

LONGEST_TEXT = 16 * 1024  # bytes of one message from a browser
QUEUE = 256  # frames waiting for a browser that reads slowly
MESSAGES_A_MINUTE = 100
IDLE_S = 60
BAD_MESSAGES = 3
FLOODS = 20

TOO_BIG, POLICY, TRY_AGAIN_LATER, GOING_AWAY = 1009, 1008, 1013, 1001  # WebSocket close codes


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose browser this is; `company_id` is None for those who only watch."""

    user: str | None
    person_id: int | None
    company_id: int | None
    session_id: int | None
    may_bid: bool
    key: str | None = None  # the company's key by which a program came in


class LiveSession:
    """A shell drives it and moves bytes; nothing here waits, reads a clock or decides about a bid."""

    def __init__(self, viewer: Viewer, now_s: float) -> None:
        self.viewer = viewer
        self.close_code: int | None = None  # set once, then the shell closes the socket
        self.greeted = False
        self.sale: str | None = None  # what is watched; one sale per socket
        self._out: deque[bytes] = deque()
        self._behind = False
        self._bad = self._floods = 0
        self._allowance, self._counted_s, self.heard_s = float(MESSAGES_A_MINUTE), now_s, now_s

    def receive(self, text: str, now_s: float) -> FromBrowser | None:
        """The order in this text, or None when it was answered here."""
        self.heard_s = now_s
        if self.close_code is not None:
            return None
        if len(text) > LONGEST_TEXT or len(text.encode(errors="replace")) > LONGEST_TEXT:
            self.close_code = TOO_BIG
            return None
        try:
            order = READ.validate_json(text)
        except (ValidationError, ValueError):  # a lone surrogate is a plain ValueError
            self._not_understood()
            return None
        if not isinstance(order, PlaceBid | SealBid) and not self._within_allowance(now_s):
            self._flooded()
            return None
        if isinstance(order, Hello):
            if self.viewer.user is None:
                if order.ticket is not None:
                    return order  # the shell finds out whose it is
                self.refuse("signed_out")
                return None
            self.greeted = True
        elif not self.greeted:
            self._not_understood()
            return None
        if isinstance(order, PlaceBid | SealBid) and not self.viewer.may_bid:
            self.tell(frame(Error(code="not_allowed")))
            return None
        return order

    def enter(self, viewer: Viewer) -> None:
        """A ticket said whose browser this is."""
        self.viewer, self.greeted = viewer, True

    def tell(self, encoded: bytes) -> None:
        """Queue a frame. A browser too slow to read is told once to ask anew; if it still does not, it is let go."""
        if self.close_code is not None:
            return
        if len(self._out) >= QUEUE:
            self._out.clear()
            if self._behind or self.sale is None:
                self.close_code = TRY_AGAIN_LATER
                return
            self._behind = True
            self._out.append(frame(Resync(sale=self.sale, reason="slow")))
            return
        self._out.append(encoded)

    def take(self) -> list[bytes]:
        """Everything waiting, for one write."""
        frames, self._out = list(self._out), deque()
        self._behind = False
        return frames

    def refuse(self, code: str) -> None:
        """The reader is told why, then the socket closes."""
        self.tell(frame(Error(code=code)))
        if self.close_code is None:
            self.close_code = POLICY

    def look(self, now_s: float) -> None:
        """A browser that says nothing for a minute is gone."""
        if self.close_code is None and now_s - self.heard_s >= IDLE_S:
            self.close_code = GOING_AWAY

    def _not_understood(self) -> None:
        self._bad += 1
        self.tell(frame(Error(code="bad_message")))
        if self._bad >= BAD_MESSAGES and self.close_code is None:
            self.close_code = POLICY

    def _flooded(self) -> None:
        self._floods += 1
        self.tell(frame(Error(code="slow_down")))
        if self._floods >= FLOODS and self.close_code is None:
            self.close_code = POLICY

    def _within_allowance(self, now_s: float) -> bool:
        earned = (now_s - self._counted_s) * MESSAGES_A_MINUTE / 60
        self._allowance, self._counted_s = min(float(MESSAGES_A_MINUTE), self._allowance + earned), now_s
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
