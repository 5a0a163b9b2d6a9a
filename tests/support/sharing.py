"""Which tests run one after the other where several run at once (pytest-xdist)."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling


class SharingTheStack(LoadFileScheduling):
    """By module, whose fixtures and templates are made once; and all that publish to the one stack,
    which is made once as well, by one worker."""

    def _split_scope(self, nodeid: str) -> str:
        module = super()._split_scope(nodeid)
        # This one makes a stack of its own, with policies enforced.
        alone = module.endswith("/test_permissions.py")
        return "tests/system" if module.startswith("tests/system/") and not alone else module
