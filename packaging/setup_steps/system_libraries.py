"""The system libraries that Qt's wheels expect from a Linux system: checked by loading them, installed where we may.

Source of the list: the libraries that PySide6 6.11/6.12 asked for in minimal Debian 12 and Ubuntu 24.04 systems, found
with ldd and verified by running. macOS and Windows bring everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from setup_steps.commands import run
from setup_steps.messages import say, text


@dataclass(frozen=True)
class Library:
    """One shared library.

    Attributes:
        soname: What the loader is asked for.
        deb: Debian and Ubuntu packages that bring it; the first one that the system knows is taken.
        arch: The Arch Linux package that brings it.
        part: What does not work without it: base, x11, wayland, sound, code_art.
    """

    soname: str
    deb: tuple[str, ...]
    arch: str
    part: str


_TABLE = """
base      libEGL.so.1                   libegl1                         libglvnd
base      libGL.so.1                    libgl1                          libglvnd
base      libdbus-1.so.3                libdbus-1-3                     dbus
base      libfontconfig.so.1            libfontconfig1                  fontconfig
base      libfreetype.so.6              libfreetype6                    freetype2
base      libxkbcommon.so.0             libxkbcommon0                   libxkbcommon
base      libglib-2.0.so.0              libglib2.0-0t64,libglib2.0-0    glib2
base      libgssapi_krb5.so.2           libgssapi-krb5-2                krb5
x11       libxkbcommon-x11.so.0         libxkbcommon-x11-0              libxkbcommon-x11
x11       libX11-xcb.so.1               libx11-xcb1                     libx11
x11       libxcb-cursor.so.0            libxcb-cursor0                  xcb-util-cursor
x11       libxcb-icccm.so.4             libxcb-icccm4                   xcb-util-wm
x11       libxcb-image.so.0             libxcb-image0                   xcb-util-image
x11       libxcb-keysyms.so.1           libxcb-keysyms1                 xcb-util-keysyms
x11       libxcb-randr.so.0             libxcb-randr0                   libxcb
x11       libxcb-render-util.so.0       libxcb-render-util0             xcb-util-renderutil
x11       libxcb-render.so.0            libxcb-render0                  libxcb
x11       libxcb-shape.so.0             libxcb-shape0                   libxcb
x11       libxcb-shm.so.0               libxcb-shm0                     libxcb
x11       libxcb-sync.so.1              libxcb-sync1                    libxcb
x11       libxcb-util.so.1              libxcb-util1                    xcb-util
x11       libxcb-xfixes.so.0            libxcb-xfixes0                  libxcb
x11       libxcb-xkb.so.1               libxcb-xkb1                     libxcb
x11       libxcb-glx.so.0               libxcb-glx0                     libxcb
wayland   libwayland-client.so.0        libwayland-client0              wayland
wayland   libwayland-cursor.so.0        libwayland-cursor0              wayland
wayland   libwayland-egl.so.1           libwayland-egl1                 wayland
sound     libpulse.so.0                 libpulse0                       libpulse
sound     libXext.so.6                  libxext6                        libxext
sound     libXrandr.so.2                libxrandr2                      libxrandr
sound     libdrm.so.2                   libdrm2                         libdrm
code_art  libbrotlidec.so.1             libbrotli1                      brotli
code_art  libXcomposite.so.1            libxcomposite1                  libxcomposite
code_art  libXdamage.so.1               libxdamage1                     libxdamage
code_art  libXfixes.so.3                libxfixes3                      libxfixes
code_art  libXtst.so.6                  libxtst6                        libxtst
code_art  libgbm.so.1                   libgbm1                         mesa
code_art  libnss3.so                    libnss3                         nss
code_art  libnspr4.so                   libnspr4                        nspr
code_art  libxcb-dri3.so.0              libxcb-dri3-0                   libxcb
code_art  libxkbfile.so.1               libxkbfile1                     libxkbfile
code_art  libasound.so.2                libasound2t64,libasound2        alsa-lib
"""

#: Not a library, but missing in the same way: without any font file Qt draws no text.
FONTS = Library("*.ttf", ("fonts-dejavu-core",), "ttf-dejavu", "fonts")
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts")
_FONT_ENDINGS = {".ttf", ".otf", ".ttc", ".pfb"}

_PROBE = """
import ctypes, sys
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError:
        print(name)
