"""Whether a bundle proves that a suite may take a package."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from debpress.errors import Code, ProvenanceError
from debpress.provenance import bundles
from debpress.provenance.claims import Claims
from debpress.provenance.policy import Policy

_V = TypeVar("_V")


class Verifier(Protocol):
    def verify(self, bundle: bytes, sha256: str) -> Claims:
        """What a bundle proves of the build that made the file of this SHA-256, by its signature,
        the certificate's chain and its log's, and the transparency log. Asks nobody. Raises
        ProvenanceError."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The one bundle that proves it, as it came, and what it says."""

    bundle: bytes
    claims: Claims


def prove(verifier: Verifier, policy: Policy | None, body: bytes, sha256: str) -> Proof:
    """The first bundle of a file's that is of the package and by the policy. `gh` gives all that is
    attested of a package, so some may be of other things. Raises ProvenanceError where none is."""
    return first(verifier, policy, bundles.split(body), sha256)


def first(
    verifier: Verifier, policy: Policy | None, candidates: Iterable[bytes], sha256: str
) -> Proof:
    """Of at least one. Raises ProvenanceError with what is wrong with the one that came nearest."""

    def proven(bundle: bytes) -> Proof:
        claims = verifier.verify(bundle, sha256)
        if policy and (misfit := policy.misfit(claims)):
            raise ProvenanceError(
                Code.PROVENANCE_IDENTITY,
                f"{misfit}; publish what the suite's workflow has built, or have an operator "
                "add this one to the suite's provenance policy",
            )
        return Proof(bundle, claims)

    return nearest(proven, candidates)


def nearest(judge: Callable[[bytes], _V], candidates: Iterable[bytes]) -> _V:
    """What is made of the first of at least one bundle that is good. Raises ProvenanceError as
    above."""
    wrong: list[ProvenanceError] = []
    for bundle in candidates:
        try:
            return judge(bundle)
        except ProvenanceError as error:
            wrong.append(error)
    raise max(wrong, key=lambda error: _NEARNESS.index(error.code))


# How far a bundle gets. One that fits another suite is told of rather than one of other bytes.
_NEARNESS = (Code.PROVENANCE_INVALID, Code.PROVENANCE_DIGEST, Code.PROVENANCE_IDENTITY)
