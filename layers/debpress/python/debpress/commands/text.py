"""Formats what the command prints for people."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from debpress import codec
from debpress.codec import Record
from debpress.records.batch import Provenance
from debpress.records.result import Result

# Control and format characters: in an uploaded file's name they could alter what a terminal shows.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(value: object) -> str:
    """`value` as text on one line, with control and format characters escaped."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found.group()):04x}", str(value))


def as_json(record: Record) -> dict[str, Any]:
    """A record as JSON in its stored form, with sorted keys."""
    data: dict[str, Any] = json.loads(codec.dump(record))
    return data


def print_json(data: Any) -> None:
    print(json.dumps(data, indent=2))


def paragraph(message: object, start: str) -> str:
    """Prose in lines of 80 columns, the first behind `start` and the others below it. Words are
    never broken, so an address or a name may stand out."""
    return textwrap.fill(
        printable(message),
        80,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_table(rows: Iterable[Sequence[object]]) -> None:
    """Prints rows to stdout, indented by two spaces, each column padded to its widest cell."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(f"  {line.rstrip()}")


def count(number: int, one: str, more: str | None = None) -> str:
    """`1 package`, `2 packages`; `more` is for what has more to its plural than an s behind it:
    `package is`, `packages are`."""
    return f"{number} {one if number == 1 else more or f'{one}s'}"


def age(seconds: float) -> str:
    """A duration in the unit that a person would use: `90 s`, `12 min`, `3 h`, `5 d`."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        if seconds < most * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds // 86400)} d"


def span(seconds: float) -> str:
    """How long something takes, as people say it: `under a minute`, `12 min`, `3 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 60:
        return "under a minute"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def amount(size: float) -> str:
    """A size in units of a thousand, as apt prints them: `512 B`, `54.2 kB`, `1.5 GB`."""
    if size < 1000:
        return f"{int(size)} B"
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def built(said: Mapping[str, str]) -> str:
    """Where a package was built, by a `Provenance` or `Claims` in JSON."""
    what = "built from {repository} by {workflow} at {ref}".format(**said)
    commit, run = said.get("commit"), said.get("run")
    return what + (f", commit {commit}" if commit else "") + (f", in {run}" if run else "")


def verified(said: Mapping[str, str]) -> str:
    return f"{built(said)}; verified when it was admitted"


def origin(proven: Provenance | None, vouched_by: str | None) -> str:
    """Where a package is from, as the generation that brought it tells; empty where it does not."""
    if proven:
        return verified(codec.encode(proven))
    return f"not proven where it was built: an {vouched_by} answers for it" if vouched_by else ""


def print_errors(errors: Iterable[Mapping[str, str]]) -> None:
    """Prints a line on stderr for each error."""
    for each in errors:
        print(error(each), file=sys.stderr)


def error(said: Mapping[str, str]) -> str:
    """File, code and message on a line."""
    return ": ".join(printable(said.get(part, "?")) for part in ("file", "code", "message"))


def print_result(result: Result) -> None:
    """Prints a batch's result (docs/contract.md): its outcome on stdout, its errors on stderr."""
    print(outcome(result))
    print_details(result)
    print_errors([codec.encode(each) for each in result.errors])


def outcome(result: Result) -> str:
    """What became of a batch, on a line."""
    batch = result.batch
    name = printable(f"{batch.suite}/{batch.component}/{batch.id}")
    if result.status == "published" and result.suites:
        return f"{name}: published in {', '.join(each.suite for each in result.suites)}"
    if result.status == "published":
        nothing = "" if result.packages else ", in which there was nothing left to do"
        return f"{name}: published in generation {result.generation}{nothing}"
    if result.status == "rejected":
        return f"{name}: rejected, nothing of it was published"
    return f"{name}: {printable(result.status)}; upload it again, or tell who runs the repository"


def print_details(result: Result, suites: Sequence[str] = ()) -> None:
    """Prints on stdout what came and went, and what was left. Of a batch for several suites,
    `suites` are those that it named, without which no more is known than those that have it."""
    have = {each.suite: each.generation for each in result.suites or ()}
    for suite in suites if len(suites) > 1 else have:
        since = f"published in generation {have[suite]}" if suite in have else "not published"
        print(f"  {suite}: {since}")
    if result.status == "published":
        print_table((p.action, p.package, p.version, p.architecture) for p in result.packages)
    if result.left_over:
        more = count(result.left_over, "more is", "more are")
        print(f"  {more} left for the next prune: prune_share allows no more")
    for ignored in result.ignored:
        print(f"  ignored {printable(ignored)}: no package of the manifest's")
