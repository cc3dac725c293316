"""Acceptance: which versions passed, in order, each written down once."""

import pytest

from mlplatform.errors import ConcurrentWriteError
from mlplatform.lake import faults
from mlplatform.validate import acceptance, reference
from mlplatform.validate.record import FileSeen, Profile
from mlplatform.validate.scan import Plan, scan
from mlplatform.validate.schema import store
from mlplatform.validate.schema_rules import constrained
from mlplatform_tests.validate.conftest import COLUMNS, LINEAGE, people, people_spec

FILE = FileSeen(name="a.csv", identity="ab")


@pytest.fixture
def passed(lake, pipeline):
    """Accepts a version without profiling it."""

    def accept(version, **changes):
        return acceptance.accept(lake, pipeline, bare(lake, version, **changes), LINEAGE)

    return accept


def overtaken(monkeypatch, act):
    """Let another writer act once, between the next look at the log and the commit."""

    def races(point):
        if point == "before_commit":
            monkeypatch.setattr(faults, "hook", None)
            act()

    monkeypatch.setattr(faults, "hook", races)


def scan_of(lake, rows):
    """The artifact of a scan."""
    seen = scan(people(rows).to_batches(), Plan(columns=COLUMNS))
    return lake.artifacts.put({"scan.bin": seen.to_bytes()})


def bare(lake, version, **changes):
    """A profile of little content."""
    schema = store(lake, constrained(b"", people_spec()))
    said = {
        "dataset": version.reference,
        "dataset_digest": version.digest,
        **dict.fromkeys(("rows", "training_rows", "new_rows"), version.rows),
        "files": (FILE,),
        **dict.fromkeys(("known_files", "columns", "anomalies", "distances"), ()),
        **dict.fromkeys(("plan", "reference", "like", "anomalies_artifact", "page", "judged"), ""),
        "statistics": "statistics",
        "scan": scan_of(lake, 1),
        **dict.fromkeys(("schema", "proposed_schema"), schema),
    }
    return Profile(**(said | changes))


def test_nothing_is_accepted_at_first(lake, pipeline, dataset):
    version = dataset(a=people(40))
    assert acceptance.newest(lake, pipeline) is None
    assert acceptance.before(lake, pipeline, version) is None
    assert acceptance.of(lake, pipeline, version) is None


def test_an_accepted_version_is_the_newest_with_its_files_and_artifacts(
    lake, pipeline, dataset, passed
):
    version = dataset(a=people(40))
    made = passed(version)
    assert acceptance.newest(lake, pipeline) == made
    assert (made.dataset, made.rows, made.files) == (version.reference, 40, (FILE,))
    assert (made.statistics, made.scan) == ("statistics", scan_of(lake, 1))


def test_what_a_version_is_compared_with_stays_when_it_is_accepted_itself(
    lake, pipeline, dataset, passed
):
    first, second = dataset(a=people(40)), dataset(a=people(50))
    passed(first)
    assert acceptance.before(lake, pipeline, first) is None
    before = acceptance.before(lake, pipeline, second)
    assert before.dataset == first.reference
    passed(second)
    assert acceptance.before(lake, pipeline, second) == before


def test_accepting_again_writes_nothing_and_going_back_counts_again(
    lake, pipeline, dataset, passed
):
    first, second = dataset(a=people(40)), dataset(a=people(50))
    assert passed(first) == passed(first)
    passed(second)
    assert lake.table("people/accepted").latest().rows == 2
    passed(first)
    passed(first)
    assert lake.table("people/accepted").latest().rows == 3
    assert acceptance.newest(lake, pipeline).dataset_digest == first.digest
    assert acceptance.before(lake, pipeline, first).dataset_digest == second.digest


def test_of_two_versions_accepted_at_once_one_is_told_so_and_comes_again(
    lake, pipeline, dataset, passed, monkeypatch
):
    first, second, third = (dataset(a=people(rows)) for rows in (40, 50, 60))
    passed(first)
    overtaken(monkeypatch, lambda: passed(second))
    with pytest.raises(ConcurrentWriteError, match=r"people/accepted is at version 1, not 0: "):
        passed(third)
    assert acceptance.newest(lake, pipeline).dataset_digest == second.digest
    passed(third)
    assert acceptance.before(lake, pipeline, third).dataset_digest == second.digest


def test_one_version_accepted_twice_at_once_is_accepted_once(
    lake, pipeline, dataset, passed, monkeypatch
):
    passed(dataset(a=people(40)))
    version = dataset(a=people(50))
    overtaken(monkeypatch, lambda: passed(version))
    assert passed(version) == acceptance.newest(lake, pipeline)
    assert lake.table("people/accepted").latest().rows == 2


@pytest.mark.parametrize("killed_at", ["schema", "accepted", "reference"])
def test_killed_anywhere_the_rerun_ends_the_same(lake, pipeline, dataset, monkeypatch, killed_at):
    """What follows the gates: pin the schema, accept, pin the reference; each may be the last."""
    from mlplatform.lake.table import Table

    version = dataset(a=people(40))
    append = Table.append

    def dies(self, *given, **named):
        if self.name == f"people/{killed_at}":
            raise KeyboardInterrupt
        return append(self, *given, **named)

    def walk():
        acceptance.accept(lake, pipeline, bare(lake, version), LINEAGE)
        reference.pin_first(lake, pipeline, version, LINEAGE)

    with monkeypatch.context() as patch:
        patch.setattr(Table, "append", dies)
        with pytest.raises(KeyboardInterrupt):
            walk()
    walk()
    walk()
    rows = {name: lake.table(f"people/{name}").latest().rows for name in _TABLES}
    assert rows == dict.fromkeys(_TABLES, 1)


_TABLES = ("schema", "accepted", "reference")
