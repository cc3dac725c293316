import re
import sys

import pytest

from mlplatform.errors import SpecError
from mlplatform.features.declare import Aggregate
from mlplatform.features.load import load_feature_set
from mlplatform.features.load_aggregates import aggregate_problem
from mlplatform.spec import load_pipeline
from mlplatform_tests.features.declared import HEAD, load, pipeline

LATE = "Aggregate('late', events='sales', by=['shop'], {})"
BILLS = (
    "feature([Aggregate('bills', events='visits', by=[], function='max', column='billed', window='7d')],"
    " name='root')(jnp.sqrt)"
)
EVERY = (
    "Numeric('size', bins=4)", "Numeric('rent')", "Elapsed('age', column='at', since='opened')",
    "Categorical('shop')", "Categorical('open')", "Hashed('note', buckets=64)", "Text('words', column='note')",
    "Bucketize('income', quantiles=4)", "Embedding('face')", "Datetime('at', parts=['hour'], cycles=['day'])",
    "Cross('where', of=['shop', 'note', 'income', 'at__hour'], buckets=100)",
    "feature(['size', 'income', 'open'], name='per')(lambda s, i, o: jnp.where(o > 0, i / s, 0.0))",
    f"Numeric('sold', column={LATE.format('function=' + repr('sum') + ', column=' + repr('amount'))})",
    BILLS,
)  # fmt: skip


def test_every_kind_of_feature_loads_and_names_its_columns(tmp_path):
    features = load(tmp_path, *EVERY)
    assert len(features.features) == len(EVERY)
    assert {"face", "sold", "bills"} - set(features.columns) == {"sold"}
    assert [one.name for one in features.aggregates] == ["late", "bills"]


def test_the_pipelines_of_this_checkout_load(root):
    for name in ("census_income", "flight_delays"):
        made = load_pipeline(root / "pipelines" / name)
        columns = set(load_feature_set(made).columns)
        assert not {made.spec.label.column, *made.spec.unused, *made.spec.known_after} & columns


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEAD}\nfeatures = FeatureSet([", r"features\.py:5: SyntaxError"),
        (f"{HEAD}\n1 / 0\n", r"features\.py:5: ZeroDivisionError: division by zero"),
        (f"{HEAD}def f():\n    return {{}}['x']\nf()\n", r"features\.py:5: KeyError"),
        (f"{HEAD}Numeric('size', bins=-1)", r"features\.py:4: feature 'size': bins=-1"),
        ("import nowhere\n", r"features\.py:1: ModuleNotFoundError"),
        (HEAD, r"features\.py: define `features = FeatureSet"),
        (f"{HEAD}load_features('none.py')", r"features\.py:4: .*/none\.py: not found"),
        (f"{HEAD}load_features('features.py')", r"features\.py:4: .*: builds on itself; move"),
    ],
)
def test_a_features_file_that_fails_is_one_line_with_the_place(tmp_path, text, said):
    (tmp_path / "features.py").write_text(text)
    with pytest.raises(SpecError, match=said) as caught:
        load_feature_set(pipeline(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("Numeric('sise')", "'sise' reads 'sise', which is no column; columns: at, opened"),
        ("Categorical('row_id')", "which is no column"),
        ("Categorical('closes')", "reads 'closes', which is the label"),
        ("Text('email')", "reads 'email', which the spec leaves unused: identifies a person"),
        ("Numeric('billed')", "reads 'billed', which is known only after the event: billed later"),
        ("Bucketize('b', column='billed', quantiles=4)", "which is known only after the event"),
        ("Numeric('at')", "which is timestamp; Numeric takes int64 or float64; Datetime and Elapsed"),
        ("Numeric('open')", "which is bool; Numeric takes int64 or float64$"),
        ("Categorical('income')", "which is float64; Categorical takes string or int64 or bool$"),
        ("Hashed('open')", "which is bool; Hashed takes string or int64$"),
        ("Text('size')", "which is int64; Text takes string$"),
        ("Bucketize('shop', edges=(1,))", "which is string; Bucketize takes int64 or float64"),
        ("Embedding('income')", r"which is float64; Embedding takes vector\[N\]"),
        ("Numeric('face')", r"which is vector\[8\]; Numeric takes int64 or float64$"),
        ("Datetime('shop', parts=['hour'])", "which is string; Datetime takes timestamp"),
        ("Elapsed('e', column='at', since='size')", "reads 'size', which is int64; Elapsed takes"),
        ("feature(['size', 'shop'], name='f')(lambda a, b: a)", "reads 'shop', which is string; Fun"),
        ("Cross('x', of=['nope', 'shop'])", "feature 'x' crosses 'nope', which is no category here"),
    ],
)  # fmt: skip
def test_a_feature_reads_only_what_a_prediction_has_in_a_type_it_takes(tmp_path, declared, said):
    with pytest.raises(SpecError, match=said) as caught:
        load(tmp_path, declared)
    assert str(caught.value).startswith(str(tmp_path / "features.py"))


