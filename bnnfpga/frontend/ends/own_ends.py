"""Copies of nodes whose results lead both to outputs and to further layers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from bnnfpga.frontend.graph.model import Model, Node


def own_ends(model: Model, leading: Collection[Node], first: Iterable[Node]) -> None:
    """Separate some nodes, and what leads from them to outputs, from other readers of their results.

    The other readers get copies under new names, so that everything after these nodes can be cut off.

    Parameters
    ----------
    leading
        Nodes that lead to outputs and may be cut off.
    first
        The nodes among them in front of which the graph will be cut.
    """
    heads = set(first)
    separated: dict[Node, None] = {}
    results: set[str] = set()
    for node in model.nodes:
        if node in leading and (node in heads or not results.isdisjoint(node.input)):
            separated[node] = None
            results.update(filter(None, node.output))
    readers = {reader: None for name in results for reader in model.consumers(name) if reader not in separated}
    if not readers:
        return
    inside: dict[str, str] = {}
    copies = []
    for node in separated:
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
