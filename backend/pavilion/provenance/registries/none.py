"""A registry that is not connected: every question stays open, so nothing is ever verified by default."""

from datetime import datetime

from pavilion.provenance.registries.port import OWN_PRODUCTION, Answer, Claim, Reason, Status


class NoRegistry:
    simulated = False

    def __init__(self, name: str = OWN_PRODUCTION) -> None:
        self.name = name  # what waits for it is asked of it as soon as it is connected

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        return Answer(self.name, Status.UNAVAILABLE, now, reason=Reason.DOWN)
