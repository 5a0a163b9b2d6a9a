"""What a staged file must be to become a package of a suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from debpress import deb
from debpress.config import Repository, Suite
from debpress.errors import Code, Refusal, RejectedError
from debpress.layout import pool_filename
from debpress.records.batch import AdmittedPackage, Plan, StagedFile


class Read(Protocol):
    """One state of a file: its bytes, and the sum of all of them."""

    @property
    def reader(self) -> deb.Reader: ...
    @property
    def sha256(self) -> str: ...


def inspected(
    taken: Read,
    repository: Repository,
    plan: Plan,
    file: StagedFile,
    tell: Callable[[bytes], None] | None = None,
) -> deb.Package:
    """A file of the plan, as it was taken. Raises RejectedError with all that is wrong with it.
    `tell` is told the paths of the files in it, where it is unpacked whole."""
    refusals: list[Refusal] = []
    if taken.sha256 != file.sha256:
        message = (
            f"its SHA-256 is {taken.sha256}, the manifest says {file.sha256}; upload the right "
            "one, then the manifest again"
        )
        refusals.append(Refusal(file.name, Code.SUM_MISMATCH, message))
    try:
        package = deb.inspect(
            file.name,
            taken.reader,
            file.size,
            whole=repository.inspected(suites_of(plan)),
            as_published=bool(plan.as_published),
            tell=tell,
        )
    except RejectedError as error:
        raise RejectedError([*refusals, *error.refusals]) from error
    for code, message in unfit(repository, plan, package.package, package.built_for):
        refusals.append(Refusal(file.name, code, message))
    if refusals:
        raise RejectedError(refusals)
    return package


def suites_of(plan: Plan) -> tuple[str, ...]:
    """The suites that a batch is for."""
    return plan.joint.suites if plan.joint else (plan.batch.suite,)


def unfit(
    repository: Repository, plan: Plan, package: str, built_for: str
) -> Iterator[tuple[Code, str]]:
    """Why a package that is good, of that name and architecture (or variant), has no place where it
    was uploaded, or not by its uploader."""
    for name in suites_of(plan):
        yield from _unfit_in(repository, name, plan, (package, built_for))


def _unfit_in(
    repository: Repository, name: str, plan: Plan, which: tuple[str, str]
) -> Iterator[tuple[Code, str]]:
    package, built_for = which
    suite = repository.suite(name)
    if wrong := foreign(name, suite.architectures if suite else (), built_for):
        yield wrong
    if plan.uploader is not None:
        place = name, plan.batch.component
        uploader = repository.uploaders_of(*place).get(plan.uploader)
        if uploader is None or not uploader.may_publish(package):
            may = ", ".join(uploader.packages) if uploader else "nothing any more"
            message = (
                f"{plan.uploader} may not publish {package!r} in {'/'.join(place)}, but "
                f"{may}; leave it to whose it is, or have debpress.uploaders changed"
            )
            yield Code.UPLOADER_REFUSED, message
    elif not plan.as_published and suite:
        yield from _anothers(repository, suite, package)


def foreign(suite: str, architectures: Sequence[str], built_for: str) -> tuple[Code, str] | None:
    """Why a suite of these has no place for what is built for that, if so."""
    known = ("all", *architectures)
    if built_for in known:
        return None
    message = f"suite {suite} has no architecture {built_for!r}; it has {', '.join(known)}"
    return Code.ARCHITECTURE_UNKNOWN, message


def _anothers(repository: Repository, suite: Suite, package: str) -> Iterator[tuple[Code, str]]:
    """A package in a place without uploaders that is one's of another component of the suite: hosts
    take the highest version, in whichever component it is, and a version has one content for ever.
    """
    for component in suite.components:
        for name, each in repository.uploaders_of(suite.suite, component).items():
            if each.may_publish(package):
                message = (
                    f"{package!r} is {name}'s, in {suite.suite}/{component}; upload it "
                    "there by that name, or have debpress.uploaders changed"
                )
                yield Code.UPLOADER_REFUSED, message


def filename_of(component: str, package: deb.Package, sha256: str) -> str:
    """Where in the pool a package is kept, as its stanza's `Filename` says."""
    return pool_filename(
        component,
        package.source,
        sha256,
        (package.package, package.version, package.built_for),
    )


def admitted(file: StagedFile, package: deb.Package, filename: str, sha256: str) -> AdmittedPackage:
    stanza = deb.stanza(package, filename=filename, size=file.size, sha256=sha256)
    return AdmittedPackage(
        file=file.name,
        package=package.package,
        version=package.version,
        architecture=package.built_for,
        filename=filename,
        sha256=sha256,
        size=file.size,
        stanza=stanza.decode("utf-8", "surrogateescape"),
    )


def too_wordy(file: StagedFile, most: int) -> Refusal:
    return Refusal(
        file.name,
        Code.TOO_LARGE,
        f"the control files of this one and those beside it are more than {most} bytes; "
        "make several batches",
    )


def alike(file: StagedFile) -> Refusal:
    return Refusal(
        file.name,
        Code.VERSION_REUSED,
        "another build of this version is in the pool, whose SHA-256 begins with the same sixteen "
        "digits; build it anew",
    )


def changed(file: StagedFile) -> Refusal:
    return Refusal(
        file.name,
        Code.FILE_CHANGED,
        "was replaced or removed while the batch was being "
        "validated; leave uploaded files alone, or upload the manifest again",
    )
