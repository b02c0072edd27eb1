"""Objects as they are answered: whole lists by page, and objects within objects where they are asked for."""

from collections.abc import Mapping
from typing import Any

from pavilion.settlement.payments.double import shapes
from pavilion.settlement.payments.double.state import Thing
from pavilion.settlement.payments.double.telling import shown
from pavilion.settlement.payments.double.world import World
from pavilion.settlement.payments.double.wrong import Wrong

PAGE, LARGEST_PAGE = 10, 100
MOST_EXPANDED, DEEPEST = 20, 4
_PLAIN = ("customer", "payment_intent", "charge", "type", "status", "currency", "source", "payout", "email")
_BOUNDS = {"gt": 1, "gte": 0, "lt": -1, "lte": 0}


def listed(world: World, kind: str, asked: dict[str, Any], like: Mapping[str, Any]) -> Thing:
    """The newest first, a page at a time; only those created within the bounds."""
    wanted = {name: asked[name] for name in _PLAIN if name in asked} | dict(like)
    types = wanted.pop("types", None) or asked.get("types")
    if "payout" in wanted:
        wanted["_payout"] = _automatic(world, wanted.pop("payout"))
    things = [one for one in reversed(world.state.all(kind, **wanted)) if _within(one["created"], asked.get("created"))]
    if types:
        things = [one for one in things if one["type"] in types]
    limit = asked.get("limit", PAGE)
    if not 1 <= limit <= LARGEST_PAGE:
        raise Wrong("This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    if after := asked.get("starting_after"):
        things = things[_place(things, after) + 1 :]
    if before := asked.get("ending_before"):
        things = things[: _place(things, before)][-limit:]
    return shapes.list_of(things[:limit], f"/v1/{kind.replace('.', '/')}s", more=len(things) > limit)


def expanded(world: World, thing: Thing, paths: list[str]) -> Thing:
    """The object as others see it, with the named members as whole objects."""
    whole: Thing = _clean(thing)
    for path in paths[:MOST_EXPANDED]:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            raise Wrong(f"This property cannot be expanded ({path[:80]}).", param="expand")
        _expand(world, whole, parts)
    return whole


def _clean(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {name: _clean(value) for name, value in shown(thing).items()}
    return [_clean(one) for one in thing] if isinstance(thing, list) else thing


def _expand(world: World, here: Any, parts: list[str]) -> None:
    if isinstance(here, list):
        for one in here:
            _expand(world, one, parts)
        return
    if not isinstance(here, dict) or not parts:
        return
    name, *rest = parts
    if isinstance(here.get(name), str) and (found := world.state.get(here[name])) is not None:
        here[name] = _clean(found)
    _expand(world, here.get(name), rest)


def _within(created: int, bounds: Any) -> bool:
    if bounds is None:
        return True
    if isinstance(bounds, int):
        return created == bounds
    return all(
        created >= limit + _BOUNDS[name] if name.startswith("g") else created <= limit + _BOUNDS[name]
        for name, limit in bounds.items()
    )


def _automatic(world: World, named: str) -> str:
    payout = world.need("payout", named, "payout")
    if not payout["automatic"]:
        words = "Balance transaction history can only be filtered on automatic transfers, not manual."
        raise Wrong(words, param="payout")
    return str(payout["id"])


def _place(things: list[Thing], named: str) -> int:
    for place, one in enumerate(things):
        if one["id"] == named:
            return place
    raise Wrong(f"No such object: '{named[:80]}'", code="resource_missing", param="starting_after")
