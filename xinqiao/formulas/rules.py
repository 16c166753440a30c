"""Whether a formula may be taken, what it reads, in which grain, and what its answers may tell. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise
from typing import Any

from xinqiao.formulas.checking import analyse, inputs_of, walk
from xinqiao.formulas.evaluating import EXACT
from xinqiao.formulas.onnx_models import is_model, take_model
from xinqiao.formulas.parsing import COMPARISONS, Unreadable, parse
from xinqiao.formulas.refusals import AnotherPersonReviews, InvalidFormula, ReviewReasonNeeded
from xinqiao.formulas.types import (
    Charge,
    Checked,
    Fault,
    FormulaLimits,
    FormulaState,
    Grain,
    Input,
    Inputs,
    Node,
    Output,
    OutputKind,
    Reach,
    Type,
)
from xinqiao.kernel.errors import Phrase, Problem
from xinqiao.kernel.transitions import Transitions

TRANSITIONS = Transitions(
    {
        FormulaState.SUBMITTED: {
            "approve": FormulaState.APPROVED,
            "reject": FormulaState.REJECTED,
            "retire": FormulaState.RETIRED,
        },
        FormulaState.APPROVED: {"retire": FormulaState.RETIRED},
        FormulaState.REJECTED: {},
        FormulaState.RETIRED: {},
    },
    names={"approve": "通过", "reject": "退回", "retire": "停用", **{s: s.label for s in FormulaState}},
)
MOST_CUT, MOST_BOUND = Decimal(10) ** 18, 10**9
NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,6})?", re.ASCII)


def take(text: str, output: Mapping[str, Any], inputs: Inputs, limits: FormulaLimits) -> Checked:
    """The formula, checked in full. Raises InvalidFormula with every fault found, each with its place."""
    faults: list[Fault] = []
    shaped = read_output(output, limits, faults)
    tree = reach = None
    if is_model(text):
        tree, reach, found = take_model(text, inputs, limits)
        if faults + found or tree is None or reach is None or shaped is None:
            raise InvalidFormula(_problems("", faults + found))
        return Checked(tree, shaped, tuple(inputs[code] for code in inputs_of(tree)), reach)
    try:
        tree = parse(text, limits)
        reach, found = analyse(tree, inputs, limits)
        faults += found
    except Unreadable as stopped:
        faults.append(stopped.fault)
    if tree and reach:
        faults += _general(tree, reach, limits)
        if shaped and not faults:
            faults += leaks(tree, reach, shaped, inputs, limits)
    if faults or tree is None or reach is None or shaped is None:
        raise InvalidFormula(_problems(text, faults))
    return Checked(tree, shaped, tuple(inputs[code] for code in inputs_of(tree)), reach)


def _problems(text: str, faults: Iterable[Fault]) -> list[Problem]:
    return [Problem(field=_place(text, f.at), code=f.code, message=f.message) for f in faults]


def _place(text: str, at: int) -> str:
    """Line and column of a character, from 1; the output's own faults have no place."""
    if at < 0:
        return "output"
    before = text[:at]
    return f"{before.count(chr(10)) + 1}:{at - before.rfind(chr(10))}"


def _general(tree: Node, reach: Reach, limits: FormulaLimits) -> list[Fault]:
    read = inputs_of(tree)
    if reach.type is not Type.NUMBER:
        return [Fault(tree.at, "type", Phrase("公式的结果应是“数”，写的是“{got}”", got=reach.type.label))]
    if not read:
        return [Fault(tree.at, "constant", Phrase("公式没有用到任何指标"))]
    if len(read) > limits.most_inputs:
        return [Fault(tree.at, "inputs", Phrase("最多用 {most} 个指标", most=limits.most_inputs))]
    return []


def read_output(raw: Mapping[str, Any], limits: FormulaLimits, faults: list[Fault]) -> Output | None:
    """The declared output; what is wrong with it is added to ``faults``."""
    try:
        kind = OutputKind(str(raw.get("kind")))
    except ValueError:
        faults.append(Fault(-1, "output", Phrase("输出应是 bands（分档）或 score（评分）")))
        return None
    return _bands(raw, limits, faults) if kind is OutputKind.BANDS else _score(raw, limits, faults)


