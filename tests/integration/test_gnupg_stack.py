"""What the stack is with a bundled signer: the layer and its passphrase for one function alone."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from debpress.errors import ConfigError

from local import synthesis
from stacks import settings
from stacks.deployment import deployment

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


def template(tmp_path: Path, *signers: str, layer: bool = True) -> dict[str, Any]:
    file = tmp_path / "layer.zip"
    if layer:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("python/debpress_gnupg/__init__.py", "")
    repository = {"signers": list(signers), "suites": [{"suite": "a", "architectures": ["amd64"]}]}
    context = {**synthesis.overrides(), "debpress": repository, "gnupg_layer": str(file)}
    app = cdk.App(context=context, outdir=str(tmp_path / "out"))
    found: dict[str, Any] = {}
    for stack in deployment(app, settings.read(app.node)):
        found |= assertions.Template.from_stack(stack).to_json()["Resources"]
    return found


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def test_only_the_signing_function_has_the_layer_and_may_read_the_passphrase(
    tmp_path: Path,
) -> None:
    resources = template(tmp_path, f"gnupg:{FINGERPRINT}?secret=debpress/passphrase")
    (layer,) = (n for n in of_type(resources, "AWS::Lambda::LayerVersion") if "Gnupg" in n)
    have = {
        each["Properties"].get("Description")
        for each in of_type(resources, "AWS::Lambda::Function").values()
        if {"Ref": layer} in each["Properties"].get("Layers", [])
    }
    assert have == {"debpress: sign"}
    policies = of_type(resources, "AWS::IAM::Policy")
    reading = {n: p for n, p in policies.items() if "GetSecretValue" in json.dumps(p)}
    assert len(reading) == 1
    (policy,) = reading.values()
    assert "SignRole" in json.dumps(policy["Properties"]["Roles"])
    (statement,) = (
        each
        for each in policy["Properties"]["PolicyDocument"]["Statement"]
        if each["Action"] == "secretsmanager:GetSecretValue"
    )
    assert statement["Resource"]["Fn::Join"][1][-1] == ":secret:debpress/passphrase-??????"
    assert not of_type(resources, "AWS::KMS::Key")


def test_set_up_runs_again_when_the_layer_changed(tmp_path: Path) -> None:
    """A new layer may hold an extended certificate, which hosts must find."""
    resources = template(tmp_path, f"gnupg:{FINGERPRINT}?secret=x")
    (ready,) = of_type(resources, "Custom::DebpressRepository").values()
    assert "Gnupg" in json.dumps(ready["Properties"]["Layers"])


def test_a_secret_named_by_arn_is_that_one_alone(tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:alias/lab-AbCdEf"
    resources = template(tmp_path, "awskms:", f"gnupg:{FINGERPRINT}?secret={arn}")
    assert f'"Resource": "{arn}"' in json.dumps(resources)
    assert len(of_type(resources, "AWS::KMS::Key")) == 1
    assert "kms:ResourceAliases" not in json.dumps(resources)


def test_without_such_a_signer_there_is_no_such_layer(tmp_path: Path) -> None:
    resources = template(tmp_path, "awskms:", layer=False)
    assert "Gnupg" not in json.dumps(resources)
    assert "GetSecretValue" not in json.dumps(resources)


def test_a_layer_that_was_not_built_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"layers/gnupg/bundle\.py --architecture"):
        template(tmp_path, f"gnupg:{FINGERPRINT}?secret=x", layer=False)


def test_a_uri_that_can_t_be_fails_the_synthesis(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must read gnupg:"):
        template(tmp_path, "gnupg:press")
