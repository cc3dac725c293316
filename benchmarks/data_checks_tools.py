"""One tool of `data_checks.py` in a process of its own: checks the same Parquet file whenever asked.

Every tool answers the same questions of ten columns: is a value missing, is a number out of range, is a
text out of its domain, is a column of its type. Ours also counts all that a scan counts.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUMBERS = [f"f{n}" for n in range(8)]
RANGE = (-1000.0, 1000.0)
CITIES = ["Bonn", "Kyiv", "Lima", "Oslo", "Rome"]
CODES = [f"c{n:03d}" for n in range(300)]
DOMAINS = {"city": CITIES, "code": CODES}

Run = Callable[[Path], dict[str, Any]]  # Whether the table passed, and seconds of parts of it.


def ours(**more: Any) -> Run:
    """Return a scan of the lake's table whose file it is."""
    from mlplatform.lake import Lake
    from mlplatform.validate.scan import Plan, scan

    plan = Plan(
        columns=dict.fromkeys(NUMBERS, "float64") | dict.fromkeys(DOMAINS, "string"),
        limits=dict.fromkeys(NUMBERS, RANGE),
        domains=DOMAINS,
        **more,
    )

    def run(file: Path) -> dict[str, Any]:
        batches = (
            Lake(str(file.parents[1]))
            .table(file.parent.name)
            .batches(batch_rows=262_144, dictionaries=True)
        )
        columns = scan(batches, plan).view().columns.values()
        return {"passed": not any(c.missing + c.not_finite + c.outside for c in columns)}

    return run


def polars() -> Run:
    """Return a lazy query over the file."""
    import polars as pl

    types = dict.fromkeys(NUMBERS, pl.Float64) | dict.fromkeys(DOMAINS, pl.String)
    wanted = [pl.col(name).null_count().alias(f"null {name}") for name in types]
    for name in NUMBERS:
        wanted += [pl.col(name).min().alias(f"min {name}"), pl.col(name).max().alias(f"max {name}")]
    for name, domain in DOMAINS.items():
        wanted.append((~pl.col(name).is_in(domain)).sum().alias(f"strange {name}"))

    def run(file: Path) -> dict[str, Any]:
        table = pl.scan_parquet(file)
        typed = dict(table.collect_schema()) == types
        row = table.select(wanted).collect().row(0, named=True)
        return {"passed": typed and _passed(row)}

    return run


def duckdb() -> Run:
    """Return a query over the file."""
    import duckdb as db

    wanted = [f'count(*) - count({name}) AS "null {name}"' for name in [*NUMBERS, *DOMAINS]]
    for name in NUMBERS:
        wanted += [f'min({name}) AS "min {name}"', f'max({name}) AS "max {name}"']
    for name, domain in DOMAINS.items():
        texts = ", ".join(f"'{value}'" for value in domain)
        wanted.append(f'count(*) FILTER ({name} NOT IN ({texts})) AS "strange {name}"')
    types = ["DOUBLE"] * len(NUMBERS) + ["VARCHAR"] * len(DOMAINS)
    connection = db.connect()

    def run(file: Path) -> dict[str, Any]:
        table = connection.read_parquet(str(file))
        typed = [str(type_) for type_ in table.types] == types
        found = table.aggregate(", ".join(wanted))
        row = dict(zip(found.columns, found.fetchall()[0], strict=True))
        return {"passed": typed and _passed(row)}

    return run


def _passed(row: dict[str, Any]) -> bool:
    least, most = RANGE
    return all(
        value >= least if name[:3] == "min" else value <= most if name[:3] == "max" else not value
        for name, value in row.items()
    )


def pandera_pandas() -> Run:
    """Return pandera on pandas."""
    import pandas as pd
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(
        {name: pa.Column(float, pa.Check.in_range(*RANGE)) for name in NUMBERS}
        | {name: pa.Column(str, pa.Check.isin(domain)) for name, domain in DOMAINS.items()}
    )
    return _in_memory(pd.read_parquet, schema.validate, pa.errors.SchemaError)


def pandera_polars() -> Run:
    """Return pandera on polars."""
    import pandera.polars as pa
    import polars as pl

    schema = pa.DataFrameSchema(
        {name: pa.Column(pl.Float64, pa.Check.in_range(*RANGE)) for name in NUMBERS}
        | {name: pa.Column(pl.String, pa.Check.isin(domain)) for name, domain in DOMAINS.items()}
    )
    return _in_memory(pl.read_parquet, schema.validate, pa.errors.SchemaError)


def great_expectations() -> Run:
    """Return Great Expectations on pandas, asked for true or false only, its fastest answer."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    import pandas as pd

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("rows")
    least, most = RANGE
    expected = [gxe.ExpectColumnValuesToNotBeNull(column=c) for c in [*NUMBERS, *DOMAINS]]
    for name in NUMBERS:
        expected.append(gxe.ExpectColumnValuesToBeOfType(column=name, type_="float64"))
        expected.append(
            gxe.ExpectColumnValuesToBeBetween(column=name, min_value=least, max_value=most)
        )
    for name, domain in DOMAINS.items():
        expected.append(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=domain))
    check = gx.ValidationDefinition(
        name="checks",
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(gx.ExpectationSuite(name="checks", expectations=expected)),
    )
    check = context.validation_definitions.add(check)

    def validate(rows: Any) -> None:
        done = check.run(batch_parameters={"dataframe": rows}, result_format="BOOLEAN_ONLY")
        if not done.success:
            raise ValueError("it expected otherwise")

    return _in_memory(pd.read_parquet, validate, ValueError)


def _in_memory(
    read: Callable[[Path], Any], validate: Callable[[Any], Any], refusal: type[Exception]
) -> Run:
    """Return reading the whole file, then validating it; the two are also timed apart."""

    def run(file: Path) -> dict[str, Any]:
        began = time.perf_counter()
        rows = read(file)
        read_in = time.perf_counter()
        try:
            validate(rows)
            passed = True
        except refusal:
            passed = False
        parts = {"read_seconds": read_in - began, "validate_seconds": time.perf_counter() - read_in}
        return {"passed": passed, **parts}

    return run


def peak_mb() -> int:
    """Return the most memory this process has held; `getrusage` would begin with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) // 1024


TOOLS: dict[str, Callable[[], Run]] = {
    "mlplatform checks and statistics": lambda: ours(duplicates=False),
    "mlplatform the same, by class of a label": lambda: ours(
        duplicates=False, label="city", positive="Oslo"
    ),
    "mlplatform full scan": lambda: ours(label="city", positive="Oslo", key=("f0", "code")),
    "polars lazy": polars,
    "duckdb": duckdb,
    "pandera on polars": pandera_polars,
    "pandera on pandas": pandera_pandas,
    "Great Expectations on pandas": great_expectations,
}


def main(name: str) -> None:
    """Answer each line of standard input, a file's path, by one of figures."""
    run = TOOLS[name]()
    for line in sys.stdin:
        began, cpu = time.perf_counter(), time.process_time()
        said = run(Path(line.strip()))
        said |= {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
        said["peak_mb"] = peak_mb()
        print("answer " + json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
