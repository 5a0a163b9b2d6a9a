"""The rules of a suite: what a batch or an operation makes of it, and what may not be.

Pure decisions over records and indices. What is not at hand (an index, another suite's release,
whether a package is still there) is asked of a `Loader`; nothing here writes.
"""
