"""Writing folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PART = ".bnnfpga-part"
_OLD = f".old{_PART}"
_MAX_NAME = 40
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2


@contextmanager
def whole_folder(target: Path, *, replace: bool) -> Iterator[Path]:
    """A folder to fill beside `target`, which it replaces in one step at the end.

    If an exception is raised, nothing is left of it; what a killed process left behind is removed by the next call.

    Parameters
    ----------
    target
        The final path.
    replace
        Whether an existing folder is replaced (and deleted).
    """
    restore_hidden(target)
    _remove_leftovers(target)
    part, lock = _locked_folder(target)
    try:
        part.chmod(0o755)
        yield part
        if replace and target.exists():
            _exchange(part, target)
        else:
            part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        os.close(lock)


def restore_hidden(target: Path) -> None:
    """Restore a folder whose replacement was interrupted by a kill.

    That is possible only where the system cannot swap two folders (see `_exchange`), so that the old one is
    hidden for a moment.
    """
    if os.path.lexists(target) or not target.parent.is_dir():
        return
    for path in _beside(target, _OLD):
        with contextlib.suppress(OSError), _locked(path):
            if not os.path.lexists(target):
                path.rename(target)


def _prefix(target: Path) -> str:
    """The common prefix of all helper folders of this target; long names are cut and made distinct by a hash."""
    name = target.name
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
    return f".{name}."


def _beside(target: Path, suffix: str) -> list[Path]:
    """The helper folders of this target that end in `suffix`."""
    prefix = _prefix(target)
    # tempfile's random part has no dot; a name with one belongs to another target that starts alike.
    return [
        path
        for path in target.parent.iterdir()
        if path.name.startswith(prefix)
        and path.name.endswith(suffix)
        and "." not in path.name[len(prefix) : -len(suffix)]
    ]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder; raises `OSError` if another process holds it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _locked_folder(target: Path) -> tuple[Path, int]:
    """A new folder and a descriptor that holds its lock, so that other processes see it is in use."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_prefix(target), suffix=_PART, dir=target.parent))
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            with contextlib.suppress(OSError):  # Some network file systems have no locks; leftovers stay there.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)
        # Another process removed it as a leftover before it was locked.


def _remove_leftovers(target: Path) -> None:
    old = _beside(target, _OLD)
    for path in [*_beside(target, _PART), *(old if target.exists() else ())]:
        with contextlib.suppress(OSError), _locked(path):
            shutil.rmtree(path)


def _exchange(part: Path, target: Path) -> None:
    """Swap two folders, atomically where the system can.

    Elsewhere the old one is renamed first. It stays locked meanwhile; a process that finds it
    unlocked restores it.
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        failed = errno.ENOSYS
    else:
        places = (_AT_FDCWD, os.fsencode(part), _AT_FDCWD, os.fsencode(target))
        failed = ctypes.get_errno() if renameat2(*places, _RENAME_EXCHANGE) else 0
    if failed in (errno.ENOSYS, errno.EINVAL):
        old = part.with_name(f"{part.name.removesuffix(_PART)}{_OLD}")
        with contextlib.ExitStack() as stack:
            with contextlib.suppress(OSError):  # no locks here: the old one is neither restored nor deleted by others
                stack.enter_context(_locked(target))
            target.rename(old)
            try:
                part.rename(target)
            except OSError:
                old.rename(target)
                raise
            old.rename(part)
    elif failed:
        raise OSError(failed, os.strerror(failed), str(target))
