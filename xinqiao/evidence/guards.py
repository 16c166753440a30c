"""Triggers that keep the log append-only even against a fault of the program or a hand on the database.

They are the first line only. Whoever can drop a trigger can still not change the past unseen: the tree root
would no longer be the one under checkpoints that others hold.
"""

from __future__ import annotations

from typing import Any

ENTRY, CHECKPOINT, CONTENT, ERASURE = "evidence_entry", "evidence_checkpoint", "evidence_content", "evidence_erasure"
_COLUMNS = ("id", "at", "event", "leaf")
_CHANGED = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _COLUMNS)
_PLACED_ONCE = "OLD.leaf_index IS NOT NULL OR NEW.leaf_index IS NULL"

_SQLITE = {
    "entry_no_update": f"BEFORE UPDATE ON {ENTRY} WHEN {_PLACED_ONCE} OR {_CHANGED}",
    "entry_no_delete": f"BEFORE DELETE ON {ENTRY}",
    "checkpoint_no_update": f"BEFORE UPDATE ON {CHECKPOINT}",
    "checkpoint_no_delete": f"BEFORE DELETE ON {CHECKPOINT}",
    "content_no_update": f"BEFORE UPDATE ON {CONTENT}",
    "content_no_delete": f"BEFORE DELETE ON {CONTENT} WHEN NOT EXISTS "
    f"(SELECT 1 FROM {ERASURE} WHERE {ERASURE}.subject_key = OLD.subject_key)",
    "erasure_no_update": f"BEFORE UPDATE ON {ERASURE}",
    "erasure_no_delete": f"BEFORE DELETE ON {ERASURE}",
}

_NEW, _OLD = (", ".join(f"{side}.{name}" for name in _COLUMNS) for side in ("NEW", "OLD"))

_POSTGRESQL = f"""
CREATE FUNCTION evidence_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'evidence is append-only: % of % refused', TG_OP, TG_TABLE_NAME;
END $$;
CREATE FUNCTION evidence_erase_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM evidence_erasure e WHERE e.subject_key = OLD.subject_key) THEN
        RAISE EXCEPTION 'evidence is append-only: contents go only with the erasure of their subject';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER entry_place_once BEFORE UPDATE ON evidence_entry
    FOR EACH ROW WHEN ({_PLACED_ONCE} OR ({_NEW}) IS DISTINCT FROM ({_OLD}))
    EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER entry_no_delete BEFORE DELETE ON evidence_entry
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER entry_no_truncate BEFORE TRUNCATE ON evidence_entry
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER checkpoint_no_change BEFORE UPDATE OR DELETE ON evidence_checkpoint
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER checkpoint_no_truncate BEFORE TRUNCATE ON evidence_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER content_no_change BEFORE UPDATE ON evidence_content
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER content_erase_only BEFORE DELETE ON evidence_content
    FOR EACH ROW EXECUTE FUNCTION evidence_erase_only();
CREATE TRIGGER content_no_truncate BEFORE TRUNCATE ON evidence_content
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_refuse();
CREATE TRIGGER erasure_no_change BEFORE UPDATE OR DELETE ON evidence_erasure
    FOR EACH ROW EXECUTE FUNCTION evidence_refuse();
"""


def install(connection: Any) -> None:
    """Create the triggers on a Django database connection (SQLite or PostgreSQL)."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL)
            return
        for name, rule in _SQLITE.items():
            refusal = "BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END"
            cursor.execute(f"CREATE TRIGGER {name} {rule} {refusal}")


def remove(connection: Any) -> None:
    """Drop the triggers: to reverse the migration, and to empty a test database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for function in ("evidence_refuse", "evidence_place_once", "evidence_erase_only"):
                cursor.execute(f"DROP FUNCTION IF EXISTS {function} CASCADE")
            return
        for name in _SQLITE:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
