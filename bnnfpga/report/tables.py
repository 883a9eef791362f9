"""Results as tables for a terminal (and, by rich itself, for a notebook).

Each function takes the data that ``--json`` prints. Names in these data come from models and paths, so they are never
interpreted as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bnnfpga.host.input_format import InputFormat
from bnnfpga.report.table_parts import lines_of, table_of

_MAX_COLUMNS = 20
_MAX_PAIRS = 20
_MAX_VALUES = 6
_PLACE = ("unit", "frame", "channel", "pixel", "expected", "got", "cycle")
_DETAILS = ("stream", "accumulator", "threshold")
_STAGES = {"source": "golden", "folded": "integer graph"}
"""Names of `verify`'s stages in the line about the self-check."""
_AREA = {
    "lut": "LUT",
    "logic_cells": "LC",
    "ff": "FF",
    "carry": "carry",
    "muxf": "MUXF",
    "bram18": "BRAM18",
    "dsp": "DSP",
}
"""What synthesis counts, with its headings."""
_ESTIMATES = ("lut", "ff", "bram18", "dsp")
_SHARES = ("precision", "recall", "f1")


def compile_table(summary: Mapping[str, Any]) -> RenderableType:
    """The units of an accelerator, its predicted speed, and its estimated size."""
    asked, estimate = summary["clock_mhz"], summary["estimated_clock"]
    clock_mhz = summary["supported_mhz"]
    rows = [_cells(layer, "name", "operator", "pe", "simd", "cycles") for layer in summary["layers"]]
    layers = table_of(["unit", "operator", "PE>", "SIMD>", "cycles>"], rows)
    interval, latency = summary["predicted_initiation_interval"], summary["predicted_latency_cycles"]
    facts: dict[str, Any] = {
        "input": _input(summary["input"]),
        "built for": f"{asked:g} MHz, {summary['family']}",
        "estimated clock": f"{estimate['mhz']:,.0f} MHz, limited by {estimate['unit']}"
        + (f"; less than {asked:g} MHz" if estimate["mhz"] < asked else ""),
        "initiation interval": _cycles(interval),
        "latency": _time(latency, clock_mhz),
        "throughput": _rate(interval, clock_mhz),
    }
    at_boundary = summary.get("boundary_frames_per_second")
    if at_boundary is not None and at_boundary < summary["frames_per_second"]:
        facts["through a DMA"] = f"{at_boundary:,.0f} frames/s, in words of up to 8 bytes"
    if summary.get("resources"):
        facts["estimated size"] = ", ".join(f"{_show(n)} {kind.upper()}" for kind, n in summary["resources"].items())
    if summary.get("checked"):
        facts["self-check"] = _self_check(summary["checked"])
    if summary.get("ties"):
        facts["rounding ties"] = _ties(summary["ties"])
    for kind in ("model", "project"):
        if kind in summary:
            facts[kind] = summary[kind]
    if summary.get("seconds") is not None:
        facts["compiled in"] = _seconds(summary["seconds"])
    parts: list[RenderableType] = [layers, "", lines_of(facts)]
    return Group(*parts, *_warnings(summary))


