"""Tables to scan: every type, missing and infinite values, and a plan for them."""

import numpy as np
import pyarrow as pa
from hypothesis import settings
from hypothesis import strategies as st

from mlplatform.validate.scan import Plan, scan

TYPES = {
    "age": "int64",
    "wage": "float64",
    "at": "timestamp",
    "job": "string",
    "member": "bool",
    "label": "string",
}
ARROW = pa.schema(
    [
        ("age", pa.int64()),
        ("wage", pa.float64()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("job", pa.string()),
        ("member", pa.bool_()),
        ("label", pa.string()),
    ]
)
ages = st.none() | st.integers(-5, 120) | st.integers(-(2**52), 2**52)
wages = st.none() | st.floats(-1e6, 1e6) | st.sampled_from([np.inf, -np.inf, np.nan, -0.0])
rows = st.fixed_dictionaries(
    {
        "age": ages,
        "wage": wages,
        "at": st.none() | st.integers(0, 2**52),
        "job": st.none() | st.sampled_from(["tech", "sales", "", "farm", "Ärztin"]),
        "member": st.none() | st.booleans(),
        "label": st.none() | st.sampled_from(["yes", "no"]),
    }
)
tables = st.lists(rows, min_size=1, max_size=40).map(lambda r: pa.Table.from_pylist(r, ARROW))
few = settings(max_examples=30)  # Each is some scans of six columns.
PLAN = {
    "columns": TYPES,
    "label": "label",
    "positive": "yes",
    "key": ("age",),
    "limits": {"age": (0, 100), "wage": (None, 0.5)},
    "domains": {"job": ["tech", "sales"]},
}


def scanned(table, batch_rows=None, **more):
    """The scan of a table, by `PLAN` with changes."""
    return scan(table.to_batches(max_chunksize=batch_rows), Plan(**{**PLAN, **more}))


def numbers(values, kind="float64", **more):
    """The view of a table of one column of numbers."""
    column = pa.array(values, pa.float64() if kind == "float64" else pa.int64())
    batch_rows = more.pop("batch_rows", None)
    plan = Plan(columns={"x": kind}, **more)
    return scan(pa.table({"x": column}).to_batches(max_chunksize=batch_rows), plan).view()


def facts(view):
    """What of a view must be equal however its rows came."""
    columns = {}
    for name, c in view.columns.items():
        columns[name] = (
            *(c.rows, c.missing, c.missing_by_class, c.infinite, c.minimum, c.maximum, c.outside),
            *(c.counts, c.negative, c.positive, c.other, c.distinct, c.distinct_exact, c.sample),
        )
        if c.histogram is not None:
            h = c.histogram
            parts = (h.ranks, h.counts, h.negative, h.positive)
            columns[name] += (h.frame, h.exact, *(part.tolist() for part in parts))
    return view.rows, columns, view.label_counts, view.duplicates
