"""Reading the list in force. Every process looks again several times a second, so a change counts at once."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

from xinqiao.catalogue.changes import carries
from xinqiao.catalogue.load import list_files, load_catalogue, parse_catalogue
from xinqiao.catalogue.types import Catalogue, Item, UnknownItem
from xinqiao.plumbing.settings import content_dir
from xinqiao.sharing.models import ListRow
from xinqiao.sharing.types import ListMoved, ListVersion, UnknownList

LOOK_AGAIN = 0.25  # seconds for which a process believes what it read

_believed: tuple[float, Catalogue] | None = None
_supposed: ContextVar[Catalogue | None] = ContextVar("listed", default=None)


@contextmanager
def as_listed(known: datetime) -> Iterator[None]:
    """Inside of it the list in force is the one that was at an instant: what was done then can be done again."""
    row = ListRow.objects.filter(in_force_at__lte=known).order_by("-number").values_list("number", "sha256").first()
    token = _supposed.set(_parsed(*row) if row else load_catalogue(content_dir()))
    try:
        yield
    finally:
        _supposed.reset(token)


def current_list() -> Catalogue:
    """The list in force: the version last put in force; on a node that never did so, that of the content package."""
    global _believed
    if (supposed := _supposed.get()) is not None:
        return supposed
    held, at = _believed, time.monotonic()
    if held is not None and at - held[0] < LOOK_AGAIN:
        return held[1]
    newest = _newest()
    found = _parsed(*newest) if newest else load_catalogue(content_dir())
    _believed = (at, found)
    return found


def is_in_force(listed: Catalogue) -> bool:
    """Whether a list that was read is still the one in force; asks the database, whatever this process believes."""
    newest = _newest()
    return newest is None or newest[1] == listed.sha256


def _newest() -> tuple[int, str] | None:
    """Number and digest of the version in force, as the database has it now."""
    return ListRow.objects.order_by("-number").values_list("number", "sha256").first()


def forget() -> None:
    """Look again at the next question: this process has just changed the list."""
    global _believed
    _believed = None


@lru_cache(maxsize=8)
def _parsed(number: int, sha256: str) -> Catalogue:
    """A version as a catalogue; the digest is asked for so that a database that begins anew is not mistaken."""
    return parse_catalogue(ListRow.objects.get(number=number, sha256=sha256).files)


def list_of(sha256: str) -> Catalogue:
    """The list of that digest, whenever it was in force; raises UnknownList."""
    found = load_catalogue(content_dir())
    if found.sha256 == sha256:
        return found
    row = ListRow.objects.filter(sha256=sha256).order_by("-number").values_list("number", "sha256").first()
    if row is None:
        raise UnknownList(version=sha256[:12])
    return _parsed(*row)


def not_listed(declared: Iterable[Item]) -> frozenset[str]:
    """Codes of the items, as the content's formulas know them, that the list in force does not hold or holds otherwise.

    Nothing may be computed from what is recorded of them.
    """
    listed = {item.code: item for item in current_list()}
    return frozenset(i.code for i in declared if i.code not in listed or not carries(listed[i.code], i))


def check_listed(item: Item) -> None:
    """Whether a declaration is the one in force, for who acts on it after some time; raises UnknownItem, ListMoved."""
    held = version_in_force()
    if held is not None and current_list().item(item.code) != item:
        raise ListMoved(number=held.number)


def item_ever(code: str) -> Item:
    """The item as listed now, else as last listed: what has happened names items that may have left the list.

    Raises UnknownItem when no version ever held it.
    """
    try:
        return current_list().item(code)
    except UnknownItem:
        return _former(code, ListRow.objects.count())


@lru_cache(maxsize=256)
def _former(code: str, versions: int) -> Item:
    for row in ListRow.objects.order_by("-number")[:versions].iterator():
        try:
            return _parsed(row.number, row.sha256).item(code)
        except UnknownItem:
            continue
    return load_catalogue(content_dir()).item(code)


def listed_since(code: str) -> datetime | None:
    """When an item came onto the list as it stands on it now without a gap; None before the first version."""
    since = None
    for number, sha256, at in ListRow.objects.order_by("-number").values_list("number", "sha256", "in_force_at"):
        if code not in _codes(number, sha256):
            break
        since = at
    return since


def codes_ever() -> frozenset[str]:
    """Codes of every item that any version held."""
    rows = ListRow.objects.values_list("number", "sha256")
    return frozenset[str]().union(*(_codes(number, sha256) for number, sha256 in rows))


def declared_ever() -> tuple[Item, ...]:
    """Every different declaration of an item that any version held, the newest first."""
    found = list[Item]()
    for number, sha256 in ListRow.objects.order_by("-number").values_list("number", "sha256"):
        held = set(found)
        found += [item for item in _parsed(number, sha256) if item not in held]
    return tuple(found)


@lru_cache(maxsize=64)
def _codes(number: int, sha256: str) -> frozenset[str]:
    return frozenset(item.code for item in _parsed(number, sha256))


def list_versions() -> list[ListVersion]:
    """Every version that was in force, the newest first."""
    return [as_version(row) for row in ListRow.objects.defer("files").order_by("-number")]


def version_in_force() -> ListVersion | None:
    """The version in force, or None on a node that uses its content package's list."""
    row = ListRow.objects.defer("files").order_by("-number").first()
    return as_version(row) if row else None


def get_version(number: int) -> ListVersion:
    """One version; raises UnknownList."""
    return as_version(_row(number))


def catalogue_of(number: int) -> Catalogue:
    """The list of a version; raises UnknownList."""
    return _parsed(number, _row(number).sha256)


def files_in_force() -> dict[str, str]:
    """The files of the list in force: name → text."""
    row = ListRow.objects.order_by("-number").first()
    return dict(row.files) if row else list_files(content_dir())


def signed_list(number: int) -> dict[str, Any]:
    """A version for whoever wants to hold or check it: the document with all files, and the node's signature over it.

    The signature is a note over the SHA-256 of the document's canonical JSON, of kind ``sharing-list``. Raises
    UnknownList.
    """
    row = _row(number)
    return {"v": 1, "document": document_of(as_version(row), row.files), "signature": row.signature}


def document_of(version: ListVersion, files: Mapping[str, str]) -> dict[str, Any]:
    """What is signed of a version."""
    return {
        "v": 1,
        "number": version.number,
        "sha256": version.sha256,
        "replaces": version.replaces,
        "reason": version.reason,
        "in_force_at": version.in_force_at.isoformat(),
        "proof_sha256": version.proof_sha256,
        "files": dict(files),
    }


def as_version(row: ListRow) -> ListVersion:
    """Facts of a row."""
    return ListVersion(
        number=row.number,
        sha256=row.sha256,
        replaces=row.replaces,
        reason=row.reason,
        proposed_by=row.proposed_by,
        approved_by=row.approved_by,
        proof_sha256=row.proof_sha256,
        in_force_at=row.in_force_at,
        entry=row.entry,
    )


def _row(number: int) -> ListRow:
    row = ListRow.objects.filter(number=number).first()
    if row is None:
        raise UnknownList(version=number)
    return row
