"""What a model means, to the bit: the reference that everything is compared with.

Rules, in the order in which they apply:

1. A quantizer makes integer codes; a dot product of quantised tensors runs on the codes, exactly.
2. The scales of both operands are applied after the dot product, the activation's first, each as one float32
   multiplication.
3. Everything else is one float32 operation at a time, in the file's order. Batch norm is
   ((x - mean) / sqrt(var + eps)) * scale + bias.
4. BipolarQuant(+-0) is +1.

`steps` holds the float32 operations with their numpy and ONNX forms, `model` runs whole batches in one onnxruntime
session, `float_check` compares with a plain float64 run of the unmodified file.
"""
