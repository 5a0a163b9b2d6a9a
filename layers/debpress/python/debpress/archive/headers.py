"""How stored objects are served: types, how long a cache may keep them, what names what."""

from __future__ import annotations

from debpress.store import ObjectHeaders

# InRelease's object metadata that names its generation.
GENERATION = "generation"
# And, of a snapshot, until when it is kept.
EXPIRES = "expires"

# Hosts ask for InRelease each time, and a cache in between may not answer with an older one than
# the indices it has.
FRESH = "no-cache"
TEXT = "text/plain; charset=utf-8"

JSON = ObjectHeaders("application/json")
RESULT = ObjectHeaders("application/json", "no-cache")
BY_HASH = ObjectHeaders(cache_control="public, max-age=31536000, immutable")