def _bands(raw: Mapping[str, Any], limits: FormulaLimits, faults: list[Fault]) -> Output | None:
    written = raw.get("cuts")
    texts = [str(cut) for cut in written[:100]] if isinstance(written, list | tuple) else []
    cuts = tuple(Decimal(text) for text in texts if NUMBER.fullmatch(text))
    if len(cuts) == len(texts) and 1 <= len(cuts) < limits.most_bands and list(cuts) == sorted(set(cuts)):
        return Output(OutputKind.BANDS, cuts=cuts)
    faults.append(Fault(-1, "output", Phrase("分档应有 2 到 {most} 档，界限从小到大", most=limits.most_bands)))
    return None


def _score(raw: Mapping[str, Any], limits: FormulaLimits, faults: list[Fault]) -> Output | None:
    found = [raw.get(name) for name in ("low", "high", "step")]
    whole = [n for n in found if isinstance(n, int) and not isinstance(n, bool) and abs(n) <= MOST_BOUND]
    if len(whole) == 3 and whole[0] < whole[1] and whole[2] >= 1:
        made = Output(OutputKind.SCORE, low=whole[0], high=whole[1], step=whole[2])
        if 2 <= made.values <= limits.most_values:
            return made
    faults.append(
        Fault(-1, "output", Phrase("评分应有下限、上限和步长，不同的值为 2 到 {most} 个", most=limits.most_values))
    )
    return None


def leaks(tree: Node, reach: Reach, output: Output, inputs: Inputs, limits: FormulaLimits) -> list[Fault]:
    """Why the answers would say too much of one non-public input."""
    closed = [inputs[code] for code in inputs_of(tree) if inputs[code].closed]
    faults = [f for one in closed for f in _combs(tree, one)]
    with localcontext(EXACT):
        for one in closed:
            if output.kind is OutputKind.SCORE:
                most = Decimal(output.high - output.low) * limits.share_percent / 100
                if reach.swing.get(one.code, Decimal(0)) > most:
                    faults.append(
                        Fault(
                            tree.at,
                            "identity",
                            Phrase(
                                "“{name}”一项就能左右评分的 {share}% 以上，近于原值；请减小权重或改用分档输出",
                                name=one.name,
                                share=limits.share_percent,
                            ),
                        )
                    )
            elif smooth(tree, one.code) and _finest(output) < reach.nudge.get(one.code, Decimal(0)):
                faults.append(
                    Fault(
                        tree.at,
                        "identity",
                        Phrase(
                            "“{name}”变动一个颗粒（{grain}）就跨过不止一档，近于原值；请放宽分档",
                            name=one.name,
                            grain=str(one.grain),
                        ),
                    )
                )
    return faults


def _finest(output: Output) -> Decimal:
    """The narrowest band between two cuts; with one cut there is none."""
    return min((high - low for low, high in pairwise(output.cuts)), default=MOST_CUT)


def smooth(tree: Node, code: str) -> bool:
    """Whether an input reaches the outcome by arithmetic alone, through no bins and no condition."""
    if tree.kind == "input":
        return str(tree.value) == code
    if tree.kind in ("bins", "known"):
        return False
    parts = tree.parts[1:] if tree.kind == "if" else tree.parts
    return any(smooth(part, code) for part in parts)


def _combs(tree: Node, one: Input) -> list[Fault]:
    """Thresholds on one input that lie closer together than its grain."""
    cuts: dict[Decimal, Node] = {}
    for node in walk(tree):
        for cut in _thresholds(node, one.code):
            cuts.setdefault(cut, node)
    places = sorted(cuts)
    return [
        Fault(
            cuts[high].at,
            "comb",
            Phrase(
                "对“{name}”的两个界限 {low} 和 {high} 相距不到一个颗粒（{grain}）；请合并",
                name=one.name,
                low=str(low),
                high=str(high),
                grain=str(one.grain),
            ),
        )
        for low, high in pairwise(places)
        if high - low < one.grain
    ]


