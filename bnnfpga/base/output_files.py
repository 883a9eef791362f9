"""Writing files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bnnfpga.base.errors import UserError


def require_writable(target: Path) -> None:
    """Refuse a file that cannot be written, before hours of work have gone into its content.

    Raises
    ------
    UserError
        When the folder does not exist or is closed, or the target is a folder itself.
    """
    try:
        is_folder, has_folder = target.is_dir(), target.parent.is_dir()
    except OSError as error:
        raise UserError(
            f"cannot write the file: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error
    if is_folder:
        raise UserError("this is a folder, not a file", where=str(target), hint="give the name of the file to write")
    if not has_folder:
        raise UserError(
            f"the folder '{target.parent}' does not exist", where=str(target), hint="create the folder first"
        )
    if not os.access(target.parent, os.W_OK):
        raise UserError(
            f"the folder '{target.parent}' is not writable",
            where=str(target),
            hint="choose a folder that you may write",
        )


def require_distinct(targets: Mapping[str, Path | None]) -> None:
    """Refuse one file for two outputs, by the options that name them, since the later would replace the earlier.

    Raises
    ------
    UserError
        When two options name the same file.
    """
    options: dict[Path, str] = {}
    for option, target in targets.items():
        if target is None:
            continue
        other = options.setdefault(Path(os.path.realpath(target)), option)
        if other != option:
            raise UserError(
                f"{other} and {option} name the same file", where=str(target), hint="give each a file of its own"
            )


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it; an older one is replaced only by a complete one."""
    partial = path.with_name(f".{path.name[:40]}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_output(target: Path, data: bytes) -> None:
    """Write a file that the user asked for, whole or not at all.

    Raises
    ------
    UserError
        When the file cannot be written.
    """
    require_writable(target)
    try:
        write_whole(target, data)
    except OSError as error:
        raise UserError(
            f"cannot write the file: {error.strerror}",
            where=str(target),
            hint="choose a writable folder with free space",
        ) from error
