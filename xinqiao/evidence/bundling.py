"""Gathering a subject's bundle from the log."""

from __future__ import annotations

from collections.abc import Mapping

from xinqiao.evidence.bundles import Piece, Sources, pack
from xinqiao.evidence.keys import log_key
from xinqiao.evidence.models import Content
from xinqiao.evidence.proofs import receipt_as_json
from xinqiao.evidence.queries import chain_public_key, chain_statement, disclose, receipt
from xinqiao.evidence.tiles import TileFolder
from xinqiao.evidence.types import NotYetSigned
from xinqiao.plumbing import settings as node

PUBLISHED = ("checkpoint", "policy", "vkey.gm")


def evidence_bundle(subject: str, told: Mapping[int, Mapping[str, str]]) -> bytes:
    """The bundle of the entries in ``told`` (entry number → words for a reader), all about ``subject``, as ZIP.

    Raises EntryNotFound, ContentErased, DamagedLog.
    """
    numbers = dict(
        Content.objects.filter(subject=subject, entry_id__in=list(told)).values_list("entry_id", "chain_number")
    )
    pieces = [
        Piece(numbers.get(entry) or 0, receipt_as_json(receipt(entry)), disclose(entry), told[entry])
        for entry in sorted(told)
    ]
    try:
        statement = chain_statement(subject)
    except NotYetSigned:
        statement = None
    tiles = TileFolder(node.evidence_dir())
    files = {name: data for name in PUBLISHED if (data := tiles.read(name)) is not None}
    return pack(Sources(subject, log_key().vkey, chain_public_key(), statement, files), pieces)
