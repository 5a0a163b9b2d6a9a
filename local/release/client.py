"""The wheel `debpress_client`: the command for a job of CI, which is installed in seconds.

botocore has models of more than four hundred services, and cryptography its own OpenSSL: 35 MB of
which an upload reads one. This wheel carries debpress and, of what that imports, what is pure
Python and a job calls, as the functions' layer does (stacks/slim.py); all from the development
environment, that is, from its lock. Decision 0025 says why it is a wheel of its own.
"""

from __future__ import annotations

import shutil
import tomllib
from importlib.metadata import Distribution, distribution
from pathlib import Path

import debpress
from packaging.requirements import Requirement

from local import paths
from local.errors import LocalError
from local.release import project as pyproject
from stacks.slim import slim

# Whose clients the command makes, and those by which botocore gets credentials.
_SERVICES = frozenset(
    {
        *("s3", "sts", "sso", "sso-oidc", "signin", "cloudformation", "cloudwatch", "events"),
        *("kms", "lambda", "scheduler", "secretsmanager", "sqs", "stepfunctions"),
    }
)
# What a job of CI does without: keys and signatures, and pages.
_LEFT_OUT = frozenset({"cryptography", "jinja2", "python-gnupg"})
# What is not pure Python comes from the package index; and python-debian, whose licence (GPL) would
# be that of the whole wheel.
_DECLARED = frozenset({"backports.zstd", "python-debian"})

# Our own, and botocore's and its kin's, whose texts come along in their `.dist-info`.
_LICENCES = "MIT AND Apache-2.0"
_SCRIPTS = """
[project.scripts]
debpress = "debpress_client.command:main"
"""

_COMMAND = '''\
"""Runs debpress with what this wheel carries, whatever else is installed beside it."""

import sys
from pathlib import Path


def main() -> int:
    sys.path.insert(0, str(Path(__file__).with_name("carried")))
    from debpress.commands.main import main

    return main()


if __name__ == "__main__":
    sys.exit(main())
'''


def write(project: Path) -> None:
    """Writes the sources of the wheel into an empty folder. Raises LocalError."""
    package = project / "debpress_client"
    package.mkdir()
    (package / "__init__.py").write_text('"""The debpress command for jobs of CI."""\n')
    (package / "command.py").write_text(_COMMAND)
    _carry(package / "carried")
    dependencies = [each for each in _asked() if Requirement(each).name in _DECLARED]
    (project / "pyproject.toml").write_text(
        pyproject.text(
            "debpress-client",
            "The debpress command for jobs of CI",
            dependencies,
            ["carried/**/*"],
            _SCRIPTS,
            _LICENCES,
        )
    )


def _carry(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(Path(debpress.__file__).parent, folder / "debpress", ignore=ignored)
    for each in _carried():
        for file in each.files or ():
            # Commands are beside the folder of modules, and nobody calls those of others.
            if file.parts[0] == ".." or file.suffix == ".pyc":
                continue
            if file.suffix == ".so":
                raise LocalError(f"{each.name} is no pure Python: have it in _DECLARED")
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    slim(folder / "botocore/data", _SERVICES)


def _carried() -> list[Distribution]:
    """What debpress imports in a job, and what that imports, as far as it is pure Python."""
    found: dict[str, Distribution] = {}
    asked = _asked()
    while asked:
        requirement = Requirement(asked.pop())
        name, marker = requirement.name, requirement.marker
        applies = marker is None or marker.evaluate({"extra": ""})
        if applies and name not in {*found, *_LEFT_OUT, *_DECLARED}:
            found[name] = distribution(name)
            asked += found[name].requires or ()
    return list(found.values())


def _asked() -> list[str]:
    """What pyproject.toml asks for."""
    read = tomllib.loads((paths.ROOT / "pyproject.toml").read_text("utf-8"))
    asked: list[str] = read["project"]["dependencies"]
    return asked
