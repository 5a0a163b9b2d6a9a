"""Each function finds all it imports in its own code and its layers, and nothing else is there.

The layers are those of this machine and this Python, as pip makes them for a deployment here; for
the deployed ones, that every wheel is there in the right shape.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import botocore
import pytest
from botocore.model import ServiceModel
from debpress import config
from debpress.errors import DebpressError
from debpress.provenance import trust

from stacks import bytecode, layers
from stacks.slim import SERVICES, slim
from tests.support.attesting import REPOSITORY, Sigstore

ROOT = Path(__file__).parents[2]
STEPS = sorted(path.parent.name for path in ROOT.glob("lambdas/*/handler.py"))
HERE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"

# Imports modules as Lambda does. Says where what is there now came from; what our own modules asked
# for, as they spell it, as cryptography imports old ciphers for itself; and what of the models was
# opened.
_IMPORT = """
import builtins, importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
asked, given, opened = set(), builtins.__import__, set()
def noting(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {}).get("__name__", "")
    if importer.partition(".")[0] in ("debpress", "handler", "work"):
        asked.update((name, *(f"{name}.{part}" for part in fromlist or ())))
    return given(name, globals, locals, fromlist, level)
builtins.__import__ = noting
sys.addaudithook(lambda event, given: opened.add(str(given[0])) if event == "open" else None)
for module in sys.argv[2:]:
    importlib.import_module(module)
