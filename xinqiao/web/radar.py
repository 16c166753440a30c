"""A radar of dimensions beside the median of peers, as SVG made here: no script, and a table says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import cos, pi, sin
from typing import Any

from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from xinqiao.evaluation.profile import Axis
from xinqiao.evaluation.queries import profile_of
from xinqiao.web.templatetags.xinqiao import words

SIZE, REACH = 360, 120  # pixels across, and from the middle to 100 per cent
RINGS = (25, 50, 75, 100)


def radar(axes: Sequence[Axis], *, title: str) -> SafeString:
    """The drawing; empty for fewer than three axes. An axis of which nothing is known has no corner."""
    if len(axes) < 3:
        return SafeString("")
    rings = format_html_join(
        "", '<polygon points="{}" fill="none" stroke="#c9cdd2"/>', ((_points([r] * len(axes)),) for r in RINGS)
    )
    names = format_html_join(
        "",
        '<text x="{}" y="{}" font-size="12" text-anchor="{}">{}</text>',
        (_label(number, len(axes), words(axis.name)) for number, axis in enumerate(axes)),
    )
    shapes = format_html_join(
        "",
        '<polygon points="{}" fill="{}" fill-opacity="0.15" stroke="{}" stroke-width="2" stroke-dasharray="{}"/>',
        (
            (_points(values), colour, colour, dash)
            for values, colour, dash in (
                ([a.median for a in axes], "#6b7280", "5 4"),
                ([a.percent for a in axes], "#1d4ed8", "none"),
            )
        ),
    )
    return format_html(
        '<svg viewBox="0 0 {} {}" width="{}" role="img" aria-label="{}">{}{}{}</svg>',
        SIZE, SIZE, SIZE, title, rings, shapes, names,
    )  # fmt: skip


def _points(values: Sequence[int | None]) -> str:
    places = [_place(n, len(values), value) for n, value in enumerate(values) if value is not None]
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _place(number: int, count: int, percent: float) -> tuple[float, float]:
    angle = 2 * pi * number / count - pi / 2
    return SIZE / 2 + REACH * percent / 100 * cos(angle), SIZE / 2 + REACH * percent / 100 * sin(angle)


def _label(number: int, count: int, text: str) -> tuple[str, str, str, str]:
    x, y = _place(number, count, 114)
    anchor = "middle" if abs(x - SIZE / 2) < 20 else "start" if x > SIZE / 2 else "end"
    return f"{x:.1f}", f"{y + 4:.1f}", anchor, text


def profiled(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The profile that an answer of the gate gives, and its drawing, for a page that shows the answer."""
    found = profile_of(answer, on=timezone.localdate())
    return {"profile": found, "radar": radar(found.axes, title=_("各维度与同行中位数"))}
