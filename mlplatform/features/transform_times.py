"""Instants of encoded rows as parts of the calendar and as cycles: part of the exported program.

Only whole numbers are computed with, and sine and cosine are looked up in tables made by NumPy, so
that every backend gives the same bits.
"""

from collections.abc import Sequence
from functools import cached_property

import jax
import jax.numpy as jnp
import numpy as np

from mlplatform.features.inputs import FIRST, MISSING, NO_TIME

MINUTE, QUARTER, HOUR = 60, 900, 3600  # In seconds.
STEPS = {"day": 1440, "week": 7 * 96, "year": 366}  # Values of a cycle: minutes, quarters, days.
ERA = 146_097  # Days of 400 years of the Gregorian calendar.
ERAS_BEFORE = 719_468  # Days from 1 March of the year 0 to 1970.


class Clock:
    """Instants by a clock: days since 1970 and seconds since midnight, i32[rows], `NO_TIME` if missing.

    Parts are computed when they are asked for. The calendar is Hinnant's `civil_from_days` (2013,
    "chrono-Compatible Low-Level Date Algorithms"): years begin in March, so that the leap day is
    the last, and no year is before 0, so that divisions may cut off.
    """

    def __init__(self, days: jax.Array, seconds: jax.Array) -> None:
        self.missing = days == NO_TIME
        self._days = jnp.where(self.missing, 0, days) + ERAS_BEFORE
        self._seconds = jnp.where(self.missing, 0, seconds)

    @cached_property
    def minute_of_day(self) -> jax.Array:
        """0 to 1439."""
        return _whole(self._seconds, MINUTE)

    @cached_property
    def hour(self) -> jax.Array:
        """0 to 23."""
        return _whole(self._seconds, HOUR)

    @cached_property
    def weekday(self) -> jax.Array:
        """0, Monday, to 6: 1 March of the year 0 was a Wednesday."""
        return _rest(self._days + 2, 7)

    @cached_property
    def quarter_of_week(self) -> jax.Array:
        """0 to 671, in quarters of an hour from Monday on."""
        return self.weekday * 96 + _whole(self._seconds, QUARTER)

    @cached_property
    def day_of_year(self) -> jax.Array:
        """0, 1 January, to 365."""
        year, of_year = self._from_march
        century = _rest(year, 100) == 0
        leap = (_rest(year, 4) == 0) & (~century | (year == 0))
        return jnp.where(of_year < 306, of_year + 59 + leap, of_year - 306)

    @cached_property
    def month(self) -> jax.Array:
        """0, January, to 11."""
        month = self._month_from_march
        return jnp.where(month < 10, month + 2, month - 10)

    @cached_property
    def day(self) -> jax.Array:
        """0, the 1st, to 30."""
        return self._from_march[1] - _whole(153 * self._month_from_march + 2, 5)

    @cached_property
    def _from_march(self) -> tuple[jax.Array, jax.Array]:
        """The year within its 400, and the day within its year, which begins in March."""
        of_era = _rest(self._days, ERA)
        leaps = _whole(of_era, 1460) - _whole(of_era, 36_524) + _whole(of_era, 146_096)
        year = _whole(of_era - leaps, 365)
        return year, of_era - (365 * year + _whole(year, 4) - _whole(year, 100))

    @cached_property
    def _month_from_march(self) -> jax.Array:
        return _whole(5 * self._from_march[1] + 2, 153)


def part(clock: Clock, name: str) -> jax.Array:
    """Return i32[1, rows]: the id of a part, `FIRST` + its value, or `MISSING`."""
    values: jax.Array = getattr(clock, name)
    return jnp.where(clock.missing, MISSING, FIRST + values)[None]


def cycles(clock: Clock, names: Sequence[str]) -> jax.Array:
    """Return f32[2 * cycles, rows]: sine and cosine of how far each cycle has come, 0 where missing."""
    tables, places, first = [], [], 0
    steps = {"day": "minute_of_day", "week": "quarter_of_week", "year": "day_of_year"}
    for name in names:
        angles = 2 * np.pi * np.arange(STEPS[name]) / STEPS[name]
        for wave in (np.sin, np.cos):
            tables.append(np.float32(wave(angles)))
            places.append(getattr(clock, steps[name]) + first)
            first += STEPS[name]
    table = np.concatenate([*tables, np.zeros(1, np.float32)])
    at = jnp.where(clock.missing, first, jnp.stack(places))
    return jnp.asarray(table).at[at].get(mode="promise_in_bounds")


def _whole(values: jax.Array, by: int) -> jax.Array:
    """Return values // by, of values not below 0."""
    return jax.lax.div(values, jnp.int32(by))


def _rest(values: jax.Array, by: int) -> jax.Array:
    """Return values modulo by, of values not below 0."""
    return jax.lax.rem(values, jnp.int32(by))
