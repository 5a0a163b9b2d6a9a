"""The layout is the architecture: no arrow runs upward, and no step knows another.

Each line of LAYERS may import those above it, and itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import debpress
import pytest

ROOT = Path(debpress.__file__).parent

LAYERS = (
    {"errors", "architectures", "clock", "concurrency", "metrics"},
    {"codec", "findings", "strict"},
    {"layout", "store", "pins", "uploaders"},
    {"deb", "index", "openpgp", "provenance"},
    {"manifest", "config", "guards"},
    {"records"},
    {"suite", "page", "tokens"},
    {"archive"},
    {"signing"},
    {"keys"},
    {"steps", "inspection", "doctor", "proof", "source"},
    {"adapters"},
    {"commands"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# Pure: what is decided is decided without a bucket at hand.
RULES = ("records", "suite", "index", "deb", "manifest", "openpgp", "provenance", "codec", "page")
FORBIDDEN = ("store", "archive", "adapters", "steps")

STEPS = {
    "open", "admit", "queue", "merge", "sign", "commit", "finish",
    "reap", "prune", "set_up", "rotate",
}  # fmt: skip


def modules() -> list[Path]:
    return [
        file
        for file in sorted(ROOT.rglob("*.py"))
        if file.parent != ROOT or file.stem != "__init__"
    ]


def imports(file: Path) -> Iterator[tuple[str, ...]]:
    """The modules of debpress that a module imports, as their parts; those for types alone, too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield tuple(f"{node.module}.{alias.name}".split("."))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split("."))


def ours(file: Path) -> Iterator[tuple[str, ...]]:
    return (parts[1:] for parts in imports(file) if parts[0] == "debpress" and len(parts) > 1)


def package(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def test_every_module_has_its_layer() -> None:
    assert {package(file) for file in modules()} == set(LEVEL)


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(ROOT)))
def test_no_arrow_runs_upward(file: Path) -> None:
    for parts in ours(file):
        if parts[0] in LEVEL:  # else a name of debpress itself
            assert LEVEL[parts[0]] <= LEVEL[package(file)], f"imports {'.'.join(parts)}"


@pytest.mark.parametrize("name", RULES)
def test_rules_and_formats_reach_no_store(name: str) -> None:
    for file in modules():
        if package(file) == name:
            reached = [parts for parts in ours(file) if parts[0] in FORBIDDEN]
            assert reached == [], file


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_imports_no_other_and_is_short(step: str) -> None:
    file = ROOT / "steps" / f"{step}.py"
    others = [
        parts for parts in ours(file) if parts[0] == "steps" and set(parts) & (STEPS - {step})
    ]
    assert others == []
    assert len(file.read_text("utf-8").splitlines()) <= 125


def test_only_the_reaper_and_the_archive_use_the_store() -> None:
    """Its types are everybody's; its methods are called where a `Store` is named."""
    users = {
        str(file.relative_to(ROOT).with_suffix(""))
        for file in modules()
        if any(parts == ("store", "Store") for parts in ours(file))
    }
    allowed = {"steps/deletion", "steps/services", "commands/repository"}
    assert {user for user in users if package(ROOT / user) not in ("archive", "adapters")} <= (
        allowed | {"commands/key/check"}
    )
