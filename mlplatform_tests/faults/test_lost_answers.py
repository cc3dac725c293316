"""Answers that get lost on the way: the log decides what happened, and every token has one version."""

import uuid

import pytest

from mlplatform.errors import LakeError
from mlplatform.lake import Lake, faults, transaction
from mlplatform_tests.faults.proxy import LossyProxy
from mlplatform_tests.lake.conftest import BY, rows


@pytest.fixture
def lossy(proxy: LossyProxy, s3_options: dict[str, str]) -> Lake:
    """A lake in S3, seen through the proxy."""
    root = f"s3://lake/{uuid.uuid4().hex}"
    return Lake(root, {**s3_options, "aws_endpoint_url": proxy.url})


@pytest.mark.parametrize("fault", ["lost", "late", "refused", "cut"])
def test_one_version_each_whatever_happens_to_the_answers(
    lossy: Lake, proxy: LossyProxy, fault: str
) -> None:
    table = lossy.table("shop/orders")
    proxy.faults = [fault]
    assert table.append(rows(0, 3), BY, token="1").number == 0
    proxy.faults = [fault]
    assert table.append(rows(3, 2), BY, token="2").number == 1
    proxy.faults = [fault]
    assert table.overwrite(rows(9, 1), BY, expected=1).number == 2
    assert proxy.faults == []
    assert [version.rows for version in table.history()] == [1, 5, 3]
    assert table.read(1)["number"].to_pylist() == list(range(5))
    assert len(table.files(1)) == 2


def test_an_error_after_the_commit_is_not_a_failure(lake: Lake, hook: pytest.MonkeyPatch) -> None:
    def fail(point: str) -> None:
        if point == "after_commit":
            raise OSError("the checkpoint could not be written")

    hook.setattr(faults, "hook", fail)
    table = lake.table("shop/orders")
    assert table.append(rows(0, 3), BY, token="1").number == 0
    assert table.overwrite(rows(0, 3), BY, expected=0).number == 1
    assert len(table.history()) == 2


def test_an_error_before_the_commit_on_a_disk_is_told_at_once_and_leaves_nothing(
    lake: Lake, hook: pytest.MonkeyPatch
) -> None:
    table = lake.table("shop/orders")
    table.overwrite(rows(0, 3), BY)

    def fail(point: str) -> None:
        if point == "before_commit":
            raise OSError(28, "No space left on device")

    hook.setattr(faults, "hook", fail)
    with pytest.raises(LakeError, match="No space left on device; nothing was committed"):
        table.append(rows(3, 3), BY, token="1")
    hook.setattr(faults, "hook", None)
    assert len(table.files()) == 1
    assert table.append(rows(3, 3), BY, token="1").rows == 6


def test_a_store_that_refuses_every_commit_is_reported_when_the_deadline_passes(
    lossy: Lake, proxy: LossyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "DEADLINE_SECONDS", 0.5)
    proxy.faults = ["refused"] * 1000
    with pytest.raises(transaction.UnknownOutcomeError, match="unknown outcome after"):
        lossy.table("shop/orders").append(rows(0, 3), BY, token="1")
    proxy.faults = []
    assert lossy.table("shop/orders").append(rows(0, 3), BY, token="1").number == 0
