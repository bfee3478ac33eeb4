"""The locked-down page: process flags, own scheme, policy header, request gate, and a page that refuses to leave.

Several independent layers close the same doors, because each of them alone was measured to leak: flags with a dead
proxy, the content security policy, the request gate, and the guard script that removes WebRTC.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import cast

import psutil
from PySide6.QtCore import QBuffer, QByteArray, QCoreApplication, QIODevice, QObject, QUrl, Signal
from PySide6.QtWebEngineCore import (
    QWebEngineDownloadRequest,
    QWebEnginePage,
    QWebEnginePermission,
    QWebEngineProfile,
    QWebEngineScript,
    QWebEngineSettings,
    QWebEngineUrlRequestInfo,
    QWebEngineUrlRequestInterceptor,
    QWebEngineUrlRequestJob,
    QWebEngineUrlScheme,
    QWebEngineUrlSchemeHandler,
)

from ai4artsed_desktop.code_art.bundle import own_script

SCHEME = "codeart"
PAGE_URL = f"{SCHEME}://app/"
#: Begins every console line that the guard and the observer print; see js/guard.js.
REPORT_PREFIX = "codeart-report:"

#: Source of the policy: measured with p5 1.x and Tone 15 against a set of 64 ways out. ``sandbox allow-scripts`` gives
#: the page an origin of its own (no storage, no pop-ups, no downloads, no dialogs); ``blob:`` serves Tone's worklets.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' blob:; style-src 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src data: blob:; font-src data:; connect-src blob: data:; worker-src blob:; child-src blob:; "
    "frame-src 'none'; form-action 'none'; base-uri 'none'; object-src 'none'; manifest-src 'none'; "
    "sandbox allow-scripts"
)

_MIME_TYPES = {".js": b"text/javascript", "": b"text/html"}
_SETTINGS_ON = frozenset(
    {
        QWebEngineSettings.WebAttribute.JavascriptEnabled,
        QWebEngineSettings.WebAttribute.AutoLoadImages,
        QWebEngineSettings.WebAttribute.ReadingFromCanvasEnabled,  # off, every canvas counts as tainted
        QWebEngineSettings.WebAttribute.WebGLEnabled,
        QWebEngineSettings.WebAttribute.WebRTCPublicInterfacesOnly,
    }
)


def register_scheme() -> None:
    """Make the page's own scheme known, before the first profile. A second call changes nothing."""
    if QWebEngineUrlScheme.schemeByName(SCHEME.encode()).name():
        return
    scheme = QWebEngineUrlScheme(SCHEME.encode())
    scheme.setSyntax(QWebEngineUrlScheme.Syntax.Host)
    # Secure, for audio worklets; not local: a local scheme may read files.
    scheme.setFlags(QWebEngineUrlScheme.Flag.SecureScheme | QWebEngineUrlScheme.Flag.CorsEnabled)
    QWebEngineUrlScheme.registerScheme(scheme)


def parse_report(message: str) -> tuple[str, object] | None:
    """Return (kind, detail) of a console line that the guard or the observer printed, None for any other line."""
    if not message.startswith(REPORT_PREFIX):
        return None
    try:
        parsed: object = json.loads(message[len(REPORT_PREFIX) :])
    except ValueError:
        return None  # a sketch that plays with the prefix
    if not isinstance(parsed, list):
        return None
    entries = cast("list[object]", parsed)
    if len(entries) != 2 or not isinstance(entries[0], str):
        return None
    return entries[0], entries[1]


class PageFiles(QWebEngineUrlSchemeHandler):
    """Serves a fixed set of files from memory, every one with the policy header."""

    served = Signal(str)

    def __init__(self, files: Mapping[str, bytes], parent: QObject) -> None:
        super().__init__(parent)
        self._files = files

    def requestStarted(self, job: QWebEngineUrlRequestJob) -> None:
        """Answer one request; anything unknown does not exist."""
        path = job.requestUrl().path()
        data = self._files.get(path)
        if data is None:
            job.fail(QWebEngineUrlRequestJob.Error.UrlNotFound)
            return
        # A list of values, or Qt silently sends garbage and the policy is off; a test holds this.
        headers: dict[QByteArray, list[QByteArray]] = {
            QByteArray(b"Content-Security-Policy"): [QByteArray(CONTENT_SECURITY_POLICY.encode())],
            QByteArray(b"Access-Control-Allow-Origin"): [QByteArray(b"*")],
        }
        job.setAdditionalResponseHeaders(headers)  # pyright: ignore[reportArgumentType]
        body = QBuffer(job)
        body.setData(QByteArray(data))
        body.open(QIODevice.OpenModeFlag.ReadOnly)
        job.reply(_MIME_TYPES[path[path.rfind(".") :] if "." in path else ""], body)
        self.served.emit(path)


