"""The steps, named as the workflow names them: each reads, lets the rules decide, and writes.

open, admit, queue, merge, sign, commit and finish are a publish, in this order; reap, prune, set_up
and rotate are called by a schedule, a deployment or an operator. docs/protocol.md says which races
the order of their writes closes. None imports another.
"""
