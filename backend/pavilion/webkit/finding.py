"""A request asks only those routes that begin with the first word of its path: of some six hundred that a house has,
mostly a few dozen. Asking each of them was a sixth of the time of an answer."""

from collections.abc import Iterable, Iterator

from fastapi import APIRouter
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send


class ByFirstWord:
    """The router as it is now, asking fewer of its routes."""

    def __init__(self, router: APIRouter) -> None:
        tables = by_word(router.routes)
        self._router, self._elsewhere = router, APIRouter(routes=tables.pop(None))
        self._tables = {word: APIRouter(routes=routes) for word, routes in tables.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope.get("root_path"):
            await self._router.app(scope, receive, send)
            return
        scope["router"] = self._router
        await self._tables.get(first_word(scope["path"]), self._elsewhere).app(scope, receive, send)


def by_word(routes: Iterable[BaseRoute]) -> dict[str | None, list[BaseRoute]]:
    """In their order, those that a path with this first word may lead to; None: with a word that none begins with."""
    found: dict[str | None, list[BaseRoute]] = {None: []}
    for route in routes:
        words = set(_words(route))
        for word in found.keys() | words if None in words else words:
            found.setdefault(word, list(found[None])).append(route)
    return found


def first_word(path: str) -> str:
    return path[1:].partition("/")[0]


def _words(route: BaseRoute) -> Iterator[str | None]:
    """The first word of each path that this route stands for; None: any word leads to it."""
    for one in iter_route_contexts([route]):
        word = first_word(one.path or "/{any}")
        yield None if "{" in word else word
