"""A house to which no registry is connected: every question stays open, so nothing is ever verified by default."""

from datetime import datetime

from pavilion.provenance.registries.port import Answer, Claim, Reason, Status
from pavilion.provenance.registries.writing import OWN_PRODUCTION


class NoRegistry:
    name = OWN_PRODUCTION  # what waits for it is asked of it as soon as it is connected
    simulated = False

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, reason=Reason.DOWN)
