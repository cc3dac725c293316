"""Heavy libraries wake where they are used; loading the code location wakes none of them."""

import json
from collections.abc import Callable

from mlplatform_tests.architecture.sources import ROOT

HEAVY = {
    *(
        "apprise",
        "boto3",
        "dagster",
        "deltalake",
        "fairlearn",
        "jax",
        "matplotlib",
        "mlflow",
        "optax",
        "optuna",
    ),
    *(
        "pandas",
        "scipy",
        "sklearn",
        "starlette",
        "tensorflow",
        "tensorflow_data_validation",
        "uvicorn",
    ),
}
ROOMS = sorted(file.parent.name for file in (ROOT / "mlplatform").glob("*/__init__.py"))

LOADED = """
import importlib, json, sys
loaded = {}
for name in ["mlplatform", *(f"mlplatform.{room}" for room in %r)]:
    before = set(sys.modules)
    importlib.import_module(name)
    loaded[name] = sorted({module.partition(".")[0] for module in set(sys.modules) - before})
print(json.dumps(loaded))
"""


def test_importing_any_room_loads_no_heavy_library(fresh_python: Callable[[str], str]):
    loaded = json.loads(fresh_python(LOADED % ROOMS))
    heavy = {room: HEAVY & set(modules) for room, modules in loaded.items()}
    assert not {room: modules for room, modules in heavy.items() if modules}


CODE_LOCATION = """
import json, sys
import definitions
backends = "jax" in sys.modules and sys.modules["jax"]._src.xla_bridge.backends_are_initialized()
print(json.dumps([sorted({module.partition(".")[0] for module in sys.modules}), backends]))
"""


def test_loading_the_code_location_wakes_no_learning_library_and_no_jax_backend(
    fresh_python: Callable[[str], str],
):
    loaded, backends = json.loads(fresh_python(CODE_LOCATION))
    assert not {"mlflow", "sklearn", "tensorflow"} & set(loaded)
    assert not backends
