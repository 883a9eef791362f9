"""Dense QONNX nets with chosen or random parameters, as an exporter would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, numpy_helper

DOMAIN = "qonnx.custom_op.general"


@dataclass
class NetWriter:
    """Collects nodes and constants of one model.

    Scalar parameters of quantizers have shape () or, with a `rng`, shape (), (1,), or one axis for each axis of a
    tensor of `rank`: exporters write all of these.
    """

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    rng: np.random.Generator | None = None
    rank: int = 2

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def number(self, value: object) -> str:
        """A scalar constant."""
        array = np.asarray(value, dtype=np.float32)
        if self.rng is not None and array.size == 1:
            array = array.reshape(((), (1,), (1,) * self.rank)[self.rng.integers(3)])
        return self.constant(array)

    def node(self, operation: str, *inputs: str, domain: str = "", **attributes: object) -> str:
        name = f"t{len(self.nodes)}"
        self.nodes.append(
            onnx.helper.make_node(
                operation, list(inputs), [name], name=f"n{len(self.nodes)}", domain=domain, **attributes
            )
        )
        return name

    def bipolar(self, tensor: str, scale: object = 1.0) -> str:
        return self.node("BipolarQuant", tensor, self.number(scale), domain=DOMAIN)

    def quant(
        self,
        tensor: str,
        bits: int,
        *,
        scale: float,
        signed: bool,
        narrow: bool = False,
        zero: float = 0,
        mode: str = "ROUND",
    ) -> str:
        return self.node(
            "Quant",
            tensor,
            self.number(scale),
            self.number(zero),
            self.number(bits),
            domain=DOMAIN,
            signed=int(signed),
            narrow=int(narrow),
            rounding_mode=mode,
        )

    def model(self, input_shape: tuple[int, ...], output: str, *, opset: int = 17, qonnx: int = 1) -> onnx.ModelProto:
        """The net; `opset` and `qonnx` are the operator versions of ONNX and of QONNX."""
        self.nodes[-1].output[0] = output
        graph = onnx.helper.make_graph(
            self.nodes,
            "net",
            [onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *input_shape])],
            [onnx.helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
            self.constants,
        )
        return onnx.helper.make_model(
            graph,
            opset_imports=[onnx.helper.make_opsetid("", opset), onnx.helper.make_opsetid(DOMAIN, qonnx)],
            ir_version=8,
        )


@dataclass(frozen=True)
class DenseNet:
    """Recipe of a random dense net; the same recipe gives the same model.

    `activation_bits` and `weight_bits` of 1 are bipolar, more are a Quant of that many bits: activations signed or
    after a Relu, weights symmetric, so that 2 bits are ternary.
    """

    widths: tuple[int, ...]
    activation_bits: int = 1
    weight_bits: int = 1
    signed: bool = False
    weight_scale: float = 1.0
    bias: bool = False
    zero_mean: bool = False
    gemm: bool = False
    last_norm: bool = False
    seed: int = 0

    @classmethod
    def random(cls, seed: int) -> DenseNet:
        """Draw layers, widths, bits, scales, biases and dead channels from a seed."""
        rng = np.random.default_rng(seed)
        return cls(
            widths=tuple(int(width) for width in rng.integers(1, 33, rng.integers(2, 6))),
            activation_bits=int(rng.choice([1, 1, 1, 2, 3, 4])),
            weight_bits=int(rng.choice([1, 1, 1, 2, 4, 8])),
            signed=bool(rng.random() < 0.5),
            weight_scale=float(rng.choice([1.0, 0.1, 0.013])),
            bias=bool(rng.random() < 0.5),
            zero_mean=bool(rng.random() < 0.3),
            gemm=bool(rng.random() < 0.5),
            last_norm=bool(rng.random() < 0.5),
            seed=seed,
        )

    def model(self) -> onnx.ModelProto:
        rng = np.random.default_rng(self.seed)
        net = NetWriter(rng=np.random.default_rng((self.seed, 1)))
        x = net.bipolar("x")
        for layer, (inputs, outputs) in enumerate(pairwise(self.widths)):
            x = self._dense(net, x, rng, inputs, outputs)
            if layer < len(self.widths) - 2:
                x = self._normalise(net, x, rng, inputs, outputs)
                x = self._activate(net, x)
        if self.last_norm:
            self._normalise(net, x, rng, self.widths[-2], self.widths[-1])
        else:
            net.node("Mul", x, net.number(0.5))
        return net.model((self.widths[0],), "y")

    def write(self, folder: Path) -> Path:
        path = folder / "net.onnx"
        onnx.save(self.model(), path)
        return path

    def _dense(self, net: NetWriter, x: str, rng: np.random.Generator, inputs: int, outputs: int) -> str:
        latent = net.constant(rng.standard_normal((outputs, inputs)))
        if self.weight_bits == 1:
            weights = net.bipolar(latent, self.weight_scale)
        else:
            scale = 3.0 / 2**self.weight_bits
            weights = net.quant(latent, self.weight_bits, scale=scale, signed=True, narrow=True)
        bias = [net.constant(rng.normal(0, 3, outputs))] if self.bias else []
        if self.gemm:
            return net.node("Gemm", x, weights, *bias, transB=1)
        product = net.node("MatMul", x, net.node("Transpose", weights, perm=[1, 0]))
        return net.node("Add", product, *bias) if bias else product

    def _normalise(self, net: NetWriter, x: str, rng: np.random.Generator, inputs: int, outputs: int) -> str:
        gamma = rng.normal(0, 1, outputs)
        gamma[rng.random(outputs) < 0.1] = 0  # dead channels
        beta = np.zeros(outputs) if self.zero_mean else rng.normal(0, 0.5, outputs)
        mean = np.zeros(outputs) if self.zero_mean else rng.normal(0, np.sqrt(inputs), outputs)
        variance = rng.uniform(0.5, 2, outputs) * inputs
        parameters = [net.constant(value) for value in (gamma, beta, mean, variance)]
        return net.node("BatchNormalization", x, *parameters, epsilon=1e-5)

    def _activate(self, net: NetWriter, x: str) -> str:
        if self.activation_bits == 1:
            return net.bipolar(x)
        if not self.signed:
            x = net.node("Relu", x)
        return net.quant(x, self.activation_bits, scale=1.5 / 2**self.activation_bits, signed=self.signed)


def dense_nets(max_width: int = 24, max_layers: int = 3) -> st.SearchStrategy[DenseNet]:
    """Random recipes: widths with and without common divisors, one to four bits, ties, biases."""
    return st.builds(
        DenseNet,
        widths=st.lists(st.integers(1, max_width), min_size=2, max_size=max_layers + 1).map(tuple),
        activation_bits=st.sampled_from([1, 1, 2, 3, 4]),
        signed=st.booleans(),
        weight_bits=st.sampled_from([1, 1, 1, 2, 3, 8]),
        weight_scale=st.sampled_from([1.0, 0.1, 0.037]),
        bias=st.booleans(),
        zero_mean=st.booleans(),
        gemm=st.booleans(),
        last_norm=st.booleans(),
        seed=st.integers(0, 2**16),
    )
