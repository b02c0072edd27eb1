"""A house to which no registry is connected: every question stays open, so nothing is ever verified by default."""

from datetime import datetime

from pavilion.provenance.registries.port import Answer, Claim, Reason, Status


class NoRegistry:
    name = "none"
    simulated = False

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, reason=Reason.DOWN)
