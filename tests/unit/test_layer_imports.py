"""Each function finds all it imports in its own code and its layers, and nothing else is there.

The layers are those of this machine and this Python, as pip makes them for a deployment here; for
the deployed ones, that every wheel is there in the right shape.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from debpress import config
from debpress.errors import DebpressError

from stacks import layers

ROOT = Path(__file__).parents[2]
STEPS = sorted(path.parent.name for path in ROOT.glob("lambdas/*/handler.py"))
HERE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"

# Imports a handler as Lambda does, by its module's name, and says where modules came from.
_IMPORT = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import handler
assert callable(handler.handle)
print(json.dumps({m.__name__: m.__file__ for m in list(sys.modules.values())
                  if getattr(m, "__file__", None)}))
"""


# What our own modules import, as they spell it; cryptography imports old ciphers for itself.
_ASKED = """
import builtins, importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
asked, given = set(), builtins.__import__
def noting(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if importer.partition(".")[0] in ("debpress", "handler"):
        asked.update((name, *(f"{name}.{part}" for part in fromlist or ())))
    return given(name, globals, locals, fromlist, level)
builtins.__import__ = noting
importlib.import_module(sys.argv[2])
print(json.dumps(sorted(asked)))
"""


@pytest.fixture(scope="module")
def dependencies() -> Path:
    return layers.dependencies(HERE, THIS) / "python"


@pytest.fixture
def repository() -> Path:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return layers._repository(config.parse(context["debpress"])) / "python"


@pytest.mark.parametrize("step", STEPS)
def test_a_function_needs_its_code_and_layers_alone(
    step: str, dependencies: Path, repository: Path
) -> None:
    code = ROOT / "lambdas" / step
    path = [code, ROOT / "layers/debpress/python", dependencies, repository]
    found = _imported(path)
    assert Path(found["boto3"]).is_relative_to(dependencies)
    allowed = (*path, Path(sys.base_prefix), *map(Path, _library()))
    for module, file in found.items():
        assert any(Path(file).resolve().is_relative_to(root.resolve()) for root in allowed), module


def test_a_function_without_its_dependencies_would_not_start(repository: Path) -> None:
    code = ROOT / "lambdas" / STEPS[0]
    with pytest.raises(subprocess.CalledProcessError):
        _imported([code, ROOT / "layers/debpress/python", repository])


@pytest.mark.parametrize("step", STEPS)
def test_no_function_can_unlock_an_exported_key(
    step: str, dependencies: Path, repository: Path
) -> None:
    """Only the command imports keys; what signs knows neither their locks nor the old ciphers."""
    code = ROOT / "lambdas" / step
    asked = _asked([code, ROOT / "layers/debpress/python", dependencies, repository], "handler")
    assert "debpress.layout" in asked
    assert not asked & {"debpress.keys.unlocking", "debpress.keys.importing"}
    assert not {name for name in asked if "decrepit" in name or "ciphers" in name}


def test_the_import_of_a_key_can_unlock_it(dependencies: Path) -> None:
    """So that the test above this notices imports at all."""
    path = [ROOT / "layers/debpress/python", dependencies]
    asked = _asked(path, "debpress.keys.importing")
    assert {"debpress.keys.unlocking", "cryptography.hazmat.decrepit.ciphers"} <= asked


def test_what_is_read_late_is_there_too(dependencies: Path) -> None:
    """What no handler imports at its start: zstd, OpenPGP's arithmetic, botocore's models."""
    script = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import boto3, debian.deb822, gnupg
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd
assert zstd.decompress(zstd.compress(b"x")) == b"x"
ed25519.Ed25519PrivateKey.generate().sign(b"x")
for service in ("s3", "kms", "stepfunctions", "secretsmanager"):
    boto3.client(service, region_name="eu-central-1")
"""
    _run(script, [dependencies])


def test_the_configuration_a_function_reads_is_the_stack_s(repository: Path) -> None:
    script = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from debpress import config
from importlib import resources
text = resources.files("debpress_repository").joinpath("repository.json").read_text("utf-8")
print(json.dumps(config.as_json(config.parse(json.loads(text)))))
"""
    read = json.loads(_run(script, [ROOT / "layers/debpress/python", repository]))
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    assert read == config.as_json(config.parse(context["debpress"]))


