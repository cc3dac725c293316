"""The reference: the first that passed, then whatever a person promotes, with its history."""

from datetime import UTC, datetime

import pytest

from mlplatform.errors import ConcurrentWriteError, CorruptionError, LakeError
from mlplatform.validate import acceptance, reference
from mlplatform.validate.record import to_table
from mlplatform.validate.scan import store
from mlplatform_tests.validate.conftest import LINEAGE, people
from mlplatform_tests.validate.test_acceptance import bare, overtaken, scan_of


@pytest.fixture
def profiled(lake, pipeline):
    """Writes a version's profile, without TFDV."""

    def write(version, **changes):
        row = to_table(bare(lake, version, **changes))
        table = lake.table(pipeline.table("statistics"))
        table.append(row, LINEAGE, token=f"{version.digest}{changes}")
        return version

    return write


@pytest.fixture
def accepted(lake, pipeline, profiled):
    """Profiles and accepts a version."""

    def write(version):
        acceptance.accept(lake, pipeline, bare(lake, profiled(version)), LINEAGE)
        return version

    return write


def test_the_first_accepted_version_becomes_the_reference_and_no_later_one(
    lake, pipeline, dataset, accepted
):
    assert reference.current(lake, pipeline) is None
    first, second = accepted(dataset(a=people(40))), accepted(dataset(a=people(50)))
    pinned = reference.pin_first(lake, pipeline, first, LINEAGE)
    assert reference.pin_first(lake, pipeline, second, LINEAGE) == pinned
    assert reference.current(lake, pipeline) == pinned
    assert (pinned.dataset, pinned.rows, pinned.scan) == (first.reference, 40, scan_of(lake, 1))
    assert (pinned.because, pinned.by) == (
        "the first version that passed its gates",
        "mlplatform",
    )
    assert (datetime.now(UTC) - pinned.since).total_seconds() < 600


def test_a_version_that_did_not_pass_cannot_be_the_first_reference(
    lake, pipeline, dataset, profiled
):
    version = profiled(dataset(a=people(40)))
    with pytest.raises(LakeError, match=r"has not passed its gates.*; run the checks of dataset"):
        reference.pin_first(lake, pipeline, version, LINEAGE)
    assert not lake.table("people/reference").exists()


def test_a_person_promotes_a_version_though_its_gates_failed_and_history_keeps_both(
    lake, pipeline, dataset, accepted, profiled
):
    first, second = (
        accepted(dataset(a=people(40))),
        profiled(dataset(a=people(50)), scan=scan_of(lake, 2)),
    )
    reference.pin_first(lake, pipeline, first, LINEAGE)
    before = reference.current(lake, pipeline)
    made = reference.promote(lake, pipeline, second, "a new season", "ada", LINEAGE)
    now = reference.current(lake, pipeline)
    assert (now.dataset, now.scan, now.because, now.by) == (
        second.reference,
        scan_of(lake, 2),
        "a new season",
        "ada",
    )
    assert now.version == made
    assert now.digest != before.digest
    assert reference.history(lake, pipeline) == [now, before]
    assert made.lineage.inputs == {"people/dataset": second.reference}


def test_promoting_what_is_in_force_changes_nothing_and_going_back_is_a_new_entry(
    lake, pipeline, dataset, accepted
):
    first, second = accepted(dataset(a=people(40))), accepted(dataset(a=people(50)))

    def promote(version):
        return reference.promote(lake, pipeline, version, "so", "me", LINEAGE)

    assert promote(first) == promote(first)
    assert [promote(v).number for v in (second, first, first)] == [1, 2, 2]
    shown = [entry.dataset_digest for entry in reference.history(lake, pipeline)]
    assert shown == [first.digest, second.digest, first.digest]


@pytest.mark.parametrize("before", [False, True])
def test_of_two_persons_who_promote_at_once_one_is_told_so(
    lake, pipeline, dataset, profiled, monkeypatch, before
):
    first, second, third = (profiled(dataset(a=people(rows))) for rows in (40, 50, 60))
    if before:
        reference.promote(lake, pipeline, first, "so", "me", LINEAGE)
    overtaken(
        monkeypatch,
        lambda: reference.promote(lake, pipeline, second, "a new season", "ada", LINEAGE),
    )
    with pytest.raises(ConcurrentWriteError, match=r"people/reference is at version .*; nothing"):
        reference.promote(lake, pipeline, third, "so", "me", LINEAGE)
    assert reference.current(lake, pipeline).by == "ada"
    assert len(reference.history(lake, pipeline)) == 1 + before


def test_the_first_is_not_put_over_what_a_person_promotes_meanwhile(
    lake, pipeline, dataset, accepted, profiled, monkeypatch
):
    first, second = accepted(dataset(a=people(40))), profiled(dataset(a=people(50)))
    overtaken(
        monkeypatch,
        lambda: reference.promote(lake, pipeline, second, "a new season", "ada", LINEAGE),
    )
    in_force = reference.pin_first(lake, pipeline, first, LINEAGE)
    assert (in_force.by, in_force.dataset) == ("ada", second.reference)
    assert reference.history(lake, pipeline) == [in_force]


def test_the_newest_profile_of_a_version_is_promoted(lake, pipeline, dataset, profiled):
    version = profiled(profiled(dataset(a=people(40))), scan=scan_of(lake, 3))
    reference.promote(lake, pipeline, version, "so", "me", LINEAGE)
    assert reference.current(lake, pipeline).scan == scan_of(lake, 3)


def test_a_promotion_needs_a_reason_a_name_and_statistics(lake, pipeline, dataset, profiled):
    version = dataset(a=people(40))
    with pytest.raises(
        LakeError, match="has no statistics that this version reads; run the checks"
    ):
        reference.promote(lake, pipeline, version, "so", "me", LINEAGE)
    profiled(version)
    for because, by, missing in (("", "me", "because"), ("so", " ", "by")):
        with pytest.raises(LakeError, match=f"needs '{missing}'"):
            reference.promote(lake, pipeline, version, because, by, LINEAGE)
    assert reference.history(lake, pipeline) == []


def test_a_reference_of_an_older_format_is_told_in_a_line_and_renewed(
    lake, pipeline, dataset, profiled, monkeypatch
):
    version = profiled(dataset(a=people(40)))
    reference.promote(lake, pipeline, version, "so", "me", LINEAGE)
    monkeypatch.setattr(store, "MAGIC", b"mlplatform scan 999\n")
    with pytest.raises(
        CorruptionError, match=r"the reference, dataset 0:.*promote` renews it"
    ) as e:
        reference.scan_of(lake, reference.current(lake, pipeline))
    assert "\n" not in str(e.value)
    with pytest.raises(LakeError, match="has no statistics that this version reads"):
        reference.promote(lake, pipeline, version, "so", "me", LINEAGE)
    profiled(version, scan=scan_of(lake, 2))
    reference.promote(lake, pipeline, version, "so", "me", LINEAGE)
    assert reference.scan_of(lake, reference.current(lake, pipeline)).view().rows == 2
