"""Looking at a repository: what it lists, how it came to be, what waits, whether it is whole.

Reads the store and writes nothing.
"""
