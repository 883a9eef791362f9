"""Functions of one tensor written as several nodes that branch and join, such as x * sigmoid(x)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bnnfpga.frontend.contract.table import kinds_that, traits_of
from bnnfpga.frontend.forms.norms import is_norm, norm_arithmetic
from bnnfpga.frontend.graph.model import Model, Node, Origin
from bnnfpga.frontend.graph.nodes import (
    UNARY,
    UNARY_DOMAIN,
    data_operands,
    origin_of,
)
from bnnfpga.frontend.graph.transform import Transform

_MAX_NODES = 64
_X, _NOTHING = -1, -2
"""Operands in a program: the function's argument or a value computed from it, and an omitted input."""


class DiamondsToUnary(Transform):
    """Where two elementwise chains from one tensor meet, they become one node, a function of that tensor.

    Its attribute `last` is the operator where they meet, `program` the nodes of both chains, and its inputs are the
    tensor and their constants. Sums of multiples of a quantised tensor stay: they are integers.
    """

    kinds = kinds_that(lambda traits: traits.binary)

    def visit(self, model: Model, node: Node) -> bool:
        if len(node.input) != 2 or len(data_operands(model, node)) != 2:
            return False
        chains = [_chain_above(model, name) for name in node.input]
        tensors = [
            [name, *(_source(model, item) for item in chain)] for name, chain in zip(node.input, chains, strict=True)
        ]
        source = next((name for name in tensors[0] if name in tensors[1]), None)
        if source is None:
            return False
        branches = [chain[: names.index(source)][::-1] for chain, names in zip(chains, tensors, strict=True)]
        if traits_of(node).shifts and _are_multiples(branches) and _is_quantised(model, source):
            return False
        inputs = [source]
        program = [_specified(model, branch, inputs) for branch in branches]
        result = node.output[0]
        if model.shape(source) != model.shape(result) or _count(program) > _MAX_NODES:
            return False
        above = [producer for producer in map(model.producer, node.input) if producer is not None]
        unary = Node(
            UNARY, inputs, [result], node.name, UNARY_DOMAIN, {"last": node.op_type, "program": json.dumps(program)}
        )
        model.replace(node, unary)
        model.remove_unread(*above)
        return True


def branches_of(node: Node) -> list[list[Node]]:
    """The nodes, not in any graph, from the argument of a Unary node to each operand of its last operator."""
    return [[_node(node, spec) for spec in branch] for branch in json.loads(node.attributes["program"])]


def _node(whole: Node, spec: dict[str, Any]) -> Node:
    names = ["" if place == _NOTHING else whole.input[max(place, 0)] for place in spec["inputs"]]
    origin = Origin(*spec["origin"])
    return Node(spec["op"], names, whole.output, origin.name, spec["domain"], spec["attributes"], origin)


def _source(model: Model, node: Node) -> str:
    return data_operands(model, node)[0]


def _chain_above(model: Model, tensor: str) -> list[Node]:
    """The chain of elementwise nodes with one data operand that leads to a tensor, last node first."""
    chain: list[Node] = []
    while (node := model.producer(tensor)) is not None and traits_of(node).elementwise:
        if traits_of(node).quantizes or len(data_operands(model, node)) != 1:
            break
        if model.shape(_source(model, node)) != model.shape(tensor):
            break
        chain.append(node)
        tensor = _source(model, node)
    return chain


def _are_multiples(branches: Sequence[Sequence[Node]]) -> bool:
    return all(traits_of(node).multiplies for branch in branches for node in branch)


def _is_quantised(model: Model, tensor: str) -> bool:
    """Whether a tensor is a multiple of the output of a quantizer, a dot product or a pool."""
    producer = model.producer(tensor)
    while producer is not None and traits_of(producer).multiplies and len(data_operands(model, producer)) == 1:
        producer = model.producer(_source(model, producer))
    if producer is None:
        return True
    traits = traits_of(producer)
    return traits.quantizes or traits.dot_product or traits.pools


def _specified(model: Model, branch: Sequence[Node], inputs: list[str]) -> list[dict[str, Any]]:
    """A branch as plain data; its constants are appended to `inputs`."""
    specs = []
    for node in branch:
        if is_norm(node):
            for kind, constant in norm_arithmetic(model, node):
                inputs.append(model.add_constant(f"{node.name}_constant", constant))
                specs.append(_spec(node, kind, [_X, len(inputs) - 1]))
            continue
        places = []
        for name in node.input:
            if not name:
                places.append(_NOTHING)
            elif model.constant(name) is None:
                places.append(_X)
            else:
                inputs.append(name)
                places.append(len(inputs) - 1)
        specs.append(_spec(node, node.op_type, places, node.domain, node.attributes))
    return specs


def _spec(
    node: Node, kind: str, places: list[int], domain: str = "", attributes: dict[str, Any] | None = None
) -> dict[str, Any]:
    origin = list(origin_of(node))
    return {"op": kind, "inputs": places, "origin": origin, "domain": domain, "attributes": attributes or {}}


def _count(program: list[list[dict[str, Any]]]) -> int:
    return 1 + sum(
        _count(json.loads(spec["attributes"]["program"])) if spec["op"] == UNARY else 1
        for branch in program
        for spec in branch
    )
