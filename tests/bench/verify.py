"""Bundles verified per second on one core, against a floor measured in the same run: their Ed25519 signatures alone.

Two cases: every bundle under a checkpoint of its own (nothing is shared), and all under one, as a house exports them.
"""

import statistics
import time
from dataclasses import replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pavilion.kernel.ids import ulid
from pavilion.provenance import bundle, checks, checks_log, verifying
from tests.provenance.sealed import NOW, Sealed

BUNDLES, ROUNDS = 300, 5
LEAST = 1_000  # a second and core
LEAST_SHARE = 0.3  # of the floor: where nothing is shared, the signatures alone take half of the time
SIGNATURES = {"own checkpoint": 5, "one checkpoint": 2}  # proof, token, and unless shared: log and two witnesses


def main() -> list[dict[str, object]]:
    alone = [Sealed(stone=ulid(NOW)) for _ in range(BUNDLES)]
    own = [one.packed() for one in alone]
    one = Sealed()
    shared = [bundle.pack(replace(one.parts, rules=b'{"n":%d}' % n)) for n in range(BUNDLES)]
    floor_us = _floor_us()
    found = []
    for name, packed in (("own checkpoint", own), ("one checkpoint", shared)):
        rates = [_rate(packed) for _ in range(ROUNDS)]
        rate, floor = statistics.median(rates), 1e6 / (floor_us * SIGNATURES[name])
        found.append(
            {
                "name": f"bundles verified a second, {name}",
                "value": round(rate),
                "least": LEAST,
                "floor": round(floor),
                "share_of_floor": round(rate / floor, 2),
                "bytes": len(packed[0]),
                "ok": rate >= LEAST or (name == "own checkpoint" and rate / floor >= LEAST_SHARE),
            }
        )
        print(f"{name}: {rate:.0f} a second; signatures alone {floor:.0f} a second ({floor_us:.0f} us each)")
    return found


def _rate(packed: list[bytes]) -> float:
    """Nothing is remembered from the round before."""
    checks_log.noted.cache_clear()
    checks._read_list.cache_clear()
    start = time.process_time()
    for data in packed:
        report = verifying.verify(data, offline=True, now=NOW)
        assert report.exit == 0, str(report)
    return len(packed) / (time.process_time() - start)


def _floor_us() -> float:
    key = Ed25519PrivateKey.from_private_bytes(sha256(b"floor").digest())
    public, message = key.public_key(), b"x" * 64
    signature = key.sign(message)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(500):
            public.verify(signature, message)
        times.append((time.process_time() - start) / 500 * 1e6)
    return statistics.median(times)


if __name__ == "__main__":
    main()