@pytest.mark.parametrize(
    ("crossed", "said"),
    [
        (["Numeric('size')", "Categorical('shop')", "Cross('x', of=['shop', 'size'])"],
         "crosses 'size', which is no category here; known: shop$"),
        (["Datetime('at', parts=['hour'])", "Categorical('shop')", "Cross('x', of=['shop', 'at'])"],
         "crosses 'at', which is no category here; known: at__hour, shop$"),
        (["Hashed('note', buckets=10**4)", "Hashed('shop', buckets=10**4)", "Cross('x', of=['shop', 'note'])"],
         "has 100,040,004 combinations or more; 1,000,000 are possible: give buckets="),
    ],
)  # fmt: skip
def test_a_cross_names_categories_and_fits_an_embedding_table(tmp_path, crossed, said):
    with pytest.raises(SpecError, match=f"feature 'x' {said}"):
        load(tmp_path, *crossed)


def counted(**changes):
    said = {"events": "sales", "by": ["shop"], **changes}
    name = said.pop("name", "late")
    return f"Numeric('n', column=Aggregate({name!r}, {', '.join(f'{k}={v!r}' for k, v in said.items())}))"


@pytest.mark.parametrize(
    ("aggregate", "said"),
    [
        (counted(name="size"), "aggregate 'size': a column has this name; give the aggregate another"),
        (counted(events="visit"), "no events 'visit'; known: sales, visits"),
        (counted(by=["size"]), "'size' of events 'sales' is not declared"),
        (counted(by={"number": "nope"}), "its entity needs 'nope' of the row, which is no column"),
        (counted(by={"shop": "closes"}), "its entity needs 'closes' of the row, which is the label"),
        (counted(by={"shop": "email"}), "its entity needs 'email' of the row, which the spec leaves"),
        (counted(events="visits", by=["billed"]), "'billed' of events 'visits' is float64"),
        (counted(by={"number": "shop"}), "its entity 'shop' is int64 in the events and string in the row"),
        (counted(by={"amount": "income"}), "'amount' of events 'sales' is float64; string or int64"),
        (counted(function="sum", column="shop"), "'shop' of events 'sales' is string; int64 or float64"),
        (counted(function="sum", column="nope"), "'nope' of events 'sales' is not declared"),
        (counted(where=[("nope", ">", 1)]), "'nope' of events 'sales' is not declared"),
        (counted(where=[("shop", ">", 1)]), "'shop' of events 'sales' is string; it cannot be compared"),
        (counted(where=[("number", "==", True)]), "'number' of events 'sales' is int64; it cannot"),
        (counted(events="visits", where=[("email", "==", "a")]), "it needs 'email', which the spec leaves"),
        (counted(events="visits", by={"email": "shop"}), "it needs 'email', which the spec leaves"),
    ],
)  # fmt: skip
def test_an_aggregate_fits_its_events_and_the_row(tmp_path, aggregate, said):
    with pytest.raises(SpecError, match=said) as caught:
        load(tmp_path, aggregate)
    assert f"{tmp_path / 'features.py'}: feature 'n' reads the aggregate" in str(caught.value)


LATER = "'visits', which is known only after the event: billed later; 'at' does not say when"


def test_what_rows_weigh_is_no_feature(tmp_path):
    weighed = {"label": {"column": "closes", "positive": "yes", "weight": "income"}}
    with pytest.raises(SpecError, match="reads 'income', which is what rows weigh in training"):
        load(tmp_path, "Numeric('income')", **weighed)


LABEL = "it needs 'closes' of events 'visits', which is the label; 'at' does not say when"
PEEKS = [
    (counted(events="visits", function="last", column="billed"), f"{LATER}: declare known_at: {{billed: "),
    (counted(events="visits", where=[("billed", ">", 0.5)]), LATER),
    (counted(events="visits", where=[("closes", "==", "yes")]), f"{LABEL}: declare known_at: {{closes: "),
    (counted(events="visits", by={"closes": "shop"}), LABEL),
]  # fmt: skip


@pytest.mark.parametrize(("aggregate", "said"), PEEKS)
def test_the_time_of_an_event_does_not_say_when_what_is_known_later_became_known(
    tmp_path, aggregate, said
):
    with pytest.raises(SpecError, match=re.escape(said)) as caught:
        load(tmp_path, aggregate, known_at={})
    assert f"{tmp_path / 'features.py'}: feature 'n' reads the aggregate" in str(caught.value)
    timed = load(tmp_path, aggregate, known_at={"billed": "opened", "closes": "at"})
    assert timed.aggregates[0].events == "visits"


