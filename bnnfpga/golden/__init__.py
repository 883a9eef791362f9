"""What a model means, to the bit: the reference that everything is compared with.

Rules, in the order in which they apply:

1. A quantizer makes integer codes; a dot product of quantised tensors runs on the codes, exactly.
2. The scales of both operands are applied after the dot product, the activation's first, each as one float32
   multiplication.
   Scales and divisors of channels move behind one by one where all channels that an output sums have the same. Where
   they differ, the float32 product of them all is an integer multiple of one number for those channels; the weights
   take over the integers, and the number is the scale.
   A constant that is added between the integers and a dot product becomes one float32 constant for each output: the sum
   of weights times constants in float64, rounded once, added behind the scales. Zero pads stand for the number 0: where
   windows touch them, the constants are n/d times the scale with a d of at most 256, the dot product runs on d * code +
   n, and 1/d is the last of the activation's scales.
   The product of two streams is that of their integers, exactly; behind it come the first operand's scales, then the
   second's.
3. Everything else is one float32 operation at a time, in the file's order. Batch norm is
   ((x - mean) / sqrt(var + eps)) * scale + bias.
4. A function that is one node (Sigmoid, Gelu, HardSwish ...) means its float64 value, rounded once to float32.
5. BipolarQuant(+-0) is +1; Sign(+-0) is 0. MultiThreshold counts the thresholds T with x >= T; where its output is a
   scale times integers, those are its codes.
6. What only a host does behind the last layers is a program (`ends`) of float32 operations; sums, Softmax and
   interpolation are computed in float64 and rounded once. The largest behind a Softmax is the largest of its scores.

7. Where a number lies within 16 * 2^-23 * sum|w * x| * |scale| of a decision point, and float32 rounds it, the decision
   is a *rounding tie*: the rules above say how it is taken, and other runtimes may take it otherwise.

`meanings` says by operator what a node means, `steps` which float32 operations an elementwise one is, `onnx_form`
writes them for onnxruntime, `session` runs them and the functions in between, `golden_model` whole batches;
`end_operations` says what the host computes behind. `check` reads the unmodified file once more, independently of all
else, and `file_check` compares.
"""
