"""The functions' layers: our code, its dependencies, and the configuration."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aws_cdk import Annotations, AssetHashType, FileSystem
from aws_cdk import aws_lambda as lambda_
from constructs import Construct
from debpress import __version__, config
from debpress.errors import ConfigError, DebpressError
from debpress.provenance import trust as sigstore_root
from packaging.requirements import Requirement

from . import bytecode
from .assets import LAYERS
from .settings import Settings
from .slim import slim

_LOCK = LAYERS / "dependencies/requirements.txt"
_PROVENANCE_LOCK = LAYERS / "provenance/requirements.txt"
# What Sigstore's own command prints with, a third of what it would bring.
_UNUSED = frozenset({"markdown-it-py", "mdurl", "pygments", "rich"})
_BUILD = LAYERS / "dependencies/build"
_A_DAY = 24 * 3600.0
_MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}


class Layers(Construct):
    def __init__(self, scope: Construct, id: str, settings: Settings) -> None:  # noqa: A002
        super().__init__(scope, id)
        self._settings = settings
        compiler = bytecode.interpreter(settings.python)
        Annotations.of(self).add_info(
            f"The functions' modules are compiled by {compiler}."
            if compiler
            else f"There is no python{settings.python} on the path to compile the functions' "
            "modules, so each cold start will: docs/performance.md says what that costs."
        )
        self.all: list[lambda_.ILayerVersion] = [
            # Its description tells `debpress doctor` the version of what the functions run.
            self._layer("Code", _asset(code(settings.python)), f"debpress {__version__}"),
            self._layer(
                "Dependencies", _asset(dependencies(settings.architecture, settings.python))
            ),
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
            bundled = lambda_.Code.from_asset(str(settings.gnupg_layer))
            self.signing.append(self._layer("Gnupg", bundled))
        # Sigstore's library and its trust root: for no function but the one that admits.
        self.admitting: list[lambda_.ILayerVersion] = []
        if settings.repository.verifies:
            root = settings.provenance_trust_root
            verifying = provenance(settings.architecture, settings.python, root)
            self.admitting.append(self._layer("Provenance", _asset(verifying)))

    def _layer(
        self, name: str, code: lambda_.Code, description: str | None = None
    ) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name,
            code=code,
            description=description,
            compatible_architectures=[self._settings.lambda_architecture],
            compatible_runtimes=[self._settings.runtime],
        )


CACHES = ["**/__pycache__", "**/*.pyc"]


def _asset(folder: Path) -> lambda_.Code:
    """Its hash is the folder's name, which says all that the content follows from. The bytecode is
    not hashed: patch releases of Python may differ in it, and then a deployment from another
    machine would replace the layer and run set-up again, for nothing."""
    return lambda_.Code.from_asset(
        str(folder), asset_hash=folder.name, asset_hash_type=AssetHashType.CUSTOM
    )


def code(python: str) -> Path:
    """The folder of the layer with our own code, compiled where an interpreter for it is there."""
    source = LAYERS / "debpress"
    content = FileSystem.fingerprint(str(source), exclude=CACHES)[:16]
    target = _BUILD / f"code-{_kind(python)}-{content}"
    if not target.is_dir():
        leavings = shutil.ignore_patterns("__pycache__", "*.pyc")
        _build(target, python, lambda made: shutil.copytree(source, made, ignore=leavings))
    _forget_old(target, "code-*")
    return target


def dependencies(architecture: str, python: str) -> Path:
    """The folder of the dependencies' layer, made by pip unless it exists.

    Its name has a hash of everything that its content follows from. So a second synthesis finds the
    folder, and needs no network. Raises DebpressError.
    """
    wanted = for_python(_LOCK.read_text("utf-8"), python)
    recipe = Path(__file__).with_name("slim.py").read_text("utf-8")
    name = hashlib.sha256(f"{wanted}\0{recipe}".encode()).hexdigest()[:16]
    target = _BUILD / f"{architecture}-{_kind(python)}-{name}"
    if not target.is_dir():

        def install(made: Path) -> None:
            _pip(made / "python", wanted, _MACHINES[architecture], python)
            models = made / "python/botocore/data"
            if models.is_dir():
                slim(models)

        _build(target, python, install)
    return target


def provenance(architecture: str, python: str, trust_root: Path | None) -> Path:
    """The folder of the layer that verifies provenance: what its lock has and the dependencies' has
    not, and the trust root, which is that of Sigstore's public instance unless it is given.

    Made and named like the dependencies'. Raises DebpressError.
    """
    held = {requirement.name for requirement, _ in _locked(_LOCK.read_text("utf-8"), python)}
    wanted = "".join(
        text
        for requirement, text in _locked(_PROVENANCE_LOCK.read_text("utf-8"), python)
        if requirement.name not in held | _UNUSED
    )
    given = trust_root.read_text("utf-8") if trust_root else ""
    name = hashlib.sha256(f"{wanted}\0{given}".encode()).hexdigest()[:16]
    target = _BUILD / f"provenance-{architecture}-{_kind(python)}-{name}"
    if not target.is_dir():

        def install(made: Path) -> None:
            _pip(made / "python", wanted, _MACHINES[architecture], python)
            package = made / "python" / sigstore_root.PACKAGE
            package.mkdir()
            (package / "__init__.py").write_text('"""The trust root."""\n', "utf-8")
            public = made / "python/sigstore/_store" / sigstore_root.PUBLIC
            shutil.copy(trust_root or public, package / sigstore_root.FILE)

        _build(target, python, install)
    return target


def _kind(python: str) -> str:
    return python if bytecode.interpreter(python) else f"{python}-uncompiled"


def _build(target: Path, python: str, fill: Callable[[Path], object]) -> None:
    """Makes the folder `target` by `fill`, all of it or nothing, and compiles what is in it."""
    _BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_BUILD) as folder:
        made = Path(folder, "layer")
        fill(made)
        compiler = bytecode.interpreter(python)
        if compiler:
            bytecode.compile_folder(made, compiler)
        try:
            made.rename(target)
        except OSError:
            if not target.is_dir():  # If it is, another synthesis has made it meanwhile.
                raise


def for_python(lock: str, python: str) -> str:
    """The lock without the requirements that the Python version `python` does not need.

    pip can't leave them out: it evaluates markers for the interpreter that runs it, not for the
    version that it installs for.
    """
    return "".join(text for _, text in _locked(lock, python))


def _locked(lock: str, python: str) -> Iterator[tuple[Requirement, str]]:
    """Each requirement of the lock that the version `python` needs, with its lines."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    for block in lock.replace("\\\n", "\0").splitlines():
        requirement = block.partition("\0")[0].strip()
        if not requirement or requirement.startswith("#"):
            continue
        found = Requirement(requirement)
        if found.marker is None or found.marker.evaluate(environment):
            found.marker = None
            hashes = block.partition("\0")[2].replace("\0", "\\\n")
            yield found, f"{found} \\\n{hashes}\n"


def _pip(target: Path, lock: str, machine: str, python: str) -> None:
    requirements = target.parent.with_name("requirements.txt")
    requirements.write_text(lock, "utf-8")
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
    _forget_old(package.parent.parent, "repository-*")
    (package / "repository.json").write_text(text, "utf-8")
    (package / "__init__.py").write_text('"""The deployed configuration."""\n', "utf-8")
    return package.parent.parent


def _forget_old(used: Path, like: str) -> None:
    """Removes folders of a name `like` this that are a day old and not `used` by this synthesis.
    Any other synthesis that used one of them has ended by then."""
    os.utime(used)
    for folder in _BUILD.glob(like):
        with contextlib.suppress(FileNotFoundError):  # Another synthesis has removed it meanwhile.
            if folder.stat().st_mtime < time.time() - _A_DAY:
                shutil.rmtree(folder, ignore_errors=True)
