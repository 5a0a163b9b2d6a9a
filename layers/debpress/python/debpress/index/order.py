"""Debian's order of versions (Policy 5.6.12), the one order of them that there is here."""

from __future__ import annotations

from functools import cmp_to_key

from debian.debian_support import version_compare

# Sort keys.
BY_VERSION = cmp_to_key(version_compare)
NEWEST_FIRST = cmp_to_key(lambda one, other: version_compare(other, one))
