"""How classes follow from the values of the host's program: decided once, when the model is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Program = dict[str, Any]
ClassRule = dict[str, Any]
_REGROUPED = ("reshape", "cast")
_PROBABILITIES = ("softmax", "log_softmax")


def class_rules(program: Program) -> list[ClassRule]:
    """The `classes` of a program (`bnnfpga.host.ends.end_classes`): one rule for all outputs that share a stream.

    * An output that is an index, of ArgMax or TopK, is the class: the first index.
    * A single element decides between two classes: it is class 1 if above 0.5 after a Sigmoid, above 0 otherwise.
    * After a Softmax, the class is the arg max of its scores along its axis.
    * Otherwise it is the arg max of the first output: along the channels of its `stream`, or along axis 1.

    `count` is the number of classes, None if each pixel has a class or the stream determines it; `output` is the index
    of the first output among the file's.
    """
    makers = _Makers(program)
    groups: list[tuple[set[int], list[int]]] = []
    for output in program["outputs"]:
        streams, outputs = makers.streams(output), [output]
        for group in [group for group in groups if not streams.isdisjoint(group[0])]:
            streams, outputs = streams | group[0], [*group[1], *outputs]
            groups.remove(group)
        groups.append((streams, outputs))
    groups.sort(key=lambda group: program["outputs"].index(group[1][0]))
    return [
        _rule_of(program, makers, outputs) | {"output": program["outputs"].index(outputs[0])} for _, outputs in groups
    ]


def _rule_of(program: Program, makers: _Makers, outputs: Sequence[int]) -> ClassRule:
    shapes = program["shapes"]
    for output in outputs:
        value = makers.behind_regrouping(output)
        operation, node = makers.operation(value), makers.node(value)
        if operation == "arg_max":
            return _rule("index", value, node["axis"] if node["keepdims"] else None, _count(shapes, node))
        if operation == "top" and makers.place(value) == 1:
            scores = node["inputs"][0]
            if makers.operation(scores) in _PROBABILITIES and makers.node(scores)["axis"] == node["axis"]:
                return _rule("largest", makers.node(scores)["inputs"][0], node["axis"], _count(shapes, node))
            return _rule("index", value, node["axis"], _count(shapes, node))
    first = outputs[0]
    if math.prod(shapes[first]) == 1:
        return _rule("above", first, None, 2, threshold=0.5 if makers.are_behind_sigmoid(first) else 0.0)
    value = makers.behind_regrouping(first)
    if makers.operation(value) in _PROBABILITIES:
        node = makers.node(value)
        return _rule("largest", node["inputs"][0], node["axis"], _count(shapes, node))
    chain = makers.steps_from_stream(first)
    if chain is not None:
        return _rule("stream", first, None, None, stream=chain[0])
    axis = min(1, len(shapes[first]) - 1)
    extent = shapes[first][axis]
    return _rule("largest", first, axis, extent if extent == math.prod(shapes[first]) else None)


def _rule(rule: str, value: int, axis: int | None, count: int | None, **more: Any) -> ClassRule:
    return {"rule": rule, "value": value, "axis": axis, "count": count, **more}


def _count(shapes: Sequence[Sequence[int]], node: Mapping[str, Any]) -> int | None:
    shape = shapes[node["inputs"][0]]
    extent = int(shape[node["axis"]])
    return extent if extent == math.prod(shape) else None


class _Makers:
    """The nodes that produce the values of a program."""

    def __init__(self, program: Program) -> None:
        self._streams = len(program["inputs"])
        self._makers: list[tuple[Mapping[str, Any], int]] = []
        for node in program["nodes"]:
            self._makers += [(node, place) for place in range(2 if node["operation"] == "top" else 1)]

    def node(self, value: int) -> Mapping[str, Any]:
        """The node that produces a value; empty for an input of the program."""
        return self._makers[value - self._streams][0] if value >= self._streams else {}

    def place(self, value: int) -> int:
        """The index of a value among those of its node."""
        return self._makers[value - self._streams][1] if value >= self._streams else 0

    def operation(self, value: int) -> str:
        return str(self.node(value).get("operation", ""))

    def behind_regrouping(self, value: int) -> int:
        """The value that another one derives from by reshapes and casts alone."""
        while self.operation(value) in _REGROUPED:
            value = self.node(value)["inputs"][0]
        return value

    def streams(self, value: int) -> set[int]:
        """The inputs of the program that a value depends on."""
        return {item for item in self._above(value) if item < self._streams}

    def are_behind_sigmoid(self, value: int) -> bool:
        steps = [step for item in self._above(value) for step in self.node(item).get("steps", ())]
        return any(step["operation"] == "sigmoid" for step in steps)

    def _above(self, value: int) -> set[int]:
        seen, waiting = {value}, [value]
        while waiting:
            more = [item for item in self.node(waiting.pop()).get("inputs", ()) if item not in seen]
            seen.update(more)
            waiting += more
        return seen

    def steps_from_stream(self, value: int) -> tuple[int, list[Mapping[str, Any]]] | None:
        """The program input that a value is an elementwise function of, and the steps from it; None if not one."""
        steps: list[Mapping[str, Any]] = []
        while value >= self._streams:
            node = self.node(value)
            if node["operation"] == "steps":
                steps = [*node["steps"], *steps]
            elif node["operation"] != "reshape":
                return None
            value = node["inputs"][0]
        return value, steps


@dataclass(frozen=True, eq=False)
class ScoreComparison:
    """What is compared for a class: elementwise float `steps` on a `stream`; the first maximum is the class.

    `shape` is the compared value's without the batch, and `axis` the one along which the classes lie.
    """

    stream: int
    steps: Sequence[Mapping[str, Any]]
    shape: tuple[int, ...]
    axis: int


def comparison_of(program: Program, rule: ClassRule) -> ScoreComparison | None:
    """How a rule compares the elements of a stream; None if its class is defined in another way.

    For that, there is no unit.
    """
    makers, value, axis = _Makers(program), rule["value"], rule["axis"]
    if rule["rule"] == "index":
        node = makers.node(value)
        if node.get("last") or not node.get("largest", 1):
            return None
        value, axis = node["inputs"][0], node["axis"]
    chain = None if rule["rule"] == "above" else makers.steps_from_stream(value)
    if chain is None:
        return None
    if rule["rule"] == "stream":
        axis = min(1, len(program["inputs"][chain[0]]) - 1)
        value = chain[0]
    shape = tuple(program["shapes"][value])
    if rule["count"] is not None or axis == 0:
        # All elements lie along one axis.
        return ScoreComparison(*chain, (math.prod(shape),), 0)
    return ScoreComparison(*chain, shape[1:], axis - 1) if shape[0] == 1 else None


def decided_stream(program: Program, rule: ClassRule) -> int | None:
    """The single-element stream that alone decides between two classes; None if there is none."""
    streams = _Makers(program).streams(rule["value"])
    alone = rule["rule"] == "above" and len(streams) == 1
    return min(streams) if alone and math.prod(program["inputs"][min(streams)]) == 1 else None
