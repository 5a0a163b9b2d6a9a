"""The three wheels: `debpress`, the command and the library; `debpress_cdk`, the construct; and
`debpress_client`, the command for jobs of CI (local/release/client.py).

The second carries what `stacks/` puts into functions and layers, so that an application that
installs it is synthesised without this checkout.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

import debpress

from local import paths, processes
from local.release import client
from local.release import project as pyproject

# All that is in a wheel has this date (reproducible-builds.org, "SOURCE_DATE_EPOCH").
_EPOCH = "315532800"
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "build", "*.egg-info")

_INIT = '''"""An apt repository in S3 as a construct of the AWS CDK."""

from .repository import AptRepository

__all__ = ["AptRepository"]
'''

# What the construct needs of what the development environment has.
_NEEDED = ("aws-cdk-lib", "constructs")


def build(target: Path, dependencies: Path) -> None:
    """Builds them into the folder `target`. `dependencies` is the folder of the layer of that name,
    which the construct's wheel carries, too. Raises LocalError."""
    _build(paths.ROOT, target)
    with tempfile.TemporaryDirectory() as made:
        project = Path(made)
        package = project / "debpress_cdk"
        shutil.copytree(paths.ROOT / "stacks", package, ignore=_LEFT_OUT)
        (package / "__init__.py").write_text(_INIT)
        (package / "py.typed").touch()
        assets = package / "assets"
        for folder in ("lambdas", "layers"):
            shutil.copytree(paths.ROOT / folder, assets / folder, ignore=_LEFT_OUT)
        carried = assets / "layers/dependencies/build" / dependencies.name
        shutil.copytree(dependencies, carried, ignore=shutil.ignore_patterns("__pycache__"))
        needs = [f"debpress=={debpress.__version__}", *_requirements(), "packaging"]
        (project / "pyproject.toml").write_text(
            pyproject.text(
                "debpress-cdk",
                "An apt repository in S3 as a construct of the AWS CDK",
                needs,
                ["py.typed", "assets/**/*"],
            )
        )
        _build(project, target)
    small(target)


def small(target: Path) -> None:
    """Builds `debpress_client` into the folder `target`. Raises LocalError."""
    with tempfile.TemporaryDirectory() as made:
        client.write(Path(made))
        _build(Path(made), target)


def _requirements() -> list[str]:
    """The construct's requirements, as requirements.in has them."""
    lines = (paths.ROOT / "requirements.in").read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith(_NEEDED)]


def _build(project: Path, target: Path) -> None:
    environment: Mapping[str, str] = {**os.environ, "SOURCE_DATE_EPOCH": _EPOCH}
    # In a copy: setuptools leaves its folders in the project, and takes files from them again.
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place, "project")
        wanted = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
        settings = wanted["tool"]["setuptools"]
        folders = (
            settings["package-dir"].values()
            if "package-dir" in settings
            else (settings["packages"])
        )
        copy.mkdir()
        for name in ("pyproject.toml", "LICENSE", "README.md"):
            if (project / name).exists():
                shutil.copy(project / name, copy)
        for folder in folders:
            shutil.copytree(project / folder, copy / folder)
        processes.run(
            [
                *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
                *("--no-build-isolation", "--disable-pip-version-check"),
                *("--wheel-dir", str(target), str(copy)),
            ],
            environment=environment,
        )
