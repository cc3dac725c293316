import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlplatform.statistics.group_gaps import Rate
from mlplatform.statistics.paired import paired_difference
from mlplatform.statistics.paired_changes import rate_changes

EVERY = np.ones(4, dtype=bool)
counts = st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(sum)


@given(st.lists(counts, min_size=1, max_size=4))
def test_bounds_of_each_group_are_those_of_its_rows_alone(groups):
    cells, judged = np.array(groups), np.ones(len(groups), dtype=bool)
    mine = Rate(np.array([0, 0, 1, 1], bool), EVERY, judged)
    theirs = Rate(np.array([0, 1, 0, 1], bool), EVERY, judged)
    changes = rate_changes(cells, mine, theirs)
    lower, upper = changes.bounds(1.6448536)
    for at, of in enumerate(groups):
        alone = paired_difference(
            np.repeat([0.0, 0.0, 1.0, 1.0], of), np.repeat([0.0, 1.0, 0.0, 1.0], of)
        )
        assert changes.seen[at] == pytest.approx(alone.observed)
        assert (lower[at], upper[at]) == pytest.approx((alone.lower, alone.upper), abs=1e-6)
