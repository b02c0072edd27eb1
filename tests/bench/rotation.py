"""The rotation of trays: sixty buyers who all want to see sixty trays, and sixty who want to see half of them."""

import statistics
import time

from pavilion.viewings import rotation
from tests.luck import Random

MOST_MS, ROUNDS = 200, 15
SIZE = 60


def wants(share: float, luck: Random) -> dict[str, list[str]]:
    return {f"B{buyer:02}": [f"T{tray:02}" for tray in range(SIZE) if luck.random() < share] for buyer in range(SIZE)}


def measured(name: str, asked: dict[str, list[str]]) -> dict[str, object]:
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = rotation.plan(asked)
        times.append((time.perf_counter() - begun) * 1000)
    pairs = sum(map(len, asked.values()))
    floor = min(_floor(asked) for _ in range(ROUNDS))
    facts: dict[str, object] = {
        "name": name,
        "pairs": pairs,
        "rounds": len(found.rounds),
        "least": found.least,
        "idle_inside": sum(found.idle.values()),
        "p50_ms": round(statistics.median(times), 1),
        "worst_ms": round(max(times), 1),
        "floor_ms": round(floor, 2),  # every pair put into a set and sorted once
        "ok": max(times) <= MOST_MS and len(found.rounds) == found.least,
    }
    print(
        f"{name}: {len(found.rounds)} rounds of at least {found.least}, {facts['p50_ms']} ms, worst {facts['worst_ms']}"
    )
    return facts


def _floor(asked: dict[str, list[str]]) -> float:
    begun = time.perf_counter()
    sorted({(buyer, tray) for buyer, trays in asked.items() for tray in trays})
    return (time.perf_counter() - begun) * 1000


def main() -> list[dict[str, object]]:
    luck = Random(5)
    return [
        measured("rotation, 60 buyers by 60 trays, all of them", wants(2, luck)),
        measured("rotation, 60 buyers by 60 trays, half of them", wants(0.5, luck)),
    ]


if __name__ == "__main__":
    raise SystemExit(0 if all(fact["ok"] for fact in main()) else 1)
