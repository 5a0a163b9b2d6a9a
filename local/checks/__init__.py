"""The checks of `make check` beside lint and types, which run in an environment of their own."""
