"""A model that an institution brings as an ONNX file: of a few known operators, bounded, run on values in their grain.

What a model does cannot be read off its file, so nothing rests on that: inputs come in their grain, the outcome leaves
as a band or a step, and each answer is charged. What it weighs is measured over the ranges of its inputs.
"""

from __future__ import annotations

import base64
import binascii
import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from xinqiao.formulas.onnx_running import Unrunnable, outcomes, outcomes_apart
from xinqiao.formulas.types import Fault, FormulaLimits, Input, Inputs, Node, Reach, Span, Type, Value
from xinqiao.kernel.canonical import sha256_hex
from xinqiao.kernel.errors import Phrase

HEAD = "onnx\n"
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
# Arithmetic and trees: no loop, no branch, no text, no file, no random number.
ALLOWED = frozenset(
    {
        "Add", "Sub", "Mul", "Div", "MatMul", "Gemm", "Relu", "Sigmoid", "Tanh", "Clip", "Concat", "Identity", "Cast",
        "Reshape", "Softmax", "ReduceSum", "Scaler", "Normalizer", "LinearRegressor", "LinearClassifier",
        "TreeEnsembleRegressor", "TreeEnsembleClassifier", "ArrayFeatureExtractor",
    }
)  # fmt: skip
PLACES = Decimal("0.000001")  # an outcome is rounded here before it is put into its band
POINTS, GRID = 48, 5


def is_model(text: str) -> bool:
    """Whether what was submitted is a model and no formula."""
    return text.startswith(HEAD)


def written(codes: Sequence[str], data: bytes) -> str:
    """A model as it is submitted, kept and digested: the indicators in the order of its input, then the file."""
    return f"{HEAD}{' '.join(codes)}\n{base64.b64encode(data).decode()}"


def typed(text: str) -> str:
    """What a person typed of a submission: a formula, or the indicators beside a model's file."""
    return text[len(HEAD) :].partition("\n")[0] if is_model(text) else text


def digest_of(text: str) -> str:
    """SHA-256 of the file in a submission."""
    return sha256_hex(_data(text))


def take_model(text: str, inputs: Inputs, limits: FormulaLimits) -> tuple[Node | None, Reach | None, list[Fault]]:
    """A submitted model, checked: its tree and measured reach, or every fault that was found."""
    codes = typed(text).split()
    try:
        data = _data(text)
    except (binascii.Error, ValueError):
        return None, None, [Fault(0, "onnx", Phrase("模型文件不能读取"))]
    faults = [*_input_faults(codes, inputs, limits), *_file_faults(data, len(codes), limits)]
    if faults:
        return None, None, faults
    tree = model_tree(text)
    reach, found = _measured(tree, [inputs[code] for code in codes], limits)
    return tree, reach, found


def model_tree(text: str) -> Node:
    """A submitted model as the tree of a formula: one node over its inputs."""
    return Node("model", 0, tuple(Node("input", 0, value=code) for code in typed(text).split()), text)


def run_model(text: str, values: Sequence[Decimal]) -> Decimal | None:
    """The outcome for one enterprise; None where it is no number."""
    outcome = outcomes(_data(text), [[float(v) for v in values]])[0]
    return None if outcome is None else Decimal(repr(outcome)).quantize(PLACES)


@lru_cache(maxsize=32)
def _data(text: str) -> bytes:
    return base64.b64decode(text[len(HEAD) :].partition("\n")[2], validate=True)


def _input_faults(codes: Sequence[str], inputs: Inputs, limits: FormulaLimits) -> Iterator[Fault]:
    if not 2 <= len(set(codes)) == len(codes) <= limits.most_inputs:
        yield Fault(0, "inputs", Phrase("模型用 2 至 {most} 个互不相同的指标", most=limits.most_inputs))
    for code in codes:
        one = inputs.get(code)
        if one is None:
            yield Fault(0, "unknown", Phrase("没有指标“{name}”，或它不在现行评分卡", name=code))
        elif one.why_not is not None:
            yield Fault(0, "unusable", one.why_not)
        elif one.type is not Type.NUMBER:
            yield Fault(0, "type", Phrase("模型只读数值指标：{name}", name=code))


