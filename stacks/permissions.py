"""Who may do what in the bucket: one entry a function, actions by prefix. Pure.

`s3:ListBucket` (here `list`) is the bucket's and not a prefix's, because without it S3 answers 403
instead of 404 for a key that is not there, and nobody could tell absent from forbidden.
"""

from __future__ import annotations

from dataclasses import dataclass

from debpress.layout import INDEX_FORMS, SNAPSHOTS, Layout

_INRELEASE = "dists/*/InRelease"


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


def grants(layout: Layout) -> dict[str, Grants]:
    """By function."""
    root = layout.root
    inrelease = f"{root}/{_INRELEASE}"
    snapshots = f"{root}/dists/{SNAPSHOTS}/*"
    plain = tuple(f"{root}/dists/*/binary-*/Packages{form}" for form in INDEX_FORMS)
    keys = (f"{root}/key.asc", f"{root}/key.gpg", f"{root}/*.sources")
    return {
        "open": Grants(
            get=("staging/*", "results/*", "state/*/runs/*", inrelease),
            put=("state/*/runs/*",),
            list=True,
        ),
        "admit": Grants(
            get=("staging/*", "state/*/runs/*", f"{root}/pool/*"),
            get_version=("staging/*",),
            put=("state/*/runs/*", f"{root}/pool/*"),
            list=True,
        ),
        "queue": Grants(
            get=("state/*/runs/*", "state/*/queue/*"),
            put=("state/*/runs/*", "state/*/queue/*"),
            list=True,
        ),
        "merge": Grants(
            get=(
                "state/*/queue/*",
                "state/*/runs/*",
                "state/*/generations/*",
                inrelease,
                f"{root}/dists/*/by-hash/SHA256/*",
                f"{root}/pool/*",
            ),
            put=(
                "state/*/runs/*",
                "state/*/generations/*",
                f"{root}/dists/*/by-hash/SHA256/*",
            ),
            list=True,
        ),
        "sign": Grants(
            get=("state/*/generations/*", "state/_signers/*", layout.rotation(), inrelease),
            put=("state/*/signed/*", "state/_signers/*"),
            list=True,
            kms=("kms:GetPublicKey", "kms:Sign"),
        ),
        "commit": Grants(
            get=(
                "state/*/generations/*",
                "state/*/signed/*",
                "state/_signers/*",
                layout.rotation(),
                inrelease,
                f"{root}/dists/*/by-hash/SHA256/*",
                *plain,
                f"{root}/pool/*",
            ),
            put=(
                inrelease,
                f"{root}/dists/*/Release",
                f"{root}/dists/*/Release.gpg",
                *plain,
            ),
            list=True,
        ),
        "finish": Grants(
            get=(
                "state/*/generations/*",
                "state/*/runs/*",
                "state/*/queue/*",
                "results/*",
                "staging/*",
                inrelease,
            ),
            put=("results/*", "state/*/reports/*"),
            delete=("state/*/queue/*",),
            list=True,
        ),
        "setup": Grants(
            get=("state/_signers/*", layout.rotation(), inrelease, *keys),
            put=(layout.repository(), layout.rotation(), *keys),
            list=True,
        ),
        "prune": Grants(
            get=(inrelease, f"{root}/dists/*/by-hash/SHA256/*"),
            put=("staging/*/operations.json",),
            list=True,
        ),
        "reap": Grants(
            get=(
                inrelease,
                f"{root}/dists/*/by-hash/SHA256/*",
                f"{root}/pool/*",
                "state/*/generations/*",
                "state/*/queue/*",
                snapshots,
                f"state/{SNAPSHOTS}/*",
            ),
            put=(Layout.ended(f"{SNAPSHOTS}/*"), "state/_reports/*"),
            # Exactly a version: what was put anew in the meantime stays.
            delete_version=(
                f"{root}/dists/*/by-hash/SHA256/*",
                f"{root}/pool/*",
                snapshots,  # InRelease and all, when their days are over.
                f"state/{SNAPSHOTS}/*",
            ),
            list=True,
        ),
    }


def patterns(allowed: Grants) -> tuple[str, ...]:
    """Every key pattern of a grant, once."""
    every = (allowed.get, allowed.get_version, allowed.put, allowed.delete, allowed.delete_version)
    return tuple(dict.fromkeys(key for keys in every for key in keys))
