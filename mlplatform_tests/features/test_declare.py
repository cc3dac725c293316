import pytest

from mlplatform.errors import SpecError
from mlplatform.features import (
    Aggregate,
    Bucketize,
    Categorical,
    Cross,
    Datetime,
    Elapsed,
    Embedding,
    FeatureSet,
    Function,
    Hashed,
    Numeric,
    Text,
    feature,
)

COUNT = Aggregate("late", events="departures", by=["plane"], window="24h")


def test_a_feature_reads_the_column_of_its_name_unless_told_another():
    for kind in (Numeric, Categorical, Hashed, Embedding, Text):
        assert list(kind("age").reads) == ["age"]
        assert list(kind("other", column="age").reads) == ["age"]
    assert list(Elapsed("age", column="at", since="born").reads) == ["at", "born"]
    assert list(Numeric("n", column=COUNT).reads) == ["late"]


def test_a_function_is_called_and_described_by_itself_unless_told_otherwise():
    @feature(["a", COUNT], owner="team:a")
    def ratio(a, late):
        """Late departures by a.

        More of it.
        """
        return late / a

    assert (ratio.name, ratio.description) == ("ratio", "Late departures by a.")
    assert (ratio.owner, ratio.aggregates) == ("team:a", (COUNT,))
    other = feature(["a", "b"], name="other", description="Else.")(ratio.function)
    assert (other.name, other.description) == ("other", "Else.")


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: Numeric("age", bins=0), "feature 'age': bins=0; 1 to 256"),
        (lambda: Numeric("age", missing=float("nan")), "missing=nan is no number of 32 bits"),
        (lambda: Numeric("age", scale="minmax"), "scale='minmax'; known: standard, quantile, none"),
        (lambda: Numeric("age", clip=(3, 1)), "clip=(3, 1); write (least, most)"),
        (lambda: Elapsed("age", "a", "b", unit="weeks"), "unit='weeks'; known: seconds, minutes"),
        (lambda: Categorical("city", min_count=0), "feature 'city': min_count=0; 1 to"),
        (lambda: Hashed("city", buckets=1), "buckets=1; 2 to 1,000,000 are possible"),
        (lambda: Bucketize("age"), "give either edges= or quantiles="),
        (lambda: Bucketize("age", edges=(2, 1)), "edges=(2.0, 1.0) do not ascend"),
        (lambda: Cross("x", of=("a",)), "of=('a',); cross two or more features"),
        (lambda: Datetime("at"), "give parts= or cycles="),
        (lambda: Datetime("at", parts=("minute",)), "parts=['minute']; known: hour, weekday"),
        (lambda: Datetime("at", cycles=("day",), timezone="Mars"), "'Mars' is no time zone"),
        (lambda: Text("note", ngrams=4), "ngrams=4; 1 to 3 are possible"),
        (lambda: Function("f", (), abs), "feature 'f': give columns=: what does it read?"),
        (lambda: feature(["a"], width=0)(abs), "feature 'abs': width=0; 1 to 1,024 are possible"),
        (lambda: feature("ab")(abs), "columns='ab'; write a list of columns"),
        (lambda: Numeric("age", bins=3.5), "feature 'age': bins=3.5; 1 to 256 are possible"),
        (lambda: Numeric("age", clip=("a", "b")), "clip=('a', 'b'); write (least, most)"),
        (lambda: Numeric("age", clip=(0, 1e300)), "numbers of 32 bits"),
        (lambda: Hashed("city", buckets=10.5), "feature 'city': buckets=10.5; 2 to"),
        (lambda: Categorical("city", min_count="2"), "feature 'city': min_count='2'"),
        (lambda: Bucketize("age", edges="abc"), "edges='abc' are no numbers"),
        (lambda: Cross("x", of="ab"), "of='ab'; write a list of names"),
        (lambda: Text("note", buckets=True), "buckets=True; 2 to 1,024"),
        (lambda: Aggregate("a", events="e", by="k"), "by= and where= are lists"),
        (lambda: Aggregate("a", events="e", by=["k"], where=("x", ">", 1)), "where=('x',); write"),
        (lambda: Aggregate("a", events="e", by=["k"], window=3600), "window=3600; write it like"),
        (lambda: Numeric("a.b"), "feature name 'a.b': letters"),
        (lambda: Numeric("a__b"), "feature name 'a__b'"),
        (lambda: FeatureSet([]), "at least one feature"),
        (lambda: FeatureSet([Numeric("a"), Categorical("a")]), "'a' is declared twice"),
        (lambda: FeatureSet(["age"]), "'age' is no feature; known: Bucketize, Categorical, Cross"),
        (lambda: FeatureSet([Numeric("a")]).only("b"), "no feature 'b' to take; known: a"),
        (lambda: Aggregate("a b", events="e", by=["k"]), "aggregate 'a b': its name may have"),
        (lambda: Aggregate("a", events="e", by=["k"], function="median"), "known: count, sum, mean"),
        (lambda: Aggregate("a", events="e", by=["k"], function="sum"), "sum needs column="),
        (lambda: Aggregate("a", events="e", by=["k"], column="x"), "a count reads no column="),
        (lambda: Aggregate("a", events="e", by=["k"], window="1w"), "window='1w'; write it like 30min"),
        (lambda: Aggregate("a", events="e", by=["k"], where=[("x", "~", 1)]), "with one of ==, !="),
    ],
)  # fmt: skip
def test_a_wrong_declaration_says_what_is_possible(declare, said):
    with pytest.raises(SpecError) as caught:
        declare()
    assert said in str(caught.value)


def test_sets_are_joined_and_parted():
    both = FeatureSet([Numeric("a"), Numeric("b")]) + FeatureSet([Categorical("c", column="a")])
    assert both.columns == ("a", "b")
    assert [one.name for one in both.only("c", "a").features] == ["a", "c"]
    with pytest.raises(SpecError, match="feature 'a' is declared twice"):
        both + FeatureSet([Numeric("a")])


def test_two_aggregates_of_one_name_are_one_aggregate():
    again = Aggregate("late", events="departures", by={"plane": "plane"}, window="24h")
    both = FeatureSet([Numeric("n", column=COUNT), Bucketize("b", column=again, edges=(1,))])
    assert (both.aggregates, both.columns) == ((COUNT,), ("late",))
    other = Aggregate("late", events="departures", by=["plane"], window="1h")
    assert other.key != COUNT.key
    with pytest.raises(SpecError, match="aggregate 'late' is declared twice"):
        FeatureSet([Numeric("n", column=COUNT), Numeric("m", column=other)])


def test_importing_the_room_wakes_neither_jax_nor_arrow(fresh_python):
    """Every pipeline's features.py imports it when a code location loads."""
    heavy = "{'jax', 'pyarrow', 'numpy'} & set(sys.modules)"
    assert fresh_python(f"import sys, mlplatform.features; print({heavy})") == "set()\n"
