"""The meaning of a model, to the bit: the reference that everything else is compared with.

Rules, in the order in which they apply:

1. A quantizer produces integer codes; a dot product of quantised tensors runs on the codes, exactly.
2. The scales of both operands are applied after the dot product, the activation's first, each as one float32
   multiplication.
   Per-channel scales and divisors move behind it one by one if all channels that an output sums have the same. If they
   differ, the float32 product of them all must be an integer multiple of one number for those channels; the weights
   absorb the integers, and the number is the scale.
   A constant added between the integers and a dot product becomes one float32 constant for each output: the sum of
   weights times constants in float64, rounded once, added after the scales. Zero pads mean the number 0: if windows
   touch them, the constants are n/d times the scale with a d of at most 256, the dot product runs on d * code + n,
   and 1/d is the last of the activation's scales.
   The product of two streams is the exact product of their integers, followed by the first operand's scales, then the
   second's.
3. Everything else is one float32 operation at a time, in the file's order. Batch norm is
   ((x - mean) / sqrt(var + eps)) * scale + bias.
4. A function that is one node (Sigmoid, Gelu, HardSwish ...) means its float64 value, rounded once to float32.
5. BipolarQuant(+-0) is +1; Sign(+-0) is 0. MultiThreshold counts the thresholds T with x >= T; if its output is a
   scale times integers, those are its codes.
6. What only the host computes after the last layers is a program (`ends`) of float32 operations; sums, Softmax and
   interpolation are computed in float64 and rounded once. The largest output of a Softmax is the largest of its
   scores.

7. If a number lies within 16 * 2^-23 * sum|w * x| * |scale| of a decision point, and float32 rounds it, the decision
   is a *rounding tie*: the rules above define it, and other runtimes may decide otherwise.

`meanings` defines each operator, and `steps` the float32 operations of the elementwise ones; `onnx_form` writes these
for onnxruntime, `session` runs them and the functions in between, and `golden_model` runs whole batches;
`end_operations` defines what the host computes afterwards. `check` reads the unmodified file once more, independently
of everything else, and `file_check` compares the two.
"""
