"""The one door to stored state: everything below `state/`, `results/` and the root.

Steps, commands and inspections read and write state through this package. Only admission, which
copies staged files, and the reaper, which deletes objects, use the store's port themselves.
"""

from debpress.archive.archive import Archive

__all__ = ["Archive"]
