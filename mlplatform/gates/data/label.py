"""Gates on the label: is it distributed as in the reference, and does a column give it away?"""

from collections.abc import Mapping

from mlplatform.gates.answer import finite, refused
from mlplatform.gates.data import chance
from mlplatform.gates.data.check import Check, verdict
from mlplatform.measures import DataMeasured, LabelSeen, LeakSeen, RangeSeen, ShiftSeen
from mlplatform.spec.data_gates import LabelBalanceGate, LabelLeakageGate
from mlplatform.verdict import Verdict

CLASSES = 2  # Fewer cannot be told apart.
NAMED = 5  # Undeclared classes told.
ADVICE = (
    "look for flipped, lost or wrongly joined labels; if the world changed, promote the new data as"
    " reference"
)


def label_balance(m: DataMeasured, policy: LabelBalanceGate) -> Verdict:
    """Pass when every class has rows enough, and about the share it has in the reference.

    A label that is a number passes when it is finite and varies, and no share of its values at most
    some number (the Kolmogorov-Smirnov distance) changed by more than `max_change`.
    """
    gate, limit, seen = "label_balance", policy.max_change, m.label
    if seen is not None and seen.number is not None:
        return _number_balance(seen.number, seen.shift, policy)
    if seen is None or sum(seen.classes.values()) < 1:
        why = f"the label's classes were not counted; a class's share may change by {limit:.2%}"
        return refused(gate, policy.severity, limit, why)
    checks = [*_changed(seen, policy), *_enough(seen, policy)]
    passed = f"shares of the classes: {_shares(seen.classes)}"
    passed += "" if seen.reference else "; no reference yet to compare them with"
    return verdict(
        gate,
        policy,
        checks,
        passed=passed,
        limit=limit,
        advice=ADVICE,
        alpha=policy.alpha,
        evidence={"classes": dict(seen.classes), "reference": dict(seen.reference)},
    )


def _number_balance(seen: RangeSeen, shift: ShiftSeen | None, policy: LabelBalanceGate) -> Verdict:
    gate, limit = "label_balance", policy.max_change
    if seen.least is None or seen.most is None:
        why = f"0 rows have a finite label; the share at most any number may change by {limit:.2%}"
        return refused(gate, policy.severity, limit, why)
    constant = f"all {seen.values:,} labels are {seen.least:g}: there is nothing to predict"
    infinite = f"{seen.not_finite:,} labels are infinite"
    checks = [
        _none_of("labels that are infinite", seen.not_finite, infinite),
        _none_of("labels that are all one number", int(seen.least == seen.most), constant),
        *([_moved(shift, policy)] if shift else []),
    ]
    passed = f"{seen.values:,} labels from {seen.least:g} to {seen.most:g}"
    return verdict(
        gate,
        policy,
        checks,
        passed=passed + ("" if shift else "; no reference yet to compare them with"),
        limit=limit,
        advice=ADVICE,
        alpha=policy.alpha,
        evidence={"least": seen.least, "most": seen.most},
    )


def _none_of(measure: str, count: int, why: str) -> Check:
    return Check(
        column="", measure=measure, observed=float(count), limit=0.0, why=f"{why}, limit 0"
    )


def _moved(seen: ShiftSeen, policy: LabelBalanceGate) -> Check:
    ks = finite(seen.ks)
    apart = "was not measured" if ks is None else f"changed by {ks:.2%}"
    means = [finite(mean) for mean in (seen.reference_mean, seen.mean)]
    told = "" if None in means else f" (mean {means[0]:.4g} before, {means[1]:.4g} now)"
    return Check(
        column=seen.column,
        measure="largest change of the share of labels at most any number",
        observed=ks,
        limit=policy.max_change,
        p=finite(seen.ks_p),
        why=f"{seen.column}: the share of labels at most some number {apart}{told}, largest change "
        f"{policy.max_change:.2%}",
    )


def _enough(seen: LabelSeen, policy: LabelBalanceGate) -> list[Check]:
    """Shares of the whole table, where a rare class has the most rows."""
    classes = {**dict.fromkeys(seen.expected, 0), **(seen.everything or seen.classes)}
    rows = sum(classes.values())
    held = {name: count for name, count in classes.items() if count}
    checks = [
        Check(
            column=name,
            measure="share the class lacks of the least",
            observed=max(policy.min_share - count / rows, 0.0) if rows else None,
            limit=0.0,
            why=f"class {name} is {count:,} of {rows:,} rows, at least {policy.min_share:.2%} needed",
        )
        for name, count in classes.items()
    ]
    if len(held) < CLASSES:
        why = f"{len(held)} of at least {CLASSES} classes have rows: {_shares(classes)}"
        checks.append(
            Check(column="", measure="classes without rows", observed=1.0, limit=0.0, why=why)
        )
    return [*checks, *_undeclared(seen, held)]


