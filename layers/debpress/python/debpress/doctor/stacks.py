"""The stacks: whether they are there, and whether the last change of them came through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from debpress.doctor.findings import Finding, Unseen, ok, unseen, warning, wrong
from debpress.doctor.template import Stack

_ABOUT = "stacks"
# What comes behind the press's name in those of its stacks.
_ARCHIVE, _PRESS, _REPLICA, _DELIVERY = "-archive", "-press", "-replica", "-delivery"
# The output of the delivery that says where requests to its distribution are logged, if they are.
ACCESS_LOGS = "AccessLogs"
# An import that was rolled back leaves the stack as it was before, which may be none.
_FAILED = (
    *("CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"),
    *("ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_FAILED"),
)
_TAKEN_BACK = ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")


@dataclass(frozen=True, slots=True)
class Press:
    """A press by its name, and the stacks that it is in: two of its own, or one of an application
    that it is a part of."""

    name: str
    stacks: tuple[str, ...]


def named(name: str) -> Press:
    """The press of this name that has its own stacks, of the archive and of the press itself."""
    return Press(name, (name + _ARCHIVE, name + _PRESS))


def is_own(stack: str) -> bool:
    """Whether a stack of this name is of a press alone."""
    return stack.endswith((_ARCHIVE, _PRESS))


def replica(press: str) -> str:
    """The stack of the bucket that follows, in another Region."""
    return press + _REPLICA


def delivery(press: str) -> str:
    """The stack of the distribution in front of the bucket."""
    return press + _DELIVERY


def name(stack: str) -> str:
    """The press's name, by that of one of its stacks."""
    return stack.removesuffix(_ARCHIVE).removesuffix(_PRESS)


def check(stacks: Mapping[str, Stack | Unseen | None], region: str) -> Iterator[Finding]:
    """The stacks by the names that they should have; None where there is none."""
    for name, stack in stacks.items():
        if isinstance(stack, Unseen):
            yield unseen(_ABOUT, f"the stack {name}", stack)
        elif stack is None:
            yield _absent(name, region)
        elif stack.status in _FAILED:
            yield wrong(
                _ABOUT,
                f"{name} is {stack.status}",
                "see why, and docs/deploy.md#when-a-first-deployment-fails"
                if stack.status == "ROLLBACK_COMPLETE"
                else "see why",
                f"aws cloudformation describe-stack-events --stack-name {name}",
            )
        elif stack.status in _TAKEN_BACK:
            yield warning(
                _ABOUT,
                f"{name} is deployed, and its last change was taken back ({stack.status})",
                "see why, and deploy again",
                f"aws cloudformation describe-stack-events --stack-name {name}",
            )
        elif stack.status.endswith("_IN_PROGRESS"):
            yield warning(
                _ABOUT, f"{name} is being changed ({stack.status})", "look again when it is done"
            )
        elif name.endswith((_ARCHIVE, _REPLICA)) and not stack.protected:
            yield warning(
                _ABOUT,
                f"{name} is deployed ({stack.status}), and nothing protects it from termination",
                "protect it",
                "aws cloudformation update-termination-protection --enable-termination-protection "
                f"--stack-name {name}",
            )
        else:
            yield ok(_ABOUT, f"{name} is deployed ({stack.status})")


def _absent(name: str, region: str) -> Finding:
    message = f"there is no stack {name} in {region}"
    if name.endswith(_PRESS):
        remedy = (
            "if it was destroyed, nothing is published, pruned or signed anew, and hosts read what "
            "was published last; deploy it again (docs/deploy.md)"
        )
        return wrong(_ABOUT, message, remedy, f"npx cdk deploy {name}")
    remedy = "is this the name and the region? A bucket that no stack has is nobody's to guard"
    return wrong(_ABOUT, message, f"{remedy} (docs/deploy.md)")
