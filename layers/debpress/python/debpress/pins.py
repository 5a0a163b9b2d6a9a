"""Whether a host can name a repository in its pins: `Pin: release o=<Origin>, l=<Label>`.

apt splits a pin at its commas, keeps 299 bytes of it, and reads each value as a pattern of
fnmatch(3), or as a regular expression where it stands between slashes (pkgVersionMatch in its
versionmatch.cc). A pin that does not match says nothing: the host goes on without it.
"""

from __future__ import annotations

# `o=` or `l=` is part of what is kept.
_LONGEST = 299 - len("o=")
_PATTERN = {"\\": "a backslash", "[": "a bracket"}


def unmatched(text: str) -> str | None:
    """Why no pin that says `text` as it is would match it; None where one does."""
    if "," in text:
        return "holds a comma, where apt ends the value of a pin"
    if len(text.encode("utf-8", "surrogatepass")) > _LONGEST:
        return f"is longer than the {_LONGEST} bytes that apt reads of a pin"
    if text.startswith("/") and text.endswith("/"):
        return "stands between slashes, which apt takes for a regular expression in a pin"
    for character, name in _PATTERN.items():
        if character in text:
            return f"holds {name}, which apt takes for a part of a pattern in a pin"
    return None
