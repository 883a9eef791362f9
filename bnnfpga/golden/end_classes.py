"""Where the classes are among the values of a program of the host's: decided once, when the model is read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Program = dict[str, Any]
ClassRule = dict[str, Any]
_REGROUPED = ("reshape", "cast")
_PROBABILITIES = ("softmax", "log_softmax")


def class_rules(program: Program) -> list[ClassRule]:
    """The `classes` of a program (`bnnfpga.host.ends.end_classes`): one for all outputs that share a stream.

    * An output that is an index, of ArgMax or TopK, is the class: the first index.
    * One element stands for two classes, with the threshold 0.5 behind a Sigmoid and 0 elsewhere; above it, it is 1.
    * Behind a Softmax the class is where its scores are largest, along its axis.
    * Else it is where the first output is largest: along the channels of its `stream`, or along axis 1.

    `count` is the number of classes, None where each pixel has one or the stream says it; `output` the place of the
    first output among the file's.
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
    found = makers.steps_from_stream(first)
    if found is not None:
        return _rule("stream", first, None, None, stream=found[0])
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
    """What makes the values of a program."""

    def __init__(self, program: Program) -> None:
        self._streams = len(program["inputs"])
        self._makers: list[tuple[Mapping[str, Any], int]] = []
        for node in program["nodes"]:
            self._makers += [(node, place) for place in range(2 if node["operation"] == "top" else 1)]

    def node(self, value: int) -> Mapping[str, Any]:
        """The node that makes a value; nothing of one that is given."""
        return self._makers[value - self._streams][0] if value >= self._streams else {}

    def place(self, value: int) -> int:
        """Which of its node's values it is."""
        return self._makers[value - self._streams][1] if value >= self._streams else 0

    def operation(self, value: int) -> str:
        return str(self.node(value).get("operation", ""))

    def behind_regrouping(self, value: int) -> int:
        """The value that another one only groups or writes otherwise."""
        while self.operation(value) in _REGROUPED:
            value = self.node(value)["inputs"][0]
        return value

    def streams(self, value: int) -> set[int]:
        """The values that are given and lead to one."""
        return {item for item in self._above(value) if item < self._streams}

    def are_behind_sigmoid(self, value: int) -> bool:
        steps = [step for item in self._above(value) for step in self.node(item).get("steps", ())]
        return any(step["operation"] == "sigmoid" for step in steps)

    def _above(self, value: int) -> set[int]:
        found, waiting = {value}, [value]
        while waiting:
            more = [item for item in self.node(waiting.pop()).get("inputs", ()) if item not in found]
            found.update(more)
            waiting += more
        return found

    def steps_from_stream(self, value: int) -> tuple[int, list[Mapping[str, Any]]] | None:
        """The value that is given, and the steps from there, where each element is made of the same one's."""
        steps: list[Mapping[str, Any]] = []
        while value >= self._streams:
            node = self.node(value)
            if node["operation"] == "steps":
                steps = [*node["steps"], *steps]
            elif node["operation"] != "reshape":
                return None
            value = node["inputs"][0]
        return value, steps


def compared_steps(program: Program, rule: ClassRule) -> tuple[int, list[Mapping[str, Any]]] | None:
    """A stream, and the float steps from its values to what the class is the first largest of, element by element.

    None where the class is anything else, which no unit knows.
    """
    makers, value = _Makers(program), rule["value"]
    if rule["rule"] == "index":
        node = makers.node(value)
        if node.get("last") or not node.get("largest", 1):
            return None
        value = node["inputs"][0]
    # Along its axis lie all elements; else each of several has a class.
    if rule["rule"] == "above" or (rule["rule"] != "stream" and rule["count"] is None):
        return None
    return makers.steps_from_stream(value)


def decided_stream(program: Program, rule: ClassRule) -> int | None:
    """The stream, of one element, that decides between two classes; None where anything else does."""
    streams = _Makers(program).streams(rule["value"])
    alone = rule["rule"] == "above" and len(streams) == 1
    return min(streams) if alone and math.prod(program["inputs"][min(streams)]) == 1 else None
