"""What the stacks of a press hold together, wherever one draws the line between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from debpress.doctor.functions import Shape
from debpress.doctor.template import Resource, Stack

_FUNCTION = "AWS::Lambda::Function"
_SHAPE = ("MemorySize", "Timeout", "Layers")
# What the stacks write in front of the version, in the description of the library's layer.
_LAYER = "debpress "


@dataclass(frozen=True, slots=True)
class Deployment:
    """The stacks that are there, with their resources as far as these could be seen."""

    stacks: tuple[Stack, ...]

    def of(self, kind: str) -> Iterator[tuple[Stack, Resource]]:
        return ((stack, each) for stack in self.stacks for each in stack.of(kind))

    def ids(self, kind: str) -> list[str]:
        """The physical ids of the resources of a type."""
        return [str(each.id) for _, each in self.of(kind)]

    @property
    def functions_there(self) -> bool:
        return next(self.of(_FUNCTION), None) is not None

    def output(self, name: str) -> str | None:
        return next((s.outputs[name] for s in self.stacks if name in s.outputs), None)

    def function(self, step: str) -> tuple[Stack, Resource] | None:
        """The function of a step, which its description names."""
        for stack, each in self.of(_FUNCTION):
            if str(each.properties.get("Description")).endswith(f": {step}"):
                return stack, each
        return None

    def functions(self) -> Iterator[tuple[str, Shape]]:
        """Each function's name, and the shape that the template wants. Raises UnresolvedError."""
        for stack, each in self.of(_FUNCTION):
            wanted = stack.resolve({k: each.properties.get(k) for k in _SHAPE})
            layers = tuple(wanted.get("Layers", ()))
            yield str(each.id), Shape(wanted["MemorySize"], wanted["Timeout"], layers)

    def bucket(self, name: str) -> dict[str, Any] | None:
        """The template's properties of the bucket; None where no template has it."""
        for stack, each in self.of("AWS::S3::Bucket"):
            if each.id == name:
                return dict(stack.resolve(each.properties))
        return None

    def bucket_policy(self, name: str) -> list[dict[str, Any]] | None:
        """The statements that templates want for a bucket; None where no template has a policy."""
        for stack, each in self.of("AWS::S3::BucketPolicy"):
            if stack.resolve(each.properties["Bucket"]) == name:
                return list(stack.resolve(each.properties["PolicyDocument"])["Statement"])
        return None

    def key_policies(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Each key's ARN, and the statements that its template wants."""
        for stack, each in self.of("AWS::KMS::Key"):
            policy = stack.resolve(each.properties["KeyPolicy"])
            yield stack.attribute(each.name, "Arn"), list(policy["Statement"])

    def since(self) -> datetime | None:
        """Since when there is a workflow and what calls it."""
        found = next(self.of("AWS::StepFunctions::StateMachine"), None)
        return found[0].since if found else None

    def version(self) -> str | None:
        """The version that the functions' layer says it is of."""
        for _, each in self.of("AWS::Lambda::LayerVersion"):
            said = str(each.properties.get("Description", ""))
            if said.startswith(_LAYER):
                return said.removeprefix(_LAYER)
        return None
