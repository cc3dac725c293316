"""One streaming pass over a table, and everything the gates, the profile and drift ask of it.

`Plan` says what to count, `Scanner` takes batches, `Scan` holds the counts by atom (a group of
rows), and `Scan.view` looks at some atoms together. Memory does not grow with the rows.
"""

from mlplatform.validate.scan.column import ColumnView
from mlplatform.validate.scan.histogram import Histogram
from mlplatform.validate.scan.plan import Plan
from mlplatform.validate.scan.result import RowsRepeated, Scan, View
from mlplatform.validate.scan.scanner import Scanner, scan

__all__ = ["ColumnView", "Histogram", "Plan", "RowsRepeated", "Scan", "Scanner", "View", "scan"]
