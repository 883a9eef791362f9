"""Nodes whose results are outputs, or lead to them, and are read by layers as well."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bnnfpga.frontend.graph.model import Model, Node


def own_ends(model: Model, leading: Collection[Node], first: Iterable[Node]) -> None:
    """Part some nodes, and what leads from them to outputs, from what else reads their results.

    What else reads them gets copies, under names of their own: then everything behind these nodes can be cut off.

    Parameters
    ----------
    leading
        The nodes that lead to outputs and may be cut off.
    first
        Those of them in front of which the graph will be cut.
    """
    wanted = set(first)
    parted: dict[Node, None] = {}
    made: set[str] = set()
    for node in model.nodes:
        if node in leading and (node in wanted or not made.isdisjoint(node.input)):
            parted[node] = None
            made.update(filter(None, node.output))
    readers = {reader: None for name in made for reader in model.consumers(name) if reader not in parted}
    if not readers:
        return
    inside: dict[str, str] = {}
    copies = []
    for node in parted:
        for name in filter(None, node.output):
            inside[name] = model.fresh_name(f"{name}_inside")
            model.set_shape(inside[name], model.shape(name))
            model.set_element_type(inside[name], model.element_type(name))
        ends = [inside.get(name, name) for name in node.input], [inside.get(name, name) for name in node.output]
        copies.append(Node(node.op_type, *ends, f"{node.name}_inside", node.domain, node.attributes, node.origin))
        model.insert_after(node, copies[-1])
    for reader in readers:
        model.set_inputs(reader, [inside.get(name, name) for name in reader.input])
    model.remove_unread(*copies)
