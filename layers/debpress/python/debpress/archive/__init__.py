"""The one door to stored state: everything below `state/`, `results/` and the root.

Steps, commands and inspections ask here; only admission, which copies what was staged, and the
reaper, which deletes, use the store's port themselves.
"""

from debpress.archive.archive import Archive

__all__ = ["Archive"]
