"""A DMA as pynq has it, without its hardware; numpy only, so that it also serves as a module `pynq` by itself."""

import numpy as np


class Buffer(np.ndarray):
    """What `pynq.allocate` gives: an array that can be freed."""

    freed = False

    def freebuffer(self):
        self.freed = True


def allocate(shape, dtype="u4"):
    buffer = np.zeros(shape, dtype).view(Buffer)
    # Memory of a DMA holds what was there before.
    buffer[:] = 0xA5
    return buffer


class _Channel:
    def __init__(self, dma, kind):
        self._dma, self._kind, self._running, self.transferred = dma, kind, False, 0

    def transfer(self, array, start=0, nbytes=0):
        if not isinstance(array, Buffer) or array.freed:
            raise RuntimeError("Buffer is not allocated by pynq")
        nbytes = nbytes or array.nbytes - start
        if nbytes > self._dma.most or start + nbytes > array.nbytes:
            raise ValueError(f"Transfer size is {nbytes} bytes, which exceeds the maximum")
        if self._running:
            raise RuntimeError("DMA channel not idle")
        self._running, self.transferred = True, 0
        self._dma.start(self._kind, array, start, nbytes)

    def wait(self):
        if not self._running:
            raise RuntimeError("DMA channel not started")
        self._dma.finish(self._kind)
        self._running = False


class Dma:
    """An AXI DMA without descriptors, and an accelerator: `compute` turns the bytes of a batch into those it makes.

    `loses` bytes are missing at the end.
    """

    most = (1 << 26) - 1

    def __init__(self, compute, loses=0):
        self._compute, self._loses, self._pending = compute, loses, {}
        self.buffers, self.sent, self.received = [], [], []
        self.sendchannel, self.recvchannel = _Channel(self, "send"), _Channel(self, "receive")

    def start(self, kind, array, start, nbytes):
        if not any(array is buffer for buffer in self.buffers):
            self.buffers.append(array)
        if kind == "send":
            # What the DMA reads is what lies there now.
            self.sent.append(np.array(array[start : start + nbytes]))
        self._pending[kind] = (array, start, nbytes)

    def finish(self, kind):
        if kind == "send":
            if "receive" not in self._pending:
                raise RuntimeError("the accelerator waits for who receives: this would never end")
            return
        if "send" not in self._pending:
            raise RuntimeError("nothing was sent: this would never end")
        array, start, nbytes = self._pending.pop("receive")
        del self._pending["send"]
        made = self._compute(self.sent[-1])
        made = made[: made.size - self._loses]
        if made.size > nbytes:
            raise RuntimeError("DMA Internal Error: the transfer is too short for what comes")
        array[start : start + made.size] = made
        self.received.append(made)
        self.recvchannel.transferred = made.size


class Overlay:
    """What `pynq.Overlay` gives, with the one cell that matters."""

    def __init__(self, dma):
        self.dma = dma
