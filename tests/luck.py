"""Chance in tests: always seeded, so that a run can be run again."""

import random  # noqa: TID251 - the one door to it


class Random(random.Random):
    def __init__(self, seed: int | str) -> None:
        super().__init__(seed)
