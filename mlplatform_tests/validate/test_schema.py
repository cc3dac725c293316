"""The schema: what the spec declares on top of what TFDV inferred, planted defects, acceptance."""

import pyarrow as pa
import pytest

from mlplatform.errors import ConcurrentWriteError, SpecError, WorkerError
from mlplatform.spec import Pipeline
from mlplatform.validate import acceptance
from mlplatform.validate.anomalies import TABLE, describe, distances
from mlplatform.validate.profile import profile
from mlplatform.validate.proto import parse
from mlplatform.validate.schema import (
    accept_schema,
    accepted,
    as_text,
    diff,
    environment_of,
    from_text,
    in_force,
    pin,
    store,
)
from mlplatform.validate.schema_rules import SERVING, TRAINING, constrained, declared_by, tolerant
from mlplatform_tests.validate.conftest import COLUMNS, LINEAGE, people, people_spec, replaced
from mlplatform_tests.validate.test_acceptance import bare, overtaken


@pytest.fixture
def schema(worker, measure):
    """The constrained schema of clean people."""
    return constrained(worker.infer_schema(measure(people())), people_spec())


@pytest.fixture
def broken_by(worker, measure, schema):
    """What TFDV says of another table against the schema of clean people."""
    return lambda table: describe(worker.anomalies(measure(table), schema, TRAINING))


def pairs(anomalies):
    return [(anomaly.column, anomaly.reason) for anomaly in anomalies]


def cities(rows, unseen):
    """People of whom some live in a city nobody has heard of."""
    return replaced(
        people(rows),
        "city",
        ["Atlantis"] * unseen + people(rows)["city"].to_pylist()[unseen:],
        pa.string(),
    )


def test_clean_data_breaks_nothing_and_neither_do_missing_values_outside_the_label(broken_by):
    assert broken_by(people()) == []
    some_missing = [None, *people()["age"].to_pylist()[1:]]
    assert broken_by(replaced(people(), "age", some_missing, pa.int64())) == []


def test_an_unseen_category_is_named_with_its_column(broken_by):
    (anomaly,) = broken_by(cities(40, 1))
    assert (anomaly.column, anomaly.reason) == ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")
    assert "Atlantis" in anomaly.detail


def test_numbers_turned_into_text_are_named_with_their_column(broken_by):
    ages = [str(age) for age in people()["age"].to_pylist()]
    (anomaly,) = broken_by(replaced(people(), "age", ages, pa.string()))
    assert (anomaly.column, anomaly.reason) == ("age", "UNEXPECTED_DATA_TYPE")
    assert "INT" in anomaly.detail
    assert "STRING" in anomaly.detail


def test_a_missing_column_and_one_that_nobody_declared_are_named(broken_by):
    assert pairs(broken_by(people().drop(["height"]))) == [("height", "SCHEMA_MISSING_COLUMN")]
    extra = people().append_column("weight", people()["height"])
    assert pairs(broken_by(extra)) == [("weight", "SCHEMA_NEW_COLUMN")]


@pytest.mark.parametrize("name", ["city", "age", "height"])
def test_a_column_without_any_value_is_named(broken_by, name):
    kind = people().schema.field(name).type
    table = replaced(people(), name, [None] * 40, kind)
    assert pairs(broken_by(table)) == [(name, "FEATURE_TYPE_NOT_PRESENT")]


