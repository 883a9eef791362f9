"""Standard output and standard error that never make a command fail halfway, wherever they lead.

A disk may be full, a reader gone, a stream closed by the caller. The command continues, and knows at its end that
something could not be written.
"""

from __future__ import annotations

import errno
import io
import os
import sys


class SafeStream(io.RawIOBase):
    """A stream to a file descriptor that remembers the first error instead of raising it."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.failed: OSError | None = None
        try:
            os.fstat(descriptor)
        except OSError as error:
            self._closed: OSError | None = error
        else:
            self._closed = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return self._closed is None and os.isatty(self._descriptor)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        view = memoryview(data)
        length = len(view)
        self.failed = self.failed or self._closed
        while len(view) and self.failed is None:
            try:
                view = view[os.write(self._descriptor, view) :]
            except OSError as error:
                self.failed = error
        return length

    @property
    def lost(self) -> str | None:
        """Why output was lost, or None; a reader that has gone away did not want the rest."""
        if self.failed is None or self.failed.errno == errno.EPIPE:
            return None
        return os.strerror(self.failed.errno or 0)


def take_over() -> SafeStream:
    """Replace `sys.stdout` and `sys.stderr` with safe streams; returns that of `sys.stdout`.

    Characters that the terminal's encoding lacks are written as question marks.
    """
    streams = []
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        stream = SafeStream(descriptor)
        old = getattr(sys, name)
        encoding = "utf-8" if old is None else old.encoding
        setattr(sys, name, io.TextIOWrapper(stream, encoding, errors="replace", write_through=True))
        streams.append(stream)
    # A closed descriptor would be reused by the next file opened, and libraries would then print into that file.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(descriptor)
    return streams[0]
