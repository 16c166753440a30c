"""Ports to sources. The wire formats are our own: the platforms' interfaces are not public (see docs/how-to)."""
