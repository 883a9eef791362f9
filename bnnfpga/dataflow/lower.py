"""From folded integer operations to operators."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import onnx
from qonnx.core.modelwrapper import ModelWrapper

from bnnfpga.dataflow.graph import Graph
from bnnfpga.dataflow.operator import Operator
from bnnfpga.dataflow.operators.add import Add
from bnnfpga.dataflow.operators.arg_max import ArgMax
from bnnfpga.dataflow.operators.concat import Concat
from bnnfpga.dataflow.operators.fork import Fork
from bnnfpga.dataflow.operators.lookup import Lookup
from bnnfpga.dataflow.operators.matrix_vector import MatrixVector
from bnnfpga.dataflow.operators.pool import Pool, PoolFunction
from bnnfpga.dataflow.operators.score_output import ScoreOutput
from bnnfpga.dataflow.operators.select import Select
from bnnfpga.dataflow.operators.threshold import Threshold
from bnnfpga.dataflow.operators.upsample import Upsample
from bnnfpga.dataflow.operators.vector_vector import VectorVector
from bnnfpga.dataflow.operators.window import Window
from bnnfpga.dataflow.stream import Port
from bnnfpga.dataflow.thresholds import ThresholdTable
from bnnfpga.errors import UserError
from bnnfpga.frontend.channels import channel_index, upsampling_factors
from bnnfpga.frontend.nodes import LAYOUT_OPS, attribute, consumers, describe, required_constant
from bnnfpga.frontend.sliding import geometry_of, pad_value
from bnnfpga.geometry import Geometry
from bnnfpga.integers import IntArray, IntegerType
from bnnfpga.transforms.class_scores import Affine, Ranks, class_comparison
from bnnfpga.transforms.host_functions import HostFunction
from bnnfpga.transforms.integer_types import (
    INTEGER_ADD,
    INTEGER_CONCAT,
    INTEGER_POOL,
    INTEGER_SUM,
    THRESHOLD,
    integer_type,
    integer_weights,
    reachable_values,
)

_MOST_ACCUMULATOR_BITS = 32
_FEWEST_TABULATED = 4
_MOST_TABULATED_BITS = 10


def lower(model: ModelWrapper, output_function: HostFunction | None = None) -> Graph:
    """Map a folded graph onto operators with PE = SIMD = 1.

    Parameters
    ----------
    model
        A folded graph.
    output_function
        Where given, the accelerator computes the class: the index of the largest of this function of the scores.

    Returns
    -------
    Graph
        Complete and executable. Operators are named by their kind and number, like `matrix_vector0`; a threshold
        behind a dot product is merged into its unit, and a Pad into the window behind it.

    Raises
    ------
    UserError
        If an operation has no unit.
    """
    if not model.graph.node:
        raise UserError(
            "it has no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
        )
    lowering = _Lowering(model)
    for node in model.graph.node:
        lowering.lower(node)
    return lowering.finish(output_function)


@dataclass(frozen=True, eq=False)
class _Tensor:
    """Where a tensor of the model is in the accelerator.

    Parameters
    ----------
    producer
        The operator whose first output it is; None for the accelerator's input.
    order
        For each element of the stream, its place in the model's flattened tensor: streams of images have their channels
        innermost, tensors outermost.
    pads, fill
        Rows and columns around it that the next window has to make up, and with what.
    """

    producer: str | None
    order: IntArray
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: int = 0


class _Lowering:
    """One walk over the folded graph."""

    def __init__(self, model: ModelWrapper) -> None:
        self._model = model
        self._operators: dict[str, Operator] = {}
        self._edges: list[tuple[str | None, str, int]] = []
        self._merged: set[str] = set()
        self._tensors: dict[str, _Tensor] = {}
        self._lower: dict[str, Callable[[onnx.NodeProto], None]] = {
            "MatMul": self._dense,
            "Conv": self._convolution,
            THRESHOLD: self._threshold,
            "MaxPool": self._max_pool,
            INTEGER_POOL: self._max_pool,
            INTEGER_SUM: self._sum,
            "Pad": self._pad,
            INTEGER_ADD: self._add_streams,
            INTEGER_CONCAT: self._concat,
            "Gather": self._select,
            "Resize": self._upsample,
            **dict.fromkeys(LAYOUT_OPS, self._layout),
        }
        source = model.graph.input[0].name
        # A frame that is flattened at once is a vector, whose elements come in the model's own order.
        while [node.op_type in LAYOUT_OPS for node in consumers(model, source)] == [True]:
            node = consumers(model, source)[0]
            self._merged.add(node.name)
            source = node.output[0]
        self._tensors[source] = _Tensor(None, _channels_last(self._shape(source)))

    def lower(self, node: onnx.NodeProto) -> None:
        """Add what a node needs."""
        if node.name in self._merged:
            return
        if node.op_type not in self._lower:
            raise UserError(
                "no hardware unit does this", where=describe(node), hint="put a quantizer behind it, or leave it out"
            )
        self._lower[node.op_type](node)

    def finish(self, output_function: HostFunction | None) -> Graph:
        """The output boundary, and everything joined."""
        tensor = self._model.graph.output[0].name
        last = self._tensors[tensor].producer
        if last is None:
            raise UserError(
                "it has no layer to compile", where="the model's graph", hint="give a model with a quantised layer"
            )
        if output_function is not None:
            last = self._arg_max(tensor, output_function)
        output = ScoreOutput("score_output", self._operators[last].outputs[0])
        self._add(output, last)
        return self._joined(output.name)

    def _joined(self, last: str) -> Graph:
        """The graph, with forks where a stream has several readers."""
        graph = Graph()
        for operator in self._operators.values():
            graph.add(operator)
        first = ""
        forks = 0
        for source in dict.fromkeys(producer for producer, _, _ in self._edges):
            readers = [(consumer, port) for producer, consumer, port in self._edges if producer == source]
            place, output = source, 0
            while readers:
                consumer, port = readers.pop(0)
                if readers:
                    fork = Fork(f"{Fork.kind}{forks}", self._operators[consumer].inputs[port])
                    forks += 1
                    graph.add(fork)
                    if place is None:
                        first = fork.name
                    else:
                        graph.connect(place, fork.name, output=output, any_lanes=True)
                    graph.connect(fork.name, consumer, input=port, any_lanes=True)
                    place, output = fork.name, 1
                elif place is None:
                    first = consumer
                else:
                    graph.connect(place, consumer, output=output, input=port, any_lanes=True)
        graph.set_boundary(first, last)
        return graph

    def _shape(self, tensor: str) -> list[int]:
        shape: list[int] = self._model.get_tensor_shape(tensor)
        return shape[1:]

    def _type(self, tensor: str) -> IntegerType:
        type = integer_type(self._model, tensor)
        assert type is not None, tensor
        return type

    def _stream_type(self, tensor: _Tensor) -> IntegerType:
        return self._type_of(tensor.producer)

    def _type_of(self, producer: str | None) -> IntegerType:
        if producer is None:
            return self._type(self._model.graph.input[0].name)
        return self._operators[producer].outputs[0].type

    def _name(self, kind: type[Operator]) -> str:
        return f"{kind.kind}{sum(isinstance(operator, kind) for operator in self._operators.values())}"

    def _add(self, operator: Operator, *producers: str | None) -> str:
        self._operators[operator.name] = operator
        self._edges += [(producer, operator.name, port) for port, producer in enumerate(producers)]
        return operator.name

    def _read(self, node: onnx.NodeProto, index: int = 0) -> _Tensor:
        """An operand of a node."""
        return self._tensors[node.input[index]]

    def _made(self, node: onnx.NodeProto, producer: str, order: IntArray | None = None) -> None:
        """A node's result comes from an operator, with channels last where nothing else is said."""
        result = node.output[0]
        self._tensors[result] = _Tensor(producer, _channels_last(self._shape(result)) if order is None else order)

    def _layout(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        shape = self._shape(node.output[0])
        if len(shape) > 1 and not np.array_equal(tensor.order, _channels_last(shape)):
            raise UserError(
                f"it makes an image of shape {tuple(shape)} of elements that come in another order",
                where=describe(node),
                hint="only flattening is possible between layers",
            )
        self._tensors[node.output[0]] = tensor

    def _dense(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        weights = self._weights(node)
        if weights.ndim != 2:
            raise UserError(
                f"its weights have {weights.ndim} axes, a layer's have 2",
                where=describe(node),
                hint="export the layer as Linear",
            )
        axes = len(self._shape(node.input[0])) + 1
        if axes != 2:
            raise UserError(
                f"its input has {axes} axes; a layer takes vectors (images, features)",
                where=describe(node),
                hint="flatten in front of the layer",
            )
        rows = np.ascontiguousarray(weights[tensor.order].T)
        table, last = self._table_behind(node, len(rows))
        unit = MatrixVector(self._name(MatrixVector), rows, self._stream_type(tensor), (), table)
        self._made(last, self._dot_product(node, unit, tensor.producer))

    def _convolution(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        weights = self._weights(node)
        if tensor.fill and any(geometry_of(self._model, node).pads):
            above = self._model.find_producer(node.input[0])
            tensor = self._padded(above, tensor)
        geometry, fill = self._geometry(node, tensor)
        groups = attribute(node, "group", 1)
        table, last = self._table_behind(node, len(weights))
        if groups == 1:
            made = self._slide(node, geometry, fill, tensor.producer, weights, table)
        elif weights.shape[1] == 1:
            made = self._depthwise(node, geometry, fill, tensor, weights, table)
        else:
            made = self._grouped(node, geometry, fill, tensor, weights, table)
        self._made(last, made)

    def _slide(
        self,
        node: onnx.NodeProto,
        geometry: Geometry,
        fill: int,
        producer: str | None,
        weights: IntArray,
        table: ThresholdTable | None,
    ) -> str:
        """A window and a matrix-vector unit; weights are (outputs, channels, kernel...)."""
        type = self._type_of(producer)
        producer, padded = self._window(node, geometry, fill, producer, weights.shape[1])
        # (outputs, kernel..., channels): a window's pixels, channels innermost.
        rows = np.ascontiguousarray(np.moveaxis(weights, 1, -1).reshape(len(weights), -1))
        unit = MatrixVector(
            self._name(MatrixVector), rows, type, geometry.windows, table, kernel=geometry.kernel, padded=padded
        )
        return self._dot_product(node, unit, producer)

    def _window(
        self, node: onnx.NodeProto, geometry: Geometry, fill: int, producer: str | None, channels: int
    ) -> tuple[str | None, bool]:
        """What sends the windows of a convolution, and whether it flags pixels outside."""
        if geometry.is_identity:
            return producer, False
        window = Window(self._name(Window), geometry, channels, self._type_of(producer), fill)
        if window.flagged and fill:
            raise _unfit_pad(fill, node)
        return self._add(window, producer), window.flagged

    def _depthwise(
        self,
        node: onnx.NodeProto,
        geometry: Geometry,
        fill: int,
        tensor: _Tensor,
        weights: IntArray,
        table: ThresholdTable | None,
    ) -> str:
        """Every channel by itself; where it makes several, its copies each make one."""
        outputs, producer, type = len(weights), tensor.producer, self._stream_type(tensor)
        channels = self._shape(node.input[0])[0]
        if outputs != channels:
            index = np.repeat(np.arange(channels), outputs // channels)
            producer = self._add(
                Select(self._name(Select), geometry.image, channels, tuple(index.tolist()), type), producer
            )
        producer, padded = self._window(node, geometry, fill, producer, outputs)
        rows = np.ascontiguousarray(weights.reshape(outputs, -1).T)
        unit = VectorVector(self._name(VectorVector), rows, type, geometry.windows, table, padded)
        return self._dot_product(node, unit, producer)

    def _grouped(
        self,
        node: onnx.NodeProto,
        geometry: Geometry,
        fill: int,
        tensor: _Tensor,
        weights: IntArray,
        table: ThresholdTable | None,
    ) -> str:
        """A convolution for each group of channels, and what they make one after the other."""
        type, inputs = self._stream_type(tensor), weights.shape[1]
        channels = self._shape(node.input[0])[0]
        outputs = len(weights) // (channels // inputs)
        joined, made = "", 0
        for first in range(0, channels, inputs):
            index = tuple(range(first, first + inputs))
            part = self._add(Select(self._name(Select), geometry.image, channels, index, type), tensor.producer)
            rows = None
            if table is not None:
                rows = table if len(table.values) == 1 else table.rows(slice(made, made + outputs))
            part = self._slide(node, geometry, fill, part, weights[made : made + outputs], rows)
            if joined:
                element = self._operators[part].outputs[0].type
                unit = Concat(self._name(Concat), geometry.windows, (made, outputs), element)
                part = self._add(unit, joined, part)
            joined, made = part, made + outputs
        return joined

    def _weights(self, node: onnx.NodeProto) -> IntArray:
        weights = integer_weights(self._model, node.input[1])
        if weights is None or integer_type(self._model, node.input[0]) is None:
            raise UserError(
                "its operands are not both integers",
                where=describe(node),
                hint="put quantizers on the layer's input and weights",
            )
        return weights

    def _table_behind(self, node: onnx.NodeProto, channels: int) -> tuple[ThresholdTable | None, onnx.NodeProto]:
        """The thresholds behind a dot product, where nobody else reads its sums; and the node that makes the result."""
        behind = consumers(self._model, node.output[0])
        if [item.op_type for item in behind] != [THRESHOLD]:
            return None, node
        self._merged.add(behind[0].name)
        return self._table(behind[0], channels), behind[0]

    def _dot_product(self, node: onnx.NodeProto, unit: MatrixVector | VectorVector, producer: str | None) -> str:
        if unit.accumulator.bits > _MOST_ACCUMULATOR_BITS:
            raise UserError(
                f"its sums need {unit.accumulator.bits} bits; {_MOST_ACCUMULATOR_BITS} can be compiled",
                where=describe(node),
                hint="quantise its input or its weights to fewer bits, or give it fewer inputs",
            )
        return self._add(unit, producer)

    def _threshold(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        shape = self._shape(node.input[0])
        # An image that was flattened still comes pixel by pixel, but each element has its own thresholds.
        stream = _stream_shape(shape)
        table = self._table(node, stream[-1])
        if len(table.values) > 1 and len(shape) == 1:
            table = ThresholdTable(table.values[tensor.order], table.decreasing[tensor.order], table.output)
        type = self._stream_type(tensor)
        unit: Operator
        if len(table.values) > 1 or table.levels < _FEWEST_TABULATED or type.bits > _MOST_TABULATED_BITS:
            unit = Threshold(self._name(Threshold), stream, type, table)
        else:
            codes = np.arange(1 << type.bits, dtype=np.int64)
            # Codes that cannot occur get the result of the nearest that can.
            values = np.clip(type.decode(codes), type.lo, type.hi)
            results = table.execute(values[:, None])[:, 0]
            unit = Lookup(self._name(Lookup), stream, type, results, table.output)
        self._made(node, self._add(unit, tensor.producer), tensor.order)

    def _table(self, node: onnx.NodeProto, channels: int) -> ThresholdTable:
        values = required_constant(self._model, node, 1, "thresholds").astype(np.int64)
        decreasing = required_constant(self._model, node, 2, "directions").astype(bool)
        if len(values) not in (1, channels):
            raise UserError(
                f"the function in front of it differs between the pixels of a channel ({len(values)} of them)",
                where=describe(node),
                hint="use parameters that are the same for all pixels",
            )
        return ThresholdTable(values, decreasing, self._type(node.output[0]))

    def _max_pool(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        type = self._stream_type(tensor)
        channels = self._shape(node.input[0])[0]
        smallest = np.zeros(channels, dtype=bool)
        if node.op_type == INTEGER_POOL:
            smallest = required_constant(self._model, node, 1, "direction").astype(bool)
        # Pads must never win: the least there is for a largest, and where channels differ, none at all.
        fill = type.lo if not smallest.any() else type.hi if smallest.all() else type.hi + 1
        self._pool(node, tensor, "extremum", smallest, fill)

    def _sum(self, node: onnx.NodeProto) -> None:
        self._pool(node, self._read(node), "sum", np.zeros(self._shape(node.input[0])[0], dtype=bool), 0)

    def _pool(
        self, node: onnx.NodeProto, tensor: _Tensor, function: PoolFunction, smallest: np.ndarray, fill: int
    ) -> None:
        geometry = geometry_of(self._model, node)
        type, producer = self._stream_type(tensor), tensor.producer
        if geometry.is_identity:
            self._tensors[node.output[0]] = tensor
            return
        padded = False
        if geometry.kernel != geometry.image or any(geometry.pads):
            window = Window(self._name(Window), geometry, len(smallest), type, fill)
            producer, padded = self._add(window, producer), window.flagged
        unit = Pool(self._name(Pool), geometry.windows, geometry.taps, len(smallest), type, function, smallest, padded)
        self._made(node, self._add(unit, producer))

    def _add_streams(self, node: onnx.NodeProto) -> None:
        """A sum of more than two streams is a chain of sums."""
        tensors = [self._read(node, index) for index in range(len(node.input))]
        if any(not np.array_equal(tensor.order, tensors[0].order) for tensor in tensors):
            raise UserError(
                "its operands come in different orders", where=describe(node), hint="add images, or vectors, not both"
            )
        factors = attribute(node, "factors", [])
        shape = _stream_shape(self._shape(node.output[0]))
        producer, type, factor = tensors[0].producer, self._stream_type(tensors[0]), factors[0]
        for tensor, other in zip(tensors[1:], factors[1:], strict=True):
            types = (type, self._stream_type(tensor))
            unit = Add(self._name(Add), shape, types, (factor, other))
            producer, type, factor = self._add(unit, producer, tensor.producer), unit.made, 1
        assert producer is not None
        self._made(node, producer, tensors[0].order)

    def _concat(self, node: onnx.NodeProto) -> None:
        """Streams of different types or scales are brought to one by a table each; more than two are a chain."""
        type = self._type(node.output[0])
        shape = _stream_shape(self._shape(node.output[0]))
        producer, channels = None, 0
        orders: list[IntArray] = []
        for index, factor in enumerate(attribute(node, "factors", [])):
            tensor = self._read(node, index)
            taken = self._stream_type(tensor)
            own = _stream_shape(self._shape(node.input[index]))
            source = tensor.producer
            if taken != type or factor != 1:
                codes = np.arange(1 << taken.bits, dtype=np.int64)
                values = np.clip(taken.decode(codes), taken.lo, taken.hi) * factor
                source = self._add(Lookup(self._name(Lookup), own, taken, values, type), source)
            orders.append(tensor.order + sum(len(order) for order in orders))
            if index:
                unit = Concat(self._name(Concat), own[:-1], (channels, own[-1]), type)
                source = self._add(unit, producer, source)
            producer, channels = source, channels + own[-1]
        assert producer is not None
        self._made(node, producer, np.concatenate(orders) if len(shape) == 1 else None)

    def _select(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        shape = _stream_shape(self._shape(node.input[0]))
        index = channel_index(self._model, node)
        if len(shape) == 1:
            # Where each element of the model's order comes in the stream.
            index = np.argsort(tensor.order)[index]
        unit = Select(self._name(Select), shape[:-1], shape[-1], tuple(index.tolist()), self._stream_type(tensor))
        self._made(node, self._add(unit, tensor.producer))

    def _upsample(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        *image, channels = _stream_shape(self._shape(node.input[0]))
        *factors, down, across = 1, *upsampling_factors(self._model, node)
        if len(factors) > 1 or len(image) != 2:
            raise UserError(
                "it repeats other things than pixels",
                where=describe(node),
                hint="only images and signals can be upsampled",
            )
        unit = Upsample(self._name(Upsample), (image[0], image[1]), channels, self._stream_type(tensor), (down, across))
        self._made(node, self._add(unit, tensor.producer))

    def _pad(self, node: onnx.NodeProto) -> None:
        tensor = self._read(node)
        geometry = geometry_of(self._model, node)
        padded = replace(tensor, pads=geometry.pads, fill=int(pad_value(self._model, node)))
        behind = consumers(self._model, node.output[0])
        if [item.op_type for item in behind] != ["Conv"]:
            padded = self._padded(node, padded)
        self._tensors[node.output[0]] = padded

    def _padded(self, node: onnx.NodeProto, tensor: _Tensor) -> _Tensor:
        """The input of a Pad with its pads made: by windows of one pixel."""
        image = self._shape(node.input[0])
        geometry = Geometry(_rows_columns(image), (1, 1), pads=tensor.pads)
        window = Window(self._name(Window), geometry, image[0], self._stream_type(tensor), tensor.fill)
        if window.flagged:
            raise _unfit_pad(tensor.fill, node)
        order = _channels_last([image[0], *geometry.windows])
        return _Tensor(self._add(window, tensor.producer), order)

    def _geometry(self, node: onnx.NodeProto, tensor: _Tensor) -> tuple[Geometry, int]:
        """A convolution's, on the image without the pads that a Pad put around it; and what pads are."""
        geometry = geometry_of(self._model, node)
        if not any(tensor.pads):
            return geometry, 0
        top, left, bottom, right = tensor.pads
        image = (geometry.image[0] - top - bottom, geometry.image[1] - left - right)
        own = geometry.pads
        pads = (own[0] + top, own[1] + left, own[2] + bottom, own[3] + right)
        return replace(geometry, image=image, pads=pads), tensor.fill

    def _arg_max(self, tensor: str, function: HostFunction) -> str:
        place = self._tensors[tensor]
        if not np.array_equal(place.order, np.arange(len(place.order))):
            raise UserError(
                "its scores are an image", where="--output class", hint="use --output scores: the host computes classes"
            )
        assert place.producer is not None
        comparison = class_comparison(function, reachable_values(self._model, tensor))
        port = self._operators[place.producer].outputs[0]
        port = replace(port, shape=(port.elements,))
        return self._add(_arg_max(port, comparison), place.producer)


def _unfit_pad(fill: int, node: onnx.NodeProto) -> UserError:
    return UserError(
        f"its input is padded with {fill} times its scale, which the quantizer in front never gives",
        where=describe(node),
        hint="pad with a value that the quantizer can give, or with zeros right in front of a convolution",
    )


def _arg_max(scores: Port, comparison: Affine | Ranks | None) -> ArgMax:
    if comparison is None:
        return ArgMax("arg_max", scores)
    if isinstance(comparison, Affine):
        return ArgMax("arg_max", scores, comparison.factors, comparison.offsets)
    # Where only every second score occurs, the lowest bit of their codes says nothing.
    shift = int(comparison.values.step == 2 and scores.type.bits > 1)
    ranks = np.zeros((scores.elements, 1 << (scores.type.bits - shift)), dtype=np.int64)
    ranks[:, scores.type.encode(np.array(comparison.values)) >> shift] = comparison.ranks
    return ArgMax("arg_max", scores, ranks=ranks)


def _rows_columns(shape: list[int]) -> tuple[int, int]:
    """Rows and columns of a tensor (channels, ...pixels); a signal in time has one row."""
    return (1, shape[1]) if len(shape) == 2 else (shape[1], shape[2])


def _stream_shape(shape: list[int]) -> tuple[int, ...]:
    """The stream of a tensor without its batch axis: (rows, columns, channels), or a vector."""
    return tuple(shape) if len(shape) == 1 else (*_rows_columns(shape), shape[0])


def _channels_last(shape: list[int]) -> IntArray:
    """For each element of a frame's stream, its place in the flattened tensor of shape (channels, ...)."""
    places = np.arange(math.prod(shape)).reshape(shape)
    return np.moveaxis(places, 0, -1).reshape(-1)
