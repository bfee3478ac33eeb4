"""What has to stand in the process's environment before Qt is imported. No Qt here."""

from __future__ import annotations

from collections.abc import MutableMapping

#: Source: measured; WebRTC passes both policy and request gate. The dead proxy also takes what is meant for the machine
#: itself (``<-loopback>``). The raster flags make WebGL work without a GPU and 2D drawings equal on every machine; the
#: heap limit lets an out-of-memory sketch fail early.
CHROMIUM_FLAGS = (
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp --proxy-server=127.0.0.1:9 "
    "--proxy-bypass-list=<-loopback> --ignore-gpu-blocklist --disable-accelerated-2d-canvas "
    "--js-flags=--max-old-space-size=512"
)

# These change how large and in which font a sketch is drawn.
_SCALING = ("QT_SCALE_FACTOR", "QT_SCREEN_SCALE_FACTORS", "QT_FONT_DPI")


def prepare_environment(environment: MutableMapping[str, str], *, is_root: bool, is_offscreen: bool = True) -> bool:
    """Set the variables that QtWebEngine reads when it starts.

    Args:
        environment: Usually ``os.environ``; changed in place.
        is_root: Chromium refuses to start as root unless its process sandbox is off; for others it stays on.
        is_offscreen: True for the renderer, False where the page is shown in a window.

    Returns:
        Whether Chromium's own process sandbox is on.
    """
    environment["QTWEBENGINE_CHROMIUM_FLAGS"] = CHROMIUM_FLAGS
    environment.pop("QTWEBENGINE_REMOTE_DEBUGGING", None)  # an open port would be a door
    if is_offscreen:
        for name in _SCALING:
            environment.pop(name, None)
        environment["QT_QPA_PLATFORM"] = "offscreen"
        # The sketch's clock is virtual; so is the place it runs in.
        environment["TZ"] = "UTC"
    if is_root:
        environment["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
    else:
        environment.pop("QTWEBENGINE_DISABLE_SANDBOX", None)
    return not is_root
