"""What must hold of a generation before `commit` makes it visible."""

from __future__ import annotations

from debpress import openpgp
from debpress.archive import Archive
from debpress.errors import CorruptError
from debpress.index.release import Release
from debpress.keys.standing import Standing
from debpress.layout import PLAIN_SUFFIXES
from debpress.records.generation import Generation
from debpress.suite.loss import compared


def is_signed_by_all(inrelease: bytes, record: Generation, keys: Standing) -> bool:
    """Whether exactly the signers of now have signed. Raises SigningError for a bad signature, and
    CorruptError where another text than the generation's Release is signed."""
    known = [*keys.certificates, *keys.others]
    made = openpgp.verify_clearsigned(inrelease, known)
    text, _ = openpgp.split(inrelease)
    if text != record.text:
        raise CorruptError(f"the signed text of generation {record.id} is not its Release")
    return openpgp.signers(made, known) == openpgp.fingerprints(keys.certificates)


def check_all_there(
    archive: Archive, record: Generation, old: Release | None, new: Release
) -> None:
    """Law 8: every object that the new Release names and the old one did not must exist. Those that
    the old one named exist, since the reaper keeps them, and those that are read for the comparison
    are found there. Raises CorruptError."""
    known = old.files if old else {}
    read = compared(old, new) if old else ()
    wanted = {
        archive.layout.by_hash(record.suite, name, listed.sha256): listed.size
        for name, listed in new.files.items()
        if name.endswith(PLAIN_SUFFIXES) and known.get(name) != listed and name not in read
    }
    for packages in (record.added or {}).values():
        wanted.update({archive.layout.pool(p.filename): p.size for p in packages})
    archive.check_sizes(wanted)
