"""Has the pages made that people look at, after each flip; nobody waits for them.

S3's event of an InRelease's being put calls `page`. So do a set-up and a key's rotation, after
which the pages may have to say something else. A call that fails is tried again by Lambda, twice,
and goes on where the first one stopped; then the event is kept in the queue of lost events, whose
alarm rings. The next flip makes good what was not done.
"""

from __future__ import annotations

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct
from debpress.layout import Layout

from .functions import Functions
from .settings import Settings
from .written import Written


class Page(Construct):
    """`outputs` say where the page is; they are none where none is made."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        functions: Functions,
        bucket: s3.IBucket,
        lost: sqs.IQueue,
        uri: str,
    ) -> None:
        super().__init__(scope, id)
        self.outputs: dict[str, str] = {}
        if settings.repository.page is None:
            return
        function = functions["page"]
        function.add_environment("DEBPRESS_URI", uri)
        layout = settings.repository.layout
        # A pattern has room for 2,048 characters (EventBridge's quotas), so it names no suite: of a
        # snapshot's InRelease the function finds nothing to do.
        flips = {"wildcard": layout.inrelease("*")}
        Written(
            self,
            "Flips",
            "debpress: a suite was flipped, or the keys or the deployment are others",
            bucket,
            [flips, layout.key_gpg, Layout.setup()],
            function,
            lost,
        )
        self.outputs = {"Page": f"{uri}/index.html", "PageFunction": function.function_name}