def test_a_single_missing_label_and_a_label_that_is_neither_class_are_named(broken_by):
    members = people()["member"].to_pylist()
    missing = broken_by(replaced(people(), "member", [None, *members[1:]], pa.string()))
    assert pairs(missing) == [("member", "FEATURE_TYPE_LOW_FRACTION_PRESENT")]
    neither = broken_by(replaced(people(), "member", ["maybe", *members[1:]], pa.string()))
    assert pairs(neither) == [("member", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")]


def test_several_defects_are_all_named(broken_by):
    assert pairs(broken_by(cities(40, 40).drop(["age"]))) == [
        ("age", "SCHEMA_MISSING_COLUMN"),
        ("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES"),
    ]


def test_no_rows_is_an_anomaly_of_the_table(broken_by):
    assert pairs(broken_by(people().slice(0, 0))) == [(TABLE, "DATA_MISSING")]


def test_a_request_without_a_label_is_sound_where_the_model_serves(worker, measure, schema):
    unlabelled = measure(people().drop(["member"]))
    assert describe(worker.anomalies(unlabelled, schema, SERVING)) == []
    trains = describe(worker.anomalies(unlabelled, schema, TRAINING))
    assert pairs(trains) == [("member", "SCHEMA_MISSING_COLUMN")]
    assert environment_of(schema) == TRAINING


def test_the_policy_says_which_share_of_values_may_be_unseen_but_never_of_the_label(
    worker, measure, schema
):
    spec = people_spec(data_gates={"data_schema": {"max_unseen_share": 0.1}})
    judging = tolerant(schema, spec)

    def said(table):
        return pairs(describe(worker.anomalies(measure(table), judging, TRAINING)))

    assert said(cities(40, 4)) == []
    assert said(cities(40, 5)) == [("city", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")]
    members = ["maybe", *people()["member"].to_pylist()[1:]]
    assert said(replaced(people(), "member", members, pa.string())) == [
        ("member", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")
    ]


def test_what_a_schema_says_of_unseen_values_wins_over_the_policy(schema):
    stricter = from_text(
        as_text(schema).replace(
            'domain: "city"', 'domain: "city" distribution_constraints { min_domain_mass: 0.9 }'
        ),
        "here",
    )
    features = {f.name: f for f in parse("Schema", tolerant(stricter, people_spec())).feature}
    assert features["city"].distribution_constraints.min_domain_mass == 0.9
    assert features["member"].distribution_constraints.min_domain_mass == 1.0


def test_the_declared_type_wins_over_the_inferred_one(worker, measure):
    """Were the first version's ages all text, later whole numbers must not be the anomaly."""
    ages = replaced(people(), "age", ["x"] * 40, pa.string())
    schema = constrained(worker.infer_schema(measure(ages)), people_spec())
    assert describe(worker.anomalies(measure(people()), schema, TRAINING)) == []


def test_a_positive_label_not_seen_yet_is_allowed_all_the_same(worker, measure):
    only_no = replaced(people(), "member", ["no"] * 40, pa.string())
    schema = constrained(worker.infer_schema(measure(only_no)), people_spec())
    assert describe(worker.anomalies(measure(people()), schema, TRAINING)) == []


def test_a_bool_that_was_always_true_may_be_false(worker, measure):
    spec = people_spec(
        columns={"member": "bool", "age": "int64"}, label={"column": "member", "positive": "true"}
    )
    table = people().select(["member", "age"])
    only_true = replaced(table, "member", ["true"] * 40, pa.string())
    schema = constrained(worker.infer_schema(measure(only_true)), spec)
    both = replaced(table, "member", ["true", "false"] * 20, pa.string())
    assert describe(worker.anomalies(measure(both), schema, TRAINING)) == []


def test_a_reviewer_reads_columns_in_the_specs_order(schema):
    text = as_text(schema)
    places = [text.index(f'name: "{name}"') for name in COLUMNS]
    assert places == sorted(places)


@pytest.mark.parametrize("read", [describe, distances, as_text])
def test_bytes_that_are_no_message_are_refused(read):
    with pytest.raises(WorkerError, match="7 bytes are no serialized"):
        read(b"garbage")


def test_a_difference_is_one_line_in_words(schema):
    assert diff(schema, schema) == []
    text = as_text(schema)
    changes = [
        ('value: "Kyiv"', 'value: "Bonn"', "city: values added: 'Bonn'"),
        ('value: "Kyiv"', 'value: "Bonn"', "city: values removed: 'Kyiv'"),
        ('domain: "city"', "", "city: any value instead of one of 'Kyiv', 'Oslo', 'Rome'"),
        ("type: FLOAT", "type: INT", "height: type INT instead of FLOAT"),
        (
            "min_fraction: 1\n",
            "min_fraction: 0.5\n",
            "member: present in 0.5 of the rows or more instead of present in 1 of the rows or more",
        ),
        (
            'not_in_environment: "SERVING"',
            "",
            "member: not_in_environment nothing instead of SERVING",
        ),
        (
            'default_environment: "SERVING"',
            "",
            "the table: default_environment TRAINING instead of TRAINING, SERVING",
        ),
        (
            "type: INT",
            "type: INT int_domain { max: 99 }",
            "age: int_domain max: 99 instead of nothing",
        ),
    ]
    for was, becomes, line in changes:
        assert was in text
        other = from_text(text.replace(was, becomes), "here")
        assert line in diff(schema, other), line


def test_new_and_missing_columns_are_lines_and_many_values_are_counted(worker, measure, schema):
    names = [f"city {n:02}" for n in range(40)]
    wide = replaced(people(), "city", names, pa.string())
    spec = people_spec(columns={"city": "string", "member": "string", "weight": "float64"})
    table = wide.append_column("weight", people()["height"])
    said = diff(schema, constrained(worker.infer_schema(measure(table)), spec))
    assert said[-1] == "weight: new, FLOAT, any value, present in 1 rows or more"
    assert "age: gone (was INT, any value, present in 1 rows or more)" in said
    (added,) = [line for line in said if "added" in line]
    assert added.endswith("'city 03', 'city 04' and 35 more")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("feature {", "no TFDV schema: 1:9"),
        ("colour: 3", 'no TFDV schema: .*"colour"'),
        ("", "it has no `feature`"),
        ('feature { name: "a" } feature { name: "a" }', "the column 'a' stands twice"),
        ('feature { name: "a" domain: "b" }', "has the domain 'b', which is not there"),
    ],
)
def test_a_malformed_reviewed_file_is_one_clear_error(text, why):
    with pytest.raises(SpecError, match=f"^here/schema.pbtxt: .*{why}") as error:
        from_text(text, "here/schema.pbtxt")
    assert "\n" not in str(error.value)


def test_a_reviewed_file_that_is_no_text_is_one_clear_error(lake, pipeline, tmp_path):
    (tmp_path / "schema.pbtxt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match=r"schema\.pbtxt: cannot be read: .*; correct or delete"):
        accepted(lake, pipeline)


def judged(pipeline, worker, lake, version):
    return profile(pipeline, worker, lake, version, LINEAGE)


def test_the_first_version_that_passes_pins_its_schema_and_no_other_does(
    pipeline, worker, lake, dataset
):
    assert accepted(lake, pipeline) is None
    first = judged(pipeline, worker, lake, dataset(a=people(40)))
    acceptance.accept(lake, pipeline, first, LINEAGE)
    pinned = accepted(lake, pipeline)
    assert pinned == lake.artifacts.open(first.proposed_schema).read("schema.pb")
    second = judged(pipeline, worker, lake, dataset(a=cities(40, 20)))
    acceptance.accept(lake, pipeline, second, LINEAGE)
    assert accepted(lake, pipeline) == pinned
    (row,) = lake.table("people/schema").read().to_pylist()
    assert (row["because"], row["by"]) == ("the first version that passed its gates", "mlplatform")


def test_a_person_accepts_what_a_version_proposes_and_the_version_then_passes(
    pipeline, worker, lake, dataset
):
    first = judged(pipeline, worker, lake, dataset(a=people(40)))
    acceptance.accept(lake, pipeline, first, LINEAGE)
    version = dataset(a=cities(40, 20))
    second = judged(pipeline, worker, lake, version)
    proposed = lake.artifacts.open(second.proposed_schema).read("schema.pb")
    assert diff(accepted(lake, pipeline), proposed) == ["city: values added: 'Atlantis'"]
    made = accept_schema(lake, pipeline, second, "it was found", "plato", LINEAGE)
    assert accept_schema(lake, pipeline, second, "again", "plato", LINEAGE) == made
    assert accepted(lake, pipeline) == proposed
    assert judged(pipeline, worker, lake, version).anomalies == ()
    last = lake.table("people/schema").read().to_pylist()[-1]
    assert (last["because"], last["by"], last["dataset"]) == (
        "it was found",
        "plato",
        version.reference,
    )


def test_accepting_needs_a_reason_a_name_and_a_schema_of_the_declared_columns(
    pipeline, lake, schema
):
    for because, by, missing in (("", "me", "because"), ("so", " ", "by")):
        with pytest.raises(SpecError, match=f"needs '{missing}'"):
            accept_schema(lake, pipeline, schema, because, by, LINEAGE)
    other = from_text(as_text(schema).replace('"height"', '"width"'), "here")
    with pytest.raises(SpecError, match="other columns or types than the spec declares"):
        accept_schema(lake, pipeline, other, "so", "me", LINEAGE)
    assert not lake.table("people/schema").exists()


def test_a_reviewed_file_wins_over_the_table_and_only_it_can_be_changed_then(
    pipeline, lake, schema, tmp_path
):
    accept_schema(lake, pipeline, schema, "so", "me", LINEAGE)
    text = as_text(schema).replace('value: "Kyiv"', 'value: "Bonn"')
    (tmp_path / "schema.pbtxt").write_text(text)
    assert accepted(lake, pipeline) == from_text(text, "here")
    assert in_force(lake, pipeline, schema) == tolerant(from_text(text, "here"), pipeline.spec)
    with pytest.raises(SpecError, match=r"schema\.pbtxt decides; correct that file"):
        accept_schema(lake, pipeline, schema, "so", "me", LINEAGE)
    (tmp_path / "schema.pbtxt").unlink()
    assert accepted(lake, pipeline) == schema


def test_declaring_a_column_accepts_that_column_and_nothing_else(pipeline, worker, lake, dataset):
    """What the spec says is reviewed; what the data brings along is not."""
    acceptance.accept(
        lake, pipeline, judged(pipeline, worker, lake, dataset(a=people(40))), LINEAGE
    )
    columns = {**COLUMNS, "weight": "float64"}
    wider = Pipeline(
        spec=pipeline.spec.model_copy(update={"columns": columns}), folder=pipeline.folder
    )
    table = cities(40, 20).append_column("weight", people()["height"])
    second = judged(wider, worker, lake, dataset(a=table))
    assert [anomaly.column for anomaly in second.anomalies] == ["city"]
    clean = people(40).append_column("weight", people()["height"])
    third = judged(wider, worker, lake, dataset(a=clean))
    assert third.anomalies == ()
    acceptance.accept(lake, wider, third, LINEAGE)
    assert accepted(lake, wider) == lake.artifacts.open(third.proposed_schema).read("schema.pb")
    rows = lake.table("people/schema").read().to_pylist()
    assert [row["because"] for row in rows][1:] == ["the spec declares other columns"]


def test_a_column_declared_otherwise_or_no_more_leaves_the_others_as_they_were_accepted(
    worker, measure, schema
):
    ages = [str(age) for age in people()["age"].to_pylist()]
    spec = people_spec(columns={"city": "string", "age": "string", "member": "string"})
    table = replaced(cities(40, 20), "age", ages, pa.string()).drop(["height"])
    proposed = constrained(worker.infer_schema(measure(table)), spec)
    merged = declared_by(schema, proposed, spec)
    said = diff(schema, merged)
    assert [line for line in said if not line.startswith("age: ")] == [
        "height: gone (was FLOAT, any value, present in 1 rows or more)"
    ]
    assert said[0].startswith("age: type BYTES instead of INT")
    assert declared_by(merged, schema, spec) == merged


def test_two_first_versions_at_once_pin_one_schema(pipeline, lake, schema, dataset, monkeypatch):
    """Each sees no schema, both pass."""
    first, second = _two(lake, schema, dataset)
    overtaken(monkeypatch, lambda: pin(lake, pipeline, second, LINEAGE))
    pin(lake, pipeline, first, LINEAGE)
    assert lake.table("people/schema").latest().rows == 1
    assert accepted(lake, pipeline) == lake.artifacts.open(second.proposed_schema).read("schema.pb")


def test_what_a_person_accepts_while_the_first_is_pinned_stays(
    pipeline, lake, schema, dataset, monkeypatch
):
    first, second = _two(lake, schema, dataset)
    overtaken(
        monkeypatch, lambda: accept_schema(lake, pipeline, second, "it was found", "plato", LINEAGE)
    )
    pin(lake, pipeline, first, LINEAGE)
    (row,) = lake.table("people/schema").read().to_pylist()
    assert (row["schema"], row["by"]) == (second.proposed_schema, "plato")


@pytest.mark.parametrize("before", [False, True])
def test_of_two_persons_who_accept_at_once_one_is_told_so(
    pipeline, lake, schema, dataset, monkeypatch, before
):
    first, second = _two(lake, schema, dataset)
    if before:
        accept_schema(lake, pipeline, _renamed(schema, "Oslo", "Pisa"), "so", "me", LINEAGE)
    overtaken(
        monkeypatch, lambda: accept_schema(lake, pipeline, second, "it was found", "plato", LINEAGE)
    )
    with pytest.raises(ConcurrentWriteError, match=r"people/schema is at version .*; nothing was"):
        accept_schema(lake, pipeline, first, "so", "me", LINEAGE)
    assert accepted(lake, pipeline) == lake.artifacts.open(second.proposed_schema).read("schema.pb")


def _two(lake, schema, dataset):
    """Profiles of two versions that propose different schemas."""
    other = _renamed(schema, "Kyiv", "Bonn")
    return [
        bare(lake, dataset(a=people(rows)), proposed_schema=store(lake, content))
        for rows, content in ((40, schema), (50, other))
    ]


def _renamed(schema, city, other):
    return from_text(as_text(schema).replace(f'value: "{city}"', f'value: "{other}"'), "here")
