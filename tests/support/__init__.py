"""What several tests need: nets written directly as QONNX, data where the machine has it."""
