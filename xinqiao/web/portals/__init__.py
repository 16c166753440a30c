"""Portals: one folder per kind of user."""
