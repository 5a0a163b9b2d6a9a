"""The `debpress` command: one module a subcommand, each a thin front over the packages below."""
