"""The speed of larq-compute-engine on binary layers; a script for another interpreter that imports nothing of bnnfpga.

The argument is a JSON object: nets by name, each with the shape of its input, its layers (a number of channels for a
binary 3x3 convolution with batch norm, "pool" for 2x2 max pooling), whether the image keeps its size, and the number of
images to run. Prints a JSON object: images per second by name, on one thread, the best of several runs.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import larq
import larq_compute_engine as lce
import numpy as np
import tensorflow as tf
from larq_compute_engine.tflite.python.interpreter import Interpreter

ROUNDS = 5


def images_per_second(shape: list[int], layers: list[int | str], same: bool, count: int) -> float:
    """Measure a net in larq-compute-engine's fastest form: with pads of 1, which need no correction."""
    padding: dict[str, Any] = {"padding": "same", "pad_values": 1.0} if same else {"padding": "valid"}
    signs = {"input_quantizer": "ste_sign", "kernel_quantizer": "ste_sign", "use_bias": False}
    tensor = first = tf.keras.Input(shape)
    for layer in layers:
        if layer == "pool":
            tensor = tf.keras.layers.MaxPool2D(2)(tensor)
        else:
            tensor = larq.layers.QuantConv2D(layer, 3, **signs, **padding)(tensor)
            tensor = tf.keras.layers.BatchNormalization(scale=False)(tensor)
    interpreter = Interpreter(lce.convert_keras_model(tf.keras.Model(first, tensor)), num_threads=1)
    images = np.random.default_rng(0).standard_normal((count, *shape), dtype=np.float32)
    seconds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        interpreter.predict(images)
        seconds.append(time.process_time() - started)
    return count / min(seconds)


if __name__ == "__main__":
    print(json.dumps({name: images_per_second(**net) for name, net in json.loads(sys.argv[1]).items()}))
