"""What a repository is: read once from `cdk.json`, used by stacks and functions alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from debpress import layout
from debpress.errors import ConfigError

_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*")
_ROOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]|[A-Za-z0-9]")
_RELATION = re.compile(r"[a-z0-9][a-z0-9+.-]*( \((<<|<=|=|>=|>>) [^\s()]+\))?")
_SIGNERS = ("awskms:", "gnupg:")


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite. `suite` is its path below dists/ and its Suite field.

    Origin, label, suite and codename can't change once hosts know them (law 7). `keep` newest
    versions of a package stay when pruning (`keep_packages` for some otherwise), and `protected`
    ones (Debian relations); a prune of more than `prune_share` of a suite is refused. `valid_for`
    are days after which hosts refuse a release that nobody signed anew; None: never.
    """

    suite: str
    codename: str
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    origin: str
    label: str
    description: str
    keep: int = 20
    keep_packages: Mapping[str, int] = field(default_factory=dict)
    protected: tuple[str, ...] = ()
    prune_share: float = 0.5
    valid_for: int | None = None


@dataclass(frozen=True, slots=True)
class RotationDays:
    """How long each stage of a key's rotation lasts at least, in days.

    `announce`, before the new key signs too: bare `gpgv` (mirrors, scripts; not apt) exits with 2
    where one of two signatures is of a key that it does not know. `dual`, before the old key stops:
    by then the last host must have the new certificate. `switch`, before the old certificate is
    withdrawn: so long one can go back without touching a host.
    """

    announce: int = 7
    dual: int = 30
    switch: int = 7


@dataclass(frozen=True, slots=True)
class Repository:
    """Everything configured. `max_package_bytes` is bound by S3's single copy of 5 GB.

    What was published stays for `grace_hours` after it stopped being named (law 3): so long can a
    host go on with the release it has, and so far can one go back. `keyring` is the name of the
    package that brings hosts the certificates.
    """

    suites: tuple[Suite, ...]
    root: str = "apt"
    signers: tuple[str, ...] = ("awskms:",)
    max_package_bytes: int = 5 * 10**9
    staging_days: int = 7
    grace_hours: int = 24
    rotation_days: RotationDays = RotationDays()
    keyring: str = "debpress-archive-keyring"
    _by_name: Mapping[str, Suite] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {s.suite: s for s in self.suites})

    @property
    def layout(self) -> layout.Layout:
        return layout.Layout(self.root)

    def suite(self, name: str) -> Suite | None:
        return self._by_name.get(name)


def parse(data: Mapping[str, Any]) -> Repository:
    """Reads the `debpress` object of cdk.json's context. Raises ConfigError naming the key."""
    top = _Reader(data, "debpress")
    suites = tuple(_suite(entry) for entry in top.objects("suites"))
    names = [s.suite for s in suites]
    for index, name in enumerate(names):
        if name == layout.SNAPSHOTS:
            raise ConfigError(f"debpress.suites[{index}].suite: {name!r} is where snapshots are")
        if name in names[:index]:
            raise ConfigError(f"debpress.suites[{index}].suite: {name!r} is configured twice")
    repository = Repository(
        suites=suites,
        root=top.text("root", "apt", _ROOT),
        signers=tuple(top.texts("signers", ["awskms:"])),
        max_package_bytes=top.number("max_package_bytes", 5 * 10**9, 1, 5 * 10**9),
        staging_days=top.number("staging_days", 7, 1, 365),
        grace_hours=top.number("grace_hours", 24, 1, 24 * 365),
        rotation_days=_rotation_days(top.object("rotation_days")),
        keyring=top.text("keyring", _keyring(suites[0].origin), _PACKAGE),
    )
    for index, uri in enumerate(repository.signers):
        if not uri.startswith(_SIGNERS):
            raise ConfigError(
                f"debpress.signers[{index}]: {uri!r} must start with one of {', '.join(_SIGNERS)}"
            )
    if "//" in repository.root:
        raise ConfigError("debpress.root: must not hold an empty path part")
    top.done()
    return repository


def as_json(repository: Repository) -> dict[str, Any]:
    """What `parse` reads back: how the stacks hand the configuration to the functions."""
    return {
        "root": repository.root,
        "signers": list(repository.signers),
        "max_package_bytes": repository.max_package_bytes,
        "staging_days": repository.staging_days,
        "grace_hours": repository.grace_hours,
        "rotation_days": asdict(repository.rotation_days),
        "keyring": repository.keyring,
        "suites": [
            {
                "suite": s.suite,
                "codename": s.codename,
                "components": list(s.components),
                "architectures": list(s.architectures),
                "origin": s.origin,
                "label": s.label,
                "description": s.description,
                "keep": s.keep,
                "keep_packages": dict(s.keep_packages),
                "protected": list(s.protected),
                "prune_share": s.prune_share,
                **({} if s.valid_for is None else {"valid_for": s.valid_for}),
            }
            for s in repository.suites
        ],
    }


def _rotation_days(entry: _Reader) -> RotationDays:
    default = RotationDays()
    days = RotationDays(
        announce=entry.number("announce", default.announce, 0, 3650),
        dual=entry.number("dual", default.dual, 0, 3650),
        switch=entry.number("switch", default.switch, 0, 3650),
    )
    entry.done()
    return days


