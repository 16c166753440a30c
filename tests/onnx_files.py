"""ONNX files as an institution might bring them: good ones, and such as try something."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import onnx
from onnx import TensorProto, helper


def model(nodes: list[Any], *, width: int = 2, initializers: Any = (), domain: str = "", **changes: Any) -> bytes:
    """A file of these nodes from ``x`` (rows of ``width`` floats) to ``y``."""
    given = helper.make_tensor_value_info("x", changes.get("type", TensorProto.FLOAT), [None, width])
    gives = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph(nodes, "g", [given], [gives], list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, opset_imports=opsets)
    made.ir_version = 8
    return bytes(made.SerializeToString())


def linear(*weights: float, bias: float = 0.0) -> bytes:
    """A logistic regression."""
    width = len(weights)
    w = helper.make_tensor("w", TensorProto.FLOAT, [width, 1], list(weights))
    b = helper.make_tensor("b", TensorProto.FLOAT, [1], [bias])
    nodes = [helper.make_node("Gemm", ["x", "w", "b"], ["z"]), helper.make_node("Sigmoid", ["z"], ["y"])]
    return model(nodes, width=width, initializers=[w, b])


def trees(first: float, second: float) -> bytes:
    """Two trees of one cut each, one on either input."""
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1,
        nodes_treeids=[0, 0, 0, 1, 1, 1], nodes_nodeids=[0, 1, 2, 0, 1, 2], nodes_featureids=[0, 0, 0, 1, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"] * 2, nodes_values=[first, 0.0, 0.0, second, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0] * 2, nodes_falsenodeids=[2, 0, 0] * 2, nodes_missing_value_tracks_true=[0] * 6,
        target_treeids=[0, 0, 1, 1], target_nodeids=[1, 2, 1, 2], target_ids=[0] * 4,
        target_weights=[0.0, 1.0, 0.0, 1.0],
    )  # fmt: skip
    return model([node])


def branching() -> bytes:
    """A file with a branch inside: two graphs in one."""
    leaf = [helper.make_tensor_value_info("t", TensorProto.FLOAT, [None, 1])]
    one = helper.make_node("Identity", ["x"], ["t"])
    graphs = [helper.make_graph([one], name, [], leaf) for name in ("a", "b")]
    truth = helper.make_tensor("c", TensorProto.BOOL, [], [True])
    node = helper.make_node("If", ["c"], ["y"], then_branch=graphs[0], else_branch=graphs[1])
    return model([node], initializers=[truth])


def pointing() -> bytes:
    """A file whose numbers are said to lie in another file."""
    w = helper.make_tensor("w", TensorProto.FLOAT, [2, 1], [1.0, 1.0])
    w.ClearField("float_data")
    w.data_location = TensorProto.EXTERNAL
    w.external_data.append(onnx.StringStringEntryProto(key="location", value="/etc/passwd"))
    return model([helper.make_node("MatMul", ["x", "w"], ["y"])], initializers=[w])


def swelling(times: int = 40) -> bytes:
    """A small file that asks for endless memory: beside itself, again and again."""
    names = ["x", *(f"n{n}" for n in range(times))]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)]
    return model([*nodes[: times - 1], helper.make_node("ReduceSum", [names[times - 1]], ["y"], keepdims=1)])
