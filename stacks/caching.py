"""How long a cache in front of the bucket keeps what, by the layout of keys; uses no construct.

The distribution is made of this table, and so is the cache of the tests, through which real hosts
update while it is as stale as this allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from debpress.layout import Layout

# Seconds for which an answer that says that nothing is there is kept: what is asked for too early
# must not be missing for longer than it is.
ABSENT = 0

_YEAR = 365 * 24 * 3600
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Kept:
    """Seconds: `default` for an object that says nothing, `most` whatever it says. At least 0 are
    asked for, so an object's own `no-cache` holds: it is asked for again each time (CloudFront
    developer guide, "Manage how long content stays in the cache"). `packs`: CloudFront may compress
    it, for readers that take it."""

    name: str
    default: int
    most: int
    packs: bool = False


# What is named by its content; and what may change, which is asked for again by the second where
# its object says so, by the minute else.
IMMUTABLE = Kept("immutable", _YEAR, _YEAR)
FRESH = Kept("fresh", 0, _MINUTE)
# What people read is packed on its way; its style and scripts say that they are kept for ever.
PAGES = Kept("pages", 0, _YEAR, packs=True)


def behaviours(layout: Layout, *, page: bool) -> tuple[tuple[str, Kept], ...]:
    """Patterns of paths below the root, with what goes for them; of several the first counts, and
    where none fits, `FRESH`. `*` stands for any characters, slashes among them. `page`: whether
    there is one."""
    keys = layout.patterns
    root = f"{layout.root}/"
    found = [(key, IMMUTABLE) for key in (keys.pool, keys.every_hash, keys.scripts)]
    found += [(key, PAGES) for key in keys.pages if page]
    return tuple((key.removeprefix(root), kept) for key, kept in found)


def rule(layout: Layout, path: str) -> Kept:
    """What goes for a path below the root that hosts read."""
    fits = [kept for each, kept in behaviours(layout, page=False) if fnmatchcase(path, each)]
    return fits[0] if fits else FRESH
