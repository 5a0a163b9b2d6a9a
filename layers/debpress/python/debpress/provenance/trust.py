"""Where the trust root of provenance is: a `trusted_root.json`, as Sigstore's instances have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from debpress.errors import ConfigError

# The package that the layer of provenance has it in, and its file.
PACKAGE, FILE = "debpress_trust", "trusted_root.json"

# That of Sigstore's public instance, within what its library has stored.
PUBLIC = f"https%3A%2F%2Ftuf-repo-cdn.sigstore.dev/{FILE}"

_KIND = "application/vnd.dev.sigstore.trustedroot"


def check(file: Path) -> None:
    """Raises ConfigError unless the file is one trust root, by what it says of itself. GitHub's
    command prints several, one a line."""
    try:
        found: Any = json.loads(file.read_bytes())
        kind = str(found["mediaType"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(
            f"{file} is not one JSON object with a mediaType; take one trusted_root.json, of "
            "`gh attestation trusted-root` one line"
        ) from error
    if not kind.startswith(_KIND):
        raise ConfigError(f"{file} is a {kind!r}, no trust root ({_KIND}…)")
