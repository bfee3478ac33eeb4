"""Plays one sketch in a live view of its own process and prints what became of it, as JSON.

A process of its own: QtWebEngine's flags and its end belong to no other test. Arguments: framework, libraries folder,
seconds to watch. The code comes on standard input.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import cast


def main() -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from ai4artsed_desktop.code_art.diagnose import Diagnosis
    from ai4artsed_desktop.code_art.live import create_live_view

    application = QApplication(sys.argv[:1])
    framework = "tonejs" if sys.argv[1] == "tonejs" else "p5js"
    view = create_live_view(None, framework, sys.stdin.read(), 1, Path(sys.argv[2]))
    view.resize(200, 100)
    view.show()
    view.set_muted(True)
    told: dict[str, object] = {}

    def end() -> None:
        told["playing"] = view.is_playing
        picture = view.grab().toImage()
        told["color"] = picture.pixelColor(picture.width() // 2, picture.height() // 2).name()
        view.stop()
        told["playing_after_stop"] = view.is_playing
        view.deleteLater()
        QTimer.singleShot(200, application.quit)

    def on_failed(diagnosis: object) -> None:
        known = cast("Diagnosis", diagnosis)
        told["failure"], told["line"] = known.failure.value, known.line
        end()

    view.failed.connect(on_failed)
    QTimer.singleShot(int(float(sys.argv[3]) * 1000), lambda: None if "playing" in told else end())
    view.play()
    application.exec()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
