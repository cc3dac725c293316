"""The drift reference of values that stand in no table."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mlplatform.evaluate.made_from import MadeFrom
from mlplatform.features.aggregates import Lookup
from mlplatform.features.encoder import Encoder
from mlplatform.monitor.drift import psi_by_column
from mlplatform.monitor.histogram import NumericBins
from mlplatform.monitor.reference import cut, load, with_aggregates
from mlplatform_tests.monitor import loans


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Loans and their aggregates."""
    return loans.World(tmp_path_factory.mktemp("loans"))


def values(world):
    """The rows that train or validate, with what is looked up for them."""
    encoder = loans.encoder()
    lookup = Lookup.read(world.lake, world.aggregates, encoder.aggregates, "asked")
    rows = (
        world.lake.table("loans/dataset")
        .read(world.dataset)
        .filter(loans.parts_of(loans.ROWS) != "test")
    )
    return pa.Table.from_batches(
        [lookup.fill(batch) for batch in rows.combine_chunks().to_batches()]
    )


def reference(world, fitted=None):
    """What is kept with a model of features as these."""
    made = MadeFrom(world.pipeline, world.lake, world.features_of(fitted=fitted))
    return with_aggregates(cut(loans.rows(), ["score"]), made, world.split)


def test_the_values_of_all_rows_but_the_tests_are_cut(world):
    seen, mine = load(reference(world)), values(world)
    assert list(seen) == ["before", "mean_amount", "score"]
    for name in ("before", "mean_amount"):
        histogram = seen[name]
        assert isinstance(histogram.bins, NumericBins)
        assert histogram.counts == histogram.bins.count(mine[name]).counts
        assert histogram.rows == 480
    assert seen["score"] == load(cut(loans.rows(), ["score"]))["score"]


def test_the_drift_monitor_sees_an_aggregate_move(world):
    seen, mine = load(reference(world)), values(world)
    calm = psi_by_column({"before": seen["before"]}, mine)
    place = mine.schema.get_field_index("before")
    moved = mine.set_column(place, "before", pc.add(mine["before"], 1000))
    assert calm["before"] == 0
    assert psi_by_column({"before": seen["before"]}, moved)["before"] > 1


def test_features_without_aggregates_leave_the_reference_as_it_is(world):
    whole = loans.encoder()
    few = [one for one in whole.inputs if getattr(one, "column", "") in ("amount", "score")]
    assert reference(world, Encoder(inputs=tuple(few))) == cut(loans.rows(), ["score"])
