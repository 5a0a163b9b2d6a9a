"""The headers and metadata of stored objects: content types and how long caches may keep them."""

from __future__ import annotations

from debpress.store import ObjectHeaders

# The metadata of the object InRelease: the generation's id, and for a snapshot the time of its end.
GENERATION = "generation"
EXPIRES = "expires"

# A cache between the bucket and hosts must ask the bucket each time (RFC 9111, 5.2.2.4): an old
# InRelease beside newer plain indices would give hosts a hash-sum mismatch.
FRESH = "no-cache"
TEXT = "text/plain; charset=utf-8"

JSON = ObjectHeaders("application/json")
RESULT = ObjectHeaders("application/json", "no-cache")
BY_HASH = ObjectHeaders(cache_control="public, max-age=31536000, immutable")
