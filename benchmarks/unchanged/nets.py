"""The nets to compile: the examples, the fixtures, published nets if present, and random ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
import yaml

from benchmarks.unchanged.jobs import FASTEST, Job
from tests.support.affine_kinds import KINDS
from tests.support.affine_nets import AffineNet
from tests.support.any_nets import AnyNet
from tests.support.builds import random_folding_of
from tests.support.conv_nets import ConvNet
from tests.support.data import EXAMPLES, FIXTURES, SHARED
from tests.support.end_nets import EndNet
from tests.support.finn_nets import STEPS, finn_net
from tests.support.function_nets import FunctionNet
from tests.support.heads import heads_net
from tests.support.mobilenet import mobilenet
from tests.support.nets import DenseNet
from tests.support.resnets import ResNet
from tests.support.spelled_nets import SpelledNet

PIXELS = {"input": "uint8", "input_scale": "1/255"}
INPUTS: tuple[dict[str, Any], ...] = ({"input": "int4"}, {"input": "uint8"}, {"input": "bipolar"}, {})
SEEDS = 8
QUICK_SEEDS = 3
"""Random nets of each kind, and those of them in the quick subset."""


def jobs(folder: Path) -> Iterator[Job]:
    """All compilations; generated nets are written to `folder`."""
    yield from _examples()
    yield from _fixtures()
    yield from _random(folder)
    yield from _constructed(folder)
    yield from _published()
    yield from _cases()


def _examples() -> Iterator[Job]:
    for model in sorted(EXAMPLES.rglob("*.onnx")):
        name = f"{model.parent.name}/{model.stem}"
        yield Job(f"{name}, default", model, PIXELS, quick=True, commands=True)
        cycles = 3528 if "cnn" in model.stem else 64
        yield Job(f"{name}, {cycles} cycles", model, {**PIXELS, "cycles": cycles}, quick=True, rtl=True)
        yield Job(f"{name}, fastest", model, {**PIXELS, **FASTEST})
        yield Job(f"{name}, class", model, {**PIXELS, "output_kind": "class"})
        yield Job(f"{name}, float", model)


def _fixtures() -> Iterator[Job]:
    for case in sorted((FIXTURES / "regressions").glob("*/case.yaml")):
        name, model = case.parent.name, case.parent / "net.onnx"
        input = yaml.safe_load(case.read_text())["input"]
        options = {} if input is None else {"input": input}
        yield Job(f"{name}, default", model, options, quick=True)
        yield Job(f"{name}, its folding", model, {**options, "folding": str(case.parent / "folding.yaml")}, rtl=True)
        yield Job(f"{name}, fastest", model, {**options, **FASTEST})
    for model in sorted([*(FIXTURES / "brevitas").glob("*.onnx"), *(FIXTURES / "dialects").glob("*.onnx")]):
        name = f"{model.parent.name}/{model.stem}"
        yield Job(f"{name}, default", model, quick=model.parent.name == "brevitas")
        yield Job(f"{name}, fastest", model, {"input": "uint8", **FASTEST})
    cnv = FIXTURES / "cnv" / "cnv_w1a1_random.onnx.gz"
    yield Job("cnv, default", cnv, PIXELS, quick=True, images=4)
    yield Job("cnv, 33,020 cycles", cnv, {**PIXELS, "cycles": 33_020}, images=4)
    yield Job("cnv, fastest", cnv, {**PIXELS, **FASTEST}, images=4)


def _random(folder: Path) -> Iterator[Job]:
    """Seeded nets of each generator."""
    for seed in range(SEEDS):
        quick = seed < QUICK_SEEDS
        options = INPUTS[seed % len(INPUTS)]
        for kind, net in (("dense", DenseNet.random(seed)), ("conv", ConvNet.random(seed))):
            model = _saved(folder, f"{kind}_{seed}", net.model())
            drawn = {**options, "folding": random_folding_of(model, seed, options.get("input"))}
            yield Job(f"{kind} net {seed}, default", model, options, quick=quick)
            yield Job(f"{kind} net {seed}, random folding", model, drawn, quick=quick, rtl=quick)
            yield Job(f"{kind} net {seed}, fastest", model, {**options, **FASTEST})
        any_net, affine = AnyNet.random(seed), AffineNet(seed)
        options = {} if any_net.input == "float" else {"input": any_net.input}
        model = _saved(folder, f"any_{seed}", any_net.model())
        yield Job(f"any net {seed}", model, options, quick=quick)
        yield Job(f"affine net {seed}", _saved(folder, f"affine_{seed}", affine.model()), affine.options, quick=quick)
        yield Job(f"function net {seed}", _saved(folder, f"function_{seed}", FunctionNet(seed).proto()), quick=quick)
        yield Job(f"ends {seed}", _saved(folder, f"ends_{seed}", EndNet(seed).model()), quick=quick)
        yield Job(f"spelled net {seed}", _saved(folder, f"spelled_{seed}", SpelledNet(seed).net.model()), quick=quick)


def _constructed(folder: Path) -> Iterator[Job]:
    """Nets constructed for single features, exporters' forms and published architectures."""
    for name, kind in KINDS.items():
        yield Job(f"affine {name}", _saved(folder, f"kind_{name}", kind.model()), kind.options)
    for number, (name, form) in enumerate(STEPS.items()):
        yield Job(f"FINN, {name}", _saved(folder, f"finn_{number}", finn_net(form)))
    heads = _saved(folder, "heads", heads_net())
    yield Job("heads", heads)
    yield Job("heads, class", heads, {"output_kind": "class"})
    resnet = ResNet(width=8, size=32, classes=10)
    yield Job("ResNet-18 of 8 channels", _saved(folder, "resnet", resnet.model()), images=4)
    small = mobilenet(width=0.125, size=32, classes=10)
    yield Job("MobileNetV1 of 4 channels", _saved(folder, "mobilenet", small), PIXELS, images=4)


def _published() -> Iterator[Job]:
    for model in sorted((SHARED / "models").glob("*.onnx*")):
        yield Job(f"{model.name}, default", model, PIXELS, commands=True, images=4)
        yield Job(f"{model.name}, fastest", model, {**PIXELS, **FASTEST}, images=4)


def _cases() -> Iterator[Job]:
    """Inputs of kinds that once failed, described in `tests/system/test_shared_cases.py`."""
    for wanted in sorted((SHARED / "cases").glob("*/wanted.json")):
        yield Job(wanted.parent.name, wanted.parent / "model.onnx", json.loads(wanted.read_text())["options"])


def _saved(folder: Path, name: str, model: onnx.ModelProto) -> Path:
    path = folder / f"{name}.onnx"
    onnx.save(model, path)
    return path
