"""Every key of the bucket, in one place: functions, stacks and clients all name keys from here.

Imports no SDK, so that the stacks can use it too. The table of them is in docs/contract.md#keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from debpress.codec import Record

SUITE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
COMPONENT = SUITE
# The names of suites that come by being published to: these begin as it does, and go on.
PATTERN = re.compile(rf"{SUITE.pattern}\*")
BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

# A snapshot's path below dists/, in place of a suite's name; its id starts with its time (UTC).
# The capitals keep it apart from every component, whose folder might stand there as well.
SNAPSHOTS = "snapshots"
SNAPSHOT = re.compile(rf"{SNAPSHOTS}/[0-9]{{8}}T[0-9]{{6}}Z-[0-9a-f]{{8}}/({SUITE.pattern})")

STAGING = "staging/"
RESULTS = "results/"
STATE = "state/"

# Bytes: more than anybody means to use, and short enough for every key that they go into.
_MOST_NAMES = 256
_MOST_ID = 512

# The names whose creation starts the workflow, as EventBridge wildcards below staging/.
MANIFEST_PATTERNS = ("*/manifest.json", "*/SHA256SUMS", "*/*.changes", "*/operations.json")

# The forms of an index that are stored. Release lists its uncompressed text, too (law 6), which is
# not served (docs/decisions/0017-plain-packages.md).
INDEX_SUFFIXES = (".gz", ".xz")

# Behind an index's name: the list of the scripts that bring a host's copy of it up to date.
DIFFS = ".diff/Index"
PLAIN_SUFFIXES = (*INDEX_SUFFIXES, DIFFS)

# The indices by their plain names, as policies name them.
_PLAIN_INDICES = (*(f"binary-*/Packages{form}" for form in PLAIN_SUFFIXES), "Contents-*.gz")

# Behind a package's key: the list of the files in it (suites with Contents).
FILES = ".files.gz"


def snapshot_path(name: str, suite: str) -> str:
    return f"{SNAPSHOTS}/{name}/{suite}"


def snapshotted(path: str) -> str | None:
    """The suite that a snapshot's path is of, or None for any other path."""
    found = SNAPSHOT.fullmatch(path)
    return found[1] if found else None


@dataclass(frozen=True, slots=True)
class Batch(Record):
    """Where a batch was uploaded: `staging/<suite>/<component>/<id>/`."""

    suite: str
    component: str
    id: str

    @property
    def staging(self) -> str:
        return f"{STAGING}{self.suite}/{self.component}/{self.id}/"

    @property
    def claimed(self) -> str:
        """The uploader that its name says, what stands before the first dot; empty if none does."""
        name, dot, _ = self.id.partition(".")
        return name if dot else ""

    @property
    def result(self) -> str:
        return f"{RESULTS}{self.suite}/{self.component}/{self.id}.json"

    @property
    def is_answerable(self) -> bool:
        """Whether keys of ours can be made of it, a result's first of all (S3: 1,024 bytes).

        A policy by prefix lets nobody write to a suite or component that is none, so nobody is
        waiting there; the id alone is the uploader's own choice.
        """
        return (
            SUITE.fullmatch(self.suite) is not None
            and COMPONENT.fullmatch(self.component) is not None
            and len(self.suite) + len(self.component) <= _MOST_NAMES
            and self.id.isprintable()
            and self.id.strip(".") != ""
            and len(self.id.encode()) <= _MOST_ID
        )


def parse_staged(key: str) -> tuple[Batch, str] | None:
    """The batch and file name of a staging key, or None for a key of any other shape.

    Says nothing of whether the parts are well formed: that is an answer owed to the uploader.
    """
    parts = key.split("/")
    if len(parts) != 5 or f"{parts[0]}/" != STAGING or not all(parts):
        return None
    return Batch(parts[1], parts[2], parts[3]), parts[4]


OPERATIONS = "operations.json"

# Behind the name of a package: its Sigstore bundle.
BUNDLE = ".sigstore.json"


def is_manifest(name: str) -> bool:
    return name in ("manifest.json", "SHA256SUMS", OPERATIONS) or name.endswith(".changes")


