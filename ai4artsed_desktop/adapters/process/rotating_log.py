"""A log file that does not grow for ever. Standard library only: the keeper of lasting programs needs nothing else."""

from __future__ import annotations

from pathlib import Path

#: A log file is renamed to ``.1`` when it is so long; ``.1`` becomes ``.2``, and so on.
LOG_FILE_BYTES = 2_000_000
LOG_FILES = 4


class RotatingLog:
    """Appends bytes to a file that never grows beyond ``LOG_FILE_BYTES`` by more than one write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, data: bytes) -> None:
        """Append; older parts move on to the next number. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > LOG_FILE_BYTES:
            self._rotate()
        with self._path.open("ab") as file:
            file.write(data)

    def _rotate(self) -> None:
        names = [self._path, *(self._path.with_name(f"{self._path.name}.{number}") for number in range(1, LOG_FILES))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            try:
                newer.replace(older)
            except OSError:
                pass  # not there yet, or open elsewhere (Windows): then this part grows on
