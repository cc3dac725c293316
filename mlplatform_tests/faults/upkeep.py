"""What killed and raced children do beside writing: compact, and vacuum without any grace."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from mlplatform.lake import Lake
from mlplatform.lake.compaction import optimize as compact
from mlplatform.lake.vacuum import Held, carry_out, plan


def optimize(lake: Lake, table: str, times: Sequence[object]) -> list[int]:
    """Compact as often as there are `times`; return the log entries that did it."""
    done = [compact(lake.table(table), "child", least_files=2) for _ in times]
    return [each.compaction for each in done if each.compaction is not None]


def vacuum(
    lake: Lake, table: str, held: Sequence[int], grace: timedelta = timedelta(0)
) -> list[int]:
    """Free every version but the held ones and the newest; return which went."""
    holding = Held(
        versions={table: {number: ["lease"] for number in held}},
        names=lambda _: {},
        grace={table: grace},
    )
    planned = plan(lake, holding, now=datetime.now(UTC))
    carry_out(lake, planned, "child")
    return list(planned.tables[0].freed)
