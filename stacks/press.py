"""What works upon an archive: functions, workflow, schedules. It can go and come back."""

from __future__ import annotations

from constructs import Construct
from debpress import __version__
from debpress.config import Repository

from . import looking
from .dashboard import Dashboard, Shown
from .encryption import let_encrypt
from .events import Events
from .functions import Functions
from .heartbeat import Heartbeat
from .kept import Kept
from .layers import Layers
from .mirror import Mirror
from .page import Page
from .permissions import grants
from .roles import Roles
from .schedule import Schedule
from .settings import Settings
from .setup import SetUp
from .signing import Signing, on_keys
from .trigger import Trigger
from .watch import Watch
from .workflow import PublishWorkflow


class Press(Construct):
    """`outputs` are what documents and commands ask for, by name. `uri` is where hosts find the
    root, the bucket's own address if it is not given."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002
        settings: Settings,
        kept: Kept,
        uri: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        repository, bucket = settings.repository, kept.bucket
        layers = Layers(self, "Layers", settings)
        functions = Functions(self, "Functions", settings, bucket, layers.all)
        functions["admit"].add_layers(*layers.admitting)
        allowances = grants(repository)
        for name in functions.sizes:
            allowed = allowances[name]
            reads = bool(allowed.get or allowed.get_version)
            let_encrypt(kept, functions.role(name), read=reads, write=bool(allowed.put))
        self.roles = Roles(self, "Roles", settings, kept)
        key = kept.signing_key
        signing = Signing(self, "Signing", settings, functions, layers.signing, key)
        workflow = PublishWorkflow(self, "Workflow", settings, functions)
        trigger = Trigger(self, "Trigger", settings, bucket, workflow.machine)
        schedule = Schedule(self, "Schedule", settings, functions, bucket, trigger.lost)
        beats = Heartbeat(self, "Heartbeat", settings, bucket, workflow.machine, trigger.lost)
        Events(self, "Events", settings, functions, bucket, trigger.lost)
        watch = Watch(self, "Watch", settings, functions, bucket, trigger.lost)
        uri = uri or f"https://{bucket.bucket_regional_domain_name}/{repository.root}"
        ready = SetUp(
            self,
            "SetUp",
            settings,
            functions,
            [*layers.all, *layers.signing],
            workflow,
            trigger.lost,
            uri,
        )
        # Set-up runs the workflow as it is created. So everything that the workflow uses, such as
        # the roles' policies, must be created before.
        ready.resource.node.add_dependency(functions, signing, workflow)
        page = Page(self, "Page", settings, functions, bucket, trigger.lost, uri)
        mirrors = Mirror(self, "Mirror", settings, functions, bucket, trigger.lost)
        # They ring for lack of data, of which a first set-up leaves the first.
        for alarm in (*schedule.silence, *watch.silence, *beats.silence, *mirrors.silence):
            alarm.node.add_dependency(ready.resource)
        if settings.dashboard:
            # The last, since it shows every alarm that there is.
            shown = Shown(bucket, functions, workflow, trigger.lost)
            Dashboard(self, "Dashboard", settings, shown)
        keys = on_keys(settings, key, list(looking.OF_KEYS))
        called = [functions[name] for name in looking.CALLED if name in functions.sizes]
        for role in self.roles.operators:
            for statement in (
                *looking.statements(self, kept, keys, workflow.machine, called),
                *looking.at_replica(self, settings),
            ):
                role.add_to_principal_policy(statement)
        self.outputs = {
            "Name": settings.name,
            "Version": __version__,
            "Bucket": bucket.bucket_name,
            "Root": repository.root,
            "Suites": ",".join(suite.suite for suite in repository.suites),
            "StateMachine": workflow.machine.state_machine_arn,
            "PruneFunction": functions["prune"].function_name,
            "AnnounceFunction": functions["announce"].function_name,
            "SetUpFunction": functions["setup"].function_name,
            "SigningFingerprint": ready.fingerprint,
            "SigningRole": functions.role("sign").role_arn,
            "Uri": uri,
            "LostEvents": trigger.lost.queue_url,
            **_patterns(repository),
            **page.outputs,
            **mirrors.outputs,
        }


def _patterns(repository: Repository) -> dict[str, str]:
    """Apart from the names of suites, which everybody may take for such."""
    named = ",".join(pattern.suite for pattern in repository.patterns)
    return {"SuitePatterns": named} if named else {}
