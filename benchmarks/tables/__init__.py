"""Real tables with fixed splits, for benchmarks of training."""

from benchmarks.tables.ours import OURS
from benchmarks.tables.packaged import PACKAGED
from benchmarks.tables.table import BenchTable, Parts

TABLES = {table.name: table for table in (*OURS, *PACKAGED)}

__all__ = ["TABLES", "BenchTable", "Parts"]
