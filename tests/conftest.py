"""What every test may use: the deployed stack, a CI, hosts. In CI, nothing may be skipped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from local.apt_root import AptRoot
    from local.ci import Ci
    from local.stack import Stack

# The repository the system tests deploy: side by side what the configuration can hold.
SUITES = ("stable", "testing", "fresh")
COMPONENTS = ("main", "extra")
ARCHITECTURES = ("amd64", "arm64")
REPOSITORY = {
    "suites": [
        {
            "suite": suite,
            "components": list(COMPONENTS),
            "architectures": list(ARCHITECTURES),
            "origin": "Tests",
            **({"valid_for": 7} if suite == "fresh" else {}),
        }
        for suite in SUITES
    ]
    + [
        {
            "suite": "pr-*",
            "components": list(COMPONENTS),
            "architectures": list(ARCHITECTURES),
            "origin": "Tests",
            "ttl_days": 2,
            "at_most": 1,
        }
    ]
}


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The real stacks in the emulator, once a session; nobody publishes to the suite `fresh`,
    whose release is valid for a week."""
    from local import stack as local_stack

    with local_stack.up(context={"debpress": REPOSITORY}) as running:
        yield running


@pytest.fixture(scope="session")
def ci(stack: Stack) -> Ci:
    """What a CI job can do."""
    from local.ci import Ci

    return Ci(stack.outputs)


@pytest.fixture(scope="session")
def key(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published key, in a file."""
    outputs = stack.outputs
    body = stack.client("s3").get_object(Bucket=outputs.bucket, Key=f"{outputs.root}/key.asc")
    file = tmp_path_factory.mktemp("key") / "key.asc"
    file.write_bytes(body["Body"].read())
    return file


@pytest.fixture
def host(stack: Stack, key: Path, tmp_path: Path) -> Callable[..., AptRoot]:
    """Makes hosts: `host("stable", "main extra", "arm64")` is a real apt that reads the bucket."""
    from local.apt_root import AptRoot

    made: list[AptRoot] = []

    def make(
        suite: str = SUITES[0],
        components: str = "main",
        architecture: str = "amd64",
        foreign: tuple[str, ...] = (),
    ) -> AptRoot:
        source = f"deb [signed-by={key}] {stack.outputs.apt_uri} {suite} {components}"
        made.append(AptRoot(tmp_path / f"host-{len(made)}", source, architecture, foreign))
        return made[-1]

    return make


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object | None:
    if config.getoption("dist") != "loadfile":
        return None
    from tests.support.sharing import SharingTheStack

    return SharingTheStack(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        from tests.support.sharing import longest_first

        items.sort(key=lambda item: longest_first(item.nodeid))


_skipped: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _skipped.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failed one: it would be a promise nobody checks."""
    if os.environ.get("CI") == "true" and _skipped and exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if os.environ.get("CI") == "true" and _skipped:
        terminalreporter.section("skipped, which CI=true does not allow")
        for each in _skipped:
            terminalreporter.line(each)