def tune_table(summary: Mapping[str, Any]) -> RenderableType:
    """The best folding by unit, what it is best of, and the front if there is one."""
    rows = []
    has_pixels = any("kernel_pixels" in entry for entry in summary["folding"].values())
    for layer in summary["layers"]:
        mark = Text("<- slowest" if layer["bottleneck"] else "")
        resources = _cells(layer["resources"], *_ESTIMATES)
        pixels = _cells(summary["folding"].get(layer["name"], {}), "kernel_pixels")
        lanes = [*_cells(layer, "pe", "simd"), *(pixels if has_pixels else ()), *_cells(layer, "memory")]
        rows.append([*_cells(layer, "name", "layer", "cycles"), mark, *lanes, *resources])
    folded = ["PE>", "SIMD>", *(["kernel pixels>"] if has_pixels else []), "memory"]
    headings = ["unit", "layer", "cycles>", "", *folded, *(f"{_AREA[kind]}>" for kind in _ESTIMATES)]
    interval, mhz = summary["predicted_initiation_interval"], summary["supported_mhz"]
    estimate = summary["estimated_clock"]
    facts: dict[str, Any] = {
        "built for": f"{summary['clock_mhz']:g} MHz, {(summary['part'] or {'name': summary['family']})['name']}",
        "estimated clock": f"{estimate['mhz']:,.0f} MHz, limited by {estimate['unit']}",
        "initiation interval": _cycles(interval),
        "latency": _time(summary["predicted_latency_cycles"], mhz),
        "throughput": _rate(interval, mhz),
        "estimated size": ", ".join(f"{_show(n)} {_AREA[kind]}" for kind, n in summary["resources"].items()),
        "minimised": f"{summary['objective']}: {_figure(summary['cost'])}",
        "lower bound": _gap(summary["cost"], summary["bound"]),
    }
    if summary["budget"]:
        facts["share of budget"] = ", ".join(
            f"{_percent(share)} of {_show(summary['budget'][kind])} {_AREA[kind]}"
            for kind, share in summary["shares"].items()
            if share is not None
        )
    facts["tuned in"] = _seconds(summary["seconds"])
    parts: list[RenderableType] = [table_of(headings, rows), "", lines_of(facts)]
    if summary["pareto"] is not None:
        is_share = summary["cost_unit"] == "share"
        points = [
            [
                *_cells(point, "interval"),
                Text(f"{point['frames_per_second']:,.0f}"),
                *([] if is_share else [Text(f"{point['cost']:,.0f}")]),
                *_cells(point["resources"], *_ESTIMATES),
                Text(_percent(point["share"])),
            ]
            for point in summary["pareto"]
        ]
        cost = [] if is_share else ["cost in LUT>"]
        columns = ["cycles>", "frames/s>", *cost, *(f"{_AREA[kind]}>" for kind in _ESTIMATES), "largest share>"]
        title = f"faster than all others, or with less {'of the part' if is_share else 'cost'}"
        parts += ["", Text(title, style="bold"), table_of(columns, points)]
    return Group(*parts, *_warnings(summary))


def parts_table(listing: Mapping[str, Any]) -> RenderableType:
    """The FPGAs that are known."""
    rows = [
        [
            *_cells(part, "name", "family"),
            *_cells(part["resources"], *_ESTIMATES),
            Text(f"{_show(part['block_rams'])} of {part['block_ram_bits'] // 1024} kbit"),
        ]
        for part in listing["parts"]
    ]
    return table_of(["part", "family", *(f"{_AREA[kind]}>" for kind in _ESTIMATES), "block RAMs>"], rows)


def simulate_table(result: Mapping[str, Any], clock_mhz: float | None = None) -> RenderableType:
    """A simulation's results, most important first; without a clock, times are in cycles only."""
    images, mismatches = result["images"], result["mismatches"]
    facts: dict[str, Any] = {
        "backend": result["backend"],
        "images": _show(images),
        "input": _input(result["input"]),
        "mismatches": _verdict(images, mismatches),
    }
    if result.get("accuracy") is not None:
        facts["accuracy"] = f"{100 * result['accuracy']:.2f} %"
    if result.get("cycles") is not None:
        facts["cycles"] = _show(result["cycles"])
        facts["initiation interval"] = _interval(result)
        facts["latency"] = _against(
            _time(result["latency_cycles"], clock_mhz), result["latency_cycles"], result["predicted_latency_cycles"]
        )
        if clock_mhz is not None:
            facts["throughput"] = _rate(result["initiation_interval"], clock_mhz)
    if result.get("simulated_cycles_per_second"):
        facts["simulation speed"] = f"{result['simulated_cycles_per_second']:,.0f} cycles/s"
    if result.get("trace"):
        facts["waveform"] = _waveform(result["trace"], result["cycles"])
    facts["built in"] = _seconds(result["build_seconds"])
    facts["run in"] = _seconds(result["run_seconds"])
    parts: list[RenderableType] = [lines_of(facts)]
    if result.get("streams"):
        rows = [
            _cells(stream, "name", "stalled_cycles", "starved_cycles", "max_occupancy") for stream in result["streams"]
        ]
        streams = table_of(["stream", "back-pressured>", "idle>", "peak occupancy>"], rows)
        parts += ["", streams]
    return Group(*parts, *_warnings(result))


def eval_table(result: Mapping[str, Any]) -> RenderableType:
    """Accuracy, per-class figures, and the confusion matrix, or its largest off-diagonal entries if it is too wide."""
    images, mistakes = result["images"], result["mistakes"]
    facts: dict[str, Any] = {
        "backend": result["backend"],
        "images": _show(images),
        "input": _input(result["input"]),
        "accuracy": f"{100 * result['accuracy']:.2f} %, {mistakes:,} wrong",
        "speed": f"{result['images_per_second']:,.0f} images/s",
        "built in": _seconds(result["build_seconds"]),
        "run in": _seconds(result["run_seconds"]),
    }
    if result.get("picture"):
        facts["wrong images"] = result["picture"]
    rows = [
        [Text(_class(item)), *(Text(_percent(item[key])) for key in _SHARES), Text(_show(item["support"]))]
        for item in result["classes"]
    ]
    classes = table_of(["class", "precision>", "recall>", "F1>", "images>"], rows)
    return Group(lines_of(facts), "", classes, "", _confusion(result), *_warnings(result))


