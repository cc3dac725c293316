"""The package `mlplatform` and nothing else: assets, resources and sensors need a checkout."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Return what `requirements/<name>.in` lists, without its comments and includes."""
    lines = (ROOT / "requirements" / f"{name}.in").read_text(encoding="utf-8").splitlines()
    wanted = (line.split("  #")[0].strip() for line in lines)
    return [line for line in wanted if line and not line.startswith(("#", "-"))]


def version() -> str:
    """Return `mlplatform.__version__` without importing it."""
    text = (ROOT / "mlplatform" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise SystemExit('mlplatform/__init__.py: no line `__version__ = "…"`')
    return found[1]


setup(
    name="mlplatform",
    version=version(),
    description="Continuous integration and delivery for machine learning models.",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    packages=find_packages(include=["mlplatform", "mlplatform.*"]),
    package_dir={
        "": "."
    },  # An editable install puts the checkout on the path: assets load anywhere.
    package_data={"mlplatform": ["py.typed"], "mlplatform.validate": ["facets_dist/*"]},
    install_requires=requirements("main"),
    extras_require={
        **{
            extra: requirements(extra)
            for extra in ("aws", "dagster", "dev", "gbdt", "k8s", "ray", "redis", "signing")
        },
        "cuda": ["jax[cuda12]"],
        "tfdv": ["tensorflow-data-validation>=1.21"],
    },
    entry_points={
        "console_scripts": ["mlplatform = mlplatform.cli.main:main"],
        # MLflow's tools find by it what reads the sources of our model versions.
        "mlflow.artifact_repository": ["lake = mlplatform.registry.repository:repository"],
    },
)
