"""A story in words, part by part, in reading order."""

from collections.abc import Iterator, Mapping
from typing import Any

from mlplatform.evaluate.report_words import interval, measure, number
from mlplatform.provenance.section import AMBER, RED, Fact, Section, instant, said
from mlplatform.provenance.steps import Step
from mlplatform.provenance.story import Story
from mlplatform.provenance.words import NOT_RECORDED, clean, flat, short

FILES_SHOWN = 20  # Files that landed; a batch a day makes hundreds.


def sections(story: Story) -> list[Section]:
    """Return the parts of a story that have something to say, in reading order."""
    parts = [
        _overrides(story),
        _who(story),
        _data(story),
        _landed(story),
        _code(story),
        _training(story),
        _surroundings(story),
        _metrics(story),
        _gates(story),
        _lived(story),
        _certificates(story),
        _artifact(story),
        _problems(story),
    ]
    return [part for part in parts if part.facts or part.rows or part.note]


def _overrides(story: Story) -> Section:
    facts = []
    for each in story.judged.overrides:
        told = {name: clean(each.get(name) or NOT_RECORDED) for name in ("gate", "outcome", "by")}
        when = f"{clean(each.get('at', '?'))[:16]} until {clean(each.get('until', '?'))[:16]}"
        because = clean(each.get("because") or NOT_RECORDED)
        value = f"{told['outcome']}, let through by {told['by']}, {when}: {because}"
        facts.append(Fact(f"⚑ {told['gate']}", value, RED))
    return Section(title="Overridden", at="overridden", facts=facts)


def _who(story: Story) -> Section:
    trigger = story.trigger or {}
    evidence = [
        Fact(f"because: {clean(name)}", said(value))
        for name, value in flat({k: v for k, v in trigger.items() if k != "kind"}).items()
        if name
    ]
    facts = [
        Fact("started by", said(story.run.get("launched_by"))),
        Fact("trigger", said(trigger.get("kind"))),
        *evidence,
        Fact("Dagster run", said(story.run.get("id"))),
        Fact("job", said(story.run.get("job"))),
        Fact("training log", said(story.run.get("training_log"))),
        Fact("registered", instant(story.registered_at)),
        Fact("owners", said(list(story.judged.owners) or None)),
    ]
    return Section(title="Who and why", at="who", facts=facts)


def _data(story: Story) -> Section:
    columns = ("Table", "#Version", "#Rows", "Content", "Written", "Made from")
    rows = [_version(story, step) for step in story.steps]
    tones = {at: RED for at, step in enumerate(story.steps) if step.problem}
    return Section(title="Data", at="data", columns=columns, rows=rows, tones=tones)


def _version(story: Story, step: Step) -> tuple[str, ...]:
    if step.problem:
        return (clean(step.table), clean(step.reference), "", "cannot be read", "", "")
    made = ", ".join(
        f"{table.rpartition('/')[2]} {ref.partition(':')[0]}"
        for table, ref in sorted(step.inputs.items())
    )
    name = step.noun if step.table.startswith(f"{story.pipeline}/") else step.table
    return (
        clean(name),
        str(step.number),
        f"{step.rows:,}",
        short(step.digest),
        instant(step.committed_at),
        clean(made),
    )


def _landed(story: Story) -> Section:
    shown = story.landed[-FILES_SHOWN:]
    left = len(story.landed) - len(shown) + story.landed_before
    rows = [
        (clean(f.name, 60), f"{f.rows:,}", short(f.sha256), instant(f.landed_at)) for f in shown
    ]
    note = f"The newest {len(shown)}; {left:,} landed before them." if left > 0 and rows else ""
    columns = ("File", "#Rows", "sha256", "Landed")
    return Section(title="Files that landed", at="files", columns=columns, rows=rows, note=note)


def _code(story: Story) -> Section:
    code = story.code
    dirty = {None: NOT_RECORDED, True: "had other changes", False: "had no other changes"}
    facts = [
        Fact("git commit", said(code.commit), "" if code.commit else AMBER),
        Fact("working tree", dirty[code.dirty], AMBER if code.dirty else ""),
        Fact("pipeline code", said(code.pipeline)),
        Fact("folder", said(code.folder)) if code.pipeline else None,
        *(Fact(clean(name), short(sha)) for name, sha in code.files.items()),
    ]
    other = sorted({s.code_version for s in story.steps if s.code_version} - {code.said})
    facts += [Fact("other steps by", said(other))] if other else []
    return Section(title="Code", at="code", facts=[fact for fact in facts if fact])


def _training(story: Story) -> Section:
    training = story.training or {}
    how = training.get("reproducibility") or {}
    facts = [
        Fact("seed", said(how.get("seed"))),
        Fact("bit for bit", said(how.get("bit_for_bit"))),
        Fact("device", said(_joined(how.get("devices"), how.get("device_kind")))),
        Fact("precision", said(how.get("precision"))),
        Fact("best epoch", said(training.get("best_epoch"))),
        *_leaves("hyperparameter", story.hyperparameters),
        *_leaves("spent", story.spent),
        Fact("spec", "recorded in full, see --json" if story.spec else NOT_RECORDED),
    ]
    return Section(title="Training", at="training", facts=facts)


