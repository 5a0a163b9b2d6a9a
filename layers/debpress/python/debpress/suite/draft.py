"""A suite in the making: what is published, with what one merge changes on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from debpress.concurrency import at_once, side_by_side
from debpress.config import Suite
from debpress.errors import Code, ConfigError, Refusal, RejectedError
from debpress.index import packages, pdiff
from debpress.index.draft import IndexDraft
from debpress.index.entries import Entry, Identity, field, identify
from debpress.index.form import Checksum, Form
from debpress.index.packages import Packages
from debpress.index.release import Release
from debpress.index.versions import Content, Taken
from debpress.index.writer import Built
from debpress.layout import DIFFS, contents_name, index_name, is_contents
from debpress.records.batch import AdmittedPackage
from debpress.records.generation import PackageOutcome, PackageRef
from debpress.suite.loader import Loader
from debpress.suite.memory import Memory
from debpress.suite.published import Published

if TYPE_CHECKING:
    from debpress.index import contents


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a draft comes to: the Release, and the indices that it lists anew, by name; of Contents
    the stored forms, by their own names."""

    release: Release
    indices: Mapping[str, Built]
    contents: Mapping[str, Form]


class SuiteDraft:
    """Indices are read when they are asked for, and only then.

    What a suite once had stays listed, whatever is configured since: a host that asks for it must
    not be told an error. Raises ConfigError when origin, label, suite or codename would change.
    """

    def __init__(
        self,
        loader: Loader,
        settings: Suite,
        state: Published | None,
        after: str | None = None,
    ) -> None:
        """`after` is the last generation of an earlier life, where there is no `state`."""
        published = state.release if state else None
        if published:
            _same_names(settings, published)
        self.memory = Memory(loader, settings.suite, state.generation if state else after)
        self._loader = loader
        self._settings = settings
        self._published = published
        self._files: Mapping[str, Checksum] = published.files if published else {}
        self.components = _union(published.components if published else (), settings.components)
        self.architectures = _union(
            published.architectures if published else (), settings.architectures
        )
        self._drafts: dict[str, IndexDraft] = {}
        # Packages of an index that were uploaded again: by what they say, which is as it was.
        self._again: dict[str, dict[Identity, bytes]] = {}

    @property
    def suite(self) -> str:
        return self._settings.suite

    @property
    def lives(self) -> bool:
        """Whether it is of a pattern, and has an end."""
        return self._settings.life is not None

    def checkpoint(self) -> dict[str, IndexDraft]:
        """What `restore` takes back to."""
        return {name: draft.copy() for name, draft in self._drafts.items()}

    def restore(self, before: dict[str, IndexDraft]) -> None:
        self._drafts = before

    def index(self, component: str, architecture: str) -> IndexDraft:
        name = index_name(component, architecture)
        if name not in self._drafts:
            self._drafts[name] = IndexDraft(self._read(name))
        return self._drafts[name]

    def read_ahead(self, batches: Iterable[AdmittedPackage]) -> None:
        """Reads, side by side, every index that these packages may concern, and what is remembered
        of their versions."""
        packages = list(batches)
        wanted = {each.architecture for each in packages}
        if "all" in wanted:
            wanted |= set(self.architectures)
        places = [(c, a) for c in self.components for a in sorted(wanted - {"all"})]
        at_once(
            lambda: side_by_side(lambda place: self.index(*place), places),
            lambda: self.memory.read_ahead((each.package, each.version) for each in packages),
        )

    def places(self, architecture: str) -> Sequence[str]:
        """The architectures whose indices hold a package: `all` is in every one (Policy 5.6.8)."""
        return self.architectures if architecture == "all" else (architecture,)

    def find(self, wanted: Iterable[Identity]) -> dict[tuple[str, Identity], bytes]:
        """The stanzas the suite has under these packages' names, whatever their versions, by
        component and identity: one version can be spelled in several ways."""
        groups: dict[str, set[str]] = {}
        for identity in wanted:
            place = self.places(identity.architecture)[0]
            groups.setdefault(place, set()).add(identity.package)
        return {
            (component, entry.identity): entry.text
            for component in self.components
            for architecture, names in groups.items()
            for entry in self.index(component, architecture).named(*names)
        }

    def taken_out(self) -> dict[Identity, bytes]:
        """What this flip takes out of whichever index."""
        return {i: text for draft in self._drafts.values() for i, text in draft.removed.items()}

    def instead(
        self, found: Mapping[tuple[str, Identity], bytes], wanted: Sequence[Content]
    ) -> list[Content | None]:
        """What stands in the way of each package (law 4), None where nothing does: what the suite
        has, by `find`; what this flip takes out, since hosts would see a version change its bytes;
        and what was published at any time before, which only a package that is new is held to."""
        here = {identity: text for (_, identity), text in found.items()}
        taken = Taken(content_of(text) for text in (*self.taken_out().values(), *here.values()))
        known = [taken.holds(each) for each in wanted]
        others = [taken.instead(each) for each in wanted]
        new = [not any(told) for told in zip(known, others, strict=True)]
        before = self.memory.contents(
            (each.identity.package, each.identity.version)
            for each, is_new in zip(wanted, new, strict=True)
            if is_new
        )
        return [
            before.instead(each) if is_new else other
            for each, other, is_new in zip(wanted, others, new, strict=True)
        ]

    def add(self, component: str, batch: Sequence[AdmittedPackage]) -> tuple[PackageOutcome, ...]:
        """Puts a batch in whole; returns what a result says of each package.

        Raises RejectedError, having changed nothing, when a version is in the suite with other
        bytes, or ever was (law 4), in whichever component and however spelled.
        """
        found = self.find(_identity(p) for p in batch)
        others = self.instead(found, [Content(_identity(p), p.sha256) for p in batch])
        refusals = [
            _reused(package, other)
            for package, other in zip(batch, others, strict=True)
            if other is not None
        ]
        if refusals:
            raise RejectedError(refusals)
        result = []
        for package in batch:
            known = (component, _identity(package)) in found
            text = package.stanza.encode("utf-8", "surrogateescape")
            if not known:
                self.put(component, text)
            else:
                self._come_again(component, text)
            result.append(PackageOutcome.of(package, "unchanged" if known else "added"))
        return tuple(result)

    def put(self, component: str, text: bytes) -> None:
        """Puts a stanza into every index it belongs in."""
        identity = identify(text)
        for architecture in self.places(identity.architecture):
            self.index(component, architecture).put(identity, text)

    def _come_again(self, component: str, text: bytes) -> None:
        identity = identify(text)
        for architecture in self.places(identity.architecture):
            name = index_name(component, architecture)
            self._again.setdefault(name, {})[identity] = text

    def take_out(self, component: str, entries: Iterable[Entry]) -> None:
        """Takes stanzas that are there out of every index they are in."""
        for entry in entries:
            for architecture in self.places(entry.identity.architecture):
                self.index(component, architecture).remove(entry)

    def build(self, date: datetime) -> Drafted:
        """The changed indices, packed, and the Release that lists them with all the others.

        Its validity follows from `date` and the configuration: so a suite that is as it was has the
        very Release that it had, until that is configured otherwise.
        """
        days = self._settings.valid_for
        self._fill_new_indices()
        changed = [n for n, d in self._drafts.items() if d.changed or n not in self._files]
        packed, listed = at_once(lambda: side_by_side(self._build, changed), self._build_contents)
        built = dict(zip(changed, packed, strict=True))
        # Where Contents are configured no more, the suite is published without them.
        files = {
            n: f for n, f in self._files.items() if self._settings.contents or not is_contents(n)
        }
        for name, found in listed.items():
            files[name] = found.plain
            files[f"{name}.gz"] = found.gz.checksum
        for name, forms in built.items():
            files[name] = forms.plain
            for suffix, form in forms.compressed.items():
                files[name + suffix] = form.checksum
            files.pop(name + DIFFS, None)
            if forms.difference:
                files[name + DIFFS] = forms.difference.checksum
        release = Release(
            origin=self._settings.origin,
            label=self._settings.label,
            suite=self._settings.suite,
            codename=self._settings.codename,
            date=date,
            architectures=tuple(self.architectures),
            components=tuple(self.components),
            description=self._settings.description,
            files=files,
            valid_until=None if days is None else date + timedelta(days=days),
        )
        made = {f"{name}.gz": found.gz for name, found in listed.items()}
        new = {name: form for name, form in made.items() if files[name] != self._files.get(name)}
        return Drafted(release, built, new)

    def added(self) -> dict[str, tuple[PackageRef, ...]]:
        """What came, by index."""
        return _described({name: draft.added for name, draft in self._drafts.items()})

    def removed(self) -> dict[str, tuple[PackageRef, ...]]:
        """What went, by index."""
        return _described({name: draft.removed for name, draft in self._drafts.items()})

    def _fill_new_indices(self) -> None:
        """An architecture that is new begins with what is there for all of them."""
        for component in self.components:
            new = [a for a in self.architectures if index_name(component, a) not in self._files]
            old = [a for a in self.architectures if a not in new]
            common = (
                [e for e in self.index(component, old[0]).entries() if e[0].architecture == "all"]
                if new and old
                else []
            )
            for architecture in new:
                draft = self.index(component, architecture)
                missing = {e.identity for e in common} - draft.find(e[0] for e in common).keys()
                for entry in common:
                    if entry.identity in missing:
                        draft.put(entry.identity, entry.text)

    def _build(self, name: str) -> Built:
        built = self._drafts[name].build()
        return replace(built, difference=self._difference(name, built))

    def _build_contents(self) -> dict[str, contents.Built]:
        """Of each index that changed, or has none yet; by name, `main/Contents-amd64`."""
        if not self._settings.contents:
            return {}
        every = [(c, a) for c in self.components for a in self.architectures]
        wanted = [place for place in every if self._concerns_contents(*place)]
        built = side_by_side(lambda place: self._contents(*place), wanted)
        return {contents_name(*place): each for place, each in zip(wanted, built, strict=True)}

    def _concerns_contents(self, component: str, architecture: str) -> bool:
        name = index_name(component, architecture)
        draft = self._drafts.get(name)
        is_listed = f"{contents_name(component, architecture)}.gz" in self._files
        return not is_listed or name in self._again or (draft is not None and draft.changed)

    def _contents(self, component: str, architecture: str) -> contents.Built:
        from debpress.suite import contents as rules  # noqa: PLC0415 (of few suites)

        draft = self.index(component, architecture)
        name = f"{contents_name(component, architecture)}.gz"
        again = self._again.get(index_name(component, architecture), {})
        place = (self._settings.suite, name)
        return rules.build(self._loader, place, self._files.get(name), draft, again)

    def _difference(self, name: str, now: Built) -> pdiff.Difference | None:
        """By what hosts bring their copy of an index up to date. None where it is small, or new, or
        where no script leads to it: then they fetch all of it, as ever."""
        before = self._files.get(name)
        if before is None or not now.script or now.stanzas < self._settings.diff_stanzas:
            return None
        steps = pdiff.Steps(before)
        if listed := self._files.get(name + DIFFS):
            form = self._loader.form(self._settings.suite, name + DIFFS, listed)
            steps = pdiff.read(form)
        return pdiff.difference(steps, now.plain, now.script, now.xz.size)

    def _read(self, name: str) -> Packages:
        if self._published is None or name not in self._files:
            return packages.empty()
        return self._loader.index(self._settings.suite, self._published, name)


