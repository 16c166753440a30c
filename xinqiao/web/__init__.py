"""Web: portals for each kind of user and the versioned API. Imports actions, queries and types; no tables."""
