"""The first half of an import: whether the configuration fits, and what it would bring and cost."""

from __future__ import annotations

import argparse
import json
import sys

from debpress.clock import Clock
from debpress.commands import probing, text
from debpress.commands.ways import inside_s3
from debpress.config import Repository
from debpress.errors import Code, Refusal
from debpress.source import plan
from debpress.source.fitting import Fit
from debpress.source.place import Place
from debpress.source.plan import Offer
from debpress.source.release import SourceRelease

# S3 Standard in us-east-1 and many other Regions, the first 50 TB.
DOLLARS = 0.023
# Bytes, from which on one wants to know how long they take.
_WORTH_A_TRY = 10**8
# As many versions as a suite keeps whose entry does not say it.
_KEPT = 20
_SHOWN = 5
_NAMES = ("Origin", "Label", "Suite", "Codename")


def introduce(clock: Clock, release: SourceRelease) -> None:
    """Says what a source calls itself."""
    said = ", ".join(f"{name} {release.field(name)!r}" for name in _NAMES)
    print(text.printable(f"{release.uri}: signed; {said}"))
    if release.expired(clock.now()):
        until = release.field("Valid-Until")
        print(text.paragraph(f"hosts refuse it by now: Valid-Until is {until}", "note: "))


def fits(arguments: argparse.Namespace, repository: Repository, fit: Fit, offer: Offer) -> bool:
    """Whether packages can come into the suite as it is configured; says what is in the way, and
    prints the configuration that fits."""
    name = arguments.suite
    notes, block = list(fit.notes), dict(fit.block)
    if offer.partly:
        shown = ", ".join(map(str, offer.partly[:_SHOWN]))
        more = f" and {len(offer.partly) - _SHOWN} more" if len(offer.partly) > _SHOWN else ""
        notes.append(
            f"it offers {shown}{more} to hosts of some architectures only, and here what is for "
            "all is offered to every host; debpress compare says where that is another candidate"
        )
    keep = _keep(repository, name, offer)
    if keep is not None:
        block["keep"] = keep[0]
        notes.append(keep[1])
    for note in notes:
        print(text.paragraph(note, "note: "))
    bad = [*fit.lacking, *(() if arguments.own_names else fit.names)]
    if bad or keep is not None:
        print("This entry of debpress.suites in cdk.json fits:")
        print(json.dumps(block, indent=2))
    for each in bad:
        print(text.printable(f"{name}: {each}"), file=sys.stderr)
    if bad:
        print(f"{name}: nothing is brought: {_advice(arguments, fit)}", file=sys.stderr)
    return not bad


def _advice(arguments: argparse.Namespace, fit: Fit) -> str:
    if fit.names and fit.nameless and not arguments.own_names:
        return (
            "no suite here can have its names, so keep this suite's (--own-names), and let hosts "
            "come over by another address: under the one that they have apt stops and asks"
        )
    if fit.names and not arguments.own_names:
        # Law 7: the press refuses to publish other names than before.
        return (
            "what hosts know a suite by never changes, so configure a new suite with those names, "
            "and import into it; or keep this suite's (--own-names), at which apt stops and asks "
            "on hosts that come over under the address that they have"
        )
    return "deploy that entry, or choose what to bring (--component, --arch)"


def too_large(missing: Offer, most: int) -> None:
    """Makes problems of what the press takes from nobody."""
    for each in [wanted for wanted in missing.wanted if wanted.size > most]:
        missing.wanted.remove(each)
        message = f"it has {each.size} bytes, and max_package_bytes is {most}"
        missing.problems.append(Refusal(each.path, Code.TOO_LARGE, message))


def estimate(suite: str, offer: Offer, missing: Offer) -> None:
    """Prints how many packages there are, how many are to come, and what they cost."""
    refused = len({each.file for each in missing.problems})
    there = len(offer.wanted) + len(offer.problems) - len(missing.wanted) - len(missing.problems)
    offered = len(offer.wanted) + len(offer.problems)
    print(
        f"{suite}: {text.count(offered, 'package is', 'packages are')} offered: "
        f"{text.count(there, 'is', 'are')} published here, "
        f"{text.count(refused, 'is', 'are')} refused, "
        f"{text.count(len(missing.wanted), 'is', 'are')} to come{_cost(missing.size)}"
    )


def _cost(size: int) -> str:
    if not size:
        return ""
    dollars = size / 10**9 * DOLLARS
    said = f"{dollars:.2f} dollars" if dollars >= 0.01 else "less than a cent"
    return f": {text.amount(size)}, which S3 keeps for {said} a month"


def duration(arguments: argparse.Namespace, place: Place, missing: Offer) -> None:
    """Prints how long it takes, by a try, where that is asked for or worth it."""
    if not missing.wanted or not (arguments.dry_run or missing.size >= _WORTH_A_TRY):
        return
    if inside_s3(place):
        said = "they are copied inside S3; how long that takes is told as it goes"
    elif (found := probing.rate(place, missing.wanted)) is None:
        return  # The import says of each of them why it can't be had.
    else:
        # Fetched first, and then sent.
        seconds = 2 * missing.size / found.a_second
        said = (
            f"{text.span(seconds)} to fetch and to send them, if the bucket takes them as fast as "
            f"the source gives them ({text.amount(found.a_second)}/s, tried with {found.tried})"
        )
    print(f"{arguments.suite}: {said}")


def _keep(repository: Repository, name: str, offer: Offer) -> tuple[int, str] | None:
    """The number of versions to keep where the configured one would take some out again."""
    most, package = plan.most_versions(offer.wanted)
    suite = repository.suite(name)
    keep = suite.kept(package).newest if suite else _KEPT
    if most <= keep:
        return None
    return most, (
        f"{package} has {most} versions there, and the next prune here would keep {keep} of them; "
        "every import would bring the others back: deploy the entry below first"
    )
