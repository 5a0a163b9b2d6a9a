"""The deployed configuration, stored in the bucket for operators' commands.

Those run outside of Lambda, without the layer that holds the configuration for functions.
"""

from __future__ import annotations

import json

from debpress import codec, config
from debpress.archive.headers import JSON
from debpress.config import Repository
from debpress.errors import ConfigError
from debpress.layout import Layout
from debpress.store import Store


def read_configuration(store: Store) -> Repository:
    """The configuration as the last deployment left it. Raises ConfigError."""
    key = Layout.repository()
    found = store.get(key)
    if found is None:
        raise ConfigError(
            f"{key} is not there, so this bucket holds no repository, or one that an older debpress"
            " deployed; check the bucket's name, or deploy again"
        )
    try:
        return config.parse(json.loads(found.body))
    except ValueError as error:
        raise ConfigError(f"{key} is not JSON ({error}); deploy again") from error


def keep_configuration(store: Store, repository: Repository) -> None:
    store.put(Layout.repository(), codec.dump_json(config.as_json(repository)), JSON)
