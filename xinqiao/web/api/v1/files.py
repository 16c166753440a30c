"""Files inside JSON bodies."""

from __future__ import annotations

import base64

from xinqiao.kernel.errors import Invalid, Phrase, Problem


def bytes_of(text: str, name: str, *, error: type[Invalid]) -> bytes:
    """The bytes of a base64 text; raises ``error`` naming the file."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as reason:
        raise error([Problem(field=name, code="file.base64", message=Phrase("不是 base64"))]) from reason
