"""Law 11: a publish never loses what nobody asked to remove."""

from __future__ import annotations

from debpress.concurrency import side_by_side
from debpress.errors import LossError
from debpress.index.difference import difference
from debpress.index.entries import field
from debpress.index.release import Release
from debpress.layout import DIFFS, is_contents
from debpress.records.generation import Generation
from debpress.suite.loader import Loader


def check_nothing_lost(loader: Loader, record: Generation, old: Release, new: Release) -> None:
    """Compares a generation's Release with the one that is published.

    From the bytes that hosts will read, and not from what merge says it did. Raises LossError.
    """
    # Without differences hosts fetch the whole index, and lose nothing; and without Contents none
    # loses a package: they may be configured no more.
    dropped = sorted(
        n for n in set(old.files) - set(new.files) if not (n.endswith(DIFFS) or is_contents(n))
    )
    if dropped:
        raise LossError(f"generation {record.id} would no longer list {', '.join(dropped)}")
    for name in compared(old, new):
        _check_index(loader, record, name, (old, new))


def compared(old: Release, new: Release) -> list[str]:
    """The forms of indices that are compared, and so read whole and found to be as listed."""
    return [n for n in old.files if n.endswith(".xz") and old.files[n] != new.files.get(n)]


def _check_index(
    loader: Loader, record: Generation, name: str, releases: tuple[Release, Release]
) -> None:
    before, after = side_by_side(
        lambda each: loader.form(record.suite, name, each.files[name]), releases
    )
    gone, come = difference(before, after)
    asked = {p.identity for p in (record.removed or {}).get(name.removesuffix(".xz"), ())}
    for identity, text in gone.items():
        if identity in come:
            if field(come[identity], "SHA256") != field(text, "SHA256"):
                raise LossError(f"generation {record.id} would change the bytes of {identity}")
        elif identity not in asked:
            raise LossError(
                f"generation {record.id} would lose {identity} from {name}, which nobody asked "
                "to remove; nothing was published"
            )