class RequestGate(QWebEngineUrlRequestInterceptor):
    """Lets through what the page consists of and what it made itself; tells about everything else."""

    def __init__(self, paths: frozenset[str], on_refused: Callable[[str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._paths = paths
        self._on_refused = on_refused

    def interceptRequest(self, info: QWebEngineUrlRequestInfo) -> None:
        """Block unless the address is one of the page's own files, ``data:`` or ``blob:``."""
        url = info.requestUrl()
        is_own_file = url.scheme() == SCHEME and url.host() == "app" and url.path() in self._paths
        if is_own_file or url.scheme() in {"data", "blob"}:
            return
        info.block(True)
        self._on_refused(url.toString())


class SketchPage(QWebEnginePage):
    """One page for one sketch. Make it, ``open()`` it once, and ``discard()`` it in the end."""

    #: (level, text, line, source) of a console line; level is "info", "warning" or "error".
    printed = Signal(str, str, int, str)
    #: (kind, detail) of what the guard and the observer report; detail as parsed JSON.
    reported = Signal(str, object)
    #: (kind, address) of what this page itself refused.
    refused = Signal(str, str)
    #: The sketch's own code was asked for: from here on it may run.
    sketch_started = Signal()

    def __init__(self, files: Mapping[str, bytes]) -> None:
        # Without a name: off the record, nothing on disk. Its parent keeps it alive until discard().
        profile = QWebEngineProfile(QCoreApplication.instance())
        super().__init__(profile)
        self._is_opened = False
        self._gate = RequestGate(frozenset(files), self._on_gate_refused, profile)
        self._files = PageFiles(files, profile)
        self._files.served.connect(self._on_file_served)
        profile.installUrlSchemeHandler(SCHEME.encode(), self._files)
        profile.setUrlRequestInterceptor(self._gate)
        profile.downloadRequested.connect(self._on_download)
        self.permissionRequested.connect(self._on_permission)
        self._add_script("guard.js", QWebEngineScript.ScriptWorldId.MainWorld)
        self._add_script("observe.js", QWebEngineScript.ScriptWorldId.ApplicationWorld)
        settings = self.settings()
        for attribute in QWebEngineSettings.WebAttribute:
            settings.setAttribute(attribute, attribute in _SETTINGS_ON)

    def open(self) -> None:
        """Load the sketch. The only navigation this page ever makes."""
        self.load(QUrl(PAGE_URL))

    def kill(self) -> None:
        """End the page's own process at once, and no other: a page that does not answer cannot be asked."""
        pid = self.renderProcessPid()
        if pid > 0 and pid in {child.pid for child in psutil.Process().children(recursive=True)}:
            try:
                psutil.Process(pid).kill()
            except psutil.NoSuchProcess:
                pass  # it was faster

    def discard(self) -> None:
        """End the page's process and delete the page, then its profile; the other order is an error in Qt."""
        self.kill()
        self.destroyed.connect(self.profile().deleteLater)
        self.deleteLater()

    def _add_script(self, name: str, world: QWebEngineScript.ScriptWorldId) -> None:
        script = QWebEngineScript()
        script.setName(name)
        script.setSourceCode(own_script(name))
        script.setInjectionPoint(QWebEngineScript.InjectionPoint.DocumentCreation)
        script.setWorldId(world)
        script.setRunsOnSubFrames(True)
        self.scripts().insert(script)

    def acceptNavigationRequest(
        self,
        url: QUrl | str,
        type: QWebEnginePage.NavigationType,  # noqa: A002 - Qt's own name
        isMainFrame: bool,  # noqa: N803 - Qt's own name
    ) -> bool:
        """Allow the first load and nothing after it."""
        address = url if isinstance(url, str) else url.toString()
        if isMainFrame and address == PAGE_URL and not self._is_opened:
            self._is_opened = True
            return True
        self.refused.emit("navigation", address)
        return False

    def createWindow(self, *_args: object) -> QWebEnginePage:
        """Open nothing: Qt takes the missing page as a refusal."""
        self.refused.emit("popup", "")
        return cast("QWebEnginePage", None)

    def chooseFiles(self, *_args: object) -> list[str]:
        """Choose nothing."""
        self.refused.emit("file", "")
        return []

    def javaScriptAlert(self, *_args: object) -> None:
        """Show nothing."""

    def javaScriptConfirm(self, *_args: object) -> bool:
        """Show nothing and agree to nothing."""
        return False

    def javaScriptPrompt(self, *_args: object) -> tuple[bool, str]:
        """Show nothing and answer nothing."""
        return False, ""

    def javaScriptConsoleMessage(
        self,
        level: QWebEnginePage.JavaScriptConsoleMessageLevel,
        message: str,
        lineNumber: int,  # noqa: N803 - Qt's own name
        sourceID: str,  # noqa: N803 - Qt's own name
    ) -> None:
        """Sort the page's own reports from what the sketch prints."""
        report = parse_report(message)
        if report is not None:
            self.reported.emit(*report)
            return
        names = {
            QWebEnginePage.JavaScriptConsoleMessageLevel.WarningMessageLevel: "warning",
            QWebEnginePage.JavaScriptConsoleMessageLevel.ErrorMessageLevel: "error",
        }
        self.printed.emit(names.get(level, "info"), message, lineNumber, sourceID)

    def _on_gate_refused(self, address: str) -> None:
        self.refused.emit("request", address)

    def _on_file_served(self, path: str) -> None:
        if path == "/sketch.js":
            self.sketch_started.emit()

    def _on_download(self, download: QWebEngineDownloadRequest) -> None:
        download.cancel()
        self.refused.emit("download", download.url().toString()[:500])

    def _on_permission(self, permission: QWebEnginePermission) -> None:
        permission.deny()
        self.refused.emit("permission", permission.permissionType().name)
