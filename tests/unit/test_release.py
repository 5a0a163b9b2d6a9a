"""What a release's files are made of."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

from local import paths
from local.release import templates, zips

ASSETS = {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}


def template(**resource: Any) -> dict[str, Any]:
    return {
        "Resources": {"Function": {"Type": "AWS::Lambda::Function", **resource}},
        "Parameters": {"BootstrapVersion": {"Type": "String"}},
        "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
    }


def test_a_template_takes_its_assets_from_any_bucket_and_needs_no_bootstrapping() -> None:
    code = {"S3Bucket": ASSETS, "S3Key": "abc.zip"}
    freed = templates.freed(
        template(Properties={"Code": code}, Metadata={"aws:asset:path": "/home/somebody", "a": 1})
    )
    function = freed["Resources"]["Function"]
    assert function["Properties"]["Code"] == {
        "S3Bucket": {"Ref": "AssetsBucket"},
        "S3Key": {"Fn::Sub": "${AssetsPrefix}abc.zip"},
    }
    assert function["Metadata"] == {"a": 1}
    assert set(freed["Parameters"]) == {"AssetsBucket", "AssetsPrefix"}
    assert "Rules" not in freed
    assert "cdk-" not in json.dumps(freed)


def test_a_template_without_assets_has_no_parameters() -> None:
    freed = templates.freed(template(Properties={}))
    assert "Parameters" not in freed and "Rules" not in freed


def test_a_zip_follows_from_its_content_alone(tmp_path: Path) -> None:
    packed = []
    for number, names in enumerate((("b", "a/c"), ("a/c", "b"))):
        folder = tmp_path / f"{number}"
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        (folder / "b").chmod(0o700 if number else 0o755)
        (folder / "a/c").chmod(0o600 if number else 0o644)
        zips.pack(folder, tmp_path / f"{number}.zip")
        packed.append((tmp_path / f"{number}.zip").read_bytes())
    assert packed[0] == packed[1]
    with zipfile.ZipFile(tmp_path / "0.zip") as found:
        modes = {each.filename: each.external_attr >> 16 for each in found.infolist()}
    assert modes == {"a/c": 0o644, "b": 0o755}


def test_the_terraform_module_gives_the_templates_what_they_ask_for() -> None:
    text = (paths.ROOT / "clients/terraform/main.tf").read_text("utf-8")
    parameters = re.search(r"parameters = \{(.*?)\}", text, re.DOTALL)
    assert parameters is not None
    assert set(re.findall(r"(\w+) +=", parameters[1])) == {templates.BUCKET, templates.PREFIX}
    declared = set(re.findall(r'^variable "(\w+)"', text, re.MULTILINE))
    assert declared == set(re.findall(r"\bvar\.(\w+)", text))
