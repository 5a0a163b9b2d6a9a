"""Translates pip's settings on this machine into environment variables for uv.

Behind a mirror of the package index, pip is told the mirror by a file or by variables; uv reads
neither. This runs before anything is installed, so it uses the standard library only.
"""

from __future__ import annotations

import ast

_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
# The variables whose values uv separates by something else than spaces.
_SEPARATORS = {"UV_FIND_LINKS": ","}
# The sections of pip's configuration; as in pip, a later one wins.
_SECTIONS = ("global", "install", ":env:")


def for_uv(listing: str) -> dict[str, str]:
    """The variables for uv; `listing` is the output of `pip config list`."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in found and option in _VARIABLES:
            found[section][_VARIABLES[option]] = str(ast.literal_eval(value))
    settings: dict[str, str] = {}
    for section in _SECTIONS:
        settings.update(found[section])
    for variable, value in settings.items():
        settings[variable] = _SEPARATORS.get(variable, " ").join(value.split())
    # uv takes a package from the first index that knows it, pip from any index. uv may do the same
    # here, as the hashes in the locks make sure that it is the same file.
    return {**settings, "UV_INDEX_STRATEGY": "unsafe-best-match"}
