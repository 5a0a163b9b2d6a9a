"""The index engine: Packages as content-defined blocks, so that a change costs what it touches."""