def _file_faults(data: bytes, width: int, limits: FormulaLimits) -> Iterator[Fault]:
    if len(data) > limits.model_bytes:
        yield Fault(0, "onnx", Phrase("模型文件最大 {most} 字节", most=limits.model_bytes))
        return
    import onnx

    try:
        model = onnx.load_model_from_string(data)
        onnx.checker.check_model(model)
    except Exception:  # whatever a hostile file makes the reader say
        yield Fault(0, "onnx", Phrase("不是有效的 ONNX 文件"))
        return
    yield from _graph_faults(model, width, limits)


def _graph_faults(model: Any, width: int, limits: FormulaLimits) -> Iterator[Fault]:
    graph = model.graph
    if model.functions or len(graph.node) > limits.model_nodes:
        yield Fault(0, "onnx", Phrase("模型最多 {most} 个算子，不能自带函数", most=limits.model_nodes))
    for node in graph.node:
        nested = any(a.HasField("g") or a.graphs for a in node.attribute)
        if node.op_type not in ALLOWED or node.domain not in DOMAINS or nested:
            yield Fault(0, "operator", Phrase("不允许算子“{name}”", name=f"{node.domain}.{node.op_type}".strip(".")))
    if any(tensor.external_data for tensor in graph.initializer):
        yield Fault(0, "onnx", Phrase("模型不能引用外部文件"))
    given = [i for i in graph.input if i.name not in {tensor.name for tensor in graph.initializer}]
    shape = [d.dim_value for d in given[0].type.tensor_type.shape.dim] if len(given) == 1 else []
    if len(shape) != 2 or shape[1] != width or given[0].type.tensor_type.elem_type != 1:
        yield Fault(0, "shape", Phrase("模型应有一个输入：每行 {width} 个 float", width=width))


def _measured(tree: Node, read: Sequence[Input], limits: FormulaLimits) -> tuple[Reach | None, list[Fault]]:
    """What the model gives over the ranges of its inputs, and how far each alone moves it: measured, not proved."""
    text, chance = str(tree.value), random.Random(digest_of(str(tree.value)))
    points = [[_drawn(one, chance) for one in read] for _ in range(POINTS)]
    rows = list(points)
    for place, one in enumerate(read):
        for point in points:
            rows += [[*point[:place], value, *point[place + 1 :]] for value in _grid(one)]
    try:
        found = outcomes_apart(_data(text), rows)
    except Unrunnable:  # the runtime's own words say nothing to an institution
        return None, [Fault(0, "onnx", Phrase("模型不能运行，或占用的内存、时间过多"))]
    known = [Decimal(repr(x)) for x in found if x is not None]
    if len(known) < len(found):
        return None, [Fault(0, "range", Phrase("模型在取值范围内给出了不是数的结果"))]
    swings = _swings([one.code for one in read], found[POINTS:])
    reach = Reach(Type.NUMBER, Span(min(known), max(known)), 6, swings, {})
    return reach, list(_heavy(read, swings, limits))


def _drawn(one: Input, chance: random.Random) -> float:
    low, high = float(one.low), float(one.high)
    return low + chance.random() * (high - low)


def _grid(one: Input) -> list[float]:
    low, high = float(one.low), float(one.high)
    return [low + (high - low) * step / (GRID - 1) for step in range(GRID)]


def _swings(codes: Sequence[str], outcomes: Sequence[float | None]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for place, code in enumerate(codes):
        mine = [x for x in outcomes[place * POINTS * GRID : (place + 1) * POINTS * GRID] if x is not None]
        lots = [mine[n : n + GRID] for n in range(0, len(mine), GRID)]
        found[code] = Decimal(repr(max((max(lot) - min(lot) for lot in lots), default=0.0))).quantize(PLACES)
    return found


def _heavy(read: Sequence[Input], swings: Mapping[str, Decimal], limits: FormulaLimits) -> Iterator[Fault]:
    """A model that looks at one non-public number alone is that number under another name."""
    total = sum(swings.values(), Decimal(0))
    if not total:
        yield Fault(0, "constant", Phrase("模型的结果不随任何指标变化"))
    for one in read:
        if one.closed and total and swings[one.code] * 100 > total * limits.model_share_percent:
            text = Phrase("指标“{name}”左右结果的份额超过 {most}%", name=one.code, most=limits.model_share_percent)
            yield Fault(0, "single", text)


def outcome_of(node: Node, read: Mapping[str, Value]) -> Decimal | None:
    """What a model says of an enterprise; None where one of its inputs is not known."""
    values = [read.get(str(part.value)) for part in node.parts]
    numbers = [v for v in values if isinstance(v, Decimal)]
    return run_model(str(node.value), numbers) if len(numbers) == len(values) else None
