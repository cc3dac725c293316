"""Checkpoints come back bit by bit, are whole or not there, and damaged ones are passed over."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from mlplatform.errors import TrainingError
from mlplatform.train.checkpoint import Checkpoints
from mlplatform.train.checkpoint_files import TEMPORARY, aside, whole

NAN = np.array([0x7FC00001, 0xFFC12345, 0x7F800001, 0x80000000, 0], np.uint32).view(np.float32)


class State(NamedTuple):
    """Of everything a training may carry."""

    params: dict[str, Any]
    optimizer: Any
    step: jax.Array
    order: jax.Array
    extra: Any = None


def state(fill: float = 0.5) -> State:
    params = {"w": jnp.full((3, 5), fill, jnp.bfloat16), "b": jnp.asarray(NAN), "i": jnp.int32(-7)}
    floats = {"w": jnp.full((3, 5), fill)}
    return State(
        params=params,
        optimizer=optax.chain(optax.clip(1.0), optax.adamw(1e-3)).init(floats),
        step=jnp.int32(12),
        order=jnp.asarray([2**32 - 1, 0], jnp.uint32),
        extra={
            "key": jax.random.key(3),
            "none": None,
            "empty": jnp.zeros((0, 4)),
            "minus": jnp.full((64,), -0.0),
            "flags": jnp.asarray([True, False]),
            "weak": jnp.asarray(NAN.tolist()[0]) * 1.0,
            "host": np.arange(6.0).reshape(2, 3),
        },
    )


def bits(tree: Any) -> list[tuple[str, tuple[int, ...], bytes]]:
    found = []
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)  # noqa: PLW2901
        found.append((str(leaf.dtype), leaf.shape, np.asarray(leaf).tobytes()))
    return found


def test_a_state_comes_back_bit_by_bit_with_its_step_and_notes(tmp_path: Path) -> None:
    notes = {"history": {"loss": [0.1, 1 / 3]}, "wall_seconds": 12.25, "batch_size": 256}
    Checkpoints(tmp_path, "recipe").save(12, state(), notes)
    saved = Checkpoints(tmp_path, "recipe").newest(state(0.0))
    assert saved is not None
    assert (saved.step, saved.notes, saved.warnings) == (12, notes, ())
    assert bits(saved.state) == bits(state())
    assert jax.tree.structure(saved.state) == jax.tree.structure(state())


def test_a_restored_state_compiles_to_the_same_program(tmp_path: Path) -> None:
    """Weak types and free placement come back too: else a resumed run traces, and rounds, anew."""
    checkpoints, compiled = Checkpoints(tmp_path, "recipe"), jax.jit(lambda tree: tree.step + 1)
    first = state()._replace(extra=jnp.asarray(1.5) * 1.0)
    compiled(first)
    checkpoints.save(1, first, {})
    strong = jax.tree.map(lambda leaf: jax.lax.convert_element_type(leaf, leaf.dtype), first)
    saved = checkpoints.newest(strong)
    assert saved is not None
    compiled(saved.state)
    assert compiled._cache_size() == 1
    assert saved.state.extra.weak_type == first.extra.weak_type


def test_what_was_saved_survives_the_donation_of_its_buffers(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "recipe")
    add = jax.jit(lambda x: x + 1, donate_argnums=0)
    x = add(jnp.zeros((1024, 64)))
    checkpoints.save(1, {"x": x}, {})
    for _ in range(3):
        x = add(x)
    saved = checkpoints.newest({"x": x})
    assert saved is not None
    assert np.asarray(saved.state["x"]).max() == 1


def test_the_latest_ones_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "recipe", keep=2)
    for step in (1, 2, 30):
        checkpoints.save(step, {"x": jnp.float32(step)}, {})
    assert [int(f.name.split("-")[1]) for f in whole(checkpoints.folder)] == [30, 2]
    checkpoints.clear()
    assert checkpoints.newest({"x": jnp.float32(0)}) is None
    assert checkpoints.warnings == ()


def test_another_recipes_checkpoints_are_never_taken_up(tmp_path: Path) -> None:
    mine, same = {"x": jnp.float32(1)}, "0123456789abcdef"  # Names of folders share 16 digits.
    Checkpoints(tmp_path, same + "one").save(1, mine, {})
    assert Checkpoints(tmp_path, "another").newest(mine) is None
    other = Checkpoints(tmp_path, same + "two")
    assert other.newest(mine) is None
    assert "another training's" in other.warnings[0]


def test_a_checkpoint_of_other_arrays_is_passed_over(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "recipe")
    checkpoints.save(1, {"x": jnp.zeros(3)}, {})
    assert checkpoints.newest({"x": jnp.zeros(4)}) is None
    assert checkpoints.newest({"x": jnp.zeros(3, jnp.bfloat16)}) is None


def test_it_is_due_once_the_seconds_have_passed_since_the_last_save(tmp_path: Path) -> None:
    now = [100.0]
    checkpoints = Checkpoints(tmp_path, "recipe", every_seconds=30, clock=lambda: now[0])
    assert not checkpoints.due()
    now[0] = 130.0
    assert checkpoints.due()
    checkpoints.save(1, {"x": jnp.zeros(1)}, {})
    assert not checkpoints.due()


def damages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield copies of a checkpoint folder's parent, each with one file flipped, cut, emptied, gone."""
    files = [f.relative_to(folder.parent) for f in folder.rglob("*") if f.is_file()]
    for name in files:
        for kind in ("flip first", "flip last", "cut", "empty", "remove"):
            copy = folder.parent.with_name("copy")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(folder.parent, copy)
            data = bytearray((copy / name).read_bytes())
            if not data and kind != "remove":
                continue
            if kind == "remove":
                (copy / name).unlink()
            elif kind == "flip first":
                data[0] ^= 1
            elif kind == "flip last":
                data[-1] ^= 0x80
            else:
                data = data[: -1 if kind == "cut" else 0]
            if kind != "remove":
                (copy / name).write_bytes(data)
            yield f"{kind} of {name}", copy