def _union(old: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, *new)))


def _identity(package: AdmittedPackage) -> Identity:
    return Identity(package.package, package.version, package.architecture)


def content_of(text: bytes) -> Content:
    """Which bytes a stanza is of."""
    return Content(identify(text), field(text, "SHA256"))


def described(text: bytes) -> PackageRef:
    """What generations and results say of a stanza."""
    return PackageRef(
        package=field(text, "Package"),
        version=field(text, "Version"),
        architecture=identify(text).architecture,
        filename=field(text, "Filename"),
        sha256=field(text, "SHA256"),
        size=int(field(text, "Size")),
    )


def _described(
    changes: Mapping[str, Mapping[Identity, bytes]],
) -> dict[str, tuple[PackageRef, ...]]:
    return {
        name: tuple(described(text) for text in found.values())
        for name, found in changes.items()
        if found
    }


def _same_names(settings: Suite, published: Release) -> None:
    """Law 7: every host would stop at a changed name until a person there agrees."""
    for name in ("origin", "label", "suite", "codename"):
        was, wanted = getattr(published, name), getattr(settings, name)
        if was != wanted:
            raise ConfigError(
                f"suite {settings.suite}: {name} is published as {was!r} and configured as "
                f"{wanted!r}, at which every host's apt update would stop; configure it as it was"
            )


def other_spelling(other: Content, ours: Identity) -> str:
    """Why another package is the same version as ours, where one can't see it: to be put behind."""
    if other.identity.architecture != ours.architecture:
        return f", which is one version with {ours} to a host,"
    return "" if other.identity == ours else f", which is the version {ours.version} to dpkg,"


def _reused(package: AdmittedPackage, other: Content) -> Refusal:
    same = other_spelling(other, _identity(package))
    when = f"was published until {other.until}" if other.until else "is published"
    return Refusal(
        package.file,
        Code.VERSION_REUSED,
        f"{other.identity}{same} {when} with SHA-256 {other.sha256}, this file has "
        f"{package.sha256}; give it a new version, or upload the published bytes",
    )