def _confusion(result: Mapping[str, Any]) -> RenderableType:
    names = [_class(item) for item in result["classes"]]
    confusion = result["confusion"]
    if len(names) <= _MAX_COLUMNS:
        heading = Text("confusion matrix: a row for each true class, a column for each predicted class", style="bold")
        rows = [
            [Text(name, style="bold")]
            + [Text(_show(count) if count else ".", style="green" if i == j else "") for j, count in enumerate(row)]
            for i, (name, row) in enumerate(zip(names, confusion, strict=True))
        ]
        return Group(heading, table_of(["", *(f"{number}>" for number in range(len(names)))], rows))
    pairs = [
        (count, names[i], names[j])
        for i, row in enumerate(confusion)
        for j, count in enumerate(row)
        if count and i != j
    ]
    pairs.sort(key=lambda pair: -pair[0])
    rows = [[Text(_show(count)), Text(name), Text(other)] for count, name, other in pairs[:_MAX_PAIRS]]
    return Group(Text("most often confused", style="bold"), table_of(["images>", "true class", "predicted"], rows))


def verify_table(result: Mapping[str, Any]) -> RenderableType:
    """The stages that were compared, and the first difference."""
    verdicts = {True: Text("equal", style="green"), False: Text("differs", style="red")}
    stages = table_of(
        ["stage", "result"], [(Text(stage["name"]), verdicts[stage["equal"]]) for stage in result["stages"]]
    )
    parts: list[RenderableType] = [stages]
    if result.get("ties"):
        parts += ["", lines_of({"rounding ties": _ties(result["ties"])})]
    difference = result["first_difference"]
    if difference is not None:
        names = [*_PLACE, *(name for name in _DETAILS if difference.get(name) is not None)]
        facts = {
            "between": " and ".join(map(str, difference["stages"])),
            **{name: _show(difference[name]) for name in names},
        }
        if difference.get("wave"):
            wave = difference["wave"]
            facts["waveform"] = f"{wave['file']}, cycles {wave['first_cycle']:,} to {wave['last_cycle']:,}"
        parts += ["", Text("first difference", style="bold"), lines_of(facts)]
        if difference.get("message"):
            parts += ["", Text(difference["message"])]
    if result.get("dumped"):
        parts += ["", Text("dumped", style="bold"), *(Text(path, no_wrap=True) for path in result["dumped"])]
    return Group(*parts)


def inspect_table(inspection: Mapping[str, Any]) -> RenderableType:
    """The layers of a model, one row each, with a column for every property that any of them has."""
    layers = inspection["layers"]
    columns = list(dict.fromkeys(key for layer in layers for key in layer if key != "alternatives"))
    numeric = {column for column in columns if _numeric([layer.get(column) for layer in layers])}
    headings = [column.replace("_", " ") + (">" if column in numeric else "") for column in columns]
    table = table_of(headings, [_cells(layer, *columns) for layer in layers])
    rest = {key: _show(value) for key, value in inspection.items() if key not in ("layers", "nodes")}
    return Group(lines_of(rest), "", table, *_alternatives(layers))


