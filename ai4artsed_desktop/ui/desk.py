"""What the window may ask of the computer beside the engine; the composition root passes it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Desk:
    """Files and folders as calls; widgets touch no disk themselves.

    Attributes:
        read_bytes: Return a file's bytes. Blocks; call it in a worker. Raises AppError.
        copy_file: Copy a file to a place the person chose. Blocks; call it in a worker. Raises AppError.
        keep_picture: Keep a pasted picture or a painted mask until it is used: its bytes and its extension; return
            the file. Blocks; call it in a worker. Raises AppError.
        free_bytes: Return how much is free on the disk of a folder that need not be there yet. Blocks; call it in a
            worker. Raises AppError.
        models_folder: Where GGUF files go.
        data_folder: Where runs lie.
        state: How the window was left (geometry, texts, choices); JSON values.
        save_state: Remember it. Quick; a failure is logged, not raised.
        is_administrator: The program runs with all rights of the system: code art then has one wall less around it.
    """

    read_bytes: Callable[[Path], bytes]
    copy_file: Callable[[Path, Path], None]
    keep_picture: Callable[[bytes, str], Path]
    free_bytes: Callable[[Path], int]
    models_folder: Path
    data_folder: Path
    state: Mapping[str, Any]
    save_state: Callable[[Mapping[str, Any]], None]
    is_administrator: bool = False