@pytest.mark.parametrize("aggregate", [aggregate for aggregate, _ in PEEKS])
def test_what_a_commit_brought_was_known_by_then(tmp_path, aggregate):
    by_commit = {"visits": {"event_time": "at"}}
    assert load(tmp_path, aggregate, known_at={}, events=by_commit).aggregates


def test_departures_do_not_know_how_late_the_flight_will_arrive(root):
    spec = load_pipeline(root / "pipelines" / "flight_delays").spec
    read = {"function": "last", "column": "arr_delay"}, {"where": [("late", "==", "yes")]}
    for peeking in read:
        one = Aggregate("plane", events="departures", by=["tailnum"], **peeking)
        assert "'departed' does not say when" in (aggregate_problem(one, spec) or "")


def test_a_function_that_is_wrong_is_refused_when_it_loads(tmp_path):
    with pytest.raises(SpecError, match=r"features\.py:6: feature 'f': Python branches on the val"):
        load(
            tmp_path,
            "f",
            head=f"{HEAD}@feature(['size'])\ndef f(x):\n    return x if x[0] > 0 else -x\n",
        )


def test_a_missing_features_file_says_so(tmp_path):
    with pytest.raises(SpecError, match=r"features\.py: not found"):
        load_feature_set(pipeline(tmp_path))


def test_an_edit_shows_at_once_and_nothing_is_left_behind(tmp_path):
    """Cached bytecode is chosen by size and second, so an edit of equal length would be missed."""
    assert load(tmp_path, "Numeric('size', bins=4)").features[0].bins == 4
    assert load(tmp_path, "Numeric('size', bins=8)").features[0].bins == 8
    assert [path.name for path in tmp_path.iterdir()] == ["features.py"]
    assert not [name for name in sys.modules if "mlplatform_of" in name]


def test_two_pipelines_may_both_have_a_features_file(tmp_path):
    load(tmp_path / "a", "Numeric('size')")
    assert load(tmp_path / "b", "Numeric('income')").columns == ("income",)
    assert load(tmp_path / "a", "Numeric('size')").columns == ("size",)


def test_two_pipelines_share_a_file(tmp_path):
    shared = load(tmp_path / "a", "Numeric('size')", "Categorical('shop')")
    (tmp_path / "b").mkdir()
    other = pipeline(tmp_path / "b", "others", features="../a/features.py")
    assert load_feature_set(other) == shared


def test_a_shared_file_is_held_against_each_pipeline_that_uses_it(tmp_path):
    load(tmp_path / "a", "Numeric('size')")
    (tmp_path / "b").mkdir()
    unused = {"size": "unreliable there"}
    other = pipeline(tmp_path / "b", "others", features="../a/features.py", unused=unused)
    with pytest.raises(SpecError, match="'size', which the spec leaves unused: unreliable there"):
        load_feature_set(other)


def test_a_feature_set_builds_on_that_of_another_file(tmp_path):
    load(tmp_path / "a", "Numeric('size')", "Categorical('shop')", "Numeric('rent')")
    own = (
        "shops = load_features('../a/features.py').only('rent', 'size')\n"
        "features = shops + FeatureSet([Text('note')])\n"
    )
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "features.py").write_text(HEAD + own)
    features = load_feature_set(pipeline(tmp_path / "b"))
    assert [each.name for each in features.features] == ["size", "rent", "note"]
    assert features.columns == ("size", "rent", "note")


def test_a_mistake_in_the_file_built_on_names_both_files(tmp_path):
    (tmp_path / "shared.py").write_text("1 / 0\n")
    (tmp_path / "features.py").write_text(f"{HEAD}features = load_features('shared.py')\n")
    with pytest.raises(SpecError, match=r"features\.py:4: .*shared\.py:1: ZeroDivisionError"):
        load_feature_set(pipeline(tmp_path))


def test_a_features_file_may_define_classes_that_look_up_their_module(tmp_path):
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Bins:\n    size: int = 4\n"
    )
    features = load(tmp_path, "Numeric('size', bins=Bins().size)", head=text + HEAD)
    assert features.features[0].bins == 4


def test_loading_declarations_without_functions_does_not_import_jax(fresh_python):
    program = (
        "import sys; from pathlib import Path\n"
        "from mlplatform.features.load import load_feature_set\n"
        "from mlplatform.spec import load_pipeline\n"
        "load_feature_set(load_pipeline(Path('pipelines/census_income')))\n"
        "print('jax' in sys.modules)"
    )
    assert fresh_python(program) == "False\n"
