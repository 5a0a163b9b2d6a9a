"""The functions' environment: found, or a sentence that says what is missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from debpress import config
from debpress.adapters import aws
from debpress.adapters import environment as edge
from debpress.adapters.s3 import S3Store
from debpress.errors import ConfigError

REPOSITORY = config.parse({"suites": [{"suite": "lab", "architectures": ["amd64"]}]})


@pytest.fixture(autouse=True)
def cold_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEBPRESS_BUCKET", "press")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    edge.environment.cache_clear()
    yield
    edge.environment.cache_clear()
    sys.modules.pop("debpress_repository", None)


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The layer's module as the stacks pack it; the test writes repository.json."""
    module = tmp_path / "debpress_repository"
    module.mkdir()
    (module / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return module / "repository.json"


def test_a_warm_function_reads_its_environment_once(layer: Path) -> None:
    layer.write_text(json.dumps(config.as_json(REPOSITORY)))
    first = edge.environment()
    layer.unlink()
    assert edge.environment() is first
    assert first.bucket == "press"
    assert first.repository == REPOSITORY
    assert first.clock.now().tzinfo is UTC
    assert (first.kms_key, first.state_machine) == (None, None)


def test_what_only_some_functions_are_given_is_passed_on(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer.write_text(json.dumps(config.as_json(REPOSITORY)))
    monkeypatch.setenv("DEBPRESS_KMS_KEY", "arn:key")
    monkeypatch.setenv("DEBPRESS_STATE_MACHINE", "arn:machine")
    found = edge.environment()
    assert (found.kms_key, found.state_machine) == ("arn:key", "arn:machine")


@pytest.mark.usefixtures("layer")
@pytest.mark.parametrize("value", [None, ""])
def test_no_bucket_is_named(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if value is None:
        monkeypatch.delenv("DEBPRESS_BUCKET")
    else:
        monkeypatch.setenv("DEBPRESS_BUCKET", value)
    with pytest.raises(ConfigError, match="DEBPRESS_BUCKET"):
        edge.environment()


def test_a_missing_layer_is_named() -> None:
    with pytest.raises(ConfigError, match="layer"):
        edge.environment()


@pytest.mark.usefixtures("layer")
def test_a_layer_without_its_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"repository\.json is not there"):
        edge.environment()


def test_a_configuration_that_is_no_json_is_named(layer: Path) -> None:
    layer.write_text("{")
    with pytest.raises(ConfigError, match="not JSON"):
        edge.environment()


# Before the first call


def test_a_function_has_its_clients_before_its_first_call(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer.write_text(json.dumps(config.as_json(REPOSITORY)))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "merge")
    made: list[edge.Environment] = []
    edge.prepare(made.append)
    assert made == [edge.environment()]


def test_what_is_wrong_is_said_by_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that raises as it is imported would be named to the workflow as no error of ours."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "merge")
    edge.prepare()
    with pytest.raises(ConfigError, match="layer"):
        edge.environment()


def test_who_else_imports_a_handler_needs_no_environment(layer: Path) -> None:
    made: list[edge.Environment] = []
    edge.prepare(made.append)
    assert made == []


def test_a_function_s_credentials_are_those_of_its_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "merge")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA-OF-THE-ROLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    found = aws.session.__wrapped__().get_credentials()
    assert (found.access_key, found.secret_key, found.token) == (
        "AKIA-OF-THE-ROLE",
        "secret",
        "token",
    )


def test_who_copies_waits_for_s3_as_long_as_it_is_told(
    layer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer.write_text(json.dumps(config.as_json(REPOSITORY)))

    def patience() -> float:
        edge.environment.cache_clear()
        store = edge.environment().store
        assert isinstance(store, S3Store)
        return float(store._client.meta.config.read_timeout)

    assert patience() == aws.READ_SECONDS
    monkeypatch.setenv("DEBPRESS_SILENCE", "200")
    assert patience() == 200
