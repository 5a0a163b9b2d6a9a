"""Every name that is fixed rather than given by CloudFormation. Each has the press's own in it, so
that two presses in one account and Region never meet."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws
from debpress import guards

# Of a press whose bucket has logs: S3 lets a bucket's name have 63 characters.
MOST_WITH_LOGS = 30


@dataclass(frozen=True, slots=True)
class Names:
    """`press` is the name that the configuration gives."""

    press: str

    @property
    def archive_stack(self) -> str:
        return f"{self.press}-archive"

    @property
    def press_stack(self) -> str:
        return f"{self.press}-press"

    @property
    def delivery_stack(self) -> str:
        return f"{self.press}-delivery"

    @property
    def replica_stack(self) -> str:
        return f"{self.press}-replica"

    def role(self, step: str, region: str = Aws.REGION) -> str:
        return guards.role_name(self.press, step, region)

    def role_arn(self, step: str, region: str = Aws.REGION) -> str:
        return guards.role_arn(self.role(step, region), Aws.ACCOUNT_ID, Aws.PARTITION)

    @property
    def replica_bucket(self) -> str:
        """Made up beforehand, for nothing is handed on from Region to Region. Buckets' names are
        the world's, so the account is in it: where somebody else has the name, the stack is not
        created. It has 54 characters at most, of 63."""
        return f"{self.press}-replica-{Aws.ACCOUNT_ID}"

    @property
    def logs_bucket(self) -> str:
        """Where requests to the bucket are logged. Known beforehand, as the operators' roles are
        the press's."""
        return f"{self.press}-logs-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    @property
    def dashboard(self) -> str:
        """Dashboards are the account's, and shown in every Region."""
        return f"{self.press}-{Aws.REGION}"

    def alias(self, key: str) -> str:
        """The alias of a key, which is for people alone: functions use ARNs."""
        return f"alias/{self.press}-{key}"

    def parameter(self, key: str) -> str:
        """The parameter of Systems Manager in which the archive says the ARN of a key it made."""
        return f"/debpress/{self.press}/{key}-key"

    def delivery(self, what: str) -> str:
        """CloudFront's policies are the account's, and known in every Region."""
        return f"{self.delivery_stack}-{what}-{Aws.REGION}"

    def delivered(self, output: str) -> str:
        """What CloudFormation calls an output of the delivery that the press imports."""
        return f"{self.delivery_stack}-{output}"

    def export(self, output: str) -> str:
        """What CloudFormation calls an output of the archive that the press imports."""
        return f"{self.archive_stack}-{output}"
