"""The same rows by table, by batch, and on two devices; servers have tests of their own."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from mlplatform.errors import FeatureError, LakeError
from mlplatform.gates.features import training_serving_skew
from mlplatform.monitor import compared as compared_module
from mlplatform.monitor.compared import Compared, trained_on
from mlplatform.monitor.skew import across, parity_batch, parity_platforms
from mlplatform.spec.feature_gates import SkewGate
from mlplatform_tests.monitor import loans as of_loans


@pytest.fixture(scope="module")
def sound(loans):
    """The model and the table it was trained on."""
    return Compared(loans.pipeline, loans.lake, loans.features, loans.digest)


def changed(loans, name, row, value):
    """The feature table with one other value."""
    table = loans.lake.table(loans.features.table).read(loans.features)
    column = table[name].to_numpy().copy()
    column[row] = value
    table = table.set_column(table.schema.get_field_index(name), name, pa.array(column))
    inputs, facts = loans.features.lineage.inputs, loans.features.lineage.facts
    read = (loans.dataset, loans.split, loans.aggregates)
    assert inputs == {version.table: version.reference for version in read}
    return loans.write("features", table, *read, **facts)


def against(table, sound):
    """The same model, compiled already, beside another table."""
    other = replace(sound, features=table)
    vars(other)["predictor"] = sound.predictor
    return other


def test_the_stored_features_of_all_rows_have_the_bits_that_the_model_computes(sound, monkeypatch):
    seen = parity_batch(sound)
    assert (seen.path, seen.rows, seen.different) == ("batch", of_loans.ROWS, 0)
    assert seen.values == of_loans.ROWS * 9  # Seven numbers and two ids.
    assert (seen.features, seen.worst, seen.ulps) == ({}, "", None)
    monkeypatch.setattr(compared_module, "BATCH_ROWS", 257)
    assert parity_batch(sound) == seen


def test_one_bit_of_one_stored_value_is_found_and_told(loans, sound, monkeypatch):
    monkeypatch.setattr(compared_module, "BATCH_ROWS", 257)
    name = "asked_before__scaled"
    was = loans.lake.table(loans.features.table).read(loans.features)[name][599].as_py()
    other = np.nextafter(np.float32(was), np.float32(9))
    table = changed(loans, name, 599, other)
    seen = parity_batch(against(table, sound))
    assert (seen.different, seen.features) == (1, {name: 1})
    told = f"row 599: {name} is {other!s} in the table, {was} by batch"
    assert seen.worst == told
    verdict = training_serving_skew([seen], SkewGate())
    assert told in verdict.because


def test_one_other_id_is_found(loans, sound):
    table = changed(loans, "job__id", 3, 1)
    seen = parity_batch(against(table, sound))
    assert seen.features == {"job__id": 1}


def test_a_table_of_other_features_is_no_table_of_this_model(loans, sound):
    whole = of_loans.encoder()
    fewer = type(whole)(inputs=whole.inputs[:1], states=whole.states[:1])
    table = loans.features_of(fitted=fewer)
    with pytest.raises(FeatureError, match=r"was not trained on loans/features"):
        parity_batch(against(table, sound))


def test_rows_are_spread_over_the_whole_table(sound, monkeypatch):
    monkeypatch.setattr(compared_module, "BATCH_ROWS", 300)
    ids = [row for batch in sound.batches(5) for row in batch.row_ids]
    assert ids == [0, 150, 300, 449, 599]
    assert [row for batch in sound.batches(9_999) for row in batch.row_ids] == list(range(600))


def test_devices_are_compared_in_bits_and_ulps_and_without_another_none_is(sound):
    import jax

    cpu = jax.devices("cpu")[0]
    seen = across(sound, cpu, cpu, "cuda", 100)
    assert (seen.path, seen.rows, seen.different, seen.ulps) == ("cuda", 100, 0, 0)
    if jax.default_backend() == "cpu":
        assert parity_platforms(sound) == []


def test_a_model_knows_the_table_it_was_trained_on(loans, sound):
    assert trained_on(loans.pipeline, loans.lake, loans.digest) == sound
    with pytest.raises(LakeError, match="no version of loans/model made artifact 000000000000"):
        trained_on(loans.pipeline, loans.lake, "0" * 64)
