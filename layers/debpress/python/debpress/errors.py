"""The one error family: what was wrong, and what to do about it.

Two kinds travel differently. A `Refusal` is data: an expected answer to what somebody
uploaded, collected with others and written into a result. A `DebpressError` is an exception.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """The closed list of codes a result may carry; docs/errors.md says what to do for each."""

    # The manifest
    MANIFEST_UNREADABLE = "manifest-unreadable"
    MANIFEST_VERSION = "manifest-version"
    MANIFEST_FIELD = "manifest-field"
    MANIFEST_EMPTY = "manifest-empty"
    NAME_UNSAFE = "name-unsafe"
    NAME_DUPLICATE = "name-duplicate"
    SUM_MALFORMED = "sum-malformed"
    KEY_MALFORMED = "key-malformed"
    # The staged files
    FILE_MISSING = "file-missing"
    FILE_CHANGED = "file-changed"
    SIZE_MISMATCH = "size-mismatch"
    SUM_MISMATCH = "sum-mismatch"
    TOO_LARGE = "too-large"
    # The package
    DEB_MALFORMED = "deb-malformed"
    DEB_TRUNCATED = "deb-truncated"
    COMPRESSION_UNKNOWN = "compression-unknown"
    CONTROL_MISSING = "control-missing"
    CONTROL_MALFORMED = "control-malformed"
    CONTROL_TOO_LARGE = "control-too-large"
    DATA_MISSING = "data-missing"
    FIELD_MISSING = "field-missing"
    NAME_MALFORMED = "name-malformed"
    VERSION_MALFORMED = "version-malformed"
    ARCHITECTURE_MALFORMED = "architecture-malformed"
    RELATION_MALFORMED = "relation-malformed"
    NAME_DISAGREES = "name-disagrees"
    # The repository
    SUITE_UNKNOWN = "suite-unknown"
    SUITES_TOO_MANY = "suites-too-many"
    COMPONENT_UNKNOWN = "component-unknown"
    ARCHITECTURE_UNKNOWN = "architecture-unknown"
    VERSION_REUSED = "version-reused"
    UPLOADER_UNKNOWN = "uploader-unknown"
    UPLOADER_REFUSED = "uploader-refused"
    # Provenance
    PROVENANCE_MISSING = "provenance-missing"
    PROVENANCE_INVALID = "provenance-invalid"
    PROVENANCE_DIGEST = "provenance-digest"
    PROVENANCE_IDENTITY = "provenance-identity"
    # Operations
    PACKAGE_UNKNOWN = "package-unknown"
    STILL_PUBLISHED = "still-published"
    GENERATION_UNKNOWN = "generation-unknown"
    DEPENDENCY_BROKEN = "dependency-broken"
    PRUNE_TOO_MUCH = "prune-too-much"
    # The pipeline itself
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing wrong with an upload. `file` is the staged name it is about, or the manifest's."""

    file: str
    code: Code
    message: str

    def as_json(self) -> dict[str, str]:
        return {"file": self.file, "code": str(self.code), "message": self.message}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Refusal:
        return cls(data["file"], Code(data["code"]), data["message"])


class DebpressError(Exception):
    """The base of every error debpress raises. Its text is a sentence for a person."""


class ConfigError(DebpressError):
    """The repository's configuration is wrong; the text names the key."""


class RejectedError(DebpressError):
    """An upload was refused. Carries every refusal found, not the first."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("; ".join(f"{r.file}: {r.message}" for r in self.refusals))


class StoreError(DebpressError):
    """The object store answered in a way nobody expected."""


class TransientError(DebpressError):
    """Something that may work when tried again: a throttle, a time-out, a reset connection."""


class CorruptError(DebpressError):
    """Stored state does not say what it must; the text names the key and what to do."""


class IndexGoneError(CorruptError):
    """A stored index is deleted, or (`altered`) not what Release lists. `key` is where it was."""

    def __init__(self, key: str, *, altered: bool) -> None:
        self.key = key
        self.altered = altered
        state = "has other bytes than Release lists" if altered else "is gone"
        super().__init__(f"{key} {state}; restore the version of that object which Release lists")


class LeftOutError(DebpressError):
    """A command needs something that the small client for CI leaves out; `what`, as a phrase."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"this needs {what}, which the small client for CI leaves out, as most of what "
            "operators need. Install the whole, the wheel debpress in place of debpress_client: "
            "pipx uninstall debpress-client && pipx install ./debpress-VERSION-py3-none-any.whl"
        )


class SigningError(DebpressError):
    """A signature could not be made, or does not verify, or the signer refused the text."""


class SourceError(DebpressError):
    """A repository of somebody else's is not what it says, or can't be read."""


class ProvenanceError(DebpressError):
    """A bundle does not prove what a suite's policy asks. `code` is that of the refusal; the text
    is what is wrong, with the bundle for its subject."""

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        super().__init__(message)


class RotationError(DebpressError):
    """A step of a key's rotation can't be taken now; the text says what comes first."""


class LossError(DebpressError):
    """A commit would lose packages that nobody asked to remove (law 11)."""
