"""The result as a page: every defect, who refused it, and every false alarm; misses included."""

from collections.abc import Sequence
from typing import Any

TITLES = {"adult": "Adult", "flights": "flights"}
LANDS = {"append": "batch", "full": "source anew", "first": "first version"}
Planted = dict[str, Any]
NOTES = {
    "cut inside a record": "the record that was cut is set aside, one of 1,200, and nothing says how long a batch "
    "should be; a gzip file that is cut is refused",
    "quote left open": "one record of 2,000 is set aside, the others land: 0.05 %, the limit is 1 %",
    "half joined to the wrong row": "both delays have heavy tails, so that in 2,000 rows a correlation of 0.88 that "
    "falls to 0.5 is not beyond chance at the gate's rate of false alarms",
}
HEAD = """# Planted defects: what the default gates catch

Made by `benchmarks/defects.py`; the numbers are in `benchmarks/results/defects.json`.

{kinds} kinds of defects in two data sets. *Adult*: 70 % of UCI Adult's training file and the whole test file
are the reference; rows of the other 30 % come as batches. *Flights*: 60,000 flights out of New York City in
2013 are the reference; 60,000 others come, moved on by 53 weeks.

A defect is planted in a batch of {batch_rows:,} rows that nobody has seen, written as CSV, and landed in a lake where
the reference has passed its gates. It goes the whole way: landing, quarantine, dataset, one pass of statistics,
TFDV's anomalies and distances, the split, and the gates with the limits that an empty `data_gates:` has.
*Caught* means that a blocking gate refused it, or landing the whole file. Some defects hit the whole source
when it lands anew, or its first version, which has no reference. Severities were fixed before the first run.

Clean batches are drawn without replacement ({sizes} rows, in turn; rows are dealt anew into
reference and batches {deals} times): a row that stands twice would be a defect. Whatever refuses one is a false alarm.

Machine: {machine}; {minutes:.0f} minutes for everything.
"""


def page(result: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    sets = result["sets"]
    return "\n".join(
        [*_head(result), *_totals(sets), *_false_alarms(sets), *_misses(sets), *_all(sets)]
    )


def totals(sets: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Return, by data set and together, shares of defects caught and of clean batches refused."""
    found = {name: _counted(one["planted"], one["clean"]) for name, one in sets.items()}
    planted = [line for one in sets.values() for line in one["planted"]]
    clean = [line for one in sets.values() for line in one["clean"]]
    return {**found, "both": _counted(planted, clean)}


def _counted(planted: Sequence[Planted], clean: Sequence[Planted]) -> dict[str, float]:
    caught = [line for line in planted if line["refused_by"]]
    right = [line for line in caught if set(line["refused_by"]) & set(line["expected"])]
    alarms = [line for line in clean if line["refused_by"]]
    return {
        "defects": len(planted),
        "caught": len(caught),
        "caught_share": round(len(caught) / max(len(planted), 1), 4),
        "by_the_expected_gate": len(right),
        "clean_batches": len(clean),
        "false_alarms": len(alarms),
        "false_alarm_share": round(len(alarms) / max(len(clean), 1), 4),
    }


def _head(result: dict[str, Any]) -> list[str]:
    kinds = {line["kind"] for one in result["sets"].values() for line in one["planted"]}
    sizes = ", ".join(f"{rows:,}" for rows in result["clean_sizes"])
    said = HEAD.format(kinds=len(kinds), sizes=sizes, minutes=result["seconds"] / 60, **result)
    return [*said.splitlines(), ""]


def _totals(sets: dict[str, Any]) -> list[str]:
    lines = [
        "| data | defects | caught | by the gate meant for it | clean batches | false alarms |",
        "|---|---|---|---|---|---|",
    ]
    for name, seen in totals(sets).items():
        lines.append(
            f"| {TITLES.get(name, name)} | {seen['defects']} | {seen['caught']} ({seen['caught_share']:.1%}) | "
            f"{seen['by_the_expected_gate']} | {seen['clean_batches']} | "
            f"{seen['false_alarms']} ({seen['false_alarm_share']:.1%}) |"
        )
    return [*lines, ""]


def _false_alarms(sets: dict[str, Any]) -> list[str]:
    lines = ["## False alarms", ""]
    alarms = [
        f"- {TITLES[name]}, {line['rows']:,} rows: {gate}: {_cell(why)}"
        for name, one in sets.items()
        for line in one["clean"]
        for gate, why in line["because"].items()
    ]
    return [*lines, *(alarms or ["None."]), ""]


def _misses(sets: dict[str, Any]) -> list[str]:
    lines = ["## Missed", ""]
    missed = [
        f"- {TITLES[name]}: **{line['kind']}** ({_cell(line['severity'])}); meant for "
        f"{', '.join(line['expected'])}. {_note(line['kind'])}"
        for name, one in sets.items()
        for line in one["planted"]
        if not line["refused_by"]
    ]
    return [*lines, *(missed or ["None."]), ""]


def _note(kind: str) -> str:
    return f"{NOTES[kind][0].upper()}{NOTES[kind][1:]}." if kind in NOTES else ""


def _all(sets: dict[str, Any]) -> list[str]:
    lines = [
        "## Every defect",
        "",
        "Gates in bold are the ones meant for the defect. `landing` refuses a file as a whole.",
        "",
        "| family | defect | data | severity | lands as | refused by |",
        "|---|---|---|---|---|---|",
    ]
    order: dict[tuple[str, str], list[tuple[str, Planted]]] = {}
    for name, one in sets.items():
        for line in one["planted"]:
            order.setdefault((line["family"], line["kind"]), []).append((name, line))
    families = list(dict.fromkeys(family for family, _ in order))
    for (family, kind), found in sorted(order.items(), key=lambda item: families.index(item[0][0])):
        for name, line in found:
            cells = [family, kind, TITLES[name], line["severity"], LANDS[line["lands"]]]
            lines.append(f"| {' | '.join(map(_cell, cells))} | {_gates(line)} |")
    return [*lines, ""]


def _gates(line: Planted) -> str:
    said = [f"**{g}**" if g in line["expected"] else g for g in line["refused_by"]]
    return ", ".join(said) or "— *missed*"


def _cell(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")[:300]
