"""What pages of the formula room say: a formula in plain words, a result, what one input can do."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import template
from django.utils.translation import gettext as _

from xinqiao.evaluation.compute import facts_by_code
from xinqiao.formulas.onnx_models import typed
from xinqiao.formulas.queries import reading_of
from xinqiao.formulas.types import Formula, Input
from xinqiao.web.templatetags.xinqiao import name
from xinqiao.web.words import sentence

register = template.Library()


@register.filter
def read_aloud(formula: Formula) -> dict[str, Any]:
    """A formula's terms and the form of its answer in the reader's language."""
    names = {code: name(facts) for code, facts in facts_by_code().items()}
    terms, form = reading_of(formula, names, sentence)
    return {"terms": terms, "form": form}


@register.filter
def as_typed(formula: Formula) -> str:
    """A formula's text; of a model the indicators in order, since its file is no text."""
    return typed(formula.text)


@register.filter
def result_of(result: int | None) -> str:
    """An answer, or that it is not known."""
    return _("未知") if result is None else str(result)


@register.filter
def plain(value: str | Decimal) -> str:
    """An exact number with its thousands apart and no idle zeros."""
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def movers(formula: Formula) -> list[tuple[Any, Mapping[str, Any]]]:
    """Inputs of a formula with what each can do, as the analysis found."""
    facts = facts_by_code()
    return [(facts[code], reach) for code, reach in formula.reach["inputs"].items() if code in facts]


@register.filter
def grain_of(one: Input) -> str:
    """In which grain an input is read."""
    return _("精确值") if not one.closed else plain(one.grain)
