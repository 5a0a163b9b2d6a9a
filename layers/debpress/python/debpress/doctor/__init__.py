"""Judges a deployed press: each module has the facts of one idea, and a pure check of them.

The adapters gather the facts (`debpress.adapters.deployed`), the command prints the findings. A
question that AWS did not answer is a fact, too (`Unseen`), so no check stops the others.
"""
