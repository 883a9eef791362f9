"""The base class of transforms, and applying them to a fixed point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import ClassVar

from bnnfpga.frontend.graph.model import Model, Node


class Transform(ABC):
    """A change of the graph that preserves the model's meaning; the first line of its docstring describes it to users.

    `kinds` are the operators at which it is tried; None means all.
    """

    kinds: ClassVar[tuple[str, ...] | None] = None

    @abstractmethod
    def visit(self, model: Model, node: Node) -> bool:
        """Change the graph at `node`, which may be removed; returns False if there is nothing to change."""


def apply_transforms(model: Model, *transforms: Transform) -> bool:
    """Apply transforms in place to a fixed point; returns whether anything changed.

    Nodes are visited in order; after a change, the touched ones are visited again. A transform may look farther than
    the neighbours of its node, so all nodes are visited again until nothing changes.
    """
    changed = False
    while _one_round(model, transforms):
        changed = True
    return changed


def _one_round(model: Model, transforms: tuple[Transform, ...]) -> bool:
    waiting = deque(model.nodes)
    queued = set(waiting)
    model.take_touched()
    changed = False
    while waiting:
        node = waiting.popleft()
        queued.discard(node)
        for transform in transforms:
            if node not in model:
                break
            if transform.kinds is not None and node.op_type not in transform.kinds:
                continue
            model.stand_for(node)
            if transform.visit(model, node):
                changed = True
                fresh = [item for item in (node, *model.take_touched()) if item in model and item not in queued]
                fresh = list(dict.fromkeys(fresh))
                waiting.extendleft(reversed(fresh))
                queued.update(fresh)
                break
    model.stand_for(None)
    return changed
