"""The payment provider of this house, from its settings."""

from pavilion.settings import Environment, Settings
from pavilion.settlement.payments.port import Payments
from pavilion.settlement.payments.stripe_adapter import StripePayments


class WrongMode(Exception):
    """The key's mode and the environment differ; one sentence that says what to change."""


def connect(settings: Settings) -> Payments | None:
    """The provider the settings name, to be closed at shutdown; none: nothing can be paid by card or virtual account,
    and all else goes on by wire. WrongMode unless a live key meets production, and a test key anything else."""
    key = settings.stripe_key.get_secret_value()
    if not key:
        return None
    live = key.split("_")[1:2] == ["live"]
    if live is not (settings.environment is Environment.PRODUCTION):
        kind = "live" if live else "test"
        raise WrongMode(
            f"PAVILION_STRIPE_KEY is a {kind} key and PAVILION_ENVIRONMENT is {settings.environment.value}: "
            "live keys belong to production, test keys to demo and test."
        )
    secret = settings.stripe_webhook_secret.get_secret_value()
    return StripePayments(key, secret, settings.stripe_url.rstrip("/"), live=live)
