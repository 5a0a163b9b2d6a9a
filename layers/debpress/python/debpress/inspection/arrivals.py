"""Which hosts have fetched a release, by logs of requests: whether they have come over yet.

Three formats of logs are read, whichever a line is in: S3's server access logs (S3 user guide,
"Amazon S3 server access log format"), CloudFront's standard logs (developer guide, "Standard log
file format"), and the combined format that nginx and Apache write. A host is an address: those
behind one NAT are one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from debpress.layout import SUITE

_GOT = ("200", "206", "304")
_RELEASE = re.compile(rf"(?:^|/)dists/({SUITE.pattern})/InRelease$")
# A time in brackets, or what is quoted, or a word.
_WORD = re.compile(r'\[([^\]]*)\]|"((?:[^"\\]|\\.)*)"|(\S+)')
_TIME = "%d/%b/%Y:%H:%M:%S %z"
# Places in a line of S3's, and of the combined format.
_S3 = {"time": 2, "host": 3, "requester": 4, "operation": 6, "key": 7, "status": 9}
# How S3's log calls a service of AWS that asks: svc:cloudfront.amazonaws.com.
_SERVICE = "svc:"
_COMBINED = {"time": 3, "host": 0, "request": 4, "status": 5}
_FIELDS = "#Fields:"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A host has got the InRelease of a suite, or learnt that it has it."""

    at: datetime
    host: str
    suite: str


def fetched(lines: Iterable[str]) -> Iterator[Fetched]:
    """Those of a log. What is no line of such a format is passed over, as logs have others too."""
    names: list[str] = []
    for line in lines:
        if line.startswith(_FIELDS):
            names = line.removeprefix(_FIELDS).split()
        elif not line.startswith("#"):
            found = _of_cloudfront(line, names) if "\t" in line else _of_words(line)
            if found is not None:
                yield found


def _of_cloudfront(line: str, names: list[str]) -> Fetched | None:
    said = dict(zip(names, line.rstrip("\n").split("\t"), strict=False))
    if said.get("cs-method") != "GET":
        return None
    at = f"{said.get('date')}T{said.get('time')}+00:00"
    path, status = said.get("cs-uri-stem", ""), said.get("sc-status", "")
    return _got(at, datetime.fromisoformat, said.get("c-ip", ""), path, status)


def _of_words(line: str) -> Fetched | None:
    words = [next((part for part in found if part), "") for found in _WORD.findall(line)]

    def read(time: str) -> datetime:
        return datetime.strptime(time, _TIME)

    if len(words) > _S3["status"] and words[_S3["operation"]] == "REST.GET.OBJECT":
        time, host, requester, _, key, status = (words[place] for place in _S3.values())
        # A distribution that asks for a host is none; its own log has the host.
        return None if requester.startswith(_SERVICE) else _got(time, read, host, key, status)
    if len(words) > _COMBINED["status"] and words[_COMBINED["request"]].startswith("GET "):
        time, host, request, status = (words[place] for place in _COMBINED.values())
        path = request.split(" ")[1].partition("?")[0]
        return _got(time, read, host, path, status)
    return None


def _got(
    at: str, read: Callable[[str], datetime], host: str, path: str, status: str
) -> Fetched | None:
    # S3 writes a key that is quoted once more.
    fits = _RELEASE.search(unquote(unquote(path)))
    if fits is None or status not in _GOT or not host:
        return None
    try:
        return Fetched(read(at).astimezone(UTC), host, fits[1])
    except ValueError:
        return None


@dataclass(slots=True)
class Arrivals:
    """Of one suite: the last time that each host has fetched its release here, and at the old
    address; and which hosts did so in each hour."""

    here: dict[str, datetime] = field(default_factory=dict)
    old: dict[str, datetime] = field(default_factory=dict)
    hours: dict[str, tuple[set[str], set[str]]] = field(default_factory=dict)

    @property
    def left(self) -> list[str]:
        """The hosts that were at the old address last."""
        never = datetime.min.replace(tzinfo=UTC)
        return sorted(host for host, at in self.old.items() if at > self.here.get(host, never))

    def take(self, found: Fetched, *, old: bool) -> None:
        last = self.old if old else self.here
        last[found.host] = max(found.at, last.get(found.host, found.at))
        hour = self.hours.setdefault(f"{found.at:%Y-%m-%d %H:00}", (set(), set()))
        hour[old].add(found.host)


def arrivals(
    here: Iterable[Fetched], old: Iterable[Fetched], since: datetime
) -> dict[str, Arrivals]:
    """By suite, of what was fetched since then."""
    suites: dict[str, Arrivals] = {}
    for was_old, logs in ((False, here), (True, old)):
        for each in logs:
            if each.at >= since:
                suites.setdefault(each.suite, Arrivals()).take(each, old=was_old)
    return suites
