"""The options of a verification: stages, dumps of streams, a waveform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import require_writable
from bnnfpga.dataflow.graph import Graph
from bnnfpga.datasets.arrays import save_npy
from bnnfpga.simulate.verify.beats import Observed
from bnnfpga.simulate.verify.stages import ALL, Stage, Subject

STAGES = tuple(stage.name for stage in ALL)


@dataclass(frozen=True)
class Wave:
    """A request for a waveform around a difference in the RTL: its file, and the cycles on either side."""

    path: Path
    cycles: int


@dataclass(frozen=True)
class Dump:
    """A request for tensors as files: the layers and the folder."""

    layers: tuple[str, ...]
    folder: Path


def choose_stages(stages: Sequence[str] | None) -> list[Stage]:
    """The stages of these names in order; all that can run here if None."""
    for name in stages or ():
        if name not in STAGES:
            raise UserError(f"there is no stage {name!r}", where="--stages", hint=f"stages are {', '.join(STAGES)}")
    chosen = [kind() for kind in ALL if stages is None or kind.name in stages]
    if stages is None:
        chosen = [stage for stage in chosen if stage.is_here()]
    if len(chosen) < 2:
        raise UserError("there is nothing to compare", where="--stages", hint="name two stages or more")
    return chosen


def check_wave(wave: Wave, chosen: Sequence[Stage]) -> None:
    """Refuse a waveform that cannot be written or that no chosen stage writes."""
    if wave.path.suffix not in (".vcd", ".fst"):
        raise UserError(
            f"{wave.path} is not a waveform file", where="--wave", hint="give a name that ends in .vcd or .fst"
        )
    if not any(stage.write_wave for stage in chosen):
        raise UserError("a waveform needs the stage rtl", where="--wave", hint="add it to --stages")
    if wave.cycles < 1:
        raise UserError(f"{wave.cycles} cycles are not a window", where="--wave-cycles", hint="give at least 1")
    require_writable(wave.path)


def dumped_streams(graph: Graph, layers: Sequence[str]) -> dict[str, str]:
    """For each file of a dump its stream: a unit's output, or the stream of that name."""
    wanted: dict[str, str] = {}
    streams = [stream.name for stream in graph.streams]
    units = [operator.name for operator in graph.operators]
    for layer in layers:
        if layer in streams:
            wanted[layer] = layer
        elif layer in units:
            outputs = graph.outputs_of(layer)
            # A fork's outputs carry the same elements.
            wanted.update({layer if len(outputs) == 1 else stream.name: stream.name for stream in outputs})
        else:
            close = get_close_matches(layer, [*units, *streams], n=1)
            raise UserError(
                f"no layer is called {layer!r}" + (f"; did you mean {close[0]!r}?" if close else ""),
                where="--dump",
                hint=f"units are called like {units[-2]}, streams like {streams[min(1, len(streams) - 1)]}; "
                "project.json has all of them as `layers`",
            )
    return wanted


def make_folder(folder: Path) -> None:
    """Create the folder of a dump, if it does not exist."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), hint="name one whose parent exists"
        ) from error


def write_dump(stage: Stage, subject: Subject, wanted: Mapping[str, str], folder: Path) -> list[str]:
    """Write what a stage's streams carry; returns the files."""
    observed: Observed = stage.watch(subject)[0]
    streams = {stream.name: stream for stream in subject.graph.streams}
    written = []
    for layer, stream in wanted.items():
        if stream in observed:
            path = folder / f"{layer}.{stage.name}.npy"
            save_npy(path, observed[stream].tensor(streams[stream]))
            written.append(str(path))
    return written
