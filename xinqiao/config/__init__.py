"""Config: the one place of assembly (settings, routes, command line)."""
