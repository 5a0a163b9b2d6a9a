"""A published repository of anybody's, read as apt reads it: from its signature to its packages.

Pure but for a `Place`, where its files are, and a `Verifier`, who judges its signature.
"""
