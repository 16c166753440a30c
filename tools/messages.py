"""Compiles the translations (``locale/*/LC_MESSAGES/django.po`` → ``.mo``): ``python -m tools.messages``."""

from __future__ import annotations

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[1]


def compile_messages() -> list[Path]:
    """Write every catalogue that is older than its source; returns those written."""
    written = []
    for source in sorted(ROOT.glob("locale/*/LC_MESSAGES/django.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        with source.open("rb") as stream:
            catalogue = read_po(stream)
        with target.open("wb") as stream:
            write_mo(stream, catalogue)
        written.append(target)
    return written


if __name__ == "__main__":
    for path in compile_messages():
        print(path.relative_to(ROOT))
