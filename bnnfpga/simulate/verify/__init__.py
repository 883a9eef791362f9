"""The stages from the model's file to the hardware, side by side, and where two of them first differ."""