def _thresholds(node: Node, code: str) -> list[Decimal]:
    """Constants that a node compares an input with."""

    def is_input(part: Node) -> bool:
        return part.kind == "input" and part.value == code

    if node.kind == "bins" and is_input(node.parts[0]):
        return list(node.cuts)
    compares = node.kind in COMPARISONS or (node.kind == "between" and is_input(node.parts[0]))
    if not compares or not any(is_input(part) for part in node.parts):
        return []
    return [Decimal(str(part.value)) for part in node.parts if part.kind == "number"]


def measure_grain(
    indicator: str, values: Sequence[int], places: int, least: int, limits: FormulaLimits
) -> Grain | None:
    """The grain of an indicator from all values of a run (in units of 10 to the minus ``places``); None = too alike.

    ``least`` is the least grain in whole units. The tolerance is a share of the interquartile range, the grain some
    tolerances. Both ends are cut at a percentile, and some grains inside what occurs: were an end of what can be read
    an end of what can be, or near it, a value there would be told exactly.
    """
    ordered = sorted(values)

    def at(percent: int) -> int:
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]

    spread = at(75) - at(25)
    step = max(-(-spread * limits.tolerance_permille // 1000) * limits.tolerances, least * 10**places)
    low = max(at(limits.low_percent), ordered[0] + limits.inside * step)
    top = low + (min(at(limits.high_percent), ordered[-1] - limits.inside * step) - low) // step * step
    return Grain(indicator, places, low, top, step, step // limits.tolerances) if top > low else None


def grained(value: int, grain: Grain, shift: int) -> int:
    """A value as formulas read it: in steps from the low end, shifted by a secret of the enterprise and indicator.

    ``shift`` lies in [0, step). What is read lies less than a step from the value, and never says at which end of the
    step: even the day on which it changes tells the value only within a step.
    """
    kept = min(max(value, grain.low), grain.top)
    return grain.low + (kept - grain.low + shift) // grain.step * grain.step


def millibits(values: int) -> int:
    """At most how much one of so many answers tells, in thousandths of a bit, rounded up."""
    return int((values**1000 - 1).bit_length())


def over_budget(
    charges: Iterable[Charge], institution: str, items: Iterable[str], cost: int, limits: FormulaLimits, now: datetime
) -> datetime | None:
    """When an answer of ``cost`` about ``items`` may be given again, or None when it may be given now.

    ``charges`` are those about one enterprise. A cost greater than a whole budget would never be free: the check of
    the output keeps it below.
    """
    window = timedelta(days=limits.window_days)
    standing = [c for c in charges if c.at > now - window]
    free = [
        at
        for item in items
        for mine, most in ((True, limits.institution_millibits), (False, limits.enterprise_millibits))
        if (
            at := _free_at(
                [c for c in standing if c.item == item and (not mine or c.institution == institution)], cost, most
            )
        )
    ]
    return max(free) + window if free else None


def _free_at(charges: Sequence[Charge], cost: int, most: int) -> datetime | None:
    """The time of the charge whose lapse makes room; None when there is room."""
    spent = sum(c.millibits for c in charges)
    if spent + cost <= most:
        return None
    for one in sorted(charges, key=lambda c: c.at):
        spent -= one.millibits
        if spent + cost <= most:
            return one.at
    return max((c.at for c in charges), default=None)


def check_reviewer(submitted_by: str, reviewer: str) -> None:
    """Another person than who submitted; raises AnotherPersonReviews."""
    if submitted_by == reviewer:
        raise AnotherPersonReviews()


def check_reason(text: str) -> str:
    """The words of a review, trimmed; raises ReviewReasonNeeded."""
    said = text.strip()
    if not 1 <= len(said) <= 500:
        raise ReviewReasonNeeded([Problem(field="reason", code="length", message=Phrase("请用 1 至 500 字说明"))])
    return said
