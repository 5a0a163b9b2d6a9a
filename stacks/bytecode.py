"""Compiles a layer's modules for the functions' Python, else each cold start would compile them.

Lambda's guide advises against `__pycache__` in a layer, since bytecode of another version may be in
it (Lambda developer guide, "Working with .zip file archives for Python Lambda functions"). Python
ignores such bytecode; and it is made here by the runtime's version alone. It is the same for every
processor.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path


@cache
def interpreter(python: str) -> str | None:
    """An interpreter of the version `python` (`3.14`): this one, or `python3.14` on the path. None
    where there is none, or it is a launcher that knows of none."""
    if python == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    found = shutil.which(f"python{python}")
    if found is None:
        return None
    asked = [found, "-I", "-c", "import sys; print(sys.implementation.cache_tag)"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return found if done.stdout.strip() == f"cpython-{python.replace('.', '')}" else None


def compile_folder(folder: Path, by: str) -> None:
    """Compiles all modules in `folder`.

    Nothing in the bytecode tells of this machine or moment, so that two builds give the same bytes.
    It holds whatever the time stamps of the sources (`unchecked-hash`): those that a zip gives to
    unpacked files are not the ones of the build.
    """
    where = ("-s", str(folder), str(folder))
    command = [by, "-I", "-m", "compileall", "-qq", "--invalidation-mode", "unchecked-hash", *where]
    # A module that can't be compiled could not be imported either, so it is nobody's loss.
    subprocess.run(command, capture_output=True, check=False)  # noqa: S603
