"""Rates for houses of tests: a test asks as fast as it can, and wants each answer from the route itself."""

from pavilion.webkit.rates import PER_DAY, PER_SECOND, Standing


class Unmetered:
    async def take(self, caller, now):
        return Standing(True, PER_SECOND, PER_DAY, 1)

    async def close(self):
        pass
