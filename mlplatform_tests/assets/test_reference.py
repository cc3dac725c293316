"""The asset `reference`: pins the first accepted version, then shows what is in force."""

import dagster as dg
import pytest

from assets import reference as asset
from assets.nouns import asset_key
from mlplatform.validate import acceptance, reference
from mlplatform.validate.anomalies import Distance
from mlplatform.validate.record import to_table
from mlplatform_tests.validate.conftest import LINEAGE, dataset, lake, people, pipeline
from mlplatform_tests.validate.test_acceptance import bare
from resources import LakeResource, LakeVersions

__all__ = ["dataset", "lake", "pipeline"]  # Fixtures.


@pytest.fixture
def materialise(lake, pipeline):
    """Materialises the asset alone on the newest dataset."""

    def run():
        store = LakeResource(root=lake.root)
        return dg.materialize(
            [asset.build(pipeline), dg.AssetSpec(asset_key(pipeline, "dataset"))],
            resources={"lake": store, "io_manager": LakeVersions(lake=store)},
            raise_on_error=False,
        )

    return run


def shown(run):
    """The metadata of the one materialisation."""
    (event,) = run.asset_materializations_for_node("people__reference")
    return {name: value.value for name, value in event.metadata.items()}


def test_the_first_accepted_version_is_pinned_and_then_reused(lake, pipeline, dataset, materialise):
    first = dataset(a=people(40))
    acceptance.accept(lake, pipeline, bare(lake, first), LINEAGE)
    made = shown(materialise())
    assert (made["dataset"], made["rows"], made["reused"]) == (first.reference, 40, False)
    assert (made["because"], made["by"]) == (reference.FIRST, "mlplatform")
    assert made["distance/largest"] == 0
    second = dataset(a=people(50))
    far = Distance(column="age", kind="jensen_shannon", value=0.25)
    pinned = reference.current(lake, pipeline)
    profiled = bare(lake, second, distances=(far,), reference=pinned.digest)
    lake.table("people/statistics").append(to_table(profiled), LINEAGE, token="second")
    again = shown(materialise())
    assert (again["dataset"], again["reused"]) == (first.reference, True)
    assert again["distance/largest"] == again["distance/jensen_shannon/age"] == 0.25
    assert lake.table("people/reference").latest().rows == 1


def test_alone_and_without_an_accepted_version_it_is_refused(lake, pipeline, dataset, materialise):
    """A blocking check holds its own run only, so the asset asks again."""
    dataset(a=people(40))
    assert not materialise().success
    assert reference.current(lake, pipeline) is None
