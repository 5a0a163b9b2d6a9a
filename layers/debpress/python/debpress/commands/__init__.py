"""The `debpress` command. Each subcommand is a module, which leaves the work to other packages."""
