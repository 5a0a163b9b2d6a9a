"""The functions' layers: our code, its dependencies, and the configuration."""

from __future__ import annotations

import compileall
import contextlib
import hashlib
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from debpress import config
from debpress.errors import ConfigError, DebpressError
from packaging.requirements import Requirement

from stacks.settings import Settings

_LAYERS = Path(__file__).parent.parent / "layers"
_LOCK = _LAYERS / "dependencies/requirements.txt"
_BUILD = _LAYERS / "dependencies/build"
_A_DAY = 24 * 3600.0
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


class Layers(Construct):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._settings = settings
        packages = dependencies(settings.architecture, settings.python)
        self.all: list[lambda_.ILayerVersion] = [
            self._layer("Code", lambda_.Code.from_asset(str(_LAYERS / "debpress"), exclude=CACHES)),
            self._layer("Dependencies", lambda_.Code.from_asset(str(packages))),
            self._layer(
                "Repository", lambda_.Code.from_asset(str(_repository(settings.repository)))
            ),
        ]
        # gpg and a secret key: a layer for no function but the one that signs.
        self.signing: list[lambda_.ILayerVersion] = []
        if any(uri.startswith("gnupg:") for uri in settings.repository.signers):
            if not settings.gnupg_layer.exists():
                raise ConfigError(
                    f"debpress.signers: a gnupg: signer needs {settings.gnupg_layer}; build it: "
                    f"python layers/gnupg/bundle.py --architecture {settings.architecture} "
                    "--secret-key FILE"
                )
            code = lambda_.Code.from_asset(str(settings.gnupg_layer))
            self.signing.append(self._layer("Gnupg", code))

    def _layer(self, name: str, code: lambda_.Code) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name,
            code=code,
            compatible_architectures=[self._settings.lambda_architecture],
            compatible_runtimes=[self._settings.runtime],
        )


CACHES = ["**/__pycache__", "**/*.pyc"]


def dependencies(architecture: str, python: str) -> Path:
    """The folder of the dependencies' layer, made by pip unless it exists.

    Its name has a hash of everything that its content follows from. So a second synthesis finds the
    folder, and needs no network. Raises DebpressError.
    """
    lock = _LOCK.read_text("utf-8")
    name = hashlib.sha256(f"{architecture}\\0{python}\\0{lock}".encode()).hexdigest()[:16]
    target = _BUILD / f"{architecture}-{python}-{name}"
    if target.is_dir():
        return target
    _BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUILD) as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(for_python(lock, python), "utf-8")
        made = Path(folder, "layer")
        _pip(made / "python", wanted, _MACHINES[architecture], python)
        if sys.version_info[:2] == tuple(map(int, python.split("."))):
            # Compiled here, else each cold start would compile. Only if this interpreter has the
            # version of the functions' runtime, which could not use another version's bytecode.
            mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
            # The bytecode has file names in it. Without the temporary folder's name (`stripdir`),
            # two builds give the same bytes.
            compileall.compile_dir(made, quiet=2, invalidation_mode=mode, stripdir=str(made))
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # If it is, another synthesis has made it meanwhile.
                raise
    return target


def for_python(lock: str, python: str) -> str:
    """The lock without the requirements that the Python version `python` does not need.

    pip can't leave them out: it evaluates markers for the interpreter that runs it, not for the
    version that it installs for.
    """
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    kept = []
    for block in lock.replace("\\\n", "\0").splitlines():
        requirement = block.partition("\0")[0].strip()
        if not requirement or requirement.startswith("#"):
            continue
        found = Requirement(requirement)
        if found.marker is None or found.marker.evaluate(environment):
            found.marker = None
            hashes = block.partition("\0")[2].replace("\0", "\\\n")
            kept.append(f"{found} \\\n{hashes}\n")
    return "".join(kept)


def _pip(target: Path, requirements: Path, machine: str, python: str) -> None:
    command = [
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"),
        *("--target", str(target), "--require-hashes", "--requirement", str(requirements)),
        *("--only-binary=:all:", "--implementation", "cp", "--python-version", python),
        *("--platform", f"manylinux2014_{machine}", "--platform", f"manylinux_2_28_{machine}"),
        *("--platform", f"manylinux_2_34_{machine}", "--disable-pip-version-check"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DebpressError(
            f"pip could not fetch the functions' dependencies for Python {python} on {machine}:\n"
            f"{done.stderr[-2000:]}"
        )
    shutil.rmtree(target / "bin", ignore_errors=True)


def _repository(repository: config.Repository) -> Path:
    """A folder with the configuration as a Python package, for a layer: environment variables of a
    function may take 4 KB at most (Lambda quotas), which is too little for it."""
    text = json.dumps(config.as_json(repository), indent=1, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    package = _BUILD / f"repository-{name}/python/debpress_repository"
    package.mkdir(parents=True, exist_ok=True)
    _forget_old(package.parent.parent)
    (package / "repository.json").write_text(text, "utf-8")
    (package / "__init__.py").write_text('"""The deployed configuration."""\n', "utf-8")
    return package.parent.parent


def _forget_old(used: Path) -> None:
    """Removes folders of configurations that are a day old and not `used` by this synthesis. Any
    other synthesis that used one of them has ended by then."""
    os.utime(used)
    for folder in _BUILD.glob("repository-*"):
        with contextlib.suppress(FileNotFoundError):  # Another synthesis has removed it meanwhile.
            if folder.stat().st_mtime < time.time() - _A_DAY:
                shutil.rmtree(folder, ignore_errors=True)
