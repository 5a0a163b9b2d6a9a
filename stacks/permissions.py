"""Who may do what in the bucket: one entry a function, actions by prefix. Pure.

`s3:ListBucket` (here `list`) is the bucket's and not a prefix's, because without it S3 answers 403
instead of 404 for a key that is not there, and nobody could tell absent from forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from debpress.config import Repository
from debpress.layout import Layout


@dataclass(frozen=True, slots=True)
class Grants:
    """Key patterns, by what may be done to them; `kms` are the key's actions."""

    get: tuple[str, ...] = ()
    get_version: tuple[str, ...] = ()
    put: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    delete_version: tuple[str, ...] = ()
    list: bool = False
    kms: tuple[str, ...] = ()


def grants(repository: Repository) -> dict[str, Grants]:
    """By function."""
    layout, keys = repository.layout, repository.layout.patterns
    # Which suites there are, where that is not what is configured.
    living = (keys.living,) if repository.patterns else ()
    # The source of a suite that comes is written by who answers its first batch.
    coming = tuple(layout.sources(each.suite) for each in repository.patterns)
    trust = (keys.certificates, keys.rotation) if coming else ()
    # What there is of suites that end, but for what is named by its content. The name of no suite
    # that stays fits a pattern (debpress.config), so none of its keys is among these.
    passing = tuple(key for each in repository.patterns for key in layout.passing(each.suite))
    notes = tuple(layout.ended(each.suite) for each in repository.patterns)
    for_hosts = (*keys.keys, keys.sources, *keys.for_new_hosts)
    return {
        "open": Grants(
            get=(keys.staged(), keys.results(), keys.runs, keys.inrelease),
            put=(keys.runs,),
            list=True,
        ),
        "admit": Grants(
            get=(keys.staged(), keys.runs, keys.pool, keys.provenance),
            get_version=(keys.staged(), keys.incoming),
            put=(keys.runs, keys.pool, keys.incoming, keys.provenance),
            list=True,
        ),
        "queue": Grants(
            get=(keys.runs, keys.queue),
            put=(keys.runs, keys.queue),
            list=True,
        ),
        "merge": Grants(
            get=(
                keys.queue,
                keys.runs,
                keys.generations,
                keys.gone,
                keys.inrelease,
                keys.by_hash,
                keys.pool,
                *living,
                keys.ended,
            ),
            put=(
                keys.runs,
                keys.queue,
                keys.generations,
                keys.gone,
                keys.by_hash,
                keys.scripts,
                *living,
            ),
            list=True,
        ),
        "sign": Grants(
            get=(keys.generations, keys.certificates, keys.rotation, keys.inrelease),
            put=(keys.signed, keys.certificates),
            list=True,
            kms=("kms:GetPublicKey", "kms:Sign"),
        ),
        "commit": Grants(
            get=(
                keys.generations,
                keys.signed,
                keys.certificates,
                keys.rotation,
                keys.inrelease,
                keys.by_hash,
                *keys.indices,
                keys.pool,
                keys.ended,
            ),
            put=(keys.inrelease, *keys.release, *keys.indices),
            list=True,
        ),
        "finish": Grants(
            get=(
                keys.generations,
                keys.runs,
                keys.queue,
                keys.results(),
                keys.staged(),
                keys.inrelease,
                keys.ended,
                *coming,
                *trust,
            ),
            # The plan and the entry by which a batch for several suites goes on.
            put=(keys.results(), keys.prune_reports, keys.runs, keys.queue, *coming),
            delete=(keys.queue,),
            list=True,
        ),
        "setup": Grants(
            get=(keys.certificates, keys.rotation, keys.setup, keys.inrelease, *for_hosts, *living),
            put=(keys.repository, keys.rotation, keys.setup, *for_hosts),
            list=True,
        ),
        "prune": Grants(
            get=(keys.inrelease, keys.by_hash, *living),
            put=(keys.operations(),),
            list=True,
        ),
        "reap": Grants(
            get=(
                keys.inrelease,
                keys.by_hash,
                keys.scripts,
                keys.texts,
                keys.pool,
                keys.generations,
                keys.queue,
                keys.snapshots,
                keys.snapshots_state,
                keys.runs,
                keys.ended,
                *living,
                *passing,
                # Which staged packages are of a published batch.
                keys.staged(),
                keys.results(),
                keys.incoming,
            ),
            put=(keys.snapshots_ended, *notes, *living, keys.reap_reports),
            # Exactly the state that was looked at; it is hidden, and no version is lost.
            delete=passing,
            # Exactly a version: what was put anew in the meantime stays.
            delete_version=(
                keys.by_hash,
                keys.scripts,
                keys.texts,  # As an older debpress wrote them.
                keys.pool,
                keys.snapshots,  # InRelease and all, when their days are over.
                keys.snapshots_state,
                keys.staged(),
                keys.incoming,
            ),
            list=True,
        ),
        "announce": Grants(
            # The plan says what a result's batch asked for; the rest, since when it is visible.
            get=(keys.runs, keys.inrelease, keys.generations),
            # What is told, and its manifest: exactly the versions that S3 and the result name.
            get_version=(keys.results(), keys.prune_reports, keys.rotation, *keys.manifests),
            list=True,
        ),
        "page": Grants(
            get=(
                keys.inrelease,
                keys.by_hash,
                keys.generations,
                layout.key_gpg,
                keys.page_state,
                *keys.pages,
            ),
            put=(keys.page_state, *keys.pages),
            list=True,
        ),
        "watch": Grants(get=(keys.inrelease, *living), list=True),
        "mirror": Grants(
            get=(
                keys.inrelease,
                keys.by_hash,
                keys.scripts,
                keys.pool,
                *keys.keys,
                keys.sources,
                *keys.for_new_hosts,
                keys.state,
            ),
            list=True,
        ),
    }


def mirrored(layout: Layout) -> Grants:
    """What the mirror may do in the bucket that follows."""
    keys = layout.patterns
    named = (keys.by_hash, keys.scripts, keys.pool)
    plain = (*keys.release, *keys.indices)
    root = (*keys.keys, keys.sources, *keys.for_new_hosts)
    return Grants(
        get=(keys.inrelease, *named, *plain, keys.state),
        put=(keys.inrelease, *named, *plain, *root, keys.state),
        delete_version=named,
        list=True,
    )


def patterns(allowed: Grants) -> tuple[str, ...]:
    """Every key pattern of a grant, once."""
    every = (allowed.get, allowed.get_version, allowed.put, allowed.delete, allowed.delete_version)
    return tuple(dict.fromkeys(key for keys in every for key in keys))
