"""Whether the stacks, the functions' code and this command are of one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from debpress.doctor.findings import Finding, Level, Unseen, ok, unseen, warning

_ABOUT = "version"


def check(command: str, deployed: Mapping[str, str | Unseen | None]) -> Iterator[Finding]:
    """`deployed`: what each part says, by its name; None where it says none."""
    for name, version in deployed.items():
        if isinstance(version, Unseen):
            yield unseen(_ABOUT, f"the version of {name}", version, Level.WARNING)
        elif version != command:
            yield warning(
                _ABOUT,
                f"{name} {f'is of {version}' if version else 'says no version'}, "
                f"this command is of {command}",
                "deploy this one, or install that command (CHANGELOG.md says what differs)",
            )
    if all(version == command for version in deployed.values()):
        yield ok(_ABOUT, f"{command}: the command, {', '.join(deployed)}")
