"""Which tests run one after the other where several run at once (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

SHARED = "tests/system"
# It makes a stack of its own, with policies enforced.
ALONE = "/test_permissions.py"


def longest_first(nodeid: str) -> int:
    """A key to sort by. What is shared is one piece, which takes longer than any other; begun last,
    it would leave one worker alone with it in the end."""
    if not nodeid.startswith(f"{SHARED}/"):
        return 2
    return int(nodeid.partition("::")[0].endswith(ALONE))


class SharingTheStack(LoadFileScheduling):  # type: ignore[misc]
    """By module, whose fixtures and templates are made once; and all that publish to the one stack,
    which is made once as well, by one worker."""

    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        return SHARED if module.startswith(f"{SHARED}/") and not module.endswith(ALONE) else module
