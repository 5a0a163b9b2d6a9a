"""The pyproject.toml of a wheel that is one package, with whatever lies in a folder of it."""

from __future__ import annotations

from collections.abc import Sequence

import debpress

_TEXT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{version}"
description = "{description}"
license = "{licence}"
requires-python = ">=3.11"
dependencies = {dependencies}
{more}
[tool.setuptools]
packages = ["{package}"]
include-package-data = false

[tool.setuptools.package-data]
{package} = {data}
"""


def text(
    name: str,
    description: str,
    dependencies: Sequence[str],
    data: Sequence[str],
    more: str = "",
    licence: str = "MIT",
) -> str:
    """`data` are patterns of files in the package; `more` are further lines of TOML."""
    return _TEXT.format(
        name=name,
        version=debpress.__version__,
        description=description,
        dependencies=list(dependencies),
        package=name.replace("-", "_"),
        data=list(data),
        more=more,
        licence=licence,
    )
