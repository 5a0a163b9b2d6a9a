"""What `make check` runs beside lint and types, in an environment of its own."""
