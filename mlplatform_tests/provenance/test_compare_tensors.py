"""Two artifacts held against each other."""

import json

import numpy as np
import pytest
from hypothesis import strategies as st
from safetensors.numpy import save

from mlplatform.provenance.compare_tensors import compare

WEIGHTS = {"a": np.zeros(2, np.float32), "b": np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)}
NUMBERS = st.floats(width=32, allow_nan=False)


def artifact(tensors=WEIGHTS, **files: bytes) -> dict[str, bytes]:
    """Return the files of a model with these tensors."""
    training = {"validation": {"loss": 0.25}, "reproducibility": {"versions": {"jax": "1"}}}
    named = {name.replace("__", "."): content for name, content in files.items()}
    return {
        "params.safetensors": save(tensors),
        "program.stablehlo": b"program",
        "training.json": json.dumps(training).encode(),
        "requirements.txt": b"jax==1\n",
        **named,
    }


def moved(steps: int) -> dict[str, np.ndarray]:
    """Return the weights with one number so many floats further."""
    changed = WEIGHTS["b"].copy()
    for _ in range(steps):
        changed[1, 0] = np.nextafter(changed[1, 0], np.float32(9))
    return {**WEIGHTS, "b": changed}


def test_equal_bytes_are_bit_exact():
    found = compare(artifact(), artifact())
    assert (found.outcome, found.max_ulp, found.first_difference) == ("BIT_EXACT", 0, "")
    assert set(found.files.values()) == {"equal"}


@pytest.mark.parametrize(("steps", "outcome"), [(1, "ULP"), (8, "ULP"), (9, "MISMATCH")])
def test_tensors_within_eight_ulps_are_as_good_as_equal_and_no_further(steps: int, outcome: str):
    found = compare(artifact(), artifact(moved(steps)))
    assert (found.outcome, found.max_ulp, found.tensors) == (outcome, steps, {"b": steps})
    assert found.first_difference.startswith("tensor b[1, 0]: 0.5 became 0.5")
    assert f"{steps} ulp; 1 of 4 numbers differ" in found.first_difference


def test_numbers_computed_from_close_tensors_may_be_as_close():
    metrics = json.dumps({"validation": {"loss": 0.2500001}, "reproducibility": {}}).encode()
    assert compare(artifact(), artifact(moved(1), training__json=metrics)).outcome == "ULP"
    metrics = json.dumps({"validation": {"loss": 0.26}, "reproducibility": {}}).encode()
    found = compare(artifact(), artifact(moved(1), training__json=metrics))
    assert found.outcome == "MISMATCH"
    assert found.files["training.json"] == "validation.loss 0.25 became 0.26"


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (artifact({"a": WEIGHTS["a"]}), "tensor b: only the first has it"),
        (artifact({**WEIGHTS, "c": WEIGHTS["a"]}), "tensor c: only the second has it"),
        (artifact({**WEIGHTS, "a": np.zeros(3, np.float32)}), r"tensor a: is float32[3], not"),
        (artifact({**WEIGHTS, "a": np.zeros(2, np.float16)}), r"tensor a: is float16[2], not"),
        (artifact(params__safetensors=b"no"), "params.safetensors: not readable"),
        (artifact(program__stablehlo=b"proGram"), "program.stablehlo: differs from byte 3 on"),
        (artifact(extra__txt=b"x"), "extra.txt: only the second has it"),
        (artifact(training__json=b"[]"), "training.json: the whole {'validation'"),
    ],
)
def test_what_is_no_number_has_to_be_equal(other: dict[str, bytes], why: str):
    found = compare(artifact(), other)
    assert found.outcome == "MISMATCH"
    assert found.first_difference.startswith(why), found.first_difference


def test_what_describes_libraries_and_machine_decides_nothing_but_equality_of_bits():
    found = compare(artifact(), artifact(requirements__txt=b"jax==2\n"))
    assert (found.outcome, found.max_ulp) == ("ULP", 0)
    assert found.first_difference.startswith("requirements.txt: differs from byte 5")


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("MLmodel", b"loader_module: mlflow.pyfunc.model\n", b"loader_module: evil\n"),
        ("MLmodel", b"  python_version: '3.11'\n", b"  python_version: '3.11'\nmore: 1\n"),
        ("requirements.txt", b"jax==1\n", b"evil==1\n"),
        ("requirements.txt", b"jax==1\n", b"jax==1 --index-url=http://evil\n"),
        ("python_env.yaml", b"python: '3.11'\n- -r requirements.txt\n", b"python: '3.11'\n- x\n"),
        ("features.json", b'{"a": 1, "a": 2}', b'{"a": 7, "a": 2}'),
        ("features.json", b'{"jax": "1.0"}', b'{"jax": "evil"}'),
        ("training.json", b'{"reproducibility": {"seed": 1}}', b'{"reproducibility": {"seed": 2}}'),
    ],
)
def test_what_is_no_version_of_a_library_has_to_be_equal_there_too(
    name: str, first: bytes, second: bytes
):
    found = compare({**artifact(), name: first}, {**artifact(), name: second})
    assert found.outcome == "MISMATCH"
    assert found.first_difference.startswith(f"{name}: ")


def test_versions_of_libraries_in_all_the_forms_that_they_are_written_in_decide_nothing():
    def told(python: str, jax: str) -> dict[str, bytes]:
        return {
            "MLmodel": f"flavors:\n    python_version: '{python}'\n  jax: {jax}\n".encode(),
            "python_env.yaml": f"python: '{python}'\n".encode(),
            "requirements.txt": f"jax=={jax}\nmlplatform==0.1.0\n".encode(),
            "signature.json": json.dumps({"jax": jax, "version": 1}).encode(),
        }

    one, other = ({**artifact(), **told(*each)} for each in (("3.11", "0.10.2"), ("3.12", "0.11")))
    assert compare(one, other).outcome == "ULP"


def test_equal_files_under_other_facts_are_another_artifact():
    found = compare(artifact(), artifact(), ({"approved_by": "somebody else"}, {}))
    assert found.outcome == "MISMATCH"
    assert found.first_difference.startswith("manifest.json: the whole {'approved_by'")
    same = {"approved_by": "ada"}
    assert compare(artifact(), artifact(), (same, same)).outcome == "BIT_EXACT"
