"""The lists of packages, and what the repository's page says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from debpress.page.packages import listed
from debpress.records.page import Counted, PackageList, PackagePage, Shelf


def relisted(found: PackageList, pages: Iterable[PackagePage]) -> PackageList:
    """The list with some packages as their pages have them now."""
    names = {each.package: each for each in found.packages}
    told = dict(found.told)
    for page in pages:
        told |= {suite: max(n, told.get(suite, 0)) for suite, n in page.told.items()}
        row = listed(page)
        if row is None:
            names.pop(page.package, None)
        else:
            names[page.package] = row
    packages = tuple(names[name] for name in sorted(names))
    return replace(found, packages=packages, told=dict(sorted(told.items())))


def counted(found: PackageList) -> Shelf:
    totals: dict[str, Counted] = {}
    for each in found.packages:
        for suite, has in each.suites.items():
            old = totals.get(suite, Counted(0, 0, 0))
            totals[suite] = Counted(
                old.packages + 1, old.versions + has.versions, old.size + has.size
            )
    return Shelf(len(found.packages), dict(sorted(totals.items())))


def shelved(known: Mapping[str, Shelf], news: Mapping[str, Shelf]) -> dict[str, Shelf]:
    """The shelves that have something on them."""
    return {name: each for name, each in sorted({**known, **news}.items()) if each.packages}


def total(shelves: Mapping[str, Shelf], suite: str) -> Counted:
    """What a suite has in all."""
    found = [each.suites[suite] for each in shelves.values() if suite in each.suites]
    return Counted(
        sum(each.packages for each in found),
        sum(each.versions for each in found),
        sum(each.size for each in found),
    )
