"""A walked lake is compacted and vacuumed of all that nobody holds, and a walk after it finds nothing to do."""

from collections.abc import Callable

from mlplatform.registry.record import records
from mlplatform_tests.assets.conftest import Walk


def test_a_walk_after_compaction_and_vacuum_makes_nothing_anew(walked_to: Callable[..., Walk]):
    walk = walked_to("deployment")
    before = walk.versions()
    (model,) = records(walk.lake.table("census_income/registered_model"))
    compacted = walk.command("lake", "optimize", "--least-files", 2)
    assert "census_income/gates: " in compacted.output
    freed = walk.command("lake", "vacuum", "--yes", "--grace-days", 0)
    assert "; 0 freed: " not in freed.output
    assert " freed: " in freed.output
    assert walk.versions() == before
    for table, reference in model.data_versions.items():
        version = walk.lake.table(table).version(int(reference.partition(":")[0]))
        assert walk.lake.table(table).read(version).num_rows == version.rows
    assert walk.lake.artifacts.open(model.model_digest).verify()
    result = walk.run()
    assert result.success
    index = "census_income/mlflow_index"  # Whatever MLflow was told last.
    after = walk.versions()
    assert {**after, index: ""} == {**before, index: ""}
