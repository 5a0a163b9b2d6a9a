"""`debpress key show`, `export`, `check`, `import`, `rotate`, `package`: the keys that sign.

IAM, of each of them: s3:GetObject on `state/_repository.json`, `state/_rotation.json` and
`state/_signers/`, and s3:ListBucket, without which S3 does not tell that no key was ever rotated.
"""

from __future__ import annotations

import argparse

from debpress.commands import subcommands

# Each is a module of its name in this package.
ACTIONS = {
    "show": "show each signer's key: where it is, since when, how long",
    "export": "write the certificates that hosts must trust",
    "check": "sign a text by each signer, and have gpgv and sqv judge it",
    "import": "move an existing OpenPGP key into KMS",
    "rotate": "change the key, step by step",
    "package": "build the package of hosts' certificates",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "The keys that sign the repository."
    subcommands.add(parser, __name__, ACTIONS, "ACTION")
