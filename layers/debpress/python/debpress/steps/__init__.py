"""The steps of the workflow. Each reads stored state, lets `debpress.suite` decide, and writes.

open, admit, queue, merge, sign, commit and finish publish a batch, in this order; reap, prune,
set_up and rotate are called by a schedule, a deployment or an operator. docs/protocol.md says which
races the order of their writes closes. No step imports another.
"""
