"""Template tags of coded sentences of the content: what a code says, in the reader's language."""

from __future__ import annotations

from typing import Any

from django import template

from xinqiao.web.words import is_english

register = template.Library()


@register.filter
def said(coded: Any) -> str:
    """The sentence of a code; nothing for none."""
    if not coded:
        return ""
    return str(coded.says_en if is_english() else coded.says)


@register.filter
def next_said(coded: Any) -> str:
    """What to do next, by a code."""
    return str(coded.next_step_en if is_english() else coded.next_step)


@register.filter
def basis_said(rules: Any) -> str:
    """What the rules of a content file rest on."""
    return str(rules.basis_en if is_english() else rules.basis)
