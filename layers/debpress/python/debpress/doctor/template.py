"""A deployed stack, and the values that its template's intrinsic functions stand for.

CloudFormation tells what a template wants (GetTemplate), but not with which values; these follow
from the stack's resources and parameters, and from the exports of other stacks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from debpress.errors import DebpressError

_ARN = re.compile(r"arn:([a-z0-9-]+):cloudformation:([a-z0-9-]+):([0-9]{12}):.*")
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
# What `Fn::GetAtt` with `Arn` gives, by resource type (Service Authorization Reference, "Resource
# types"). The physical id of each of these types is its name or id.
_ARNS = {
    "AWS::IAM::Role": "arn:{partition}:iam::{account}:role{path}{id}",
    "AWS::KMS::Key": "arn:{partition}:kms:{region}:{account}:key/{id}",
    "AWS::S3::Bucket": "arn:{partition}:s3:::{id}",
}


class UnresolvedError(DebpressError):
    """A value of a template can't be told; the text says which."""


@dataclass(frozen=True, slots=True)
class Resource:
    """`id` is the physical one, None of a resource that was never made. `properties` are as the
    template has them, unresolved."""

    name: str
    kind: str
    id: str | None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stack:
    """`arn` is the stack's own, `since` when it was made, `protected` whether from termination;
    `exports` are those of all stacks in its region."""

    name: str
    arn: str
    status: str
    since: datetime
    protected: bool = False
    resources: tuple[Resource, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> tuple[str, str, str]:
        """Partition, region and account."""
        found = _ARN.fullmatch(self.arn)
        if found is None:
            raise UnresolvedError(f"{self.arn} is no ARN of a stack")
        return found[1], found[2], found[3]

    def of(self, kind: str) -> Iterator[Resource]:
        """The resources of a type that are there."""
        return (each for each in self.resources if each.kind == kind and each.id is not None)

    def resolve(self, value: Any) -> Any:
        """`value` with all intrinsic functions replaced by what they stand for, and without what is
        `AWS::NoValue`. Raises UnresolvedError."""
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not None]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](self, argument)
            if name.startswith("Fn::"):
                raise UnresolvedError(f"{name} in a template is not understood here")
        found = {key: self.resolve(each) for key, each in value.items()}
        return {key: each for key, each in found.items() if each is not None}

    def reference(self, name: str) -> str | None:
        """What `Ref` gives; None for `AWS::NoValue`. Raises UnresolvedError."""
        if name == "AWS::NoValue":
            return None
        partition, region, account = self.place
        pseudo = {
            "AWS::Partition": partition,
            "AWS::Region": region,
            "AWS::AccountId": account,
            "AWS::StackName": self.name,
            "AWS::StackId": self.arn,
            "AWS::URLSuffix": "amazonaws.com" + ".cn" * (partition == "aws-cn"),
        }
        return pseudo.get(name) or self.parameters.get(name) or str(self._resource(name).id)

    def attribute(self, name: str, attribute: str) -> str:
        """What `Fn::GetAtt` gives. Raises UnresolvedError."""
        resource = self._resource(name)
        form = _ARNS.get(resource.kind) if attribute == "Arn" else None
        if form is None:
            raise UnresolvedError(f"{attribute} of {name} ({resource.kind}) is not known here")
        partition, region, account = self.place
        return form.format(
            partition=partition,
            region=region,
            account=account,
            id=resource.id,
            path=resource.properties.get("Path", "/"),
        )

    def _resource(self, name: str) -> Resource:
        for each in self.resources:
            if each.name == name and each.id is not None:
                return each
        raise UnresolvedError(f"the stack {self.name} has no {name}")


def _join(stack: Stack, argument: Any) -> str:
    separator, parts = argument
    return str(separator).join(map(str, stack.resolve(parts)))


def _sub(stack: Stack, argument: Any) -> str:
    text, values = (argument, {}) if isinstance(argument, str) else argument
    given = stack.resolve(values)

    def value(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in given:
            return str(given[name])
        resource, _, attribute = name.partition(".")
        return str(stack.attribute(resource, attribute) if attribute else stack.reference(name))

    return _VARIABLE.sub(value, text)


def _attribute(stack: Stack, argument: Any) -> str:
    name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
    return stack.attribute(name, attribute)


def _select(stack: Stack, argument: Any) -> Any:
    index, parts = argument
    return stack.resolve(parts)[int(index)]


def _split(stack: Stack, argument: Any) -> list[str]:
    separator, text = argument
    return str(stack.resolve(text)).split(separator)


def _import(stack: Stack, argument: Any) -> str:
    name = stack.resolve(argument)
    if name not in stack.exports:
        raise UnresolvedError(f"no stack here exports {name}")
    return stack.exports[name]


_FUNCTIONS: Mapping[str, Callable[[Stack, Any], Any]] = {
    "Ref": Stack.reference,
    "Fn::GetAtt": _attribute,
    "Fn::ImportValue": _import,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
