"""Locks by name, held until the transaction ends."""

from __future__ import annotations

import hashlib

from django.db import connection


def hold_name(name: str) -> None:
    """Let one transaction at a time act under ``name``; call inside ``transaction.atomic()``.

    For rules over rows that may not exist yet ("one a month"), where there is nothing to lock. SQLite needs no
    lock: a writing transaction has the database for itself from its first statement (BEGIN IMMEDIATE).
    """
    if connection.vendor == "postgresql":
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])
