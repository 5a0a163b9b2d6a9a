"""What hosts depend on and what can't be made again: the bucket, the keys, and who may read."""

from __future__ import annotations

from constructs import Construct

from .bucket import Bucket
from .encryption import Encryption
from .kept import Kept
from .roles import HostRoles, Providers
from .settings import Settings
from .signing import SigningKey


class Archive(Construct):
    """`signing_key` is the ARN of the key that `awskms:` means, if it is not to be made here."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        signing_key: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        encryption = Encryption(self, "Encryption", settings)
        storage = Bucket(self, "Storage", settings, encryption)
        encrypts = encryption.key.key_arn if encryption.key else None
        signs = signing_key or SigningKey(self, "Signing", settings).arn
        self.logs = storage.logs
        self.kept = Kept(storage.bucket, signs, encrypts)
        self.replica = settings.replica_arn
        self.published = settings.repository.layout.patterns.published
        self.hosts = HostRoles(self, "Roles", settings, self.kept)
        Providers(self, "Providers", settings)
