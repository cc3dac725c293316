"""Gates on the label: its classes, and columns that give it away."""

from dataclasses import replace

import pytest

from mlplatform.gates.data import label_balance, label_leakage
from mlplatform.measures import LabelSeen
from mlplatform.spec.data_gates import LabelBalanceGate, LabelLeakageGate
from mlplatform.testing.gate_contract import GateContract
from mlplatform.verdict import Outcome
from mlplatform_tests.gates.data import made
from mlplatform_tests.gates.data.made import NAN, classes, leak, measured


class TestLabelBalance(GateContract):
    """Shares of the classes."""

    gate, policy, limit = staticmethod(label_balance), LabelBalanceGate(max_change=0.05), 0.05
    good = (measured(label=classes()),)
    bad = (measured(label=classes(classes={"no": 7_000, "yes": 3_000})),)
    missing = ((measured(),), (measured(label=classes(classes={})),))


class TestNumberBalance(GateContract):
    """A label that is a number."""

    gate, policy, limit = staticmethod(label_balance), LabelBalanceGate(max_change=0.05), 0.05
    good = (measured(label=made.number_label()),)
    bad = (measured(label=made.number_label(shift={"ks": 0.06, "ks_p": 1e-9})),)
    missing = (
        (measured(label=made.number_label(number={"values": 0, "least": None, "most": None})),),
        (measured(label=made.number_label(shift={"ks": None})),),
        (measured(label=made.number_label(shift={"ks": NAN})),),
    )


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"number": {"not_finite": 3}}, "3 labels are infinite, limit 0"),
        ({"number": {"least": 7.0, "most": 7.0}}, "all 10,000 labels are 7: there is nothing to"),
        (
            {"shift": {"ks": 0.2, "ks_p": 0.0, "mean": 9.0, "reference_mean": 5.0}},
            "the share of labels at most some number changed by 20.00% (mean 5 before, 9 now)",
        ),
    ],
)
def test_numbers_that_are_constant_infinite_or_moved_fail(seen, told):
    verdict = label_balance(measured(label=made.number_label(**seen)), LabelBalanceGate())
    assert verdict.outcome is Outcome.FAIL
    assert told in verdict.because


def test_numbers_that_moved_by_chance_or_have_no_reference_pass():
    by_chance = made.number_label(shift={"ks": 0.2, "ks_p": 0.3})
    assert label_balance(measured(label=by_chance), LabelBalanceGate()).passed
    first = label_balance(
        measured(label=replace(made.number_label(), shift=None)), LabelBalanceGate()
    )
    assert first.passed
    assert "10,000 labels from -5 to 250; no reference yet to compare them with" in first.because


THREE = {"a": 5_000, "b": 3_000, "c": 2_000}


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({"a": 7_000, "b": 3_000}, "class c is 0 of 10,000 rows"),
        ({**THREE, "d": 10, "e": 3}, "13 rows are of no class in label.classes: d, e, limit 0"),
    ],
)
def test_each_declared_class_has_rows_and_no_other_has(counts, told):
    seen = LabelSeen(classes=THREE, everything=counts, expected=("a", "b", "c"))
    verdict = label_balance(measured(label=seen), LabelBalanceGate())
    assert verdict.outcome is Outcome.FAIL
    assert told in verdict.because
    whole = LabelSeen(classes=THREE, expected=("a", "b", "c"))
    assert label_balance(measured(label=whole), LabelBalanceGate()).passed


class TestLabelLeakage(GateContract):
    """What single columns say about the label."""

    gate, policy, limit = staticmethod(label_leakage), LabelLeakageGate(max_auc=0.9), 0.9
    good = (measured(leaks=[leak(auc=0.9)]),)
    bad = (measured(leaks=[leak(auc=0.91)]),)
    missing = (
        (measured(),),
        (measured(leaks=[]),),
        (measured(leaks=[leak(auc=None)]),),
        (measured(leaks=[leak(auc=NAN)]),),
    )


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"classes": {"no": 10_000}}, "class yes is 0.00% of rows, 24.00% of the reference's"),
        ({"everything": {"no": 100_000, "yes": 50}}, "class yes is 50 of 100,050 rows"),
        ({"classes": {"no": 10}, "reference": {}}, "1 of at least 2 classes have rows: no 100.00%"),
        (
            {"classes": {"no": 9_700, "yes": 300}, "reference": {"no": 49_500, "yes": 500}},
            "class yes is 3.00% of rows, 1.00% of the reference's, largest factor 2",
        ),
        (
            {"classes": {"no": 9_970, "yes": 30}, "reference": {"no": 49_500, "yes": 500}},
            "class yes is 0.30% of rows, 1.00% of the reference's, largest factor 2",
        ),
    ],
)
def test_a_class_that_went_shrank_or_multiplied_fails(seen, told):
    verdict = label_balance(measured(label=classes(**seen)), LabelBalanceGate())
    assert verdict.outcome is Outcome.FAIL
    assert told in verdict.because


@pytest.mark.parametrize(
    "counts",
    [
        {"no": 70, "yes": 30},
        {"no": 7_200, "yes": 2_800},
        {"no": 3_040, "yes": 960},
    ],
)
def test_a_change_that_is_chance_or_small_passes(counts):
    assert label_balance(measured(label=classes(classes=counts)), LabelBalanceGate()).passed


def test_a_rare_class_may_be_absent_from_a_small_batch():
    rare = {"no": 49_900, "yes": 100}
    seen = classes(classes={"no": 500, "yes": 0}, reference=rare, everything=rare)
    assert label_balance(measured(label=seen), LabelBalanceGate()).passed


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"dependence": 0.71}, "age alone tells 0.710 of the label's entropy, limit 0.7"),
        ({"missing_auc": 0.96}, "where age is missing alone predicts the label with AUC 0.960"),
        ({"late_share": 0.02}, "0.020 of the times in age lie after the row's event, limit 0.01"),
        ({"missing_auc": NAN}, "(not measured)"),
        ({"late_share": NAN}, "(not measured)"),
    ],
)
def test_every_way_of_knowing_the_answer_fails_beyond_its_limit(seen, told):
    verdict = label_leakage(measured(leaks=[leak(**seen)]), LabelLeakageGate())
    assert verdict.outcome is Outcome.FAIL
    assert told in verdict.because
    assert "data_gates.label_leakage.allow" in verdict.because


def test_a_column_that_is_allowed_with_a_reason_passes_and_is_shown():
    allowing = LabelLeakageGate(allow={"age": "known before, and the best symptom there is"})
    verdict = label_leakage(measured(leaks=[leak(auc=1.0)]), allowing)
    assert verdict.passed
    assert verdict.evidence["allowed"] == allowing.allow
