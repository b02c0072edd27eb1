"""Makes `data/world.json`, the outlines that journeys are drawn on, from the countries of Natural Earth 1:110 m.

    npm pack world-atlas@2.0.2 && tar xf world-atlas-2.0.2.tgz
    python -m pavilion.provenance.mapmaking package/countries-110m.json

Natural Earth is in the public domain; world-atlas, which holds it as TopoJSON, is under the ISC licence. What is kept:
arcs in hundredths of a degree as differences; per country (two letters) its rings as numbers of arcs, `~n` being arc n
backwards; and the rings of all land without borders. Antarctica, where no stone comes from, is left out.
"""

import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

from babel.core import get_global

MADE = Path(__file__).parent / "data" / "world.json"
SOURCE = "Natural Earth 1:110m admin 0 countries, public domain; from npm world-atlas 2.0.2 (ISC)"
HUNDREDTHS = 100
_LEFT_OUT = frozenset({"AQ"})


def made(topology: dict[str, Any]) -> bytes:
    """The file's bytes; the same topology gives the same."""
    countries: dict[str, list[list[int]]] = {}
    for geometry in topology["objects"]["countries"]["geometries"]:
        if (cc := _letters(geometry.get("id"))) not in _LEFT_OUT:
            countries.setdefault(cc, []).extend(_rings(geometry))
    used = sorted({_plain(arc) for rings in countries.values() for ring in rings for arc in ring})
    land = [ring for geometry in topology["objects"]["land"]["geometries"] for ring in _rings(geometry)]
    number = {old: new for new, old in enumerate(used)}
    document = {
        "v": 1,
        "source": SOURCE,
        "arcs": [_differences(_degrees(topology, old)) for old in used],
        "countries": {
            cc: [[_moved(arc, number) for arc in ring] for ring in countries[cc]] for cc in sorted(countries)
        },
        "land": [
            [_moved(arc, number) for arc in ring] for ring in land if {_plain(arc) for arc in ring} <= number.keys()
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _rings(geometry: dict[str, Any]) -> list[list[int]]:
    if geometry["type"] == "Polygon":
        return list(geometry["arcs"])
    return [ring for polygon in geometry["arcs"] for ring in polygon]


def _degrees(topology: dict[str, Any], arc: int) -> list[tuple[int, int]]:
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    x = y = 0
    points: list[tuple[int, int]] = []
    for dx, dy in topology["arcs"][arc]:
        x, y = x + dx, y + dy
        point = (round((x * sx + tx) * HUNDREDTHS), round((y * sy + ty) * HUNDREDTHS))
        if not points or points[-1] != point:
            points.append(point)
    return points


def _differences(points: list[tuple[int, int]]) -> list[int]:
    flat = list(points[0])
    for (x0, y0), (x1, y1) in pairwise(points):
        flat += [x1 - x0, y1 - y0]
    return flat


def _moved(arc: int, number: dict[int, int]) -> int:
    return number[arc] if arc >= 0 else ~number[~arc]


def _plain(arc: int) -> int:
    return arc if arc >= 0 else ~arc


def _letters(numeric: str | None) -> str:
    """ISO 3166-1 alpha-2 of the three digits; land without digits of its own stands under XX."""
    found = get_global("territory_aliases").get(numeric or "")
    return found[0] if found else "XX"


if __name__ == "__main__":
    MADE.write_bytes(made(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
