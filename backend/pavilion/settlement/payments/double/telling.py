"""Events, and the signed calls that tell them: at once, late, twice, out of order or never, as ordered and by seed."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from random import Random  # noqa: TID251 - seeded; spoils deliveries, guards nothing
from typing import TYPE_CHECKING

from pavilion.settlement.payments.double import shapes
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.wrong import no_such

if TYPE_CHECKING:
    from pavilion.settlement.payments.double.world import World

API_VERSION = "2026-10-28.endive"
AGAIN_MS = (1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000)  # after a call that was not taken
_FORGER = "whsec_" + "somebody-else"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a webhook, to be sent as it stands."""

    n: int
    event: str
    type: str
    body: bytes
    signature: str
    attempts: int
    forged: bool = False


def tell(world: "World", kind: str, thing: Thing) -> Thing:
    """The event is on the list, and its calls are due as ordered."""
    event = shapes.new(
        "event", world.state.new_id("evt"), world.now(), type=kind, data={"object": shown(thing)},
        api_version=API_VERSION, pending_webhooks=1, request={"id": None, "idempotency_key": None},
    )  # fmt: skip
    world.state.put(event)
    posting = world.orders.posting
    luck = Random(f"{posting['seed']} {event['id'][-8:]}")  # noqa: S311
    now = world.now_ms()
    if luck.randrange(10_000) >= posting["lost_bp"]:
        times = 1 + (luck.randrange(10_000) < posting["twice_bp"])
        for _ in range(times):
            shuffled = luck.randrange(1_000) if posting["shuffle"] else 0
            world.state.add_call(event["id"], now + luck.randrange(posting["late_ms"] + 1) + shuffled, forged=False)
    if luck.randrange(10_000) < posting["forged_bp"]:
        world.state.add_call(event["id"], now, forged=True)
    world.rung()
    return event


def send_again(world: "World", event: str) -> None:
    """One more call for this event, now."""
    if world.state.get(event, "event") is None:
        raise no_such("event", event)
    world.state.add_call(event, world.now_ms(), forged=False)
    world.rung()


def send_forged(world: "World", event: str) -> None:
    """A call for this event signed with a secret that is not ours."""
    if world.state.get(event, "event") is None:
        raise no_such("event", event)
    world.state.add_call(event, world.now_ms(), forged=True)
    world.rung()


def due(world: "World") -> list[Call]:
    """The calls whose time has come, signed now."""
    if world.orders.posting["stopped"]:
        return []
    calls = []
    for row in world.state.calls(waiting_until_ms=world.now_ms()):
        event = world.state.get(row["event"], "event")
        assert event is not None
        secret = _FORGER if row["forged"] else world.secret
        body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        calls.append(
            Call(
                row["n"],
                row["event"],
                event["type"],
                body,
                sign(body, secret, world.now()),
                row["attempts"],
                bool(row["forged"]),
            )
        )
    return calls


def answered(world: "World", call: Call, status: int | None) -> None:
    """A call that was taken is done; another is made again a few times."""
    taken = status is not None and 200 <= status < 300
    attempts = call.attempts + 1
    over = taken or call.forged or attempts > len(AGAIN_MS)
    wait = 0 if over else AGAIN_MS[attempts - 1]
    world.state.set_call(
        call.n,
        state="taken" if taken else "given_up" if over else "waiting",
        answer=str(status) if status is not None else "no answer",
        attempts=attempts,
        due_ms=world.now_ms() + wait,
    )


def sign(body: bytes, secret: str, at: int) -> str:
    """The header `Stripe-Signature` for this body at this second."""
    return f"t={at},v1={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def shown(thing: Thing) -> Thing:
    """An object as others see it: what begins with `_` is the double's own."""
    return {name: value for name, value in thing.items() if not name.startswith("_")}
