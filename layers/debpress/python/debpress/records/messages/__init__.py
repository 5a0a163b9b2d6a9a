"""The input that the state machine gives each step, and the output that the step returns.

By `outcome` the machine chooses its next state. `execution` (and for sign and commit `run`) is only
for the log, whose lines all carry it (see `debpress.adapters.logs`). Messages hold names and
numbers, never content: Step Functions takes at most 256 KiB a state ("Service quotas").
docs/architecture.md has the table of messages; a test compares them with the machine's definition.

A module for each step, so that a function imports those of its own.
"""
