"""The certificates of the configured signers, for the steps that may not use their keys."""

from __future__ import annotations

from collections.abc import Sequence

from debpress.errors import SigningError
from debpress.layout import Layout
from debpress.openpgp import certificates
from debpress.openpgp.certificates import Certificate
from debpress.publish import notes
from debpress.store import Store


def stored(store: Store, uris: Sequence[str]) -> list[Certificate]:
    """The stored certificate of each signer, in the configured order.

    Raises SigningError where one is not stored: sign stores it before anything is signed.
    """
    keys = [head.key for head in store.list(Layout.certificate())]
    found = {data["signer"]: data for key in keys if (data := notes.load(store, key))}
    missing = [uri for uri in uris if uri not in found]
    if missing:
        raise SigningError(
            f"no certificate is stored of {', '.join(missing)}; deploy again, so that the suites "
            "are signed by every configured signer"
        )
    return [certificates.parse(found[uri]["certificate"].encode())[0] for uri in uris]
