"""One window per data folder: a second start shows the first one."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Signal
from PySide6.QtNetwork import QLocalServer, QLocalSocket

logger = logging.getLogger(__name__)

_CONNECT_LIMIT_MS = 1000


class SingleInstance(QObject):
    """Holds a lock file in the data folder and listens for later starts."""

    #: Somebody started the program again.
    shown = Signal()

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        # Local socket names are short on some systems: a digest of the folder, not the folder.
        self._name = "ai4artsed-" + hashlib.sha256(str(folder).encode()).hexdigest()[:16]
        self._lock = QLockFile(str(folder / "window.lock"))
        self._lock.setStaleLockTime(0)  # a lock is stale when its process is gone, however old it is
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_server_new_connection)

    def claim(self) -> bool:
        """Become the one instance, or tell the first one to show itself and return False.

        A folder that cannot be written to gives no lock; the program then runs, and says at the
        first save what is wrong.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            logger.warning("no lock in %s: %s", self._folder, exc)
            return True
        if not self._lock.tryLock(0) and self._lock.error() == QLockFile.LockError.LockFailedError:
            self._call_first()
            return False
        QLocalServer.removeServer(self._name)  # what a crash left
        if not self._server.listen(self._name):
            logger.warning("a second start cannot raise this window: %s", self._server.errorString())
        return True

    def release(self) -> None:
        """Let another instance start."""
        self._server.close()
        self._lock.unlock()

    def _call_first(self) -> None:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(_CONNECT_LIMIT_MS):
            logger.warning("the first instance does not answer: %s", socket.errorString())
        socket.disconnectFromServer()

    def _on_server_new_connection(self) -> None:
        while self._server.hasPendingConnections():
            connection = self._server.nextPendingConnection()
            connection.close()
            connection.deleteLater()
        self.shown.emit()
