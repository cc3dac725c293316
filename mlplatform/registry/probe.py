"""Is a folder a model that loads and answers? Asked in a process of its own, which bytes from a stranger may end.

JAX reads exported programs by native code, which promises nothing about damaged ones. Bytes whose digest the lake
proves were written by an export; for any others this is the door.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mlplatform.errors import CorruptionError, PlatformError

SECONDS = 120.0  # Importing JAX takes 2 s, compiling a small model less.


def require_loads(contents: Mapping[str, bytes], name: str, seconds: float = SECONDS) -> str:
    """Return what a model predicts, such as `probability`, once it answered a row without values.

    Args:
        contents: Its files with their manifest, as `Artifact.contents` returns them.
        name: What messages call it.
        seconds: Longest wait.

    Raises:
        CorruptionError: If it does not load, does not answer, or ends the process that tries.
    """
    with tempfile.TemporaryDirectory(prefix="mlplatform-probe-") as own:
        for file, data in contents.items():
            (Path(own) / file).write_bytes(data)
        command = [sys.executable, "-m", "mlplatform.registry.probe", own]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise CorruptionError(f"{name}: did not load within {seconds:g} s") from None
    if done.returncode < 0:
        raise CorruptionError(f"{name}: reading it ended the process by signal {-done.returncode}")
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CorruptionError(f"{name}: {said}")
    return str(json.loads(done.stdout.splitlines()[-1])["predicts"])


def _main(folder: str) -> int:
    from mlplatform.features.program import Predictor
    from mlplatform.registry.folder import Folder

    try:
        predictor = Predictor.load(Folder.verified(Path(folder)))
        nothing = [dict.fromkeys(predictor.encoder.columns)]
        answer = predictor.predict(predictor.encoder.encode_rows(nothing))
    except PlatformError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 1
    if not predictor.predicts.usable(answer).all():
        sys.stderr.write(f"it answers {answer.tolist()}, which is no {predictor.predicts}\n")
        return 1
    sys.stdout.write(json.dumps({"predicts": predictor.predicts.name}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