assert "handler" not in sys.modules or callable(sys.modules["handler"].handle)
found = {m.__name__: m.__file__ for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
print(json.dumps([found, sorted(asked), sorted(path for path in opened if "/data/" in path)]))
"""

# What takes a good part of a cold start to import, and where it is needed at all.
_HEAVY = {
    "boto3": set(),
    "cryptography": {"commit", "page", "setup", "sign"},
    "debian.deb822": set(),
    # The order of versions, which operations and pages ask for.
    "debian.debian_support": {"page", "prune"},
    "debpress.archive.gone": {"merge"},
    "debpress.archive.results": {"finish", "reap"},
    # Set-up builds the keyring package, once a deployment.
    "debpress.deb.inspection": {"admit", "setup"},
    # Where a suite has a policy; by then the function runs.
    "debpress.provenance": set(),
    "sigstore": set(),
    "debpress.manifest": {"merge", "open", "prune", "queue"},
    "debpress.suite.merge": {"merge", "prune"},
    "debpress.suite.operations": {"prune"},
    "gnupg": set(),
    "importlib.resources.readers": set(),
    "multiprocessing": set(),
}
# Services whose clients a function makes before its first call, beside S3's.
_BESIDES = {"announce": {"events"}, "sign": {"kms"}}
# Modules of ours and of the dependencies; one more costs a millisecond and a half.
_MOST = {"commit": 240, "page": 250, "prune": 220, "setup": 245, "sign": 230}
_MOST_OF_OTHERS = 205


class Started(NamedTuple):
    """A function's sandbox, ready for its first call."""

    path: list[Path]
    found: dict[str, str]
    asked: set[str]
    opened: list[str]


@cache
def started(step: str) -> Started:
    """With what set-up's handler imports when it is asked."""
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    repository = layers._repository(config.parse(context["debpress"]))
    built = (layers.code(THIS), layers.dependencies(HERE, THIS), repository)
    path = [ROOT / "lambdas" / step, *(folder / "python" for folder in built)]
    modules = ["handler", "work"] if (path[0] / "work.py").exists() else ["handler"]
    return Started(path, *_imported(path, *modules))


@pytest.fixture(scope="module")
def dependencies() -> Path:
    return layers.dependencies(HERE, THIS) / "python"


@pytest.mark.parametrize("step", STEPS)
def test_a_function_needs_its_code_and_layers_alone(step: str, dependencies: Path) -> None:
    sandbox = started(step)
    assert Path(sandbox.found["botocore"]).is_relative_to(dependencies)
    allowed = (*sandbox.path, Path(sys.base_prefix), *map(Path, _library()))
    for module, file in sandbox.found.items():
        assert any(Path(file).resolve().is_relative_to(root.resolve()) for root in allowed), module


def test_a_function_without_its_dependencies_would_not_start() -> None:
    code = ROOT / "lambdas" / STEPS[0]
    with pytest.raises(subprocess.CalledProcessError):
        _imported([code, layers.code(THIS) / "python"], "handler")


@pytest.mark.parametrize("step", STEPS)
def test_no_function_can_unlock_an_exported_key(step: str) -> None:
    """Only the command imports keys; what signs knows neither their locks nor the old ciphers."""
    asked = started(step).asked
    assert "debpress.layout" in asked
    assert not asked & {"debpress.keys.unlocking", "debpress.keys.importing"}
    assert not {name for name in asked if "decrepit" in name or "ciphers" in name}


def test_the_import_of_a_key_can_unlock_it(dependencies: Path) -> None:
    """So that the test above this notices imports at all."""
    path = [layers.code(THIS) / "python", dependencies]
    _, asked, _ = _imported(path, "debpress.keys.importing")
    assert {"debpress.keys.unlocking", "cryptography.hazmat.decrepit.ciphers"} <= asked


@pytest.mark.parametrize("step", STEPS)
def test_a_cold_start_imports_what_it_needs(step: str) -> None:
    """Counted, as clocks differ; `python -m benchmarks.cold_starts` has the times."""
    found = started(step).found
    for heavy, by in _HEAVY.items():
        assert (heavy in found) == (step in by), heavy
    layered = [file for file in found.values() if "/layers/dependencies/build/" in file]
    assert len(layered) <= _MOST.get(step, _MOST_OF_OTHERS)


@pytest.mark.parametrize("step", [step for step in STEPS if step != "setup"])
def test_a_function_has_made_its_clients_before_its_first_call(step: str) -> None:
    """Set-up's has not: it must answer CloudFormation also when that can't be done."""
    services = {Path(path).parts[-3] for path in started(step).opened if "service-2" in path}
    assert services == {"s3"} | _BESIDES.get(step, set())


def test_what_is_read_late_is_there_too(dependencies: Path) -> None:
    """What no handler imports at its start: zstd, OpenPGP's arithmetic, botocore's models."""
    script = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import botocore.session, debian.deb822, gnupg
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd
assert zstd.decompress(zstd.compress(b"x")) == b"x"
ed25519.Ed25519PrivateKey.generate().sign(b"x")
for service in json.loads(sys.argv[2]):
    botocore.session.get_session().create_client(service, region_name="eu-central-1")
"""
    _run(script, [dependencies], json.dumps(sorted(SERVICES)))


def test_the_layers_verify_provenance(dependencies: Path, tmp_path: Path) -> None:
    """With what the layer of provenance has, put together here without pip: the packages of its
    lock that the dependencies' layer has not, of which this environment has the same."""
    signed, package = Sigstore(), b"package"
    held = {name for name, _ in pinned(layers._LOCK)}
    for name, _ in pinned(layers._PROVENANCE_LOCK):
        if name in held | layers._UNUSED:
            continue
        files = distribution(name).files or []
        for top in {file.parts[0] for file in files if not file.parts[0].startswith("..")}:
            place = Path(str(distribution(name).locate_file(top)))
            (tmp_path / top).symlink_to(place)
    trusted = tmp_path / trust.PACKAGE
    trusted.mkdir()
    (trusted / "__init__.py").touch()
    signed.trust_root(trusted)
    script = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
from debpress.adapters.environment import deployed_verifier
print(deployed_verifier().verify(sys.argv[2].encode(), sys.argv[3]).repository)
"""
    bundle, sha256 = signed.attest(package).decode(), hashlib.sha256(package).hexdigest()
    path = [layers.code(THIS) / "python", dependencies, tmp_path]
    assert _run(script, path, bundle, sha256) == f"{REPOSITORY}\n"


def test_two_layers_have_one_version_of_what_both_need() -> None:
    """One lies over the other in a function."""
    found, other = dict(pinned(layers._LOCK)), dict(pinned(layers._PROVENANCE_LOCK))
    both = found.keys() & other.keys()
    assert {"cryptography", "cffi"} <= both
    assert {name: found[name] for name in both} == {name: other[name] for name in both}
    assert other.keys() >= layers._UNUSED


def pinned(lock: Path) -> list[tuple[str, str]]:
    """Names and versions, of this Python."""
    return [(each.name, str(each.specifier)) for each, _ in layers._locked(lock.read_text(), THIS)]


def test_the_layer_has_the_model_of_each_service_that_a_function_calls() -> None:
    called = set()
    for file in (ROOT / "layers/debpress/python/debpress/adapters").glob("*.py"):
        if file.name in ("deployed.py", "functions.py"):
            continue  # The command alone asks CloudFormation and the like, and calls functions.
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="client"), args=[ast.Constant(name), *_]):
                    called.add(name)
    assert called <= SERVICES
    assert {"s3", "kms", "stepfunctions", "secretsmanager"} <= called


def test_a_slim_model_is_the_whole_one_without_its_words(tmp_path: Path) -> None:
    """To the letter: all that a client does, it does by its model and its rules of endpoints."""
    whole = Path(botocore.__file__).parent / "data"
    data = tmp_path / "data"
    for name in (*SERVICES, "sqs"):
        shutil.copytree(whole / name, data / name)
    shutil.copy(whole / "endpoints.json", data)
    slim(data)
    assert {path.name for path in data.iterdir()} == {*SERVICES, "endpoints.json"}
    for name in SERVICES:
        for packed in (whole / name).glob("*/*.json.gz"):
            model = json.loads(gzip.decompress(packed.read_bytes()))
            written = data / name / packed.parent.name / packed.stem
            slimmed = json.loads(written.read_text("utf-8"))
            assert slimmed == _wordless(model)
            if written.name == "service-2.json":
                # What a client asks of its model, the words of some parameters among it.
                assert ServiceModel(slimmed).client_context_parameters is not None
    table = json.loads((data / "endpoints.json").read_text("utf-8"))
    aws = next(each for each in table["partitions"] if each["partition"] == "aws")
    assert set(aws["services"]) == {"events", "kms", "s3", "secretsmanager", "states"}


def _wordless(value: Any) -> Any:
    if isinstance(value, list):
        return [_wordless(each) for each in value]
    if isinstance(value, dict):
        words = isinstance(value.get("documentation"), str)
        return {k: "" if k == "documentation" and words else _wordless(v) for k, v in value.items()}
    return value


def test_the_configuration_a_function_reads_is_the_stack_s() -> None:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    repository = config.parse(context["debpress"])
    text = layers._repository(repository) / "python/debpress_repository/repository.json"
    assert config.parse(json.loads(text.read_text("utf-8"))) == repository


def test_layers_are_small_enough(dependencies: Path) -> None:
    """Lambda's quota: 250 MB unzipped, all layers and the code together."""
    size = sum(path.stat().st_size for path in dependencies.rglob("*") if path.is_file())
    assert size < 40 * 2**20


def test_no_module_is_compiled_at_a_cold_start(dependencies: Path) -> None:
    """Each has bytecode of its own, which holds whatever the time that a zip gave to its source."""
    for folder in (dependencies, layers.code(THIS) / "python"):
        for module in folder.rglob("*.py"):
            compiled = Path(importlib.util.cache_from_source(str(module))).read_bytes()
            assert compiled[:4] == importlib.util.MAGIC_NUMBER
            assert compiled[4:8] == b"\1\0\0\0", module  # PEP 552: by hash, unchecked.


def test_bytecode_is_made_by_the_runtime_s_python_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """That of another version would be carried to each cold start for nothing."""
    assert bytecode.interpreter(THIS) == sys.executable
    monkeypatch.setenv("PATH", str(tmp_path))
    bytecode.interpreter.cache_clear()
    assert bytecode.interpreter("3.99") is None
    other = tmp_path / "python3.99"
    for says, taken in (("cpython-398", False), ("", False), ("cpython-399", True)):
        other.write_text(f"#!/bin/sh\necho {says}\n")
        other.chmod(0o755)
        bytecode.interpreter.cache_clear()
        assert bytecode.interpreter("3.99") == (str(other) if taken else None)
    bytecode.interpreter.cache_clear()


def test_our_layer_is_built_again_when_a_module_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "debpress/python/debpress"
    (source / "__pycache__").mkdir(parents=True)
    (source / "some.py").write_text("x = 1\n")
    monkeypatch.setattr(layers, "LAYERS", tmp_path)
    monkeypatch.setattr(layers, "_BUILD", tmp_path / "build")
    first = layers.code(THIS)
    (source / "__pycache__/some.cpython-27.pyc").touch()  # A machine's leavings change nothing.
    assert layers.code(THIS) == first
    assert len(list(first.rglob("*.pyc"))) == 1
    (source / "some.py").write_text("x = 2\n")
    second = layers.code(THIS)
    assert second != first
    assert (second / "python/debpress/some.py").read_text() == "x = 2\n"


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_locks_serve_every_python(python: str) -> None:
    proving = layers.for_python(layers._PROVENANCE_LOCK.read_text("utf-8"), python)
    assert "sigstore==" in proving and ";" not in proving
    lock = (ROOT / "layers/dependencies/requirements.txt").read_text("utf-8")
    kept = layers.for_python(lock, python)
    names = {line.partition("==")[0] for line in kept.splitlines() if "==" in line}
    assert {"botocore", "cryptography", "python-debian", "python-gnupg"} <= names
    assert ("backports-zstd" in names) == (python != "3.14")
    assert ";" not in kept and kept.count("--hash=sha256:") >= len(names)


def test_the_locks_name_no_registry() -> None:
    for file in (layers._LOCK, layers._PROVENANCE_LOCK):
        lock = file.read_text("utf-8")
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


def _imported(path: list[Path], *modules: str) -> tuple[dict[str, str], set[str], list[str]]:
    found, asked, opened = json.loads(_run(_IMPORT, path, *modules))
    return found, set(asked), opened


def _run(script: str, path: list[Path], *arguments: str) -> str:
    """Without site-packages, or the folder that this runs in, and with a function's environment."""
    folders = json.dumps(list(map(str, path)))
    command = [sys.executable, "-I", "-S", "-B", "-c", script, folders, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env=_ENVIRONMENT, cwd="/"
    )
    return done.stdout


_ENVIRONMENT = {
    "AWS_LAMBDA_FUNCTION_NAME": "some",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "DEBPRESS_BUCKET": "press",
    "DEBPRESS_KMS_KEY": "arn:aws:kms:eu-central-1:123456789012:key/some",
}


def _library() -> list[str]:
    import sysconfig

    return [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]


def _unreachable(*_: object) -> None:
    raise AssertionError("pip was asked, though the layer is there")
