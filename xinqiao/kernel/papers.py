"""What an application or a dispute may bring: words of some length, and papers that any office can open."""

from __future__ import annotations

from xinqiao.kernel.errors import Phrase, Problem

LONGEST, MOST_BYTES = 1000, 5 << 20
KINDS = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png"}
MEDIA_TYPES = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png"}


def kind_of(data: bytes) -> str | None:
    """The kind of a file by how it begins, whatever its name says; None for what is not taken."""
    return next((kind for mark, kind in KINDS.items() if data.startswith(mark)), None)


def paper_problems(name: str, data: bytes, *, code: str) -> list[Problem]:
    """What is wrong with a file, under ``code``.file_size or ``code``.file_kind."""
    if len(data) > MOST_BYTES:
        return [Problem(field=name, code=f"{code}.file_size", message=Phrase("文件超过 5 MB"))]
    if kind_of(data) is None:
        return [Problem(field=name, code=f"{code}.file_kind", message=Phrase("不是 PDF、JPG 或 PNG"))]
    return []


def words_problems(text: str, *, code: str) -> list[Problem]:
    """What is wrong with an explanation, under ``code``.text."""
    if 1 <= len(text.strip()) <= LONGEST:
        return []
    said = Phrase("说明为 1 至 {most} 字，现有 {count} 字", most=LONGEST, count=len(text.strip()))
    return [Problem(field="text", code=f"{code}.text", message=said)]
