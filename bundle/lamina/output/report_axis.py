"""The axis of a chart: from numbers to places on the paper."""

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.ticker import MaxNLocator

# Values that differ by rounding errors alone would blow these up to the height of a chart.
_NO_RANGE = 1e-9


@dataclass(frozen=True)
class Tick:
    """A mark of an axis: where it stands, and what is written there."""

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A linear scale from ``low`` … ``high`` to the places ``start`` … ``end``."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the place of a value, to a tenth of a unit.

        Examples
        --------
        >>> Axis(0.0, 1.0, 100.0, 200.0).at(0.25)
        125.0
        """
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[Tick]:
        """Marks at round numbers, at most six.

        Examples
        --------
        >>> [tick.text for tick in Axis(0.0, 1.0, 0.0, 100.0).ticks]
        ['0', '0.2', '0.4', '0.6', '0.8', '1']
        """
        inside = [value for value in _round_values(self.low, self.high) if self._holds(value)]
        return [Tick(self.at(value), f"{value:,.6g}") for value in inside]

    def _holds(self, value: float) -> bool:
        margin = 1e-9 * (self.high - self.low)
        return self.low - margin <= value <= self.high + margin


def fit_axis(values: Iterable[float], start: float, end: float) -> Axis:
    """Return an axis that holds all values and ends at round numbers.

    Examples
    --------
    >>> axis = fit_axis([0.3, 8.2], start=0.0, end=100.0)
    >>> axis.low, axis.high
    (0.0, 10.0)
    """
    values = list(values)
    low, high = min(values), max(values)
    if high - low < _NO_RANGE:
        low, high = low - 0.5, high + 0.5
    rounded = _round_values(low, high)
    return Axis(rounded[0], rounded[-1], start, end)


def _round_values(low: float, high: float) -> list[float]:
    return [float(value) for value in MaxNLocator(nbins=5).tick_values(low, high)]