# Debian Policy 5.6.7.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}")


def _keyring(origin: str) -> str:
    """`<origin>-archive-keyring`, made a package's name; Debian's own are named so."""
    name = re.sub(r"[^a-z0-9]+", "-", origin.lower()).strip("-")[:100].strip("-")
    return f"{name or 'debpress'}-archive-keyring"


def _suite(entry: _Reader) -> Suite:
    name = entry.text("suite", None, layout.SUITE)
    origin = entry.text("origin", "debpress", _ONE_LINE)
    suite = Suite(
        suite=name,
        codename=entry.text("codename", name, layout.SUITE),
        components=tuple(entry.texts("components", ["main"], layout.COMPONENT)),
        architectures=tuple(entry.texts("architectures", None, _ARCHITECTURE)),
        origin=origin,
        label=entry.text("label", origin, _ONE_LINE),
        description=entry.text("description", f"{origin} {name}", _ONE_LINE),
        keep=entry.number("keep", 20, 1, 10**6),
        keep_packages=entry.numbers("keep_packages", 1, 10**6),
        protected=tuple(entry.texts("protected", [], least=0)),
        prune_share=entry.share("prune_share", 0.5),
        # No less than a week: long enough for people to mend what should sign it anew.
        valid_for=entry.maybe_number("valid_for", 7, 365),
    )
    for index, text in enumerate(suite.protected):
        if not _RELATION.fullmatch(text):
            raise ConfigError(
                f"{entry.path}.protected[{index}]: {text!r} must be a package name, or one with a "
                "version as in 'foo (= 1.2)'"
            )
    if "all" in suite.architectures:
        raise ConfigError(
            f"{entry.path}.architectures: leave out 'all'; "
            "its packages are in the index of every architecture"
        )
    entry.done()
    return suite


# One line that begins and ends with no blank: a signature of Release covers no trailing one.
_ONE_LINE = re.compile(r"[^\x00-\x20\x7f]([^\x00-\x1f\x7f]*[^\x00-\x20\x7f])?")


class _Reader:
    """Takes typed values out of a JSON object and remembers which keys it took."""

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, Mapping):
            raise ConfigError(f"{path}: must be an object, not {type(data).__name__}")
        self.data = data
        self.path = path
        self.taken: set[str] = set()

    def _take(self, key: str, default: Any) -> Any:
        self.taken.add(key)
        value = self.data.get(key, default)
        if value is None:
            raise ConfigError(f"{self.path}.{key}: is required")
        return value

    def text(self, key: str, default: str | None, form: re.Pattern[str]) -> str:
        return self._checked(self._take(key, default), f"{self.path}.{key}", form)

    def texts(
        self,
        key: str,
        default: list[str] | None,
        form: re.Pattern[str] | None = None,
        least: int = 1,
    ) -> list[str]:
        values = self._take(key, default)
        path = f"{self.path}.{key}"
        if not isinstance(values, list) or len(values) < least:
            raise ConfigError(f"{path}: must be a list with at least {least} entry")
        for index, value in enumerate(values):
            self._checked(value, f"{path}[{index}]", form or _ONE_LINE)
            if value in values[:index]:
                raise ConfigError(f"{path}[{index}]: {value!r} is there twice")
        return values

    def number(self, key: str, default: int, least: int, most: int) -> int:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ConfigError(f"{self.path}.{key}: must be a whole number, {least} to {most}")
        return value

    def maybe_number(self, key: str, least: int, most: int) -> int | None:
        self.taken.add(key)
        return self.number(key, least, least, most) if key in self.data else None

    def numbers(self, key: str, least: int, most: int) -> dict[str, int]:
        values = self._take(key, {})
        if not isinstance(values, Mapping):
            raise ConfigError(f"{self.path}.{key}: must be an object of whole numbers")
        inner = _Reader(values, f"{self.path}.{key}")
        return {name: inner.number(name, least, least, most) for name in values}

    def share(self, key: str, default: float) -> float:
        value = self._take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise ConfigError(f"{self.path}.{key}: must be a number from 0 to 1")
        return float(value)

    def object(self, key: str) -> _Reader:
        """An object that may be left out."""
        return _Reader(self._take(key, {}), f"{self.path}.{key}")

    def objects(self, key: str) -> list[_Reader]:
        values = self._take(key, None)
        if not isinstance(values, list) or not values:
            raise ConfigError(f"{self.path}.{key}: must be a list with at least one entry")
        return [_Reader(v, f"{self.path}.{key}[{i}]") for i, v in enumerate(values)]

    def done(self) -> None:
        for key in self.data:
            if key not in self.taken:
                known = ", ".join(sorted(self.taken))
                raise ConfigError(f"{self.path}.{key}: unknown key (known: {known})")

    @staticmethod
    def _checked(value: Any, path: str, form: re.Pattern[str]) -> str:
        if not isinstance(value, str):
            raise ConfigError(f"{path}: must be a string, not {type(value).__name__}")
        if not form.fullmatch(value):
            raise ConfigError(f"{path}: {value!r} does not fit {form.pattern}")
        return value