def _alternatives(layers: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    """What the foldings of each layer range over."""
    rows = []
    for layer in layers:
        own = layer.get("alternatives", ())
        if not own:
            continue
        settings = [_values([one.get(key) for one in own]) for key in ("pe", "simd", "kernel_pixels", "memory")]
        spans = [_span([one["cycles"] for one in own])]
        spans += [_span([one["resources"][kind] for one in own]) for kind in _ESTIMATES]
        rows.append([Text(layer["unit"]), *map(Text, (_show(len(own)), *settings, *spans))])
    if not rows:
        return []
    folded = ["PE", "SIMD", "kernel pixels", "memory"]
    headings = ["unit", "foldings>", *folded, "cycles", *(_AREA[kind] for kind in _ESTIMATES)]
    return ["", Text("what each layer can have; --json lists every folding", style="bold"), table_of(headings, rows)]


def _values(found: Iterable[int | str | None]) -> str:
    """The different values of a setting, those in the middle left out if they are many."""
    values = sorted({value for value in found if value is not None}, key=lambda value: (isinstance(value, str), value))
    if len(values) > _MAX_VALUES:
        return f"{', '.join(map(_show, values[:3]))}, ... {_show(values[-1])} ({len(values)})"
    return ", ".join(map(_show, values)) or "-"


def _span(numbers: Sequence[int]) -> str:
    least, most = min(numbers), max(numbers)
    return _show(least) if least == most else f"{_show(least)} to {_show(most)}"


def transforms_table(listing: Mapping[str, Any]) -> RenderableType:
    """The transforms, in the order in which they are applied."""
    rows = [_cells(transform, "name", "sentence") for transform in listing["transforms"]]
    return table_of(["transform", "what it does"], rows, wrap_last=True)


def transform_table(result: Mapping[str, Any]) -> RenderableType:
    """A graph before and after one transform."""
    parts: list[RenderableType] = [Text(result["name"], style="bold"), Text(result["sentence"])]
    for heading, lines in (("before", result["before"]), ("after", result["after"])):
        parts += [Text(heading, style="bold"), Text("\n".join(f"  {line}" for line in lines))]
    if not result["changed"]:
        parts[-2:] = [Text("nothing changes", style="bold")]
    return Group(*parts)


def synth_table(result: Mapping[str, Any]) -> RenderableType:
    """Area and clock of a synthesised accelerator, by unit where the flow tells."""
    rows = [_cells(unit, "name", "operator", "recipe", *_AREA, "depth", "logic_ns") for unit in result["units"]]
    fastest = result["fmax_mhz"]
    facts: dict[str, Any] = {
        "flow": result["flow"],
        "tool": result["tool"],
        **{key: result[key] for key in ("family", "recipe", "part") if result[key]},
        **{_AREA[kind]: _show(result[kind]) for kind in _AREA if result[kind] is not None},
    }
    if result["clock_mhz"] is not None:
        facts["clock requested"] = f"{result['clock_mhz']:g} MHz"
    if result["part"] is not None:
        facts["clock achieved"] = "-" if fastest is None else f"{fastest:.1f} MHz"
        facts["timing met"] = _show(result["timing_met"])
        facts["bitstream"] = result["bitstream"] or "-"
    if result["logic_ns"] is not None:
        facts["logic delay"] = f"{result['logic_ns']:.2f} ns before routing, depth {result['depth']}"
        facts["critical path"] = result["critical_path"] or "-"
    facts["took"] = _seconds(result["seconds"])
    if not rows:
        return lines_of(facts)
    units = table_of(["unit", "operator", "recipe", *(f"{name}>" for name in _AREA.values()), "depth>", "ns>"], rows)
    return Group(units, "", lines_of(facts))


def doctor_table(examination: Mapping[str, Any]) -> RenderableType:
    """The tools: whether each was found, what it enables, where it is or how to get it; and the cache."""
    tools, cache = examination["tools"], examination["cache"]
    rows = []
    for tool in tools:
        mark = Text("✓", style="green") if tool["found"] else Text("✗" if tool["required"] else "-", style="red")
        about = Text(tool["enables"])
        if not tool["found"]:
            about.append(f"\n→ {tool['how_to_get']}", style="yellow" if tool["required"] else "dim")
        version = tool["version"] or ("" if tool["found"] else "missing")
        rows.append((mark, Text(tool["name"]), Text(version), about))
    table = table_of(["", "tool", "version", "enables"], rows, wrap_last=True)
    missing = [tool["name"] for tool in tools if tool["required"] and not tool["found"]]
    verdict = Text("Ready to compile and simulate.", style="green")
    if missing:
        verdict = Text(f"Missing for compiling or simulating: {', '.join(missing)}.", style="red")
    places = lines_of({tool["name"]: tool["where"] for tool in tools if tool["found"]})
    parts: list[RenderableType] = [table, "", Text("locations", style="bold"), places, ""]
    if cache is not None:
        parts += [Text("cache", style="bold"), _cache(cache, examination["freed"]), ""]
    return Group(*parts, verdict)


def _cache(use: Mapping[str, Any], freed: Mapping[str, Any] | None) -> Text:
    """The contents of the cache of built programs, and what was deleted from it."""

    def amount(of: Mapping[str, Any]) -> str:
        return f"{of['bytes'] / 1e6:,.1f} MB in {of['folders']:,} built program{'' if of['folders'] == 1 else 's'}"

    if "error" in use:
        return lines_of({part: use["error"][part] for part in ("where", "message", "hint") if use["error"][part]})
    facts = {"folder": use["folder"], "holds": f"{amount(use)}, of at most {use['limit_bytes'] / 1e6:,.0f} MB"}
    if freed is not None:
        facts["freed"] = amount(freed) + (f"; {freed['in_use']:,} in use stayed" if freed["in_use"] else "")
    return lines_of(facts)


def _self_check(checked: Mapping[str, Any]) -> str:
    """The stages that compilation found equal, under the names that engineers use."""
    stages = " = ".join(_STAGES.get(stage, stage) for stage in checked["stages"])
    return f"passed on {checked['images']} images: {stages}; RTL not run"


def _warnings(result: Mapping[str, Any]) -> list[RenderableType]:
    """The warnings that belong below a result."""
    sentences = [Text(f"warning: {sentence}", style="yellow") for sentence in result.get("warnings", ())]
    return ["", *sentences] if sentences else []


def _input(input: Mapping[str, Any]) -> str:
    """The format of input elements, marked where its scale is only the default."""
    format = InputFormat.parse(input["kind"], None if input["kind"] == "float" else input["scale"])
    if format.type is None:
        return f"{format}, quantised by the host"
    return str(format) if input["given"] or format.type.is_bipolar else f"{format} (no --input-scale given)"


def _ties(ties: Mapping[str, Any]) -> str:
    """How many decisions are rounding ties, and the layer with most of them."""
    text = f"{ties['on_tie']:,} of {ties['decisions']:,} decisions"
    most = [layer for layer in ties["layers"] if layer["on_tie"]]
    return text + (f", most of them at {max(most, key=lambda layer: layer['on_tie'])['name']}" if most else "")


def _cells(row: Mapping[str, Any], *names: str) -> list[Text]:
    return [Text(_show(row.get(name))) for name in names]


def _numeric(values: Sequence[Any]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(value, int | float) for value in present)


def _show(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_show(inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return (" × " if _numeric(value) else ", ").join(_show(inner) for inner in value)
    return str(value)


def _cycles(count: int | None) -> str:
    return "-" if count is None else f"{count:,} cycle{'' if count == 1 else 's'}"


def _time(count: int | None, clock_mhz: float | None) -> str:
    if count is None or clock_mhz is None:
        return _cycles(count)
    return f"{_cycles(count)}, {count / clock_mhz:,.2f} µs at {clock_mhz:g} MHz"


def _rate(interval: int | None, clock_mhz: float) -> str:
    return "-" if not interval else f"{clock_mhz * 1e6 / interval:,.0f} frames/s at {clock_mhz:g} MHz"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _figure(cost: float) -> str:
    return f"{cost:,.4f}" if cost < 10 else f"{cost:,.1f}"


def _gap(cost: float, bound: float | None) -> str:
    """A lower bound, and how far the cost lies above it."""
    if bound is None:
        return "none: the latency is not in the bound"
    above = (cost - bound) / bound if bound else 0.0
    return f"{_figure(bound)}, " + ("so no folding is better" if above < 1e-9 else f"{100 * above:.3g} % below")


def _class(item: Mapping[str, Any]) -> str:
    """A class's number, and its name if that is different."""
    number = str(item["class"])
    return number if item["name"] == number else f"{number} {item['name']}".rstrip()


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"


def _verdict(images: int, mismatches: int) -> Text:
    if mismatches:
        return Text(f"{mismatches:,} of {images:,} images differ from the model", style="red")
    return Text("0: every integer equals the model's", style="green")


def _interval(result: Mapping[str, Any]) -> str:
    text = _cycles(result["initiation_interval"])
    if result.get("interval_constant") is False:
        text += " at most, not constant"
    return _against(text, result["initiation_interval"], result["predicted_initiation_interval"])


def _waveform(trace: Mapping[str, Any], cycles: int) -> str:
    if trace["complete"]:
        return f"{trace['file']}, all {_cycles(cycles)}"
    whole = f"{trace['images']:,} whole image{'' if trace['images'] == 1 else 's'}"
    shown = f"the first {trace['cycles']:,} of {_cycles(cycles)} ({whole})"
    return f"{trace['file']}, {shown}; --trace-megabytes allows more"


def _against(text: str, measured: int | None, predicted: int | None) -> str:
    """A measured figure, and whether it was predicted."""
    if measured is None or predicted is None:
        return text
    return f"{text}, as predicted" if measured == predicted else f"{text} ({predicted:,} predicted)"
