"""The app by itself, as the CDK's command runs it: nothing is asked from outside."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stacks import layers
from tests.support.templates import ROOT, context

HERE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
THIS = f"{sys.version_info.major}.{sys.version_info.minor}"

# Where everything that is asked from outside ends: nobody listens on the discard port.
NOWHERE = "http://127.0.0.1:9"


def synthesise(directory: Path) -> None:
    """Runs app.py with node and Python and nothing else: no git, no account, no way out."""
    tools = directory / "bin"
    tools.mkdir()
    node = shutil.which("node")
    assert node is not None, "install node"
    (tools / "node").symlink_to(Path(node).resolve())
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOWHERE)
    settings = context(lambda_architecture=HERE, lambda_python=THIS)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **proxies,
            **{k: v for k, v in os.environ.items() if k.startswith("JSII_SILENCE")},
            "PATH": str(tools),
            "HOME": str(directory),
            "PIP_NO_INDEX": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_OUTDIR": str(directory / "out"),
            "CDK_CONTEXT_JSON": json.dumps(settings),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    layers.dependencies(HERE, THIS)  # Warm: pip's one visit is not this test's.
    directory = tmp_path_factory.mktemp("synthesis")
    synthesise(directory)
    return directory / "out"


def test_synthesis_asks_nobody(out: Path) -> None:
    template = json.loads((out / "debpress-press.template.json").read_text("utf-8"))
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert {"AWS::StepFunctions::StateMachine", "Custom::DebpressRepository"} <= kinds


def test_assets_hold_sources_and_no_machine_s_leavings(out: Path) -> None:
    folders = [path for path in out.glob("asset.*") if path.is_dir()]
    codes = [path for path in folders if (path / "handler.py").is_file()]
    handlers = {path.parent.name for path in ROOT.glob("lambdas/*/handler.py")}
    # cdk.json asks for no replica, so there is nothing to mirror; and for no page.
    assert len(codes) == len(handlers - {"mirror", "page"})
    for code in codes:
        assert {path.name for path in code.rglob("*")} <= {"handler.py", "work.py"}
    (library,) = [path for path in folders if (path / "python/debpress/layout.py").is_file()]
    modules, compiled = [*library.rglob("*.py")], [*library.rglob("*.pyc")]
    assert len(compiled) == len(modules)
    others = {path.name for path in library.rglob("*") if path.is_file()}
    page = ROOT / "layers/debpress/python/debpress/page"
    shown = {file.name for name in ("assets", "templates") for file in (page / name).iterdir()}
    data = {each for each in others if not each.endswith((".py", ".pyc"))}
    assert data == {"setup.sh", *shown}
