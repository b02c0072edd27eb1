"""What a company is told when the house declines or suspends its registration: general words; notes stay inside."""

from enum import StrEnum


class Why(StrEnum):
    PAPERS = "papers"
    PAYMENT = "payment"
    LIMIT = "limit"
    DELIVERY = "delivery"
    REVIEW = "review"
    OTHER = "other"


CHOICES = frozenset(Why)


def told(reason: str) -> str:
    """The code that speaks for a stored reason; a sentence typed before there were codes is told as `other`."""
    return reason if not reason or reason in CHOICES else Why.OTHER
