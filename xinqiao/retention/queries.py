"""The rules of retention in force."""

from __future__ import annotations

from xinqiao.plumbing.settings import content_dir
from xinqiao.retention.rules import load_retention
from xinqiao.retention.types import RetentionRules


def retention_rules() -> RetentionRules:
    """The content's ``retention.toml``."""
    return load_retention(content_dir() / "retention.toml")
