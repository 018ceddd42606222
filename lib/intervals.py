"""How far a count can be off by chance: confidence limits of a Poisson mean. Plain data."""

import math
from collections.abc import Callable

_LEVEL = 0.95
# Beyond this many the approximation is closer than a part in ten thousand, and the sums would be long.
_MOST_SUMMED = 1000


def poisson_interval(events: int) -> tuple[float, float]:
    """The exact 95 % limits of the mean behind a count of events, lower and upper.

    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936), 437-442: the lower limit is the
    mean under which that many events or more have a chance of 2.5 %, the upper that under which that many or fewer
    have. Above 1,000 events by Byar's approximation (Breslow and Day, Statistical Methods in Cancer Research II, 1987,
    p. 69). Raises ValueError for a negative count.
    """
    if events < 0:
        raise ValueError("a count of events is not negative")
    tail = (1 - _LEVEL) / 2
    if events > _MOST_SUMMED:
        return _byar(events)
    lower = _mean_where(lambda mean: 1 - _at_most(events - 1, mean), tail, events, rising=True) if events else 0.0
    return lower, _mean_where(lambda mean: _at_most(events, mean), tail, events, rising=False)


def relative_width(events: int) -> float:
    """The width of the 95 % interval as a part of the count; infinite for none."""
    lower, upper = poisson_interval(events)
    return (upper - lower) / events if events else math.inf


def _at_most(events: int, mean: float) -> float:
    """The chance of that many events or fewer. Sums the terms, each scaled, so that none underflows."""
    if mean == 0:
        return 1.0
    logarithms = (count * math.log(mean) - mean - math.lgamma(count + 1) for count in range(events + 1))
    return math.fsum(map(math.exp, logarithms))


def _mean_where(chance: Callable[[float], float], wanted: float, events: int, *, rising: bool) -> float:
    """The mean at which a monotonous chance is the one wanted, by bisection down to what a float holds."""
    low, high = 0.0, events + 10 * math.sqrt(events + 1) + 10
    for _ in range(60):
        middle = (low + high) / 2
        if (chance(middle) < wanted) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _byar(events: int) -> tuple[float, float]:
    normal = 1.959963984540054  # of 97.5 %
    above = events + 1
    lower = events * (1 - 1 / (9 * events) - normal / (3 * math.sqrt(events))) ** 3
    return lower, above * (1 - 1 / (9 * above) + normal / (3 * math.sqrt(above))) ** 3