def safe(text: str) -> str:
    """`text` with nothing in it that URLs, S3 or an old apt treat specially."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)


def page_name(package: str) -> str:
    """A package's name in the address of its page, which no two share: Debian's names have neither
    `_` nor capitals. S3, proxies and people disagree on what `+` is in an address, so it is none.
    """
    spelled = (_spelled(byte) for byte in package.encode("utf-8", "surrogateescape"))
    return "".join(spelled)


def _spelled(byte: int) -> str:
    character = chr(byte)
    if character in "abcdefghijklmnopqrstuvwxyz0123456789.-":
        return character
    return "_" if character == "+" else f"X{byte:02x}"


def shelf(package: str) -> str:
    """The list that a package is in: as Debian's pool has it, by the first letter, or four of a
    library's. So a list of 63,440 packages is some sixty, of 7,000 at the most."""
    return source_prefix(page_name(package))


def source_prefix(source: str) -> str:
    """Debian's pool folder of a source: `libx` for libraries, else the first letter."""
    name = safe(source)
    return name[:4] if name.startswith("lib") and len(name) > 3 else name[:1]


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys below the configured root, and the state beside it. For hosts the root may be the
    URL where they find it."""

    root: str = "apt"

    @property
    def patterns(self) -> Patterns:
        return Patterns(self)

    # What hosts read

    def inrelease(self, suite: str) -> str:
        return f"{self.root}/dists/{suite}/InRelease"

    def release(self, suite: str) -> str:
        return f"{self.root}/dists/{suite}/Release"

    def release_gpg(self, suite: str) -> str:
        return f"{self.root}/dists/{suite}/Release.gpg"

    def dist(self, suite: str, name: str) -> str:
        """The key of what Release calls `name`, e.g. `main/binary-amd64/Packages.xz`."""
        return f"{self.root}/dists/{suite}/{name}"

    def by_hash(self, suite: str, index: str, sha256: str) -> str:
        """The by-hash key of one form of an index, `index` as `main/binary-amd64/Packages`."""
        folder = index.rpartition("/")[0]
        return f"{self.root}/dists/{suite}/{folder}/by-hash/SHA256/{sha256}"

    def script(self, suite: str, index: str, file: str) -> str:
        """The key of one of the scripts that an index's `.diff/Index` lists."""
        return self.dist(suite, f"{index}.diff/{file}")

    def pool(self, filename: str) -> str:
        """The key of a stanza's `Filename`, which is relative to the root."""
        return f"{self.root}/{filename}"

    def files(self, filename: str) -> str:
        """The key of the list of the files in a package, beside it: hosts have no use for it."""
        return f"{self.pool(filename)}{FILES}"

    @property
    def key_asc(self) -> str:
        return f"{self.root}/key.asc"

    @property
    def key_gpg(self) -> str:
        return f"{self.root}/key.gpg"

    def sources(self, suite: str) -> str:
        return f"{self.root}/{suite}.sources"

    @property
    def setup_script(self) -> str:
        return f"{self.root}/setup.sh"

    @property
    def keyring_package(self) -> str:
        """The keyring package under a name that stays, whatever the package's own is."""
        return f"{self.root}/keyring.deb"

    def passing(self, pattern: str) -> tuple[str, ...]:
        """What there is of the suites of a pattern, but for what is named by its content, as
        policies name it: of `pr-*` also the keys of `pr-17`."""
        names = ("InRelease", "Release", "Release.gpg", *_PLAIN_INDICES)
        plain = (self.dist(pattern, name) for name in names)
        return (*plain, self.sources(pattern), f"{self.state(pattern)}*")

    # What people look at; each HTML page has its JSON twin beside it

    def page(self, form: str = "html") -> str:
        """The repository's page, `form` being `html` or `json`."""
        return f"{self.root}/index.{form}"

    def package_page(self, package: str, form: str = "html") -> str:
        return f"{self.root}/packages/{page_name(package)}.{form}"

    def list_page(self, shelf: str, form: str = "html") -> str:
        """The page of the packages of a shelf (see `shelf`)."""
        return f"{self.root}/packages/list/{shelf}.{form}"

    def page_asset(self, name: str) -> str:
        """A style sheet or script of the pages, `name` having the hash of its bytes in it."""
        return f"{self.root}/packages/assets/{name}"

    # What the pipeline remembers

    @staticmethod
    def page_state() -> str:
        """Up to which generations the pages tell; `debpress.steps.page`."""
        return f"{STATE}_page.json"

    @staticmethod
    def state(suite: str) -> str:
        """The prefix of all that is remembered of a suite."""
        return f"{STATE}{suite}/"

    @staticmethod
    def run(suite: str, run: str = "", name: str = "") -> str:
        """A note of one run: `plan.json`, `chunk-00000.json`; without a run, the prefix."""
        return f"{STATE}{suite}/runs/{run}/{name}" if run else f"{STATE}{suite}/runs/"

    @staticmethod
    def incoming(suite: str = "", run: str = "", number: int = 0) -> str:
        """Where S3 sums a staged file by copying it, `number` as in its plan; nothing names it.
        Without a suite, the prefix of them all."""
        return f"{STATE}_incoming/{suite}/{run}/{number:05}" if suite else f"{STATE}_incoming/"

    @staticmethod
    def queue(suite: str, run: str = "") -> str:
        """The queue entry of a run; without one, the prefix of them all."""
        return f"{STATE}{suite}/queue/{run}.json" if run else f"{STATE}{suite}/queue/"

    @staticmethod
    def generation(suite: str, generation: str = "") -> str:
        """A generation's record, `generation` as `00000042-<digest>`; without one, the prefix."""
        prefix = f"{STATE}{suite}/generations/"
        return f"{prefix}{generation}.json" if generation else prefix

    @staticmethod
    def repository() -> str:
        """The configuration as deployed, for operators' commands, which have no layer."""
        return f"{STATE}_repository.json"

    @staticmethod
    def rotation() -> str:
        """At which stage the change of the signing key is; `debpress.archive.rotation`."""
        return f"{STATE}_rotation.json"

    @staticmethod
    def setup() -> str:
        """Of which deployment the last set-up was that succeeded; `debpress.archive.setup`."""
        return f"{STATE}_setup.json"

    @staticmethod
    def signed(suite: str, generation: str = "") -> str:
        """The signed Release of a generation, waiting for its commit; without one, the prefix."""
        prefix = f"{STATE}{suite}/signed/"
        return f"{prefix}{generation}.json" if generation else prefix

    @staticmethod
    def gone(suite: str, package: str = "", digest: str = "") -> str:
        """What is remembered of a version that was taken out, `digest` being all its spellings'
        (see `index.versions`); of a package, the prefix; without one, the prefix of them all."""
        prefix = f"{STATE}{suite}/gone/"
        return f"{prefix}{package}/{digest}{'.json' * bool(digest)}" if package else prefix

    @staticmethod
    def gone_upto(suite: str) -> str:
        """Up to which generation all is noted that was taken out; `_` starts no package's name."""
        return f"{STATE}{suite}/gone/_upto.json"

    @staticmethod
    def ended(path: str) -> str:
        """What the reaper notes of a snapshot, or of a suite of a pattern, before it takes its
        InRelease away."""
        return f"{STATE}{path}/ended.json"

    @staticmethod
    def living(pattern: str = "") -> str:
        """Which suites of a pattern, `pr-*`, there are; without one, the prefix of them all."""
        return f"{STATE}_suites/{pattern.removesuffix('*')}.json" if pattern else f"{STATE}_suites/"

    @staticmethod
    def prune_report(suite: str, generation: str = "") -> str:
        """What a prune took out; a generation with a prune in it has nobody else's changes.
        Without a generation, the prefix."""
        prefix = f"{STATE}{suite}/reports/"
        return f"{prefix}prune-{generation}.json" if generation else prefix

    @staticmethod
    def reap_report(name: str = "") -> str:
        """What a part of a reaping deleted, of whichever suites; `name` as `20261123T034700Z-0`.
        Without one, the prefix."""
        return f"{STATE}_reports/reap-{name}.json" if name else f"{STATE}_reports/"

    @staticmethod
    def provenance(sha256: str = "", bundle: str = "") -> str:
        """A bundle that proves where a package is from, each by its SHA-256; without the bundle's,
        the prefix of all of the package's, and without either, of them all."""
        prefix = f"{STATE}_provenance/{sha256}{'/' * bool(sha256)}"
        return f"{prefix}{bundle}{BUNDLE}" if bundle else prefix

    @staticmethod
    def idle() -> str:
        """Of a replica: what it no longer needs, since when."""
        return f"{STATE}_idle.json"

    @staticmethod
    def certificate(signer: str = "") -> str:
        """The stored certificate of a signer; without one, the prefix of them all.

        `_` starts no suite's name, so nothing collides.
        """
        return f"{STATE}_signers/{signer}.json" if signer else f"{STATE}_signers/"


