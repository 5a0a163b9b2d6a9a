"""The ways by which packages of a foreign repository come into staging."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeGuard

from debpress.commands import fetching
from debpress.commands.fetching import Cache
from debpress.commands.packages import LocalPackage, inspected
from debpress.errors import Code, Refusal, RejectedError
from debpress.source.place import Place
from debpress.source.plan import Wanted

if TYPE_CHECKING:
    from debpress.adapters.places import BucketPlace
    from debpress.adapters.s3 import S3Store


class Way(Protocol):
    """How packages come: over this machine, or inside S3. Both raise RejectedError."""

    def prepare(self, wanted: Wanted) -> Sequence[Refusal]:
        """Checks a package, and has it where `stage` finds it; says what was passed over, as hosts
        can live with it."""

    def stage(self, wanted: Wanted, key: str) -> None:
        """Puts it into staging."""

    def staged(self, wanted: Wanted) -> None:
        """It is there, or was there before."""

    def done(self, wanted: Wanted) -> None:
        """It is published."""


def inside_s3(place: Place) -> TypeGuard[BucketPlace]:
    """Whether packages are copied by S3, and don't come over this machine."""
    from debpress.adapters.places import BucketPlace  # noqa: PLC0415 (the SDK: see connection)

    return isinstance(place, BucketPlace)


class ByThisMachine:
    def __init__(
        self, cache: Cache, store: S3Store, count: Callable[[int], None], *, as_published: bool
    ) -> None:
        """`count` is told of the bytes that have been sent."""
        self.cache = cache
        self._store = store
        self._count = count
        self._as_published = as_published
        self._packages: dict[Wanted, LocalPackage] = {}

    def prepare(self, wanted: Wanted) -> Sequence[Refusal]:
        package = self.cache.bring(wanted, as_published=self._as_published)
        self._packages[wanted] = package
        return _about(wanted, package.lived_with)

    def stage(self, wanted: Wanted, key: str) -> None:
        package = self._packages[wanted]
        self._store.put_file(key, _File(package.path, package.sha256, package.size))

    def staged(self, wanted: Wanted) -> None:
        self._count(wanted.size)

    def done(self, wanted: Wanted) -> None:
        self.cache.drop(wanted)


class InsideS3:
    """Of a package its control file is read and no more; the press looks at the rest."""

    def __init__(
        self,
        place: BucketPlace,
        store: S3Store,
        count: Callable[[int], None],
        *,
        as_published: bool = False,
    ) -> None:
        self._place = place
        self._store = store
        self._count = count
        self._as_published = as_published

    def prepare(self, wanted: Wanted) -> Sequence[Refusal]:
        if not self._place.part(wanted.path, 0, 1):
            raise self._missing(wanted)
        try:
            found, lived_with = inspected(
                wanted.name, _Part(self._place, wanted.path), wanted.size,
                as_published=self._as_published,
            )  # fmt: skip
        except RejectedError as error:
            raise RejectedError(_about(wanted, error.refusals)) from error
        if (found.package, found.version, found.built_for) != tuple(wanted.identity):
            message = (
                f"its control file says {found.package} {found.version} {found.built_for}, the "
                f"source's index says {wanted.identity}; publish it there anew"
            )
            raise RejectedError([Refusal(wanted.path, Code.NAME_DISAGREES, message)])
        return _about(wanted, lived_with)

    def stage(self, wanted: Wanted, key: str) -> None:
        copied = self._place.copy(wanted.path, self._store.bucket, key)
        if copied is None:
            raise self._missing(wanted)
        if copied.sha256 not in (None, wanted.sha256):
            # Where the store gives no sum, the press finds the same out.
            raise fetching.changed(wanted, str(copied.sha256))

    def staged(self, wanted: Wanted) -> None:
        self._count(wanted.size)

    def done(self, wanted: Wanted) -> None:
        pass

    def _missing(self, wanted: Wanted) -> RejectedError:
        message = f"{self._place.uri(wanted.path)} is not there, though the index lists it"
        refusal = Refusal(wanted.path, Code.FILE_MISSING, f"{message}; publish it there anew")
        return RejectedError([refusal])


def _about(wanted: Wanted, refusals: Iterable[Refusal]) -> list[Refusal]:
    """The same, naming the file of the source."""
    return [Refusal(wanted.path, each.code, each.message) for each in refusals]


@dataclass(slots=True)
class _File:
    """A `debpress.store.File`."""

    path: Path
    sha256: str
    size: int

    def open(self) -> BinaryIO:
        return self.path.open("rb")


@dataclass(frozen=True, slots=True)
class _Part:
    """A `deb.Reader` of an object."""

    place: BucketPlace
    path: str

    def read(self, start: int, length: int) -> bytes:
        return self.place.part(self.path, start, length)
