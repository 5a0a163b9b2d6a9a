"""The workflow, in Amazon States Language (JSONata). Pure: no construct, no ARN.

`${open}`, `${merge}` and so on stand for the functions' ARNs, `${Partition}` for `aws` or another.
docs/architecture.md has the table of what each step is given and returns.
"""

from __future__ import annotations

from typing import Any

from debpress.suite.leading import PATIENCE

# Lambda throttles calls beyond the account's concurrency, which is ten in a new account, while a
# batch of many packages makes forty at once: the others retry until it is their turn. Waits of at
# most 1, 2, 4, 8, 16, 32 and then 60 s (jitter halves them on average), so a step gives up after
# some seven minutes. More and shorter waits would take more events than an execution may have
# (MOST_ROUNDS).
_THROTTLED = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxAttempts": 19,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}

# Errors of the Lambda service. Waits of at most 1, 2, 4, 8, 16, 30 s: a step gives up after 61 s.
_SERVICE = {
    "ErrorEquals": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
    ],
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxAttempts": 6,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}

# Any exception of a function. Expected outcomes are returned and not raised, so an exception is a
# throttle of S3 or KMS, a reset connection, a role's policy that is not in force yet just after a
# deployment, or a bug. Waits of at most 2, 4, 8, 16, 30 s: 60 s, beside the tries themselves.
_ANYTHING = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}

# A wait to be told that is over is not tried again: the batch merges by itself.
_UNTOLD = {"ErrorEquals": ["States.Timeout"], "MaxAttempts": 0}

# How often a batch may wait for others or lose the race before it fails: 200 rounds, of a second at
# least, are no race any more. The limit keeps an execution below the 25,000 events that Step
# Functions allows, beyond which it would be ended without any result for CI. A round takes 23
# events and a retry three, so ten retries count as one more round: some 5,000 events in all. The at
# most 151 chunks (`suite.batch.share_out`) take 97 events each, if throttled to the last try.
MOST_ROUNDS = 200
_RETRIES = "$sum([$states.context.State.RetryCount]) / 10"

_BROKEN = {
    "ErrorEquals": ["States.ALL"],
    "Assign": {"failure": {"Error": "{% $states.errorOutput.Error %}"}},
    "Next": "Broken",
}

# A failed execution ends in a Choice that raises an error, so that it can be redriven as a whole. A
# redriven Fail state would fail again, and a Pass would go on from there; but a Choice is evaluated
# anew (Step Functions guide, "Redrive behavior of individual states"). This one raises an error
# unless the execution was redriven; then it leads back to the beginning. A run that is done twice
# has the same effect as one done once.
_REDRIVES = (
    "($exists($states.context.Execution.RedriveCount) ? $states.context.Execution.RedriveCount : 0)"
)
_REDRIVEN = (
    f"{{% {_REDRIVES} > $redrives ? true : $error('Debpress.Failed: a step failed after all its "
    "retries; the history says which, and why. When the reason is gone, redrive this execution') "
    "%}"
)