"""


def ensure_libraries() -> bool:
    """Check the libraries, install missing ones where we may, say what is still missing and how to get it.

    Returns:
        False if something is missing without which the program cannot show or draw anything.
    """
    if not sys.platform.startswith("linux"):
        return True
    missing = missing_libraries(all_libraries())
    if missing and may_use_apt():
        apt_install(_known_packages(missing))
        missing = missing_libraries(missing)
    if not missing:
        return True
    effects = ", ".join(dict.fromkeys(text("effect_" + library.part) for library in missing))
    names = ", ".join(library.soname for library in missing)
    say("libraries_missing", names=names, effects=effects, command=install_command(missing))
    return not any(library.part in _needed_parts() for library in missing)


def all_libraries() -> list[Library]:
    """Return the whole list, the font as its last entry."""
    rows = [line.split() for line in _TABLE.strip().splitlines()]
    libraries = [Library(soname, tuple(deb.split(",")), arch, part) for part, soname, deb, arch in rows]
    return [*libraries, FONTS]


def missing_libraries(libraries: Sequence[Library]) -> list[Library]:
    """Return which of them the loader cannot find. A child process looks: what is loaded here would stay loaded."""
    sonames = [library.soname for library in libraries if library != FONTS]
    probe = [sys.executable, "-I", "-c", _PROBE, *sonames]
    absent = set(subprocess.run(probe, stdout=subprocess.PIPE, text=True, check=True).stdout.split())
    if FONTS in libraries and not _has_font():
        absent.add(FONTS.soname)
    return [library for library in libraries if library.soname in absent]


def install_command(missing: Sequence[Library]) -> str:
    """Return the command that brings the missing libraries on this kind of system."""
    sonames = [library for library in missing if library != FONTS]
    capabilities = " ".join(f"'{library.soname}()(64bit)'" for library in sonames)
    fonts = FONTS in missing
    if shutil.which("apt-get"):
        return "sudo apt-get install " + " ".join(_known_packages(missing))
    if shutil.which("dnf"):
        return f"sudo dnf install {capabilities}{' dejavu-sans-fonts' * fonts}"
    if shutil.which("zypper"):
        return f"sudo zypper install {capabilities}{' dejavu-fonts' * fonts}"
    if shutil.which("pacman"):
        return "sudo pacman -S --needed " + " ".join(dict.fromkeys(library.arch for library in missing))
    return text("libraries_unknown_system")


def may_use_apt() -> bool:
    """Say whether this is Debian or a child of it, and we are its administrator."""
    return sys.platform.startswith("linux") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(packages: Sequence[str]) -> bool:
    """Install Debian packages; says what it does and why it failed.

    Returns:
        True if apt-get reported success.
    """
    say("libraries", packages=" ".join(packages))
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    # A failed update is no end: yesterday's package lists often still serve.
    run(["apt-get", "update", "-q"], extra_env=quiet)
    result = run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages], extra_env=quiet)
    if result.code != 0:
        say("libraries_failed", detail=result.tail)
    return result.code == 0


def _known_packages(missing: Sequence[Library]) -> list[str]:
    """Return one package per library: of several names (t64 on newer releases) the first that apt knows."""
    return list(dict.fromkeys(_known_package(library.deb) for library in missing))


def _known_package(candidates: tuple[str, ...]) -> str:
    for name in candidates[:-1]:
        if run(["apt-get", "install", "--dry-run", "-q", name]).code == 0:
            return name
    return candidates[-1]


def _needed_parts() -> set[str]:
    """Return the parts without which nothing can be shown on this session's display."""
    on_x11 = bool(os.environ.get("DISPLAY")) and not os.environ.get("WAYLAND_DISPLAY")
    return {"base", "x11"} if on_x11 else {"base"}


def _has_font() -> bool:
    folders = [Path(folder).expanduser() for folder in _FONT_FOLDERS]
    return any(path.suffix.lower() in _FONT_ENDINGS for folder in folders for path in folder.rglob("*"))
