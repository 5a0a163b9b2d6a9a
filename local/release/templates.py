"""CloudFormation templates that take their functions and layers from any bucket.

What the CDK writes names the bucket that its bootstrapping makes, and checks that there is one. A
release's template has parameters in place of that.
"""

from __future__ import annotations

from typing import Any

BUCKET, PREFIX = "AssetsBucket", "AssetsPrefix"

_PARAMETERS = {
    BUCKET: {
        "Type": "String",
        "Description": "The bucket, of this Region, that holds the release's zips.",
    },
    PREFIX: {
        "Type": "String",
        "Default": "",
        "AllowedPattern": "|.*/",
        "Description": "What their keys begin with: nothing, or a folder that ends in a slash.",
    },
}


def freed(template: dict[str, Any]) -> dict[str, Any]:
    """The template with the two parameters in place of the CDK's bootstrapping."""
    made = {key: _freed(value) for key, value in template.items()}
    parameters = made.pop("Parameters", {})
    parameters.pop("BootstrapVersion", None)
    rules = made.pop("Rules", {})
    rules.pop("CheckBootstrapVersion", None)
    if _uses(made):
        parameters |= _PARAMETERS
    sections = {"Parameters": parameters, "Rules": rules}
    return {**made, **{name: section for name, section in sections.items() if section}}


def _freed(value: Any) -> Any:
    if isinstance(value, list):
        return [_freed(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {
        key: _freed(each)
        for key, each in value.items()
        # Where the asset was on the machine that made the release is nobody's business.
        if not key.startswith("aws:asset:")
    }
    if {"S3Bucket", "S3Key"} <= found.keys():
        return {
            **found,
            "S3Bucket": {"Ref": BUCKET},
            "S3Key": {"Fn::Sub": f"${{{PREFIX}}}{found['S3Key']}"},
        }
    return found


def _uses(value: Any) -> bool:
    if isinstance(value, dict):
        return value == {"Ref": BUCKET} or any(_uses(each) for each in value.values())
    return isinstance(value, list) and any(_uses(each) for each in value)