def definition(timeouts: dict[str, int]) -> dict[str, Any]:
    """The state machine; `timeouts` are the functions' own, in seconds."""

    def task(step: str, payload: Any, following: str, **more: Any) -> dict[str, Any]:
        return {
            "Type": "Task",
            "Resource": "arn:${Partition}:states:::lambda:invoke",
            "Arguments": {"FunctionName": f"${{{step}}}", "Payload": payload},
            "Output": "{% $states.result.Payload %}",
            # A little longer than the function's time-out, so that Lambda's error is the one seen.
            "TimeoutSeconds": timeouts[step] + 30,
            "Retry": [_THROTTLED, _SERVICE, _ANYTHING],
            "Next": following,
            **more,
        }

    # Every step is given the execution and the run, since the lines of its log carry them.
    execution = {"execution": "{% $states.context.Execution.Id %}"}
    run = {"suite": "{% $suite %}", "run": "{% $run %}", **execution}
    built = {**run, "suite": "{% $target %}", "generation": "{% $generation %}"}
    chunk = {key: f"{{% $states.input.{key} %}}" for key in ("suite", "run", "chunk")}
    waiting = {**run, "token": "{% $states.context.Task.Token %}"}
    retried = {"rounds": f"{{% $rounds + {_RETRIES} %}}"}
    admit = task("admit", {**chunk, **execution}, "")
    del admit["Next"]
    admit["End"] = True
    return {
        "Comment": "debpress: from a manifest to a published suite",
        "QueryLanguage": "JSONata",
        "StartAt": "Begin",
        "States": {
            "Begin": {
                "Type": "Pass",
                "Assign": {
                    "generation": None,
                    "target": None,
                    "failure": None,
                    "rounds": 0,
                    "redrives": 0,
                    "heartbeat": False,
                    "queued": False,
                    "lead": False,
                },
                # The execution's input and not this state's: a redriven execution comes here from
                # its last state.
                "Output": "{% $states.context.Execution.Input %}",
                "Next": "What started",
            },
            "What started": {
                "Type": "Choice",
                "Choices": [{"Condition": "{% $exists($states.input.suite) %}", "Next": "Set up"}],
                "Default": "Open",
            },
            "Set up": {
                "Type": "Pass",
                "Assign": {
                    "suite": "{% $states.input.suite %}",
                    "run": None,
                    "heartbeat": "{% $states.input.heartbeat = true %}",
                },
                "Next": "Merge",
            },
            "Open": task(
                "open",
                {
                    "event": "{% $states.input %}",
                    **execution,
                    "started_at": "{% $states.context.Execution.StartTime %}",
                },
                "Opened",
                Assign={
                    "suite": "{% $states.result.Payload.suite %}",
                    "run": "{% $states.result.Payload.run %}",
                },
            ),
            "Opened": _choice({"opened": "Admit", "rejected": "Rejected"}, "Done"),
            "Admit": {
                "Type": "Map",
                "Items": "{% $states.input.chunks %}",
                "MaxConcurrency": 40,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "INLINE"},
                    "StartAt": "Admit packages",
                    "States": {"Admit packages": admit},
                },
                "Output": {},  # The verdicts are in the bucket, so nothing is passed on.
                "Catch": [_BROKEN],
                "Next": "Merge",
            },
            "Merge": task(
                "merge",
                {
                    **run,
                    **{each: f"{{% ${each} %}}" for each in ("heartbeat", "queued", "lead")},
                },
                "Merged",
                Assign={
                    "queued": True,
                    "generation": "{% $states.result.Payload.generation ? "
                    "$states.result.Payload.generation : null %}",
                    # A snapshot's generation belongs to the snapshot's path, not to the suite's.
                    "target": "{% $states.result.Payload.suite ? "
                    "$states.result.Payload.suite : $suite %}",
                    "rounds": f"{{% $rounds + 1 + {_RETRIES} %}}",
                },
                Catch=[_BROKEN],
            ),
            "Merged": _choice(
                {"merged": "Sign", "wait": "Queue", "done": "Published", "rejected": "Rejected"},
                "Broken",
            ),
            # Costs nothing while it waits. Whoever leads calls SendTaskSuccess with the token; if
            # nobody does, the batch merges by itself.
            "Queue": task(
                "queue",
                waiting,
                "Told",
                Resource="arn:${Partition}:states:::lambda:invoke.waitForTaskToken",
                Output="{% $states.result %}",
                Assign={"lead": True},
                TimeoutSeconds=int(PATIENCE.total_seconds()),
                Retry=[_UNTOLD, _THROTTLED, _SERVICE, _ANYTHING],
                Catch=[
                    {"ErrorEquals": ["States.Timeout"], "Assign": {"lead": True}, "Next": "Again"},
                    _BROKEN,
                ],
            ),
            "Told": _choice({"answered": "Done", "again": "Again"}, "Broken"),
            "Sign": task("sign", built, "Commit", Assign=retried, Catch=[_BROKEN]),
            "Commit": task("commit", built, "Committed", Assign=retried, Catch=[_BROKEN]),
            "Committed": _choice({"committed": "Published", "lost": "Wait"}, "Broken"),
            "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Again"},
            "Again": {
                "Type": "Choice",
                "Choices": [{"Condition": f"{{% $rounds < {MOST_ROUNDS} %}}", "Next": "Merge"}],
                "Default": "Broken",
            },
            "Published": _ending("published"),
            "Rejected": _ending("rejected"),
            "Broken": _ending("failed", redrives=f"{{% {_REDRIVES} %}}"),
            "Finish": task(
                "finish",
                {
                    **run,
                    "outcome": "{% $outcome %}",
                    "generation": "{% $generation %}",
                    "target": "{% $target %}",
                    "error": "{% $failure %}",
                },
                "Finished",
            ),
            "Finished": {
                "Type": "Choice",
                "Choices": [
                    {"Condition": "{% $exists($states.input.next) %}", "Next": "Next suite"},
                    {
                        # A set-up has no run, hence no result and no status; but it can fail, too.
                        "Condition": "{% $outcome = 'failed' and "
                        "$states.input.status != 'published' %}",
                        "Next": "Failed",
                    },
                ],
                "Default": "Done",
            },
            # A batch for several suites stands in the queue of the next of them by now.
            "Next suite": {
                "Type": "Pass",
                "Assign": {
                    "suite": "{% $states.input.next.suite %}",
                    "run": "{% $states.input.next.run %}",
                    "generation": None,
                    "target": None,
                    "failure": None,
                    "queued": True,
                    "lead": False,
                },
                "Next": "Merge",
            },
            # It needs no Default: a Choice of which nothing matches fails, which is right here.
            "Failed": {
                "Type": "Choice",
                "Choices": [{"Condition": _REDRIVEN, "Next": "Begin"}],
            },
            "Done": {"Type": "Succeed"},
        },
    }


def _choice(ways: dict[str, str], otherwise: str) -> dict[str, Any]:
    return {
        "Type": "Choice",
        "Choices": [
            {"Condition": f"{{% $states.input.outcome = '{outcome}' %}}", "Next": state}
            for outcome, state in ways.items()
        ],
        "Default": otherwise,
    }


def _ending(outcome: str, **more: str) -> dict[str, Any]:
    return {"Type": "Pass", "Assign": {"outcome": outcome, **more}, "Next": "Finish"}
