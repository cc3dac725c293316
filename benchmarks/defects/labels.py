"""Defects of the label: leaked, flipped, lost; and personal data where none belongs."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from defects.plant import Defect, Rng, Roles, Rows, drawn, each, hit, like, numbers, put

LEAK = ("label_leakage",)
BALANCE = ("label_balance",)
PERSONAL = ("sensitive_data",)
FIRST = (
    "Anna",
    "Boris",
    "Chloe",
    "David",
    "Elena",
    "Farid",
    "Grace",
    "Hugo",
    "Irina",
    "James",
    "Karin",
    "Liam",
)
LAST = (
    "Smith",
    "Meyer",
    "Rossi",
    "Novak",
    "Garcia",
    "Kim",
    "Olsen",
    "Dubois",
    "Silva",
    "Tanaka",
    "Brown",
    "Ivanov",
)
PHRASES = (
    "Customer called and said that the invoice was never sent to his new address",
    "Patient reports pain in the left knee since the accident last winter",
    "She asked us to close the account because she moves to another country",
    "He was very unhappy with the service and wants to speak to a manager",
)


def kinds(at: Roles) -> Iterator[Defect]:
    """Yield every defect of the label, and injected personal data."""
    yield from _leaks(at)
    yield from _labels(at)
    for kind, severity, column, value in _personal(at):
        yield _of(
            "personal data", kind, f"{column}: {severity}", PERSONAL, drawn(column, value, 0.05)
        )
    yield _of(
        "personal data",
        "e-mail addresses from the start",
        f"{at.text}: the first version; 5 % of rows",
        PERSONAL,
        drawn(at.text, _email, 0.05),
        load="first",
    )


def _leaks(at: Roles) -> Iterator[Defect]:
    n, s, c, family = at.number, at.second, at.category, "leaked label"
    yield _of(
        family,
        "label copied",
        f"{n}: 1 for the positive class, else 0",
        LEAK,
        _leak(at, n, lambda p, x, g: p * 1.0),
    )
    yield _of(
        family,
        "label copied with noise",
        f"{n}: right in 99 % of rows",
        LEAK,
        _leak(at, n, lambda p, x, g: (p ^ hit(len(p), g, 0.01)) * 1.0),
    )
    yield _of(
        family,
        "label added to a number",
        f"{s}: +10,000 for the positive class",
        LEAK,
        _leak(at, s, lambda p, x, g: x + 10_000 * p),
    )
    yield _of(
        family,
        "label orders a number",
        f"{n}: same values, the largest with the positive class",
        LEAK,
        _leak(at, n, _ordered),
    )
    yield _of(
        family,
        "label in the parity",
        f"{n}: even for the positive class, else odd",
        LEAK,
        _leak(at, n, lambda p, x, g: 2 * np.floor(x / 2) + ~p),
    )
    yield _of(
        family,
        "label in missingness",
        f"{n}: missing for the positive class",
        (*LEAK, "missing_values"),
        _leak(at, n, lambda p, x, g: np.where(p, np.nan, x)),
    )
    yield _of(
        family,
        "label in a category",
        f"{c}: {at.group} for the positive class, never else",
        LEAK,
        _in_category(at),
    )
    yield _of(
        family,
        "leaked from the start",
        f"{n}: the first version; same values, the largest with the positive class",
        LEAK,
        _leak(at, n, _ordered),
        load="first",
    )


def _labels(at: Roles) -> Iterator[Defect]:
    y, family = at.label, "label"
    other = {at.positive: at.negative, at.negative: at.positive}
    yield _of(family, "label inverted", "every row", BALANCE, each(y, other.__getitem__))
    yield _of(family, "label flipped", "25 % of rows", BALANCE, each(y, other.__getitem__, 0.25))
    yield _of(
        family,
        "label at random",
        "every row, as often as before",
        ("correlations",),
        lambda t, g: put(t, y, t[y].take(pa.array(g.permutation(t.num_rows)))),
    )
    yield _of(
        family,
        "label lost",
        "5 % of rows",
        ("missing_values", "data_schema"),
        drawn(y, lambda _: None, 0.05),
    )
    yield _of(family, "positives lost", "9 of 10", BALANCE, _thinned(at))
    yield _of(
        family, "one class only", "every row negative", BALANCE, each(y, lambda _: at.negative)
    )
    yield _of(
        family,
        "label re-coded",
        "1 and 0 for its names",
        ("data_schema",),
        each(y, lambda v: "1" if v == at.positive else "0"),
    )
    yield _of(
        family,
        "third class",
        "'maybe' in 3 % of rows",
        ("data_schema",),
        drawn(y, lambda _: "maybe", 0.03),
    )


def _personal(at: Roles) -> Iterator[tuple[str, str, str, Callable[[Rng], Any]]]:
    t = at.text
    yield "e-mail addresses", "5 % of rows", t, _email
    yield (
        "phone numbers",
        "+1 202 555 01xx in 5 % of rows",
        t,
        lambda g: f"+1 202 555 {g.integers(100, 200):04d}",
    )
    yield "card numbers", "right by Luhn, 5 % of rows", t, _card
    yield (
        "social security numbers",
        "5 % of rows",
        t,
        lambda g: f"{g.integers(100, 665):03d}-{g.integers(10, 99)}-{g.integers(1000, 9999)}",
    )
    yield "names of people", "5 % of rows", t, lambda g: f"{g.choice(FIRST)} {g.choice(LAST)}"
    yield (
        "free text",
        "5 % of rows",
        t,
        lambda g: f"{g.choice(PHRASES)}, {g.choice(PHRASES).lower()} {g.integers(1, 9999)}.",
    )
    yield (
        "street addresses",
        "5 % of rows",
        t,
        lambda g: f"{g.integers(1, 999)} {g.choice(LAST)} Street, Springfield",
    )
    yield "card numbers in a number", "5 % of rows", at.number, lambda g: int(_card(g))


def _leak(
    at: Roles, column: str, change: Callable[[np.ndarray, np.ndarray, Rng], np.ndarray]
) -> Rows:
    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        values = np.nan_to_num(numbers(table, column))
        return put(table, column, like(table, column, change(_positive(at, table), values, rng)))

    return plant


def _ordered(positive: np.ndarray, values: np.ndarray, rng: Rng) -> np.ndarray:
    """The same values, sorted by class, in any order within a class."""
    rank = np.argsort(np.argsort(positive + rng.random(len(positive)) / 2))
    return np.asarray(np.sort(values)[rank])


def _in_category(at: Roles) -> Rows:
    def plant(table: pa.Table, rng: Rng) -> pa.Table:
        old = table[at.category].to_pylist()
        others = sorted({v for v in old if v not in (None, at.group)})
        new = [
            at.group if p else v if v != at.group else str(rng.choice(others))
            for p, v in zip(_positive(at, table), old, strict=True)
        ]
        return put(table, at.category, new)

    return plant


def _thinned(at: Roles) -> Rows:
    return lambda t, g: t.filter(pa.array(~_positive(at, t) | (g.random(t.num_rows) < 0.1)))


def _positive(at: Roles, table: pa.Table) -> np.ndarray:
    return np.array([v == at.positive for v in table[at.label].to_pylist()])


def _email(rng: Rng) -> str:
    return f"{rng.choice(FIRST)}.{rng.choice(LAST)}{rng.integers(1, 99)}@example.com".lower()


def _card(rng: Rng) -> str:
    """A Visa test-range number whose last digit is right by Luhn (ISO/IEC 7812-1)."""
    digits = [4, *(int(d) for d in rng.integers(0, 10, 14))]
    doubled = [d if n % 2 else (2 * d - 9 if d > 4 else 2 * d) for n, d in enumerate(digits)]
    return "".join(map(str, [*digits, -sum(doubled) % 10]))


def _of(
    family: str, kind: str, severity: str, expected: tuple[str, ...], rows: Rows, **how: str
) -> Defect:
    return Defect(kind=kind, family=family, severity=severity, expected=expected, rows=rows, **how)  # type: ignore[arg-type]  # Literals.
