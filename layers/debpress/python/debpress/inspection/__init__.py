"""Inspects a repository: its packages, its history, its waiting batches, and its integrity.

Reads the store and writes nothing.
"""