def test_any_damage_to_any_file_is_seen_and_the_one_before_is_used(tmp_path: Path) -> None:
    like = {"x": jnp.arange(5000.0), "n": jnp.int32(1)}
    checkpoints = Checkpoints(tmp_path, "recipe")
    checkpoints.save(1, like, {"n": 1})
    checkpoints.save(2, like, {"n": 2})
    tried = 0
    for what, copy in damages(whole(checkpoints.folder)[0]):
        shutil.rmtree(checkpoints.folder)
        shutil.copytree(copy, checkpoints.folder)
        again = Checkpoints(tmp_path, "recipe")
        saved = again.newest(like)
        assert saved is not None, what
        assert saved.step == 1, what
        assert len(saved.warnings) == 1, what
        assert "checkpoint of step 2 passed over" in saved.warnings[0], what
        tried += 1
    assert tried > 30


def test_an_added_file_is_damage_too(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "recipe")
    checkpoints.save(1, {"x": jnp.zeros(3)}, {})
    (whole(checkpoints.folder)[0] / "state" / "d" / "more").write_bytes(b"1")
    assert checkpoints.newest({"x": jnp.zeros(3)}) is None
    assert "was added" in checkpoints.warnings[0]
    assert "training starts again" in checkpoints.warnings[1]


def test_after_a_damaged_one_the_next_save_leaves_two_sound_ones(tmp_path: Path) -> None:
    checkpoints, like = Checkpoints(tmp_path, "recipe"), {"x": jnp.zeros(3)}
    for step in (10, 20):
        checkpoints.save(step, like, {})
    (whole(checkpoints.folder)[0] / "manifest.json").write_bytes(b"{}")
    again = Checkpoints(tmp_path, "recipe")
    assert again.newest(like).step == 10  # type: ignore[union-attr]
    again.save(15, like, {})
    assert [int(f.name.split("-")[1]) for f in whole(again.folder)] == [15, 10]


def test_what_a_dead_writer_left_is_swept_and_what_a_living_one_writes_is_not(
    tmp_path: Path,
) -> None:
    checkpoints, like = Checkpoints(tmp_path, "recipe"), {"x": jnp.zeros(3)}
    (checkpoints.folder / f".dead{TEMPORARY}" / "state").mkdir(parents=True)
    with aside(checkpoints.folder) as living:
        checkpoints.save(1, like, {})
        assert [f.name for f in checkpoints.folder.glob(".*")] == [living.name]


def test_arrays_come_back_to_the_devices_they_were_on(tmp_path: Path) -> None:
    device = jax.devices()[0]
    sharding = jax.sharding.SingleDeviceSharding(device)
    like = {"x": jax.device_put(jnp.arange(4.0), sharding), "free": jnp.arange(4.0)}
    checkpoints = Checkpoints(tmp_path, "recipe")
    checkpoints.save(1, like, {})
    saved = checkpoints.newest(like)
    assert saved is not None
    assert {n: x.committed for n, x in saved.state.items()} == {"x": True, "free": False}
    assert saved.state["x"].sharding == sharding


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("mounting needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_no_training_and_loses_no_checkpoint(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(0).random((400_000,), np.float32)  # 1.6 MB, not to be compressed.
    like = {"x": jnp.asarray(noise)}
    checkpoints = Checkpoints(small_disk, "recipe")
    assert checkpoints.save(1, like, {}) == ""
    (small_disk / "other").write_bytes(bytes(2_000_000))
    said = checkpoints.save(2, like, {})
    assert "checkpoint of step 2 was not written to" in said
    assert said in " ".join(checkpoints.warnings)
    assert said in caplog.text
    assert not list(checkpoints.folder.glob(".*"))
    with pytest.raises(TrainingError, match="free or mount space"):
        checkpoints.save(2, like, {}, must=True)
    assert checkpoints.newest(like).step == 1  # type: ignore[union-attr]
    (small_disk / "other").unlink()
    assert checkpoints.save(3, like, {}) == ""
    assert Checkpoints(small_disk, "recipe").newest(like).step == 3  # type: ignore[union-attr]


def test_a_folder_that_cannot_be_made_ends_no_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    checkpoints = Checkpoints(tmp_path / "file", "recipe")
    assert checkpoints.newest({"x": jnp.zeros(1)}) is None
    assert "was not written" in checkpoints.save(1, {"x": jnp.zeros(1)}, {})
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
