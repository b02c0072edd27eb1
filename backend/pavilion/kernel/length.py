"""Lengths in whole micrometres (um)."""

from pavilion.kernel.money import half_up


def millimetres(um: int) -> str:
    """Two decimals, rounded half up: `6.62`."""
    hundredths = half_up(um, 10)
    return f"{hundredths // 100}.{hundredths % 100:02d}"
