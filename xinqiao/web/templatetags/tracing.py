"""The line above an item: where it comes from and when it last came, in the choices of the read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import template
from django.template.context import Context

from xinqiao.tracing.types import BlockMark
from xinqiao.web.templatetags.xinqiao import moment, name
from xinqiao.web.words import translate

register = template.Library()


@register.simple_tag(takes_context=True)
def delivered(context: Context, item: Any, block: Any) -> str:
    """Department and last delivery of an item; a recipient's page has ``marks``, an enterprise's own has none."""
    marks: Callable[[str], BlockMark] | None = context.get("marks")
    mark = marks(item.list_code) if marks else BlockMark()
    label = translate("最新归集") if mark.latest else translate("最近归集")
    at = moment(block.get("delivered_at"))
    return f"{name(item.department)} {'|' if mark.bar else '·'} {label} {at.replace('-', '/') if mark.slash else at}"
