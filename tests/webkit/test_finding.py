"""A request finds the same route, or none, whether all are asked or only those that its path's first word leads to."""

import re

from starlette.routing import Match

from pavilion import doors
from pavilion.webkit.finding import by_word, first_word
from tests.luck import Random

ROUTES = [route for router in doors.ROUTERS for route in router.routes]
VALUES = ("01M7Z85APYN1SA12CS184JB4HM", "1", "ant", "new", "a.json", "２", "")


def asked(routes, method, path):
    """Who answers: the first that fits, else the first that fits but for its method."""
    scope = {"type": "http", "method": method, "path": path, "headers": []}
    fits = [(route, route.matches(dict(scope))[0]) for route in routes]
    return next((route for wanted in (Match.FULL, Match.PARTIAL) for route, how in fits if how is wanted), None)


def paths():
    luck = Random(11)
    every = sorted({one.path for one in ROUTES if hasattr(one, "path")})
    for path in (*every, "/", "//sales", "/nowhere", "/nowhere/sales", "/Sales", "/sales/", "/salesroom", "*"):
        yield re.sub(r"\{[^}]+\}", lambda _: luck.choice(VALUES), path)


def test_each_path_leads_where_it_led():
    table = by_word(ROUTES)
    assert table[None] == [] and max(map(len, table.values())) * 2 < len(ROUTES), "the routes are sorted"
    led = 0
    for path in paths():
        few = table.get(first_word(path), table[None])
        for method in ("GET", "POST", "DELETE"):
            answers = asked(ROUTES, method, path)
            assert asked(few, method, path) is answers, (method, path)
            led += answers is not None
    assert led > len(ROUTES)


def test_a_route_that_begins_with_any_word_keeps_its_place():
    class Way:
        def __init__(self, path):
            self.path = path

    first, named, second, any_word, last = (Way(path) for path in ("/a", "/b/{x}", "/a/{x}", "/{x}/b", "/c"))
    table = by_word([first, named, second, any_word, last])
    assert table == {
        "a": [first, second, any_word],
        "b": [named, any_word],
        "c": [any_word, last],
        None: [any_word],
    }