def test_layers_are_small_enough(dependencies: Path) -> None:
    """Lambda's quota: 250 MB unzipped, all layers and the code together."""
    size = sum(path.stat().st_size for path in dependencies.rglob("*") if path.is_file())
    assert size < 100 * 2**20


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_lock_serves_every_python(python: str) -> None:
    lock = (ROOT / "layers/dependencies/requirements.txt").read_text("utf-8")
    kept = layers.for_python(lock, python)
    names = {line.partition("==")[0] for line in kept.splitlines() if "==" in line}
    assert {"boto3", "cryptography", "python-debian", "python-gnupg"} <= names
    assert ("backports-zstd" in names) == (python != "3.14")
    assert ";" not in kept and kept.count("--hash=sha256:") >= len(names)


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "layers/dependencies/requirements.txt").read_text("utf-8")
    assert "://" not in lock and "index-url" not in lock


def test_a_warm_build_asks_nobody(monkeypatch: pytest.MonkeyPatch, dependencies: Path) -> None:
    monkeypatch.setattr(layers, "_pip", _unreachable)
    assert layers.dependencies(HERE, THIS) / "python" == dependencies


def test_what_pip_says_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And no half a layer is left for the next synthesis to take for a whole one."""
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"no-such-thing==1 \\\n    --hash=sha256:{'0' * 64}\n", "utf-8")
    monkeypatch.setattr(layers, "_LOCK", lock)
    monkeypatch.setattr(layers, "_BUILD", tmp_path / "build")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(DebpressError, match=r"(?s)Python 3\.14 on aarch64.*no-such-thing"):
        layers.dependencies("arm64", "3.14")
    assert list((tmp_path / "build").iterdir()) == []


def test_pip_is_asked_for_the_functions_machine_and_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wheel of another machine's is not taken: the one that there is, is for x86-64."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / "only-1.0-cp314-cp314-manylinux_2_28_x86_64.whl"
    digest = _wheel(wheel)
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"only==1.0 \\\n    --hash=sha256:{digest}\n", "utf-8")
    monkeypatch.setattr(layers, "_LOCK", lock)
    monkeypatch.setattr(layers, "_BUILD", tmp_path / "build")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    assert (layers.dependencies("x86_64", "3.14") / "python/only.py").is_file()
    for architecture, python in (("arm64", "3.14"), ("x86_64", "3.13")):
        with pytest.raises(DebpressError):
            layers.dependencies(architecture, python)


def test_two_builds_are_the_same_to_the_byte(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else each machine's deployment would replace the layer, and run set-up again."""
    _one_wheel(monkeypatch, tmp_path)
    builds = []
    for name in ("a", "b"):
        monkeypatch.setattr(layers, "_BUILD", tmp_path / name)
        built = layers.dependencies(HERE, THIS)
        files = sorted(path for path in built.rglob("*") if path.is_file())
        builds.append({str(path.relative_to(built)): path.read_bytes() for path in files})
    assert builds[0] == builds[1]
    assert any(name.endswith(".pyc") for name in builds[0])


def test_two_syntheses_may_build_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _one_wheel(monkeypatch, tmp_path)
    pip = layers._pip

    def overtaken(*arguments: Any) -> None:
        pip(*arguments)
        monkeypatch.setattr(layers, "_pip", pip)
        layers.dependencies(HERE, THIS)

    monkeypatch.setattr(layers, "_pip", overtaken)
    assert (layers.dependencies(HERE, THIS) / "python/only.py").is_file()
    assert len(list((tmp_path / "build").iterdir())) == 1


def _one_wheel(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A lock of one wheel for this machine, and nowhere else to get it from."""
    wheels = folder / "wheels"
    wheels.mkdir()
    digest = _wheel(wheels / "only-1.0-py3-none-any.whl")
    lock = folder / "requirements.txt"
    lock.write_text(f"only==1.0 \\\n    --hash=sha256:{digest}\n", "utf-8")
    monkeypatch.setattr(layers, "_LOCK", lock)
    monkeypatch.setattr(layers, "_BUILD", folder / "build")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))


def _wheel(path: Path) -> str:
    """A wheel by the letter of PEP 427; its SHA-256."""
    import hashlib

    tag = path.stem.partition("-1.0-")[2]
    with ZipFile(path, "w") as archive:
        archive.writestr("only.py", "")
        info = "only-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: only\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _imported(path: list[Path]) -> dict[str, str]:
    found: dict[str, str] = json.loads(_run(_IMPORT, path))
    return found


def _asked(path: list[Path], module: str) -> set[str]:
    return set(json.loads(_run(_ASKED, path, module)))


def _run(script: str, path: list[Path], *arguments: str) -> str:
    """Without site-packages, the environment, or the folder that this runs in."""
    folders = json.dumps(list(map(str, path)))
    command = [sys.executable, "-I", "-S", "-B", "-c", script, folders, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={}, cwd="/")
    return done.stdout


def _library() -> list[str]:
    import sysconfig

    return [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]


def _unreachable(*_: object) -> None:
    raise AssertionError("pip was asked, though the layer is there")
