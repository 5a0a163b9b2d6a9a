"""The command's own shape: which subcommands there are, and what asking for help costs."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from debpress import commands
from debpress.commands import key, main, token

ROOT = Path(__file__).parents[2]
COMMANDS = [
    *((name,) for name in main.SUBCOMMANDS),
    *(("key", name) for name in key.ACTIONS),
    *(("token", name) for name in token.ACTIONS),
]

# Each of these takes longer to import than an answer to --help should.
HEAVY = ("boto3", "botocore", "cryptography")

_HELP = """
import json, sys
sys.path[:0] = [sys.argv[1]]
from debpress.commands.main import main
try:
    main(sys.argv[2:])
except SystemExit as end:
    print(json.dumps([end.code, sorted(sys.modules)]), file=sys.stderr)
"""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_subcommand_helps(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main([*command, "--help"])
    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: debpress {' '.join(command)} [-h]")
    assert said.split("\n\n")[1].endswith(".")


@pytest.mark.parametrize(
    ("package", "names"),
    [
        ("debpress.commands", main.SUBCOMMANDS),
        ("debpress.commands.key", key.ACTIONS),
        ("debpress.commands.token", token.ACTIONS),
    ],
)
def test_no_module_that_runs_is_left_out(package: str, names: dict[str, str]) -> None:
    (folder,) = import_module(package).__path__
    modules = {path.stem: import_module(f"{package}.{path.stem}") for path in _modules(folder)}
    running = {
        name.rstrip("_").replace("_", "-")
        for name, module in modules.items()
        if hasattr(module, "run")
    }
    assert running == set(names) - {"key", "token"}


def _modules(folder: str) -> list[Path]:
    return [path for path in Path(folder).glob("*.py") if path.stem != "__init__"]


@pytest.mark.parametrize("arguments", ["--help", "upload --help", "--version", "upload", "key"])
def test_help_does_not_wait_for_what_only_a_run_needs(arguments: str) -> None:
    imported = _imported(arguments)
    assert "debpress.commands.main" in imported
    assert not {name for name in imported if name.partition(".")[0] in HEAVY}


def test_help_of_one_subcommand_imports_no_other() -> None:
    imported = _imported("upload --help")
    assert "debpress.commands.upload" in imported
    assert not imported & {f"{commands.__name__}.{name}" for name in main.SUBCOMMANDS} - {
        "debpress.commands.upload"
    }


def _imported(arguments: str) -> set[str]:
    library = str(ROOT / "layers/debpress/python")
    command = [sys.executable, "-c", _HELP, library, *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == (0 if "-" in arguments else 2)
    return set(modules)
