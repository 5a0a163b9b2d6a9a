"""The workflow, in Amazon States Language (JSONata). Pure: no construct, no ARN.

`${open}` and its like stand for the functions' ARNs. docs/architecture.md has the table of what
each step is given and returns.
"""

from __future__ import annotations

from typing import Any

# More calls at once than the account may make, which is ten in a new one, and a batch of many
# packages asks for forty: the rest wait their turn. Waits of at most 1, 2, 4, 8, 16, 32 and then
# 60 s (jitter halves them on average): a step gives up after some seven minutes of it. More and
# shorter waits would take more events than an execution may have (MOST_ROUNDS).
_THROTTLED = {
    "ErrorEquals": ["Lambda.TooManyRequestsException"],
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxAttempts": 19,
    "MaxDelaySeconds": 60,
    "JitterStrategy": "FULL",
}

# Lambda itself in trouble. Waits of at most 1, 2, 4, 8, 16, 30 s: a step gives up after 61 s of it.
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

# Any exception: expected outcomes are data, so what is raised is a throttle of S3 or KMS, a reset
# connection, a role's policy that is not in force yet just after a deployment, or a bug. Waits of
# at most 2, 4, 8, 16, 30 s: 60 s, beside the tries themselves.
_ANYTHING = {
    "ErrorEquals": ["States.ALL"],
    "IntervalSeconds": 2,
    "BackoffRate": 2,
    "MaxAttempts": 5,
    "MaxDelaySeconds": 30,
    "JitterStrategy": "FULL",
}

# A batch that has waited and lost so often has met something that is not a race: 200 rounds of a
# second and more. An execution that came to its 25,000 events would end with nobody told. A round
# takes 23 of them and a retry three, so ten retries count as one round more: some 5,000 in all. The
# 151 chunks that there may be (`suite.batch.share_out`) take 97 each, if throttled to the last.
MOST_ROUNDS = 200
_RETRIES = "$sum([$states.context.State.RetryCount]) / 10"

_BROKEN = {
    "ErrorEquals": ["States.ALL"],
    "Assign": {"failure": {"Error": "{% $states.errorOutput.Error %}"}},
    "Next": "Broken",
}

# What an execution ends with that failed. A Fail state would only fail again when it is redriven,
# and a Pass be passed over; but a Choice is evaluated anew (Step Functions guide, "Redrive behavior
# of individual states"). So this one raises an error until its execution has been redriven, and
# then leads back to the beginning: a run done twice is the same as one done once.
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
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": f"${{{step}}}", "Payload": payload},
            "Output": "{% $states.result.Payload %}",
            # A little longer than the function may take, so that its own time-out is the reason.
            "TimeoutSeconds": timeouts[step] + 30,
            "Retry": [_THROTTLED, _SERVICE, _ANYTHING],
            "Next": following,
            **more,
        }

    # Every step is told the execution and the run, for its log, whether its work needs them or not.
    execution = {"execution": "{% $states.context.Execution.Id %}"}
    run = {"suite": "{% $suite %}", "run": "{% $run %}", **execution}
    built = {**run, "suite": "{% $target %}", "generation": "{% $generation %}"}
    chunk = {key: f"{{% $states.input.{key} %}}" for key in ("suite", "run", "chunk")}
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
                },
                # The input, for a redriven execution comes here by another way.
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
                "Output": {},  # What was admitted is noted in the bucket.
                "Catch": [_BROKEN],
                "Next": "Queue",
            },
            "Queue": task("queue", run, "Queued", Catch=[_BROKEN]),
            "Queued": _choice({"queued": "Merge", "rejected": "Rejected"}, "Broken"),
            "Merge": task(
                "merge",
                {**run, "heartbeat": "{% $heartbeat %}"},
                "Merged",
                Assign={
                    "generation": "{% $states.result.Payload.generation ? "
                    "$states.result.Payload.generation : null %}",
                    # A snapshot's generation is of a path of its own.
                    "target": "{% $states.result.Payload.suite ? "
                    "$states.result.Payload.suite : $suite %}",
                    "rounds": f"{{% $rounds + 1 + {_RETRIES} %}}",
                },
                Catch=[_BROKEN],
            ),
            "Merged": _choice(
                {"merged": "Sign", "wait": "Wait", "done": "Published", "rejected": "Rejected"},
                "Broken",
            ),
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
                    {
                        # A set-up has nobody to answer and no status; it failed all the same.
                        "Condition": "{% $outcome = 'failed' and "
                        "$states.input.status != 'published' %}",
                        "Next": "Failed",
                    }
                ],
                "Default": "Done",
            },
            # Without a Default: if this were neither, it would fail as well.
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