def _undeclared(seen: LabelSeen, held: Mapping[str, int]) -> list[Check]:
    if not seen.expected:
        return []
    other = {name: count for name, count in held.items() if name not in seen.expected}
    named = ", ".join(list(other)[:NAMED]) or "none"
    why = f"{sum(other.values()):,} rows are of no class in label.classes: {named}"
    return [_none_of("rows of no declared class", sum(other.values()), why)]


def _changed(seen: LabelSeen, policy: LabelBalanceGate) -> list[Check]:
    rows, before_rows = sum(seen.classes.values()), sum(seen.reference.values())
    if not before_rows:
        return []
    checks = []
    for name in dict.fromkeys([*seen.reference, *seen.classes]):
        count, before = seen.classes.get(name, 0), seen.reference.get(name, 0)
        share, was = count / rows, before / before_rows
        p = chance.change(count, rows, before, before_rows)
        why = f"class {name} is {share:.2%} of rows, {was:.2%} of the reference's"
        checks += [
            Check(
                column=name,
                measure="change of the share",
                observed=abs(share - was),
                limit=policy.max_change,
                expected=was,
                p=p,
                why=f"{why}, largest change {policy.max_change:.2%}",
            ),
            Check(
                column=name,
                measure="factor the share changed by, less 1",
                observed=_factor(share, was) - 1,
                limit=policy.max_ratio - 1,
                expected=was,
                p=p,
                why=f"{why}, largest factor {policy.max_ratio:g}",
            ),
        ]
    return checks


def _factor(share: float, was: float) -> float:
    """The larger over the smaller; a class that came or went counts as one row in a million."""
    low, high = sorted((share, was))
    return high / max(low, 1e-6)


def _shares(classes: Mapping[str, int]) -> str:
    rows = sum(classes.values())
    told = [f"{name} {count / rows:.2%}" for name, count in classes.items() if rows]
    return ", ".join(told) or "none"


def label_leakage(m: DataMeasured, policy: LabelLeakageGate) -> Verdict:
    """Pass when no column that a feature may use gives the label away."""
    gate, limit = "label_leakage", policy.max_auc
    if not m.leaks:
        why = f"no column was held against the label; a column's AUC may be {limit:g} at most"
        return refused(gate, policy.severity, limit, why)
    judged = [seen for seen in m.leaks if seen.column not in policy.allow]
    checks = [check for seen in judged for check in _leak(seen, policy)]
    return verdict(
        gate,
        policy,
        checks,
        passed=f"none of {len(judged)} columns gives the label away",
        limit=limit,
        advice="declare it in unused or known_after, or allow it with the reason in "
        "data_gates.label_leakage.allow",
        evidence={"allowed": dict(policy.allow)},
    )


def predicts_alone(name: str, what: str, auc: float | None, limit: float, told: str) -> Check:
    """Return whether one column, or feature, alone predicts the label too well."""
    return Check(
        column=name,
        measure=f"AUC of the {what} alone",
        observed=auc,
        limit=limit,
        why=f"{name} alone predicts the label with AUC {_short(auc)}, limit {limit:g}{told}",
    )


def tells_alone(name: str, measure: str, share: float | None, limit: float, told: str) -> Check:
    """Return whether one column, or feature, alone tells too much of the label's entropy."""
    return Check(
        column=name,
        measure=measure,
        observed=share,
        limit=limit,
        why=f"{name} alone tells {_short(share)} of the label's entropy, limit {limit:g}{told}",
    )


def _leak(seen: LeakSeen, policy: LabelLeakageGate) -> list[Check]:
    name, told = seen.column, f" ({seen.worst})" if seen.worst else ""
    late = finite(seen.late_share)
    predicts = predicts_alone(name, "column", seen.auc, policy.max_auc, told)
    u = "Theil's U of the label given the column"
    found = [predicts, tells_alone(name, u, seen.dependence, policy.max_dependence, told)]
    if seen.missing_auc is not None:
        found.append(
            Check(
                column=name,
                measure="AUC of the column's being missing",
                observed=seen.missing_auc,
                limit=policy.max_auc,
                why=f"where {name} is missing alone predicts the label with AUC "
                f"{_short(seen.missing_auc)}, limit {policy.max_auc:g}",
            )
        )
    if seen.late_share is not None:
        found.append(
            Check(
                column=name,
                measure="share of times after the row's event",
                observed=late,
                limit=policy.max_late_share,
                why=f"{_short(late)} of the times in {name} lie after the row's event, limit "
                f"{policy.max_late_share:g}",
            )
        )
    return found


def _short(value: float | None) -> str:
    known = finite(value)
    return "(not measured)" if known is None else f"{known:.3f}"
