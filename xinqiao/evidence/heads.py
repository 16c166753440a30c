"""How far the log has come: tree heads of signed checkpoints, for whoever dates or keeps them, and what is placed."""

from __future__ import annotations

from xinqiao.evidence.keys import log_keys
from xinqiao.evidence.models import Checkpoint, Entry
from xinqiao.evidence.notes import TreeHead, open_by_any
from xinqiao.evidence.types import NotYetSigned
from xinqiao.plumbing import settings as node


def signed_head(size: int | None = None) -> TreeHead:
    """The head of the checkpoint of a size, by default the last; its signature is checked. Raises NotYetSigned."""
    return open_by_any(checkpoint_note(size), keys=log_keys())[0]


def checkpoint_note(size: int | None = None) -> str:
    """The note of a checkpoint as first signed; raises NotYetSigned when there is none of the size."""
    rows = Checkpoint.objects.order_by("-size")
    row = (rows if size is None else rows.filter(size=size)).first()
    if row is None:
        raise NotYetSigned(source=node.log_origin(), retry=True)
    return str(row.note)


def placed_size() -> int:
    """How many entries have their place in the log, signed or not."""
    # Not Max(): PostgreSQL, whose statistics may say that hardly an entry is placed, then reads the whole index for it.
    rows = Entry.objects.filter(leaf_index__isnull=False).order_by("-leaf_index")
    last = rows.values_list("leaf_index", flat=True).first()
    return 0 if last is None else last + 1
