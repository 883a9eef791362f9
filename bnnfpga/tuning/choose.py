"""Choosing the cheapest folding that meets a number of cycles per frame."""

from __future__ import annotations

from bnnfpga.base.errors import UserError
from bnnfpga.dataflow.folding import Folding, LayerFolding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.target import Target
from bnnfpga.tuning.clocked_search import best_at_speed, cycles_at, fastest_folding
from bnnfpga.tuning.cost_model import StatedCosts
from bnnfpga.tuning.folding_search import AREA_AND_DELAY, Choice, CostWeights, SpeedLimits, cheapest, fastest
from bnnfpga.tuning.space import FoldingSpace


def choose_folding(
    graph: Graph, cycles: int, pinned: Folding | None = None, weights: CostWeights = AREA_AND_DELAY
) -> Folding:
    """Choose the cheapest folding of all layers together that takes at most `cycles` cycles per frame.

    Parameters
    ----------
    graph
        An unfolded graph, as returned by `lower`.
    cycles
        Cycles per frame, at least 1.
    pinned
        Folding that the user fixed for some layers, kept whether legal or not and whatever it costs; what it leaves
        open is chosen. With it, `cycles` is a goal: a layer that cannot reach it is made as fast as possible.
    weights
        What is cheap.

    Raises
    ------
    UserError
        If a layer cannot be that fast.
    """
    if cycles < 1:
        raise UserError(f"{cycles} cycles per frame is not possible", where="--cycles", hint="give a positive number")
    space = FoldingSpace(graph, StatedCosts(), pinned, cycles)
    choice = cheapest(space, SpeedLimits(cycles), weights) if pinned is None else cheapest_near(space, cycles, weights)
    if choice is None:
        raise too_fast(space, cycles)
    return beside(pinned or {}, choice)


def choose_at_speed(graph: Graph, target: Target, fps: float) -> Folding:
    """Choose the cheapest folding that reaches a number of frames per second at the clock that its units reach.

    If none does, the one with the most frames per second is chosen.

    Raises
    ------
    UserError
        If a layer cannot be that fast even at the clock that is asked for.
    """
    cycles = cycles_at(target.clock_mhz, fps)
    space = FoldingSpace(graph, StatedCosts(), None, cycles)

    def find(limits: SpeedLimits) -> Choice | None:
        return cheapest(space, limits, AREA_AND_DELAY)

    if find(SpeedLimits(cycles)) is None:
        raise too_fast(space, cycles)
    choice = best_at_speed(space, target, fps, find) or fastest_folding(space, target, find)
    assert choice is not None
    return choice.folding


def beside(pinned: Folding, choice: Choice) -> Folding:
    """The folding of a choice with what is pinned as the user gave it, legal or not."""
    chosen = {name: pinned.get(name, LayerFolding()).completed(own) for name, own in choice.folding.items()}
    return {**pinned, **chosen}


def too_fast(space: FoldingSpace, cycles: int) -> UserError:
    """That no folding takes so few cycles, with the layer that takes the most."""
    least = fastest(space)
    fixed = least.slowest in space.pinned
    return UserError(
        f"layer {least.slowest!r} takes at least {least.interval} cycles per frame"
        f"{' with the folding that is fixed for it' if fixed else ''}; {cycles} were asked for",
        where="--cycles or --target-fps",
        hint=("free its pe and simd, " if fixed else "") + "ask for a slower accelerator, or raise --clock-mhz",
    )


def cheapest_near(space: FoldingSpace, cycles: int, weights: CostWeights) -> Choice:
    """The cheapest folding in which each unit keeps within `cycles`, or is as fast as it can be where it cannot."""
    choice = cheapest(space, SpeedLimits(cycles, relaxed=True), weights)
    if choice is None:
        # Fast forms of neighbours may exclude each other.
        least = max(cycles, fastest(space).interval)
        choice = cheapest(space, SpeedLimits(least), weights)
    assert choice is not None
    return choice
