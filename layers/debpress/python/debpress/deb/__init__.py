"""One binary package: read from the few bytes that matter, written as a Packages stanza.

The rules are Debian Policy 5 and deb(5); where Policy is loose, what dpkg and apt do with it on
a host decides. Nothing here trusts its input: whatever the bytes, the answer is a Package or a
RejectedError, in bounded time and memory. python-debian's DebFile would not do: it unpacks
without bound and needs the command unzstd, which the functions don't have.
"""

from debpress.deb.inspection import inspect
from debpress.deb.package import Package, stanza
from debpress.deb.window import Reader

__all__ = ["Package", "Reader", "inspect", "stanza"]
