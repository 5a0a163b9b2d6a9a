"""`debpress import`: brings the packages of a published repository, whoever made it, into a suite.

It goes the way of every upload: staging, a manifest, the press. IAM: what `debpress upload` needs
for each component, s3:GetObject on the root and `state/_repository.json`; for --remove
s3:ListBucket, and s3:PutObject on the components' `operations.json`. The page is
docs/coming-from-aptly.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from debpress.archive import Archive
from debpress.clock import Clock
from debpress.commands import arguments as args
from debpress.commands import connection, foreign, importing, text, vanished, weighing
from debpress.commands.repository import open_archive
from debpress.config import Repository
from debpress.errors import SigningError, SourceError, TransientError
from debpress.index import entries
from debpress.index.versions import Content
from debpress.inspection import reading, suites
from debpress.source import fitting, plan
from debpress.source.release import SourceRelease
from debpress.source.suite import SourceSuite

_MINUTES = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Brings the packages of a published repository into a suite: any repository that apt can "
        "read, verified by the keys that its hosts trust. Begin with --dry-run, which says what "
        "would come and whether the configuration fits. Run it again after a cut, or when "
        "something was published there: it does what is left."
    )
    foreign.add_arguments(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would come, and what it costs; no more"
    )
    parser.add_argument(
        "--skip-invalid", action="store_true", help="leave out what is refused, and bring the rest"
    )
    parser.add_argument(
        "--as-published",
        action="store_true",
        help="take packages as they are there, where hosts can live with what the rules refuse; "
        "and answer for them where the suite requires provenance",
    )
    parser.add_argument(
        "--own-names",
        action="store_true",
        help="keep this suite's Origin, Label and Codename, and its rank, though the source has "
        "others",
    )
    parser.add_argument(
        "--batch-size",
        type=args.positive,
        default=500,
        metavar="N",
        help="how many packages are published together at most, as they come (default: 500)",
    )
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--as-they-come",
        dest="together",
        action="store_false",
        default=False,
        help="publish each batch as soon as it is staged (the default)",
    )
    when.add_argument(
        "--together",
        action="store_true",
        help="publish nothing before all is staged, then all at once",
    )
    parser.add_argument(
        "--follow",
        type=args.positive,
        nargs="?",
        const=_MINUTES,
        metavar="MINUTES",
        help=f"look again every so many minutes (default: {_MINUTES}), until interrupted",
    )
    parser.add_argument(
        "--remove",
        action="store_true",
        help="also take out what an import from this address has brought and it has no more",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="with --remove: though it is more than prune_share, or all that came from there",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where packages are kept until they are published (default: in ~/.cache)",
    )
    parser.add_argument(
        "--timeout",
        type=args.seconds,
        default=1800.0,
        metavar="SECONDS",
        help="how long to wait for each batch's result (default: 1800)",
    )
    connection.add_arguments(parser)


def run(arguments: argparse.Namespace, clock: Clock) -> int:
    looks = _Looks()
    if arguments.follow is None or arguments.dry_run:
        return _once(arguments, clock, looks)
    while True:
        try:
            code = _once(arguments, clock, looks)
        except TransientError as error:
            # Whatever it was, the next turn does what is left.
            print(f"debpress: {error}", file=sys.stderr)
            code = 0
        if code:
            return code
        clock.sleep(60.0 * arguments.follow)


@dataclass(slots=True)
class _Looks:
    """What the looks at a source so far have seen: `newest` is the last Release."""

    newest: SourceRelease | None = None

    def take(self, release: SourceRelease) -> None:
        """Raises TransientError for one from before: servers behind one address may lag, and what
        is new would seem to be gone."""
        if self.newest is not None and release.older(self.newest):
            raise TransientError(
                f"{release.uri} is older than at the last look, so it is passed over; run this "
                "again"
            )
        self.newest = release

    @contextmanager
    def patiently(self) -> Iterator[None]:
        """Makes a TransientError of what keeps from reading a source that could be read before: it
        was taken away for a moment, or a server in front of it refuses for one. A signature that is
        not good stays what it is."""
        try:
            yield
        except SourceError as error:
            if self.newest is None or isinstance(error.__cause__, SigningError):
                raise
            raise TransientError(
                f"{error}; it was there at the last look, so it is asked again"
            ) from error


def _once(arguments: argparse.Namespace, clock: Clock, looks: _Looks) -> int:
    if arguments.remove and arguments.arch:
        raise SourceError("--remove has to see all that the source has: leave --arch out")
    client, store = connection.connect(arguments, copies=True)
    archive, repository = open_archive(store, clock)
    vouched = _vouched(arguments, repository)
    with looks.patiently():
        source = foreign.opened(arguments, client, repository)
    weighing.introduce(clock, source.release)
    looks.take(source.release)
    if arguments.remove and source.release.expired(clock.now()):
        raise SourceError(
            f"{source.release.uri} is expired, so it can't say what is gone: nothing is removed; "
            "have it signed anew there, or leave --remove out"
        )
    components = foreign.components(arguments, source)
    architectures = arguments.arch or source.architectures
    foreign.check_any(source, components, architectures)
    _check_names(source, components)
    flat_into = arguments.component[0] if arguments.component else "main"
    with looks.patiently():
        source.load(components, architectures)
    offer = plan.read(source, components, architectures, flat_into)
    into = [component or flat_into for component in components]
    fit = fitting.fit(repository, arguments.suite, source.release, into, architectures)
    configured = repository.suite(arguments.suite)
    has = configured is not None and suites.is_there(archive, configured)
    missing = plan.missing(offer, _published(archive, arguments.suite) if has else [])
    weighing.too_large(missing, repository.max_package_bytes)
    weighing.estimate(arguments.suite, offer, missing)
    weighing.duration(arguments, source.place, missing)
    if not weighing.fits(arguments, repository, fit, offer):
        return 1
    text.print_errors([each.as_json() for each in missing.problems])
    if missing.problems and not arguments.skip_invalid:
        said = "nothing is brought: mend these there, or leave them out (--skip-invalid)"
        print(f"{arguments.suite}: {said}", file=sys.stderr)
        return 1
    # A component that the source has dropped is in no list of what is wanted of it.
    look_into = into if arguments.component or source.flat else None
    look = partial(
        vanished.found, archive, arguments.suite, offer, look_into, plan.start(source.address)
    )
    gone, fine = {}, True
    if arguments.remove and configured is not None and has:
        gone = look()
        if arguments.dry_run:
            fine = vanished.announce(archive, repository, arguments.suite, gone)
        vanished.check_share(configured, offer, gone, everything=arguments.all)
    if arguments.dry_run:
        # What is to come may have what lacks, as a package that moved to another component.
        return int(not fine and not missing.wanted)
    code = importing.bring(arguments, clock, store, source, missing, vouched=vouched)
    if code or not gone:
        return code
    # Once more: while packages came, which may be hours, CI may have published one of these.
    return vanished.remove(store, clock, arguments.suite, look(), arguments.timeout)


def _check_names(source: SourceSuite, components: Sequence[str]) -> None:
    """Raises SourceError for a component that no suite here can have: hosts that name it would have
    to name another one, so it is for people to say which."""
    for each in components:
        if "/" in each:
            raise SourceError(
                f"{source.release.uri} has the component {each!r}, and a component here has no "
                "slash: publish it there under another name, too (aptly's -component), which its "
                "hosts will have to say here; or leave it out, by --component for each of the "
                "others"
            )


def _vouched(arguments: argparse.Namespace, repository: Repository) -> bool:
    """Whether an operator has to answer for what comes. Raises SourceError where he does not say
    so, and the press would refuse each package."""
    suite = repository.suite(arguments.suite)
    if suite is None or not suite.requires_provenance:
        return False
    if not arguments.as_published:
        raise SourceError(
            f"{suite.suite} requires provenance, which packages of another repository have none "
            "of: nothing is brought. Say --as-published, by which you answer for them as an "
            "operator (generations tell it), or import before the suite's policy has require"
        )
    print(f"{suite.suite}: it requires provenance; you answer for what comes, as an operator")
    return True


def _published(archive: Archive, suite: str) -> list[tuple[str, Content]]:
    return [
        (each.component, Content(each.identity, entries.field(each.entry.text, "SHA256")))
        for each in reading.packages(archive, suite)
    ]
