"""Tuning: the best folding of a model for a part, a speed or a latency, with what it is best of."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bnnfpga.base.errors import UserError
from bnnfpga.base.output_files import write_output
from bnnfpga.compiler.fifo_simulation import depths_from_simulation
from bnnfpga.compiler.finn_folding import to_finn
from bnnfpga.compiler.folding_file import read_folding
from bnnfpga.compiler.planner import Plan, Planner
from bnnfpga.compiler.speed import FoldedUnits, cycles_allowed
from bnnfpga.compiler.unit_picture import require_picture, write_picture
from bnnfpga.dataflow.folding import apply_folding, folding_of, parse_folding
from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.resources import RESOURCES
from bnnfpga.dataflow.target import Target
from bnnfpga.dataflow.token_model import Deadlock
from bnnfpga.report.front_page import front_page
from bnnfpga.report.pictures import front_picture, require_pictures
from bnnfpga.tuning.budgets import largest_share, least_share
from bnnfpga.tuning.choose import beside, too_fast
from bnnfpga.tuning.clocked_search import best_at_speed, cycles_at, fastest_folding, paces
from bnnfpga.tuning.cost_model import StatedCosts
from bnnfpga.tuning.first_frame import longest_path
from bnnfpga.tuning.folding_search import (
    LUTS_OF_DELAY,
    LUTS_OF_RESOURCES,
    Choice,
    SpeedLimits,
    cheapest,
    fastest,
)
from bnnfpga.tuning.latency_search import LatencySearch, Played, Shortest
from bnnfpga.tuning.objective import MOST_WEIGHT, CostUnit, Objective, parse_weights
from bnnfpga.tuning.pareto_front import pareto_front, undominated
from bnnfpga.tuning.part import UTILIZATION, FpgaPart, find_part, known_parts
from bnnfpga.tuning.space import FoldingSpace

_ANY_SPEED = 2**62
"""Cycles per frame where no speed is asked for."""


@dataclass(frozen=True)
class Tuned:
    """The best folding, what an accelerator would be like with it, and what it is best of.

    Parameters
    ----------
    plan
        The plan with that folding.
    objective
        What was minimised, in words.
    cost, cost_unit, bound
        Its value, whether that is an area in `LUT` or a `share` of the budget, and what no folding falls below that
        keeps what was asked for.
    part, budget
        The FPGA, and what an accelerator may use of it; None without one.
    pareto
        The foldings of which none is both faster and better by the objective, slowest first, each with its `interval`,
        `frames_per_second`, `cost`, `resources`, `share`, `fits` and `folding`; None if they were not asked for.
    finn
        The folding in FINN's format.
    graph
        The units with that folding.
    seconds
        What tuning took.
    """

    plan: Plan
    objective: str
    cost: float
    cost_unit: CostUnit
    bound: float
    part: FpgaPart | None
    budget: Mapping[str, int] | None
    pareto: tuple[Mapping[str, Any], ...] | None
    finn: Mapping[str, Any]
    graph: Graph = field(repr=False)
    seconds: float

    @property
    def folding(self) -> Mapping[str, Mapping[str, int | str]]:
        """PE, SIMD and memory of each layer, as `bnnfpga.compile` takes them."""
        return self.plan.folding

    @property
    def optimal(self) -> bool:
        """Whether the bound proves that no folding is better."""
        return self.cost <= self.bound * (1 + 1e-9) + 1e-9

    def summary(self) -> dict[str, Any]:
        """What `bnnfpga tune --json` prints."""
        plan, part = self.plan.summary(), self.part
        slowest = max(layer["cycles"] for layer in plan["layers"])
        for layer in plan["layers"]:
            layer["bottleneck"] = layer["cycles"] == slowest
        budget = self.budget
        shares = (
            {kind: plan["resources"][kind] / budget[kind] if budget[kind] else None for kind in RESOURCES}
            if budget
            else None
        )
        return {
            **plan,
            "folding": {name: dict(entry) for name, entry in self.folding.items()},
            "objective": self.objective,
            "cost": self.cost,
            "cost_unit": self.cost_unit,
            "bound": self.bound,
            "optimal": self.optimal,
            "part": None if part is None else {"name": part.name, "resources": dict(part.resources)},
            "budget": None if budget is None else dict(budget),
            "shares": shares,
            "pareto": None if self.pareto is None else [dict(point) for point in self.pareto],
            "seconds": self.seconds,
        }

    def write_folding(self, path: Path) -> None:
        """Write the folding file."""
        text = yaml.safe_dump(self.summary()["folding"], sort_keys=False)
        write_output(path, text.encode())

    def write_front(self, path: Path) -> None:
        """Write the Pareto front: as data (.json), as a page with a plot and a table (.html), or as a plot (.png)."""
        require_front_name(path)
        points, title = self.summary()["pareto"] or [], f"{self.plan.model}, {self.objective}"
        if path.suffix == ".json":
            write_output(path, json.dumps(points, indent=1).encode())
        elif path.suffix == ".png":
            write_output(path, front_picture(points, title, self.cost_unit))
        else:
            write_output(path, front_page(points, title, self.cost_unit).encode())

    def write_picture(self, path: Path) -> None:
        """Draw the units with their cycles and resources, and what they do while two frames pass through (.png)."""
        require_picture(path)
        write_picture(path, self.graph, self.summary()["layers"], self.plan.model)

    def __str__(self) -> str:
        from bnnfpga.report.tables import tune_table
        from bnnfpga.report.text import as_text

        return as_text(tune_table(self.summary()))

    def _repr_html_(self) -> str:
        from bnnfpga.report.tables import tune_table
        from bnnfpga.report.text import as_html

        return as_html(tune_table(self.summary()))


def tune(
    model: str | os.PathLike[str],
    *,
    part: str | None = None,
    target_fps: float | None = None,
    cycles: int | None = None,
    target_latency_us: float | None = None,
    clock_mhz: float = 100,
    family: str | None = None,
    folding: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    utilization: float | None = None,
    weights: str | None = None,
    latency_weight: float | None = None,
    pareto: bool = False,
    for_finn: bool = False,
    fifo_from_simulation: bool = False,
    input: str | None = None,
    input_scale: float | str | Fraction | None = None,
    output_kind: str = "scores",
) -> Tuned:
    """Find the best folding of a model.

    Parameters
    ----------
    model
        A QONNX file.
    part
        An FPGA, such as `xc7z020`. Without a speed, the fastest accelerator that fits is sought, else the one that
        takes the smallest share of it. Without a part, the one with the smallest area.
    target_fps, cycles, target_latency_us
        Frames per second, cycles per frame, or the latency in microseconds; at most one of them.
    clock_mhz, family
        What it is built for; the family follows from a part.
    folding
        Settings of some layers that are fixed, as a folding file has them.
    utilization
        The share of the part that may be used, what stands beside the accelerator included; None for 0.8.
    weights
        What is minimised instead, such as `lut=1,ff=0.25,bram18=100,dsp=60`.
    latency_weight
        LUTs that a cycle of delay counts, without a part; None for 1/32 beside the area, and none beside `weights`.
    pareto
        Whether to list the foldings of which none is both faster and better by what is minimised.
    for_finn
        Whether to warn of what FINN's format cannot say.
    fifo_from_simulation
        Whether to take FIFO depths from simulation instead of the token model; a warning says where they differ.
    input, input_scale, output_kind
        As for `bnnfpga.compile`.

    Raises
    ------
    UserError
        If the model cannot be compiled, an option is not legal, or nothing fits.
    """
    started = time.perf_counter()
    fpga = None if part is None else find_part(part)
    if fpga is None and utilization is not None:
        raise UserError("a utilization is a share of a part", where="--utilization", hint="name the part with --part")
    _check(fpga, target_fps, cycles, target_latency_us, family, latency_weight)
    allowed = cycles_allowed(target_fps, clock_mhz, cycles)
    budget = None if fpga is None else fpga.budget(UTILIZATION if utilization is None else utilization)
    objective = _objective(budget, weights, latency_weight, target_latency_us is not None)
    family = fpga.family if fpga else family
    target = Target(clock_mhz) if family is None else Target(clock_mhz, family)
    planner = Planner(model, input=input, input_scale=input_scale, output_kind=output_kind)
    graph = planner.graph.built_for(target)
    pinned, where = ({}, "folding") if folding is None else read_folding(folding, graph)
    search = _Tuning(
        graph, FoldingSpace(graph, StatedCosts(), pinned, timed=target_latency_us is not None), target, objective, where
    )
    try:
        if target_latency_us is not None:
            choice = search.within_latency(target_latency_us)
        elif target_fps is not None:
            choice = search.at_speed(target_fps)
        elif allowed is not None:
            choice = search.within_cycles(allowed)
        else:
            choice = search.fastest() if budget else search.within_cycles(_ANY_SPEED)
    except UserError:
        # Settings that are not legal leave a layer as it is, and that slow: they are the mistake.
        apply_folding(graph, beside(pinned, fastest(search.space)), where)
        raise
    units = FoldedUnits.of(graph, beside(pinned, choice), target, where)
    warnings = units.warnings(None)
    if fifo_from_simulation:
        units, found = _with_simulated_fifos(graph, units)
        warnings = units.warnings(None) + found
    plan = planner.described(units, warnings)
    if target_fps is not None and plan.frames_per_second < target_fps:
        short = f"{plan.frames_per_second:,.0f} frames/s are reached, {target_fps:,.0f} were asked for"
        plan = replace(plan, warnings=(*plan.warnings, short))
    if budget is not None and largest_share(plan.resources, budget) > 1:
        plan = replace(plan, warnings=(*plan.warnings, "with its FIFOs, the accelerator no longer fits the part"))
    finn, unsaid = to_finn(graph, plan.folding)
    plan = replace(plan, warnings=(*plan.warnings, *(unsaid if for_finn else ())))
    front = tuple(search.front(choice)) if pareto else None
    cost, bound = choice.objective, choice.objective if choice.bound is None else choice.bound
    return Tuned(
        plan,
        str(objective),
        cost,
        objective.unit,
        bound,
        fpga,
        budget,
        front,
        finn,
        units.graph,
        time.perf_counter() - started,
    )


def _with_simulated_fifos(graph: Graph, units: FoldedUnits) -> tuple[FoldedUnits, list[str]]:
    """The units with FIFO depths from simulation, and where these differ from those before."""
    folding = dict(parse_folding(folding_of(units.graph), "folding"))
    depths = depths_from_simulation(graph, units.graph)
    differ = {name: beats for name, beats in depths.items() if beats != folding[name].depth}
    if not differ:
        return units, []
    named = ", ".join(f"{name} {beats} ({folding[name].depth})" for name, beats in differ.items())
    folding.update((name, replace(folding[name], depth=beats)) for name, beats in differ.items())
    text = f"FIFO depths from simulation differ from those of the token model, in parentheses: {named}"
    return FoldedUnits.of(graph, folding, units.target), [text]


def require_front_name(path: Path) -> None:
    """Refuse a file for the Pareto front of a form that is not written."""
    if path.suffix not in (".json", ".html", ".png"):
        raise UserError("the front is written as .html, .png or .json", where=str(path), hint="give such a name")
    if path.suffix == ".png":
        require_pictures()


def parts_listing() -> dict[str, Any]:
    """What `bnnfpga parts --json` prints."""
    parts = known_parts().values()
    return {"parts": [{**vars(one), "resources": dict(one.resources), "reserved": dict(one.reserved)} for one in parts]}


def _check(
    part: FpgaPart | None,
    target_fps: float | None,
    cycles: int | None,
    latency: float | None,
    family: str | None,
    latency_weight: float | None,
) -> None:
    speeds = {"--target-fps": target_fps, "--cycles": cycles, "--target-latency-us": latency}
    given = [name for name, value in speeds.items() if value is not None]
    if len(given) > 1:
        raise UserError(f"{' and '.join(given)} exclude each other", where=given[-1], hint="give one of them")
    if latency is not None and not 0 < latency < math.inf:
        raise UserError(f"{latency:g} µs is not a latency", where="--target-latency-us", hint="give a positive number")
    if part is not None and family not in (None, part.family):
        raise UserError(
            f"{part.name} is of the family {part.family}, not {family}", where="--family", hint="leave it out"
        )
    if latency_weight is not None and not 0 <= latency_weight <= MOST_WEIGHT:
        raise UserError(
            f"{latency_weight:g} is not a weight",
            where="--latency-weight",
            hint=f"give 0 or more LUTs for a cycle, up to {MOST_WEIGHT:g}",
        )
    if latency is not None and latency_weight:
        raise UserError(
            "--target-latency-us and --latency-weight exclude each other",
            where="--latency-weight",
            hint="give one of them: a latency is reached with the least weight that leads to it",
        )
    if part is not None and latency_weight:
        raise UserError(
            "a weight of the latency goes with area, not with the budget of a part",
            where="--latency-weight",
            hint="leave out --part, or give --target-latency-us",
        )


def _objective(
    budget: Mapping[str, int] | None, weights: str | None, latency_weight: float | None, for_latency: bool
) -> Objective:
    if weights is None and budget is not None and not for_latency:
        return Objective(None, budget)
    own = LUTS_OF_RESOURCES if weights is None else parse_weights(weights)
    if latency_weight is None:
        latency_weight = 0.0 if weights or for_latency or budget else LUTS_OF_DELAY
    return Objective(replace(own, latency=latency_weight), budget)


@dataclass(frozen=True, eq=False)
class _Tuning:
    """The searches in a space, with errors for what is impossible."""

    graph: Graph
    space: FoldingSpace
    target: Target
    objective: Objective
    where: str
    """What is fixed, for messages."""

    def fastest(self) -> Choice:
        """The best of the fastest foldings that fit."""
        some = fastest_folding(self.space, self.target, lambda limits: self.objective.any(self.space, limits))
        if some is None:
            raise self._does_not_fit(_ANY_SPEED)
        # Of those as fast as it, none has a slower clock.
        levels = max(self.target.levels, some.levels)
        return self.objective.best(self.space, SpeedLimits(some.interval, levels)) or some

    def at_speed(self, fps: float) -> Choice:
        """The best folding that reaches so many frames per second, or else the fastest one."""
        allowed = cycles_at(self.target.clock_mhz, fps)
        if cheapest(self.space, SpeedLimits(allowed), LUTS_OF_RESOURCES) is None:
            raise too_fast(self.space, allowed)
        choice = best_at_speed(self.space, self.target, fps, lambda limits: self.objective.best(self.space, limits))
        if choice is not None:
            return choice
        if self.objective.budget is not None:
            raise self._does_not_fit(allowed)
        return self.fastest()

    def within_cycles(self, cycles: int) -> Choice:
        """The best folding with at most so many cycles per frame."""
        choice = self.objective.best(self.space, SpeedLimits(cycles))
        if choice is not None:
            return choice
        if cheapest(self.space, SpeedLimits(cycles), LUTS_OF_RESOURCES) is None:
            raise too_fast(self.space, cycles)
        raise self._does_not_fit(cycles)

    def within_latency(self, microseconds: float) -> Choice:
        """The cheapest folding that was found with at most that latency, with a bound."""
        deadlocks: list[UserError] = []

        def play(choice: Choice) -> Played:
            try:
                folded = FoldedUnits.of(self.graph, beside(self.space.pinned, choice), self.target, self.where)
            except UserError as error:
                if not isinstance(error.__cause__, Deadlock):
                    raise
                deadlocks.append(error)
                return Played(math.inf, self.target.clock_mhz, ())
            return Played(folded.cycles.latency, folded.supported_mhz, longest_path(folded.graph, self.graph))

        search = LatencySearch(self.space, self.target, self.objective, play)
        found = search.cheapest(microseconds)
        if found is not None:
            return found
        least = search.shortest()
        if least is None:
            raise deadlocks[-1]
        raise self._too_slow(microseconds, least, search.cycles_of(least.choice, least.played.path))

    def _too_slow(self, microseconds: float, least: Shortest, cycles: Mapping[str, float]) -> UserError:
        reached, mhz = least.played, self.target.clock_mhz
        if reached.microseconds <= microseconds:
            return UserError(
                f"no folding was found with a latency of {microseconds:g} µs that fits the part",
                where="--target-latency-us",
                hint="allow more, take a larger part, or raise --utilization",
            )
        # Shorter foldings may reach less than the clock that was asked for.
        clock = f" at the {reached.mhz:.1f} MHz that it reaches" if reached.mhz < mhz else ""
        lowest = f"{reached.microseconds:.4g} µs ({int(reached.cycles):,} cycles{clock}) is the lowest"
        if least.bound < reached.microseconds * (1 - 1e-6):
            lowest += f" that was found, and none is below {least.bound:.4g} µs"
        slowest = max(cycles, key=lambda name: cycles[name])
        fixed = slowest in self.space.pinned
        return UserError(
            f"no folding has a latency of {microseconds:g} µs at {mhz:g} MHz: {lowest}; layer {slowest!r} takes "
            f"{int(cycles[slowest]):,} of its cycles{' with the folding that is fixed for it' if fixed else ''}",
            where="--target-latency-us",
            hint=f"{'free its pe and simd, ' if fixed else ''}allow more{'' if clock else ', or raise --clock-mhz'}",
        )

    def front(self, chosen: Choice) -> list[dict[str, Any]]:
        """The Pareto front of the objective and speed, at the fastest clock at which there is a folding.

        What was chosen is on it, unless it needs a slower clock or something better turned up.
        """
        points: list[dict[str, Any]] = []
        for pace in paces(self.space, self.target):
            found = pareto_front(self.space, partial(self.objective.quick, self.space), pace.levels)
            if found and chosen.levels <= pace.levels:
                found = undominated([*found, chosen])
            for choice in found:
                budget = self.objective.budget
                share = None if budget is None else largest_share(choice.resources, budget)
                points.append(
                    {
                        "interval": choice.interval,
                        "frames_per_second": pace.mhz * 1e6 / choice.interval,
                        "cost": round(choice.objective, 4),
                        "resources": choice.resources,
                        # No number says how much it takes of what the part does not have.
                        "share": None if share == math.inf else share,
                        "fits": None if share is None else share <= 1,
                        "folding": {name: entry.as_dict() for name, entry in choice.folding.items()},
                    }
                )
            if points:
                break
        return points

    def _does_not_fit(self, cycles: int) -> UserError:
        budget = self.objective.budget
        assert budget is not None
        least = least_share(self.space, SpeedLimits(cycles), budget)
        needed = {} if least is None else least.resources
        over = ", ".join(
            f"{needed[kind]:,} {kind.upper()} of {budget[kind]:,}" for kind in needed if needed[kind] > budget[kind]
        )
        slower = "" if cycles == _ANY_SPEED else "ask for a lower speed, "
        return UserError(
            f"no folding fits the part; the one that comes nearest takes {over}",
            where="--part",
            hint=f"{slower}take a larger part, or raise --utilization",
        )
