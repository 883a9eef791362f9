"""The host's part of a graph, after the cut of a clean graph, as the program that `functions.json` holds."""

from __future__ import annotations

from bnnfpga.frontend.graph.model import End, Model
from bnnfpga.golden.end_classes import Program, class_rules
from bnnfpga.golden.end_operations import TRANSLATIONS
from bnnfpga.golden.end_writer import EndWriter


def program_of(end: End) -> tuple[Program, dict[str, int]]:
    """The program of the nodes after the cut, and the index of each tensor's value in it.

    Raises
    ------
    UserError
        If the host cannot compute a node, or its shapes are not known.
    """
    writer = EndWriter(end)
    for node in end.graph.nodes:
        writer.check_shapes(node)
        writer.note(node, TRANSLATIONS[node.op_type](writer, node))
    program = writer.program
    program["outputs"] = [writer.values[name] for name in end.graph.outputs]
    program["classes"] = class_rules(program)
    return program, writer.values


def end_of(model: Model) -> End:
    """The nodes that follow a graph's outputs on the host; if nothing was cut off, an end without nodes."""
    if model.end is not None:
        return model.end
    end = Model(model.outputs[0], model.outputs, model.opset)
    for name in model.outputs:
        end.set_shape(name, model.shape(name))
    return End(tuple(dict.fromkeys(model.outputs)), end)
