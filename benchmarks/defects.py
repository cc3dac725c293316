"""Which planted defects the default data gates catch, and how often clean data alarms them.

`.venv/bin/python benchmarks/defects.py`: about ten minutes on two cores; writes
`benchmarks/results/defects.json` and `docs/defects.md`. `--table` makes the page from the results.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "defects.json"
PAGE = ROOT / "docs" / "defects.md"
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from defects.run import CLEAN_BATCHES, SETS, one, whole  # noqa: E402  The path comes first.
from defects.table import page, totals  # noqa: E402  The path comes first.


def main() -> None:
    """Measure, print and keep the result."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", choices=list(SETS), help="one data set; prints its lines")
    options.add_argument("--clean", type=int, default=CLEAN_BATCHES, help="batches a data set")
    options.add_argument("--table", action="store_true", help="only make the page")
    given = options.parse_args()
    if given.only:
        print(json.dumps(one(given.only, given.clean)))
        return
    if not given.table:
        result = whole(given.clean)
        result["totals"] = totals(result["sets"])
        RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    result = json.loads(RESULTS.read_text())
    PAGE.write_text(page(result))
    print(json.dumps(result["totals"], indent=2))


if __name__ == "__main__":
    main()
