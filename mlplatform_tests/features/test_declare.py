import pytest

from mlplatform.errors import SpecError
from mlplatform.features import Categorical, FeatureSet, Numeric


def test_a_feature_reads_the_column_of_its_name_unless_told_another():
    assert Numeric("age").column == "age"
    assert Categorical("gain_kind", column="gain").column == "gain"


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: Numeric("age", bins=0), "feature 'age': bins=0; 1 to 256"),
        (lambda: Numeric("age", missing=float("nan")), "missing=nan is not a finite number"),
        (lambda: Categorical("city", min_count=0), "feature 'city': min_count=0; at least 1"),
        (lambda: Numeric("a.b"), "feature name 'a.b'.*column="),
        (lambda: Numeric("a__b"), "feature name 'a__b'"),
        (lambda: FeatureSet([]), "at least one feature"),
        (lambda: FeatureSet([Numeric("a"), Categorical("a")]), "'a' is declared twice"),
        (lambda: FeatureSet(["age"]), "'age' is no feature; known: Categorical, Numeric"),
    ],
)
def test_a_wrong_declaration_says_what_is_possible(declare, said):
    with pytest.raises(SpecError, match=said):
        declare()


def test_importing_the_room_wakes_neither_jax_nor_arrow(fresh_python):
    """Every pipeline's features.py imports it when a code location loads."""
    heavy = "{'jax', 'pyarrow', 'numpy'} & set(sys.modules)"
    assert fresh_python(f"import sys, mlplatform.features; print({heavy})") == "set()\n"


def test_loading_a_features_file_does_not_import_jax(fresh_python):
    program = (
        "import sys; from pathlib import Path\n"
        "from mlplatform.features.load import load_feature_set\n"
        "from mlplatform.spec import load_pipeline\n"
        "load_feature_set(load_pipeline(Path('pipelines/census_income')))\n"
        "print('jax' in sys.modules)"
    )
    assert fresh_python(program) == "False\n"