def _surroundings(story: Story) -> Section:
    around = story.surroundings or {}
    hardware, lock = around.get("hardware") or {}, around.get("lock") or {}
    memory = hardware.get("memory_bytes")
    facts = [
        Fact("libraries", said(story.environment)),
        Fact("lock", said(lock.get("file"))),
        Fact("lock sha256", said(lock.get("sha256"))),
        Fact("Python", said(around.get("python"))),
        *(Fact(clean(n), said(v)) for n, v in (around.get("versions") or {}).items()),
        Fact("system", said(_joined(around.get("system"), around.get("libc")))),
        Fact("CUDA", said(around.get("cuda")) if around.get("cuda") else "none"),
        Fact("driver", said(around.get("driver")) if around.get("driver") else "none"),
        Fact("hardware", said(hardware.get("class"))),
        Fact("memory", f"{memory / 2**30:.1f} GiB" if memory else NOT_RECORDED),
        Fact("XLA flags", said(around.get("xla_flags"))),
    ]
    if not around:
        facts = [facts[0], Fact("surroundings", NOT_RECORDED)]
    return Section(title="Environment", at="environment", facts=facts)


def _metrics(story: Story) -> Section:
    compared = any(m.champion is not None for m in story.judged.metrics)
    columns = ("Metric", "#Value", "Interval", *(("#Champion",) if compared else ()))
    rows = [
        (
            clean(m.metric),
            measure(m.metric, m.observed),
            interval(m.lower, m.upper),
            *((measure(m.metric, m.champion),) if compared else ()),
        )
        for m in story.judged.metrics
    ]
    return Section(title="Metrics on test rows", at="metrics", columns=columns, rows=rows)


def _gates(story: Story) -> Section:
    overridden = {each.get("gate") for each in story.judged.overrides}
    rows, tones = [], {}
    for at, gate in enumerate(story.judged.gates):
        flag = " ⚑ overridden" if gate.gate in overridden else ""
        warns = gate.severity == "warn" and gate.outcome != "pass"
        tone = RED if flag or (gate.outcome == "fail" and not warns) else ""
        flag += " (warns)" if warns else ""
        tones[at] = tone or (AMBER if gate.outcome != "pass" else "")
        rows.append(
            (
                clean(gate.gate),
                clean(gate.outcome) + flag,
                number(gate.observed) if gate.observed is not None else "",
                interval(gate.lower, gate.upper),
                number(gate.limit) if gate.limit is not None else "",
                clean(gate.because),
            )
        )
    columns = ("Gate", "Outcome", "#Observed", "Interval", "#Limit", "Evidence")
    judged = story.judged
    note = f"{clean(judged.because)}." if judged.because else "No verdict is on record."
    note += f" Compared with {short(judged.baseline)}." if judged.baseline else ""
    note += f" Policy {short(judged.policy)}." if judged.policy else ""
    return Section(title="Gates", at="gates", columns=columns, rows=rows, tones=tones, note=note)


def _lived(story: Story) -> Section:
    columns = ("When", "What", "#Version", "#Traffic %", "By", "Why", "From then on")
    rows = [
        (
            instant(each.at),
            clean(each.kind.replace("_", " ")),
            str(each.version),
            f"{each.percent:g}",
            clean(each.by),
            clean(each.reason),
            each.role or "not live",
        )
        for each in story.lived
    ]
    note = "" if rows else "Never deployed."
    return Section(title="Deployments", at="deployments", columns=columns, rows=rows, note=note)


def _certificates(story: Story) -> Section:
    columns = ("When", "Outcome", "#Largest ulp", "First difference", "By", "On")
    rows, tones = [], {}
    for at, each in enumerate(story.certificates):
        tones[at] = RED if each["outcome"] == "MISMATCH" else ""
        ulp = each.get("max_ulp")
        rows.append(
            (
                instant(each["made_at"]),
                clean(each["outcome"]),
                "" if ulp is None else f"{ulp:,}",
                clean(each.get("first_difference") or ""),
                clean(each.get("made_by") or NOT_RECORDED),
                clean(each.get("hardware_class") or NOT_RECORDED),
            )
        )
    note = (
        ""
        if rows
        else f"Never made again; `mlplatform reproduce {story.pipeline}@{story.version}` does."
    )
    return Section(
        title="Made again", at="reproduced", columns=columns, rows=rows, tones=tones, note=note
    )


def _artifact(story: Story) -> Section:
    columns = ("File", "#Bytes", "sha256")
    rows = [
        (clean(name), f"{file['bytes']:,}", short(file["sha256"]))
        for name, file in story.files.items()
    ]
    keys = ", ".join(story.signature.get("keys") or [])
    signed = said(story.signature.get("standing")) + (f" (by {clean(keys)})" if keys else "")
    facts = [Fact("digest", story.digest), Fact("signature", signed)]
    if story.judged.report:
        facts.append(Fact("report", story.judged.report))
    return Section(title="Artifact", at="artifact", facts=facts, columns=columns, rows=rows)


def _problems(story: Story) -> Section:
    facts = [Fact("✕", clean(line), RED) for line in story.problems]
    return Section(title="Could not be read", at="problems", facts=facts)


def _leaves(what: str, value: Mapping[str, Any] | None) -> Iterator[Fact]:
    if not value:
        yield Fact(what, NOT_RECORDED)
        return
    for name, leaf in sorted(flat(value).items()):
        shown = f"{leaf:.6g}" if isinstance(leaf, float) else said("none" if leaf is None else leaf)
        yield Fact(f"{what} {clean(name)}", shown)


def _joined(*parts: object) -> str | None:
    return " ".join(str(part) for part in parts if part not in (None, "")) or None
