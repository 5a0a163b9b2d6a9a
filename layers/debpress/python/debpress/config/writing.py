"""The configuration as JSON: how the stacks hand it to the functions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from debpress.config.repository import INSPECT_BYTES, Keep, Life, Page, Repository


def as_json(repository: Repository) -> dict[str, Any]:
    """What `parse` reads back: how the stacks hand the configuration to the functions."""
    return {
        "root": repository.root,
        "signers": list(repository.signers),
        "max_package_bytes": repository.max_package_bytes,
        **_unless_default("inspect_bytes", repository.inspect_bytes, INSPECT_BYTES),
        "staging_days": repository.staging_days,
        "grace_hours": repository.grace_hours,
        "rotation_days": asdict(repository.rotation_days),
        "keyring": repository.keyring,
        **({"page": _page_as_json(repository.page)} if repository.page else {}),
        **({"uploaders": _uploaders(repository)} if repository.uploaders else {}),
        "suites": [
            {
                "suite": s.suite,
                **({"codename": s.codename} if s.life is None else _life_as_json(s.life)),
                "components": list(s.components),
                "architectures": list(s.architectures),
                "origin": s.origin,
                "label": s.label,
                "description": s.description,
                **_keep_as_json(s.keep),
                "keep_packages": {
                    package: _own_keep(keep, s.keep) for package, keep in s.keep_packages.items()
                },
                "protected": list(s.protected),
                "prune_share": s.prune_share,
                **({} if s.valid_for is None else {"valid_for": s.valid_for}),
                **_unless_default("diff_stanzas", s.diff_stanzas, 1000),
                **({"provenance": s.provenance.as_json()} if s.provenance else {}),
                **_unless_default("contents", s.contents, False),
            }
            for s in repository.described
        ],
    }


def _life_as_json(life: Life) -> dict[str, int]:
    return {"ttl_days": life.ttl_days, "at_most": life.at_most}


def _page_as_json(page: Page) -> dict[str, Any]:
    about = {"about": page.about} if page.about else {}
    return {"title": page.title, **about, **({"token": True} if page.token else {})}


def _uploaders(repository: Repository) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "packages": list(each.packages),
            "publishes": ["/".join(place) for place in each.publishes],
            **({"certificates": list(each.certificates)} if each.certificates else {}),
        }
        for each in repository.uploaders
    ]


def _keep_as_json(keep: Keep) -> dict[str, int]:
    return {
        "keep": keep.newest,
        **({} if keep.days is None else {"keep_days": keep.days}),
        **_unless_default("keep_at_least", keep.at_least, 1),
    }


def _own_keep(keep: Keep, suites: Keep) -> int | dict[str, int]:
    """Of one package; a number alone where the rest is as in its suite."""
    return keep.newest if keep == suites.of_newest(keep.newest) else _keep_as_json(keep)


def _unless_default(key: str, value: int, default: int) -> dict[str, int]:
    return {} if value == default else {key: value}
