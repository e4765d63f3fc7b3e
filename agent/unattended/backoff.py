"""How long to wait before the next attempt: exponential, with full jitter above a second. Pure."""

SHORTEST_S, FIRST_S, LONGEST_S = 1.0, 4.0, 60.0
"""Never shorter: an attempt must not overtake the one before it, or its number looks like a copy's."""
REFUSED_OFTEN = 8
"""Refusals in a row after which the device asks seldom: it is not a matter of a restart any more."""
SELDOM_S = 600.0


def pause_s(failures: int, *, refusals: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row; `chance` is random, between 0 and 1."""
    if refusals >= REFUSED_OFTEN:
        return SELDOM_S / 2 + chance * SELDOM_S / 2
    longest = min(LONGEST_S, FIRST_S * 2.0 ** min(failures, 16))
    return SHORTEST_S + chance * (longest - SHORTEST_S)
