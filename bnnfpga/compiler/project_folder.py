"""The project folder: everything that `compile` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from bnnfpga.base.assets import asset
from bnnfpga.codegen.constants import FETCHED_HEADERS, TRACE_MEGABYTES
from bnnfpga.codegen.driver import driver
from bnnfpga.codegen.hls import render_hls
from bnnfpga.codegen.names import comment, file_stem
from bnnfpga.codegen.ports import output_ports
from bnnfpga.codegen.rtl import render_rtl
from bnnfpga.codegen.templating import render
from bnnfpga.codegen.vivado import VIVADO_FAMILIES, render_vivado
from bnnfpga.compiler.design import Design
from bnnfpga.compiler.planner import PlannedUnit
from bnnfpga.compiler.vectors import Vectors
from bnnfpga.dataflow.folding import folding_of
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.resources import add_resources
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.token_model import Cycles
from bnnfpga.host.description import FORMAT, describe_stream
from bnnfpga.host.float_steps import steps_as_data
from bnnfpga.host.words import BoundaryFormat, pack_frames


def write_project(
    folder: Path,
    design: Design,
    *,
    vectors: Vectors,
    ap_headers: Mapping[str, bytes],
) -> None:
    """Write all files of a project into the empty `folder`; the same arguments give the same bytes.

    `ap_headers` holds the open `ap_int.h` and its companions by name, or is empty.
    """
    graph, cycles, source, folded = design.graph, design.cycles, design.file.source, design.folded
    name = file_stem(source.path.name.removesuffix(".gz").removesuffix(".onnx"))
    model_file = f"model/{name}{source.suffix}"
    (folder / "model").mkdir()
    (folder / model_file).write_bytes(source.data)

    render_rtl(graph, folder, title=f"accelerator for {name}")
    target = design.target
    render_hls(graph, folder, title=f"accelerator for {name}", clock_mhz=target.clock_mhz, ap_headers=ap_headers)
    if target.family in VIVADO_FAMILIES:
        render_vivado(graph, folder, name, clock_mhz=target.clock_mhz)
        (folder / "driver").mkdir()
        (folder / "driver" / "accelerator.py").write_text(driver())
    write_simulation(folder, graph, cycles, vectors)

    layers = [PlannedUnit.of(operator, graph.layers.get(operator.name)).as_dict() for operator in graph.operators]
    resources = add_resources(*(layer["resources"] for layer in layers))
    description = {
        "format": FORMAT,
        "name": name,
        "model": model_file,
        "clock_mhz": target.clock_mhz,
        "family": target.family,
        "estimated_clock": {"mhz": graph.slowest.estimated_mhz, "unit": graph.slowest.name},
        "input": {
            "kind": design.file.input.name,
            "scale": float(design.file.input.scale),
            "given": design.file.input.given,
            "shape": list(design.input_shape),
            "stream": describe_stream(boundary(graph.input.port), graph.input.shape, design.input_order),
        },
        "outputs": [
            {
                "name": tensor,
                "kind": design.output_kind,
                "shape": list(shape),
                "stream": describe_stream(boundary(stream.port), stream.shape, order),
            }
            for tensor, shape, stream, order in zip(
                design.file.model.outputs, design.output_shapes, graph.outputs, design.output_orders, strict=True
            )
        ],
        "values": [{"name": name, "shape": shape} for name, shape in design.value_shapes.items()],
        "predicted_initiation_interval": cycles.initiation_interval,
        "predicted_latency_cycles": cycles.latency,
        "layers": layers,
        "resources": resources,
    }
    functions = {
        "input": None if folded.input_function is None else steps_as_data(folded.input_function.steps),
        "outputs": [steps_as_data(function.steps) for function in folded.output_functions],
        "ends": {key: value for key, value in design.ends.items() if key != "shapes"},
    }
    (folder / "project.json").write_text(json.dumps(description, indent=2) + "\n")
    (folder / "functions.json").write_text(json.dumps(functions, indent=1) + "\n")
    (folder / "folding.yaml").write_text(yaml.safe_dump(folding_of(graph), sort_keys=False))
    readme = render(
        "project/README.md.j2",
        project=description,
        title=comment(name),
        input=graph.input.port,
        outputs=output_ports(graph),
        cycles=cycles,
        has_vivado=target.family in VIVADO_FAMILIES,
        images=str(design.file.input),
    )
    (folder / "README.md").write_text(readme)
    makefile = render("project/Makefile.j2", fetched_headers=FETCHED_HEADERS, trace_megabytes=TRACE_MEGABYTES)
    (folder / "Makefile").write_text(makefile)


def write_simulation(folder: Path, graph: Graph, cycles: Cycles, vectors: Vectors) -> None:
    """Write `sim/`, what Verilator needs besides the RTL, and `vectors/`, frames with their expected outputs."""
    write_harness(folder, graph, cycles)
    data = folder / "vectors"
    data.mkdir()
    (data / "input.bin").write_bytes(boundary(graph.input.port).pack(vectors.codes).tobytes())
    formats = [boundary(stream.port) for stream in graph.outputs]
    (data / "expected.bin").write_bytes(pack_frames(formats, vectors.scores).tobytes())


def write_harness(folder: Path, graph: Graph, cycles: Cycles) -> None:
    """Write `sim/`."""
    simulation = folder / "sim"
    simulation.mkdir()
    for file in sorted(asset("flows").joinpath("verilator").iterdir()):
        (simulation / file.name).write_bytes(file.read_bytes())
    text = render("project/ports.h.j2", input=graph.input.port, outputs=output_ports(graph), cycles=cycles)
    (simulation / "ports.h").write_text(text)


def boundary(port: Port) -> BoundaryFormat:
    """How a boundary stream's integers become bytes."""
    return BoundaryFormat(port.elements, port.type, port.lanes)
