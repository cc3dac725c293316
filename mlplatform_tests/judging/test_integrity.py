"""A model that reads what it must not, or was made from nobody knows what, is found out from the lake alone."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mlplatform.gates.data_integrity import data_integrity
from mlplatform.judging.integrity import Said, integrity
from mlplatform.spec.trust_gates import DataIntegrityGate
from mlplatform.verdict import Inconclusive, Outcome, Severity, Verdict
from mlplatform_tests.judging.planted import FLAG, Loans, Planted

ROW_COUNT = Verdict(gate="row_count", outcome=Outcome.PASS, because="800 rows")


def judged(loans: Loans, said: Said | None = None, required=None, **more):
    seen = integrity(
        loans.lake, loans.pipeline, loans.model, said or loans.said(), required or {}, **more
    )
    return seen, data_integrity(seen, DataIntegrityGate())


def test_a_model_of_recorded_versions_that_reads_nothing_forbidden_passes(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    seen, verdict = judged(loans)
    assert verdict.outcome is Outcome.PASS, verdict.because
    made_from = (loans.model, loans.dataset, loans.split, loans.features, loans.source)
    assert seen.versions == {version.table: version.reference for version in made_from}


def test_a_planted_copy_of_the_label_is_caught_though_its_gates_only_warn(tmp_path: Path):
    loans = Loans(tmp_path, "amount", FLAG)
    gates = loans.verdicts()
    for gate in ("label_leakage", "feature_leakage"):
        assert gates[gate][0].outcome is Outcome.FAIL
        assert not gates[gate][0].stops
    seen, verdict = judged(loans)
    assert list(seen.forbidden) == [FLAG]
    assert verdict.outcome is Outcome.FAIL
    assert verdict.stops
    assert f"the model reads what it must not: {FLAG} (" in verdict.because


@pytest.mark.parametrize("good", [0.05, 0.24])
@pytest.mark.parametrize(("flagged", "others"), [(0.8, 0.0), (0.7, 0.01)])
def test_a_planted_flag_that_most_positives_have_is_caught_though_its_auc_is_that_of_a_good_feature(
    tmp_path: Path, good: float, flagged: float, others: float
):
    loans = Loans(tmp_path, "amount", FLAG, planted=Planted(good, flagged, others, 20_000))
    checks = loans.verdicts()["feature_leakage"][0].evidence["columns"]
    broken = {each["measure"]: each["observed"] for each in checks if each["broken"]}
    given_away = broken["share of the rarer class's rows that single values give away"]
    assert given_away == pytest.approx(flagged, abs=0.02)
    seen, verdict = judged(loans)
    assert list(seen.forbidden) == [FLAG]
    assert verdict.outcome is Outcome.FAIL


def test_a_flag_that_is_a_good_feature_is_none(tmp_path: Path):
    """Of the positives 70 % have it and of the others 5 %: the odds are 14 times the usual ones."""
    loans = Loans(tmp_path, "amount", FLAG, planted=Planted(0.24, 0.7, 0.05, 20_000))
    assert loans.verdicts()["feature_leakage"][0].passed
    assert judged(loans)[1].passed


def test_a_column_that_no_feature_reads_may_tell_what_it_likes(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    assert loans.verdicts()["label_leakage"][0].outcome is Outcome.FAIL
    assert judged(loans)[0].forbidden == {}


def test_personal_data_among_the_features_is_caught_though_its_gate_only_warns(tmp_path: Path):
    seen, verdict = judged(Loans(tmp_path, "amount", "mail"))
    assert list(seen.forbidden) == ["mail"]
    assert "sensitive_data: share of distinct values that look like e-mail" in verdict.because
    assert "example.com" not in verdict.because


def test_what_is_allowed_with_a_reason_is_allowed_here_too(tmp_path: Path):
    allow = {"severity": "warn", "allow": {"mail": "hashed before it is read"}}
    gates = {"label_leakage": {"severity": "warn"}, "sensitive_data": allow}
    assert judged(Loans(tmp_path, "amount", "mail", data_gates=gates))[1].passed


@pytest.mark.parametrize("section", ["unused", "known_after"])
def test_a_column_that_the_spec_bars_is_caught(tmp_path: Path, section: str):
    """The features were built before the spec said so, or past it."""
    loans = Loans(tmp_path, "amount", **{section: {"amount": "paid out later"}})
    assert judged(loans)[0].forbidden == {"amount": f"{section}: paid out later"}


def test_the_label_and_its_weight_are_no_features(tmp_path: Path):
    label = {"column": "good", "positive": "yes", "weight": "amount"}
    loans = Loans(tmp_path, "amount", "good", label=label)
    forbidden = judged(loans)[0].forbidden
    assert forbidden["good"] == "it is the label"
    assert forbidden["amount"] == "it is the weight of the label"


def test_a_gate_that_has_not_judged_this_very_version_is_told(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    under_another = loans.said(policy="another")
    seen, verdict = judged(loans, under_another)
    assert verdict.outcome is Outcome.FAIL
    assert [why.partition(" has not")[0] for why in seen.missing] == [
        *("label_leakage", "sensitive_data", "feature_leakage"),
    ]
    stale = loans.said(label_leakage=(loans.verdicts()["label_leakage"][0], "0" * 64))
    assert judged(loans, stale)[0].missing == [
        f"label_leakage has not judged loans/dataset {loans.dataset.reference}"
    ]


def test_a_gate_that_could_not_look_is_no_all_clear(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    blind = Verdict(
        gate="label_leakage", outcome=Outcome.FAIL, because="no column was held against"
    )
    seen, _ = judged(loans, loans.said(label_leakage=(blind, loans.dataset.digest)))
    assert seen.missing == ["label_leakage: no column was held against"]


def with_row_count(loans: Loans, **changes):
    verdict = replace(ROW_COUNT, **changes)
    return loans.said(row_count=(verdict, loans.dataset.digest))


def test_every_required_gate_has_to_have_passed_about_these_versions(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    required = {"row_count": loans.dataset.digest}
    assert judged(loans, with_row_count(loans), required)[1].passed
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        seen, verdict = judged(loans, with_row_count(loans, outcome=outcome), required)
        assert seen.refused == [f"row_count {outcome.value}: 800 rows"]
        assert verdict.outcome is Outcome.FAIL
    seen, _ = judged(loans, with_row_count(loans), {"row_count": loans.features.digest})
    assert seen.refused[0].startswith("row_count has no verdict about")


def test_an_override_and_a_policy_that_lets_ties_pass_are_heeded(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    required = {"row_count": loans.dataset.digest}
    failed = with_row_count(loans, outcome=Outcome.FAIL)
    assert judged(loans, failed, required, let_through=["row_count"])[1].passed
    tie = {"outcome": Outcome.INCONCLUSIVE, "inconclusive": Inconclusive.WARN}
    assert judged(loans, with_row_count(loans, **tie), required)[1].passed
    warns = with_row_count(loans, outcome=Outcome.FAIL, severity=Severity.WARN)
    assert not judged(loans, warns, required)[1].passed  # What is required does not only warn.


def test_a_table_that_is_gone_is_told_and_not_raised(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    shutil.rmtree(tmp_path / "lake" / "loans" / "split")
    loans.lake = type(loans.lake)(tmp_path / "lake")
    seen, verdict = judged(loans)
    assert verdict.outcome is Outcome.FAIL
    assert seen.missing[0].startswith(
        f"loans/model was made from loans/split {loans.split.reference}: there is no table"
    )


def test_a_table_that_was_made_anew_under_the_same_number_is_told(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    shutil.rmtree(tmp_path / "lake" / "loans" / "split")
    loans.lake = type(loans.lake)(tmp_path / "lake")
    other = loans.write("split", loans.lake.table("loans/dataset").read().select(["good"]))
    told = f"loans/split {loans.split.reference}: the lake holds {other.reference} there"
    assert any(told in why for why in judged(loans)[0].missing)


def test_features_of_other_rows_than_the_models_are_told(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    later = loans.write("dataset", loans.lake.table("loans/split").read(), loans.source)
    model = loans.lake.table("loans/model").read()
    inputs = (later, loans.split, loans.features)
    loans.model = loans.write("model", model, *inputs, artifact=loans.artifact)
    assert any("and something else from" in why for why in judged(loans)[0].missing)


def test_a_commit_that_says_nothing_of_where_it_came_from_is_told(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    loans.model = loans.write("model", loans.lake.table("loans/model").read())
    seen, verdict = judged(loans)
    assert verdict.outcome is Outcome.FAIL
    assert [
        f"the lineage names no loans/{noun}" in seen.missing for noun in ("source", "split")
    ] == [
        *(True, True),
    ]
    assert f"loans/model {loans.model.reference} names no artifact" in seen.missing


def test_a_damaged_artifact_says_nothing_of_what_the_model_reads(tmp_path: Path):
    loans = Loans(tmp_path, "amount")
    folder, said = tmp_path / "lake" / "_artifacts" / loans.artifact, loans.said()
    (folder / "features.json").write_text("{}")
    seen, verdict = judged(loans, said)
    assert verdict.outcome is Outcome.FAIL
    assert "what the model reads is not known" in seen.missing[0]
