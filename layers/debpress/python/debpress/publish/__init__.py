"""The steps of a publish, each a function of store, settings and clock.

open -> admit -> queue -> merge -> sign -> commit -> finish; docs/protocol.md says which
interleavings each closes.
"""
