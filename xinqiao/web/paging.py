"""Keyset paging: an opaque cursor instead of a page number, so that any page costs the same."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest

from xinqiao.kernel.canonical import base64url_text
from xinqiao.kernel.errors import Invalid, Problem
from xinqiao.release.queries import list_accesses
from xinqiao.release.types import Access

PAGE = 30
KEY = re.compile(r"[\w-]{1,40}", re.ASCII)


class InvalidCursor(Invalid):
    """The cursor was not made by this node."""

    code = "web.invalid_cursor"
    title = "翻页标记无效"
    next_step = "请从第一页重新开始"


def encode_cursor(at: datetime, key: str) -> str:
    """The place after a line, as an opaque text."""
    return base64url_text(f"{at.isoformat()}|{key}".encode())


def decode_cursor(cursor: str) -> tuple[datetime, str]:
    """The (time, key) of a cursor; raises InvalidCursor."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        at, _, key = text.partition("|")
        if not KEY.fullmatch(key):
            raise ValueError(key)
        return datetime.fromisoformat(at).astimezone(UTC), key
    except (ValueError, OverflowError) as error:
        raise InvalidCursor([Problem(field="cursor", code="cursor", message=cursor[:40])]) from error


def next_cursor(rows: list[Access], limit: int) -> str | None:
    """The cursor after the last of ``rows``, or None when there is no more; ``rows`` holds one beyond ``limit``."""
    return encode_cursor(rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None


def access_page(request: HttpRequest, *, enterprise: str | None = None, recipient: str | None = None) -> dict[str, Any]:
    """Context of a page of the ledger, with the filter for refused lines."""
    refused = request.GET.get("only") == "refused"
    cursor = request.GET.get("cursor")
    rows = list_accesses(
        enterprise=enterprise,
        recipient=recipient,
        allowed=False if refused else None,
        before=decode_cursor(cursor) if cursor else None,
        limit=PAGE + 1,
    )
    return {"accesses": rows[:PAGE], "next": next_cursor(rows, PAGE), "refused": refused, "first": not cursor}
