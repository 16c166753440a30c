"""What a model brought as a file may be, and that what it says is one of the declared answers."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from onnx import TensorProto, helper

from tests import onnx_files
from xinqiao.formulas.content import load_limits
from xinqiao.formulas.evaluating import evaluate, shape
from xinqiao.formulas.onnx_models import typed, written
from xinqiao.formulas.reading import lines
from xinqiao.formulas.refusals import InvalidFormula
from xinqiao.formulas.rules import take
from xinqiao.formulas.types import Input, Type
from xinqiao.kernel.errors import fill
from xinqiao.plumbing.settings import content_dir

LIMITS = load_limits(content_dir() / "formulas.toml")
BANDS = {"kind": "bands", "cuts": ["0.25", "0.5", "0.75"]}


def number(code: str, *, closed: bool = True) -> Input:
    """A number from 0 to 100, read in steps of five if it is not public."""
    return Input(
        code, code, code, "count", Type.NUMBER, Decimal(0), Decimal(100), 0, ("i",), ("i",) if closed else (),
        grain=Decimal(5) if closed else Decimal(0),
    )  # fmt: skip


INPUTS = {code: number(code) for code in ("a.one", "a.two", "a.three")}
INPUTS["a.text"] = Input("a.text", "x", "x", "grade", Type.TEXT)


def faults(data: bytes, codes: str = "a.one a.two", output: Any = BANDS) -> Counter[str]:
    """The kinds of faults of a submission; none when it is taken."""
    try:
        take(written(codes.split(), data), output, INPUTS, LIMITS)
    except InvalidFormula as error:
        return Counter(p.code for p in error.problems)
    return Counter()


def test_a_regression_is_taken_and_says_one_of_its_bands() -> None:
    """Its outcome is the logistic function, rounded before it is put into its band; the same every time."""
    text = written(["a.one", "a.two"], onnx_files.linear(0.04, -0.04))
    found = take(text, BANDS, INPUTS, LIMITS)
    assert [one.code for one in found.inputs] == ["a.one", "a.two"]
    said = [evaluate(found.tree, {"a.one": Decimal(x), "a.two": Decimal(50)}) for x in (0, 50, 100)]
    assert said[1] == Decimal("0.500000") and [shape(v, found.output) for v in said] == [1, 3, 4]
    assert evaluate(found.tree, {"a.one": Decimal(0), "a.two": Decimal(50)}) == said[0]
    assert evaluate(found.tree, {"a.one": Decimal(1)}) is None, "not known is not known"
    assert Decimal(0) <= found.reach.span.low < found.reach.span.high <= 1
    assert set(found.reach.swing) == {"a.one", "a.two"} and min(found.reach.swing.values()) > 0
    (line,) = lines(found.tree, {"a.one": "甲", "a.two": "乙"}, lambda p, d: fill(p, d))
    assert "“甲”" in line and "ONNX" in line and len(line) < 200
    assert typed(text) == "a.one a.two" and typed("1 + 2") == "1 + 2"


def test_trees_are_taken() -> None:
    """Two trees of one cut each: 0, 1 or 2."""
    found = take(written(["a.one", "a.two"], onnx_files.trees(50, 30)), BANDS, INPUTS, LIMITS)
    assert evaluate(found.tree, {"a.one": Decimal(60), "a.two": Decimal(60)}) == 2
    assert evaluate(found.tree, {"a.one": Decimal(40), "a.two": Decimal(60)}) == 1


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "onnx"),
        (b"\x00garbage" * 50, "onnx"),
        (b"0" * 2_000_001, "onnx"),
        (onnx_files.branching(), "operator"),
        (onnx_files.pointing(), "onnx"),
        (onnx_files.swelling(), "onnx"),
        (onnx_files.linear(0.1, 0.1, 0.1), "shape"),
        (onnx_files.linear(0.0, 0.0), "constant"),
        (onnx_files.linear(0.5, 0.0001), "single"),
        (onnx_files.model([helper.make_node("RandomUniformLike", ["x"], ["y"])]), "operator"),
        (onnx_files.model([helper.make_node("Mystery", ["x"], ["y"], domain="evil")]), "operator"),
        (onnx_files.model([helper.make_node("Relu", ["x"], ["y"])] * 1, type=TensorProto.DOUBLE), "shape"),
    ],
)  # fmt: skip
def test_what_tries_something_is_refused_by_name(data: bytes, fault: str) -> None:
    """Garbage, too much, branches, other files, wrong shapes, random numbers, unknown operators, one value renamed."""
    assert fault in faults(data) or (fault == "operator" and "onnx" in faults(data))


def test_a_division_by_nothing_is_no_number() -> None:
    """Where the outcome would not be finite the model is not taken."""
    zero = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [0.0, 0.0])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["n"]), helper.make_node("Div", ["x", "n"], ["y"])]
    assert faults(onnx_files.model(nodes, initializers=[zero]))["range"] == 1


def test_inputs_are_numbers_that_may_be_used() -> None:
    """Unknown, text, doubled, too few: all said at once with the faults of the file."""
    good = onnx_files.linear(0.1, 0.1)
    assert faults(good, "a.one a.unknown")["unknown"] == 1
    assert faults(good, "a.one a.text")["type"] == 1
    assert faults(good, "a.one a.one")["inputs"] == 1
    both = faults(onnx_files.branching(), "a.text", {"kind": "moon"})
    assert {"type", "inputs", "output"} <= set(both)
