"""How long to wait before the next attempt: exponential, with full jitter. Pure."""

FIRST_S, LONGEST_S = 1.0, 60.0
REFUSED_OFTEN = 8
"""Refusals in a row after which the device asks seldom: it is not a matter of a restart any more."""
SELDOM_S = 600.0


def pause_s(failures: int, *, refusals: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; `chance` is random, between 0 and 1."""
    if refusals >= REFUSED_OFTEN:
        return SELDOM_S / 2 + chance * SELDOM_S / 2
    return chance * min(LONGEST_S, FIRST_S * 2.0 ** min(failures, 16))
