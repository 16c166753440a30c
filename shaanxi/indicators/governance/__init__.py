"""Governance and related parties (治理与关联): who owns the enterprise and what was paid in."""
