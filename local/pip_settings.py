"""pip's settings of this machine, as the environment variables by which uv is told the same.

A machine behind a mirror has its pip pointed there, by a file or by variables; uv reads neither.
Runs before anything is installed: standard library only.
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
# What uv takes several of with something else than spaces in between.
_SEPARATORS = {"UV_FIND_LINKS": ","}
# The later one wins, as in pip.
_SECTIONS = ("global", "install", ":env:")


def for_uv(listing: str) -> dict[str, str]:
    """The variables for uv that say what `pip config list`, whose output is given, says of pip."""
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
    # pip takes a file from whichever index has it, uv from the first that knows the package. The
    # locks' hashes make it the same file.
    return {**settings, "UV_INDEX_STRATEGY": "unsafe-best-match"}