@dataclass(frozen=True, slots=True)
class Patterns:
    """Keys as policies name them, where `*` stands for any characters, slashes among them (IAM
    user guide, "IAM JSON policy elements: Resource"): for a suite's path, of a snapshot's too."""

    layout: Layout

    # What CI and operators upload, and are answered

    @staticmethod
    def staged(place: str = "") -> str:
        """`place` as `stable/main/`, or all there are."""
        return f"{STAGING}{place}*"

    @staticmethod
    def operations(place: str = "") -> str:
        return f"{STAGING}{place}*/{OPERATIONS}"

    @property
    def manifests(self) -> tuple[str, ...]:
        return tuple(f"{STAGING}{name}" for name in MANIFEST_PATTERNS)

    @staticmethod
    def results(place: str = "") -> str:
        return f"{RESULTS}{place}*"

    # What hosts read

    @property
    def published(self) -> str:
        return f"{self.layout.root}/*"

    @property
    def inrelease(self) -> str:
        return self.layout.inrelease("*")

    @property
    def release(self) -> tuple[str, str]:
        """Release, and its detached signature."""
        return self.layout.release("*"), self.layout.release_gpg("*")

    @property
    def indices(self) -> tuple[str, ...]:
        """By their plain names, a component's folder among what the first star stands for."""
        return tuple(self.layout.dist("*", name) for name in _PLAIN_INDICES)

    @property
    def texts(self) -> str:
        """Uncompressed indices, which only an older debpress has written."""
        return self.layout.dist("*", "binary-*/Packages")

    @property
    def by_hash(self) -> str:
        return self.layout.dist("*", "by-hash/SHA256/*")

    @property
    def scripts(self) -> str:
        return self.layout.dist("*", "Packages.diff/T-*")

    @property
    def every_hash(self) -> str:
        """By-hash names of whichever algorithm."""
        return self.layout.dist("*", "by-hash/*")

    @property
    def pool(self) -> str:
        return self.layout.pool("pool/*")

    @property
    def keys(self) -> tuple[str, str]:
        return self.layout.key_asc, self.layout.key_gpg

    @property
    def sources(self) -> str:
        return self.layout.sources("*")

    @property
    def for_new_hosts(self) -> tuple[str, str]:
        return self.layout.setup_script, self.layout.keyring_package

    @property
    def snapshots(self) -> str:
        return self.layout.dist(SNAPSHOTS, "*")

    @property
    def pages(self) -> tuple[str, str, str]:
        """What people look at: the repository's page, its twin, and all that hangs on them."""
        layout = self.layout
        return layout.page(), layout.page("json"), f"{layout.root}/packages/*"

    # What the pipeline remembers

    state = f"{STATE}*"
    runs = f"{Layout.run('*')}*"
    incoming = f"{Layout.incoming()}*"
    queue = f"{Layout.queue('*')}*"
    generations = f"{Layout.generation('*')}*"
    signed = f"{Layout.signed('*')}*"
    gone = f"{Layout.gone('*')}*"
    prune_reports = f"{Layout.prune_report('*')}*"
    reap_reports = f"{Layout.reap_report()}*"
    certificates = f"{Layout.certificate()}*"
    living = f"{Layout.living()}*"
    provenance = f"{Layout.provenance()}*"
    rotation = Layout.rotation()
    setup = Layout.setup()
    repository = Layout.repository()
    page_state = Layout.page_state()
    snapshots_state = f"{Layout.state(SNAPSHOTS)}*"
    snapshots_ended = Layout.ended(f"{SNAPSHOTS}/*")
    ended = Layout.ended("*")


def index_name(component: str, architecture: str) -> str:
    return f"{component}/binary-{architecture}/Packages"


def contents_name(component: str, architecture: str) -> str:
    return f"{component}/Contents-{architecture}"


def is_contents(name: str) -> bool:
    """Whether it is the name of a Contents index, or of a form of one."""
    return name.rpartition("/")[2].startswith("Contents-")


def pool_filename(component: str, source: str, sha256: str, identity: tuple[str, str, str]) -> str:
    """The `Filename` of a package (its name, version and architecture), relative to the root.

    The content's hash is in the path, so two builds of one version never collide and nothing is
    ever overwritten; the epoch is left out of the name, as dak leaves it out.
    """
    package, version, architecture = identity
    upstream = version.partition(":")[2] or version
    name = safe(f"{package}_{upstream}_{architecture}")
    return f"pool/{component}/{source_prefix(source)}/{safe(source)}/{sha256[:16]}/{name}.deb"
