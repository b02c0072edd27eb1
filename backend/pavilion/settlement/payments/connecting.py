"""The payment provider of this house, from its settings."""

from pavilion.settings import Settings
from pavilion.settlement.payments.port import Payments


def connect(settings: Settings) -> Payments | None:
    """The provider the settings name, to be closed at shutdown; none: nothing can be paid by card or virtual account,
    and all else goes on by wire."""
    if not settings.stripe_key.get_secret_value():
        return None
    from pavilion.settlement.payments.stripe_adapter import StripePayments

    return StripePayments.of(settings)
