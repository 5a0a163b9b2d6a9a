"""The Release of a foreign suite, its signature checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from debian import deb822

from debpress.errors import SigningError, SourceError, TransientError
from debpress.findings import shown
from debpress.index.form import Checksum
from debpress.source.place import Place, Verifier

# Debian's own, with contents and translations for nine architectures, is 0.2 MB.
_MOST = 32 * 1024 * 1024
_MOST_SIGNATURE = 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Of a terabyte and more there is no index.
_SIZE = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class SourceRelease:
    """`fields` are its one-line fields as they are written, `files` the sums by names below the
    suite's folder; `uri` is where it was read."""

    uri: str
    fields: Mapping[str, str]
    files: Mapping[str, Checksum]

    def field(self, name: str) -> str:
        """Empty where there is none."""
        return self.fields.get(name, "")

    @property
    def components(self) -> tuple[str, ...]:
        """As its indices call them."""
        return tuple(self._component(each) for each in self.field("Components").split())

    def _component(self, name: str) -> str:
        # Debian's security archive once wrote `updates/main` for what its indices call `main`;
        # aptly's `main/x` is `main/x` there, too.
        if any(file.startswith(f"{name}/binary-") for file in self.files):
            return name
        return name.rpartition("/")[2]

    @property
    def architectures(self) -> tuple[str, ...]:
        return tuple(a for a in self.field("Architectures").split() if a not in ("all", "source"))

    @property
    def has_all(self) -> bool:
        """Whether hosts read an index of what is for all beside those of their architectures: apt
        asks for it only where Release says so (debReleaseIndex, IsArchitectureAllSupportedFor)."""
        named = self.field("Architectures").split()
        refused = self.field("No-Support-for-Architecture-all").split()
        return (not named or "all" in named) and "Packages" not in refused

    def besides(self, components: Sequence[str], architectures: Sequence[str]) -> list[str]:
        """The indices of packages in these components that hosts of these architectures don't read:
        of variants, of sources, of installers; `binary-amd64v3`, `source`."""
        wanted = {f"binary-{each}" for each in (*architectures, *["all"] * self.has_all)}
        # The longest first, as `main/x` is another one than `main`.
        every = sorted(self.components, key=len, reverse=True)
        found = set()
        for name in self.files:
            folder, _, file = name.rpartition("/")
            component = next((c for c in every if folder.startswith(f"{c}/")), None)
            if component in components and file.partition(".")[0] in ("Packages", "Sources"):
                found.add(folder.removeprefix(f"{component}/"))
        return sorted(found - wanted)

    def expired(self, now: datetime) -> bool:
        """Whether hosts refuse it by now."""
        until = self._moment("Valid-Until")
        return until is not None and until < now

    def older(self, other: SourceRelease) -> bool:
        """Whether a host that has the other release would pass this one over without a word, if it
        found it under the same address (law 1)."""
        dates = self._moment("Date"), other._moment("Date")
        return dates[0] is not None and dates[1] is not None and dates[0] < dates[1]

    def _moment(self, name: str) -> datetime | None:
        try:
            return parsedate_to_datetime(self.field(name)).astimezone(UTC)
        except (ValueError, OverflowError):
            return None


def read(place: Place, folder: str, verifier: Verifier) -> SourceRelease:
    """The Release in `folder` (which ends with a slash, or is empty): InRelease, else Release and
    Release.gpg. Raises SourceError, which names the file and says what is wrong with it, or
    TransientError where a publish that goes on there may be what is wrong."""
    signed = place.read(f"{folder}InRelease", _MOST)
    if signed is not None:
        uri = place.uri(f"{folder}InRelease")
        try:
            return parse(uri, verifier.clearsigned(_whole(uri, signed)))
        except SigningError as error:
            raise SourceError(f"{uri}: {error}") from error
    uri = place.uri(f"{folder}Release")
    text = place.read(f"{folder}Release", _MOST)
    if text is None:
        raise SourceError(
            f"{uri}: there is neither InRelease nor Release; check the address, and the suite "
            "(--source-suite, for a flat repository ./)"
        )
    signature = place.read(f"{folder}Release.gpg", _MOST_SIGNATURE)
    if signature is None:
        raise SourceError(
            f"{uri} is not signed: there is neither InRelease nor Release.gpg; sign it there"
        )
    try:
        verifier.detached(_whole(uri, text), signature)
    except SigningError as error:
        # Of two files one may be of the last publish, and the other of this one.
        raise TransientError(
            f"{uri}: {error}; a publish may be going on there: run this again"
        ) from error
    return parse(uri, text)


def parse(uri: str, text: bytes) -> SourceRelease:
    """Raises SourceError where it lists no file by its SHA-256."""
    found = deb822.Release(text.decode("utf-8", "replace"))
    files = {}
    listed = found.get("SHA256")
    # What stands on the field's own line is no list to python-debian.
    for entry in listed if isinstance(listed, list) else ():
        name, sum_, size = (str(entry.get(key, "")) for key in ("name", "sha256", "size"))
        sum_ = sum_.lower()
        if not (name and _SHA256.fullmatch(sum_) and _SIZE.fullmatch(size)):
            raise SourceError(f"{uri} lists no sum and size for {shown(name)}; publish it anew")
        files[name.removeprefix("./")] = Checksum(sum_, int(size))
    if not files:
        raise SourceError(
            f"{uri} lists no file by its SHA-256; publish it anew with sums that hold "
            "(MD5 and SHA-1 prove nothing)"
        )
    one_line = {str(k): str(v).strip() for k, v in found.items() if isinstance(v, str)}
    return SourceRelease(uri, one_line, files)


def _whole(uri: str, text: bytes) -> bytes:
    if len(text) > _MOST:
        raise SourceError(f"{uri} is longer than {_MOST} bytes, so no Release; check the address")
    return text
