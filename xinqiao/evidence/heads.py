"""Tree heads of signed checkpoints, for whoever dates or keeps them elsewhere."""

from __future__ import annotations

from xinqiao.evidence.keys import log_keys
from xinqiao.evidence.models import Checkpoint
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
