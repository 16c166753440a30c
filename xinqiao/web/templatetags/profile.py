"""Words of a profile: confidence, and which date or field of which item."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext as _

from xinqiao.sharing.queries import item_ever
from xinqiao.web.templatetags.xinqiao import name

register = template.Library()


@register.filter
def confidence(code: str) -> str:
    """How far a profile can be relied on."""
    return {"high": _("高"), "medium": _("中"), "low": _("低")}[code]


@register.filter
def event_words(thing: Any) -> str:
    """The item and the field that an event or a relation comes from."""
    return _words(thing.item, thing.field)


@register.filter
def group_words(group: str) -> str:
    """The same for a group of relations."""
    return _words(*group.split(":"))


def _words(item_code: str, field_code: str) -> str:
    item = item_ever(item_code)
    field = item.field(field_code)
    return f"{name(item)} · {name(field)}"
