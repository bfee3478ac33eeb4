"""Which names a project may have: it becomes a folder and a file on every system."""

from __future__ import annotations

import unicodedata

from ai4artsed_desktop.domain.training.errors import ProjectNameError

MAX_NAME_CHARS = 64
#: Leaves room for prefix, step number and ``.safetensors`` within the 255 bytes that file systems allow a name.
MAX_NAME_BYTES = 160

#: Names that Windows keeps for devices, with any extension. Source: Microsoft, "Naming Files, Paths, and Namespaces".
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}) | {
    f"{port}{number}" for port in ("com", "lpt") for number in (*"123456789", "¹", "²", "³")
}
_FORBIDDEN = frozenset('/\\:*?"<>|')
#: The trainer's sample prompts and log lines are read line by line, and ``%`` or ``$`` are read by shells and tools.
_UNWISE = frozenset("%$`")


def check_project_name(name: str) -> str:
    """Return the name as it will be used (NFC, without blanks around it).

    Raises:
        ProjectNameError: With the reason: it could leave the folder, or some system does not take it.
    """
    clean = unicodedata.normalize("NFC", name).strip(" ")
    if reason := _reason_against(clean):
        raise ProjectNameError(name=name.replace("\0", "␀"), reason=f"training.name.{reason}")
    return clean


def _reason_against(name: str) -> str:
    if not name:
        return "empty"
    if set(name) == {"."} or ".." in name:
        return "dots"
    if set(name) & _FORBIDDEN:
        return "separators"
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for char in name):
        return "control"
    if set(name) & _UNWISE:
        return "signs"
    if name[0] in ".-" or name[-1] in ". ":
        return "edges"
    if name.split(".")[0].rstrip(" ").casefold() in _DEVICES:
        return "device"
    if len(name) > MAX_NAME_CHARS or len(name.encode("utf-8")) > MAX_NAME_BYTES:
        return "long"
    return ""
