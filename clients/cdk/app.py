"""An application of your own with a repository in it.

pip install debpress_cdk-*.whl debpress-*.whl
cdk deploy --app "python app.py"
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from debpress_cdk import AptRepository

app = cdk.App()
stack = cdk.Stack(app, "packages", termination_protection=True)
key = kms.Key(
    stack,
    "SigningKey",
    key_spec=kms.KeySpec.RSA_4096,
    key_usage=kms.KeyUsage.SIGN_VERIFY,
    removal_policy=cdk.RemovalPolicy.RETAIN,
)
repository = AptRepository(
    stack,
    "Apt",
    name="acme",
    suites=[
        {
            "suite": "bookworm",
            "components": ["main"],
            "architectures": ["amd64", "arm64"],
            "origin": "Acme",
            "label": "Acme",
            "description": "What Acme builds",
        }
    ],
    signing_key=key,
    vpc_endpoints=["vpce-0123456789abcdef0"],
)
# By these names `debpress … --stack packages` and the pages find what they need.
for name, value in repository.outputs.items():
    cdk.CfnOutput(stack, name, value=value)
app.synth()
