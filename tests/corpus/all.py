"""The whole corpus."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from tests.corpus import Case, batches, manifests, packages
from tests.corpus.good import good

__all__ = ["bad", "good"]


def bad() -> Iterator[Case]:
    return chain(manifests.bad(), packages.bad(), batches.bad())
