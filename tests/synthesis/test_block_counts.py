"""Block RAMs and DSP blocks are estimated as synthesis counts them, in every family."""

from __future__ import annotations

import os
import random
from pathlib import Path

import onnx
import pytest

from bnnfpga.base.assets import asset
from bnnfpga.base.errors import UserError
from bnnfpga.codegen.out_of_context import UnitSources, library_of, unit_sources, used_modules
from bnnfpga.compiler.planner import Planner
from bnnfpga.dataflow.block_ram import block_memory
from bnnfpga.dataflow.fabrics import FAMILIES
from bnnfpga.dataflow.folding import LayerFolding, apply_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.multipliers import product_terms
from bnnfpga.dataflow.target import Target
from bnnfpga.synthesis.recipes import TOP
from bnnfpga.tuning.forms import legal_forms
from tests.support.any_nets import AnyNet
from tests.support.block_counts import block_counts
from tests.support.conv_nets import ConvNet
from tests.support.nets import DenseNet

pytest.importorskip("pyosys")

SEED = int(os.environ.get("BNNFPGA_SEED", "0"))
LIBRARY = library_of(asset("rtl"))
READ_ONLY = """  bnn_rom #(.Width({width}), .Words({words}), .AddressBits(16), .Kind("block"), .File("dut_{name}.mem"))
    memory (.clk_i(clk), .address_i(a[15:0]), .data_o(q[{width}-1:0]));
"""
WRITTEN = """  bnn_line_memory #(.Width({width}), .Words({words}), .AddressBits(16), .Kind("block"))
    memory (.clk_i(clk), .write_i(a[63]), .write_address_i(a[47:32]), .data_i(b[{width}-1:0]), .address_i(a[15:0]),
    .data_o(q[{width}-1:0]));
"""
PRODUCT = """  wire signed [{wide}-1:0] left = a[{wide}-1:0];
  wire signed [{narrow}-1:0] right = b[{narrow}-1:0];
  reg signed [{bits}-1:0] product;
  always @(posedge clk) product <= {bits}'(left) * {bits}'(right);
  assign q[{bits}-1:0] = product;
"""


def shapes(family: str, seed: int, count: int) -> tuple[UnitSources, dict[str, tuple[int, int]]]:
    """Memories and products of random shapes, each in a module that stays one, and what is expected of each."""
    rng = random.Random(f"{family} {seed}")
    bodies, memories, expected = {}, {}, {}
    for number in range(count):
        name = f"m{number}"
        if number % 3 == 2:
            wide, narrow = rng.randint(1, 42), rng.randint(1, rng.choice([10, 20, 42]))
            bits = min(64, rng.choice([wide + narrow, wide + narrow - 1, max(1, wide + narrow - 8)]))
            bodies[name] = PRODUCT.format(wide=wide, narrow=narrow, bits=bits)
            expected[name] = 0, product_terms(wide, narrow, bits, family).dsp
            continue
        words, width = int(2 ** rng.uniform(1, 13)), int(2 ** rng.uniform(0, 7))
        words, width = min(words, 60_000 // width), rng.choice([width, *(w for w in (9, 16, 18, 36) if w <= width)])
        if number % 3:
            bodies[name] = WRITTEN.format(words=words, width=width)
            expected[name] = block_memory(words, width, family, written=True).blocks, 0
            continue
        rows = [rng.getrandbits(width) for _ in range(words)]
        varying = 0
        for row in rows:
            varying |= row ^ rows[0]
        bodies[name] = READ_ONLY.format(words=words, width=width, name=name)
        memories[f"dut_{name}.mem"] = "".join(f"{row:x}\n" for row in rows)
        expected[name] = block_memory(words, varying.bit_count(), family).blocks, 0
    ports = "input wire clk, input wire [63:0] a, input wire [127:0] b, output wire [127:0] q"
    modules = [f"(* keep_hierarchy *)\nmodule {name} ({ports});\n{body}endmodule\n" for name, body in bodies.items()]
    outputs = "".join(f", output wire [127:0] q{name}" for name in bodies)
    instances = [f"  {name} {name} (.clk(clk), .a(a), .b(b), .q(q{name}));\n" for name in bodies]
    inputs = ports.partition(", output")[0]
    top = "".join([*modules, f"module {TOP} ({inputs}{outputs});\n", *instances, "endmodule\n"])
    library = {f"{name}.sv": LIBRARY[name] for name in used_modules(top, LIBRARY)}
    return UnitSources("shapes", "shapes", {"unit.sv": top, **library}, memories), expected


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("count", [9, pytest.param(150, marks=pytest.mark.slow)])
def test_memories_and_products_of_any_shape(family: str, count: int, tmp_path: Path) -> None:
    source, expected = shapes(family, SEED, count)
    (counted,) = block_counts([source], family, tmp_path)
    assert {name: counted[name] for name in expected} == expected


def folded(seed: int, target: Target, folder: Path) -> Graph | None:
    """A random net in a random folding, its weights mostly in block RAM; None if it cannot be compiled."""
    rng = random.Random(seed)
    onnx.save(rng.choice([AnyNet, ConvNet, DenseNet]).random(seed).model(), folder / "net.onnx")
    try:
        graph = Planner(folder / "net.onnx").graph.built_for(target)
    except UserError:
        return None
    folding = {}
    for unit in graph.operators:
        if unit.legal_pe():
            pinned = LayerFolding(memory="block" if unit.memory is not None and rng.random() < 0.7 else None)
            folding[unit.name] = rng.choice(legal_forms(unit, pinned)).folding
    return apply_folding(graph, folding)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(SEED, SEED + 8))
def test_units_of_random_nets(family: str, seed: int, tmp_path: Path) -> None:
    graph = folded(seed, Target(random.Random(seed).choice([50, 100, 150]), family), tmp_path)
    if graph is None:
        return
    counted = block_counts([unit_sources(graph, unit, LIBRARY) for unit in graph.operators], family, tmp_path / "units")
    found = {unit.name: counts[TOP] for unit, counts in zip(graph.operators, counted, strict=True)}
    resources = {unit.name: unit.resources() for unit in graph.operators}
    assert found == {name: (own["bram18"], own["dsp"]) for name, own in resources.items()}
