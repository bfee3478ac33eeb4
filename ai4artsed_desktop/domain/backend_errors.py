"""What goes wrong with a media server: one error per cause that has a next step of its own.

Each class's texts stand in the language files under its ``code``; see domain/errors.py. ``backend`` is always a param.
"""

from __future__ import annotations

from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError


class UnsafeGraphError(BackendError):
    """The graph would break the server, so it was not sent. Params: ``node``; what is wrong is the detail."""

    code = "error.backend.unsafe_graph"


class GraphRefusedError(BackendError):
    """The server refused the graph. Params: ``node`` ("–" if the server names none); its words are the detail."""

    code = "error.backend.refused"


class ValueRefusedError(GraphRefusedError):
    """The server refused one value.

    Params: ``node``, ``node_id``, ``input``, ``value``, ``allowed`` ("…" = unknown); ``parameter``: which of the
    output's own it was filled from, ``input`` if none.
    """

    code = "error.backend.value_refused"


class ModelFileMissingError(GraphRefusedError):
    """A model file is not where the server looks for it. Params: as above, and ``file``."""

    code = "error.backend.model_file_missing"


class InputFileMissingError(GraphRefusedError):
    """A picture or sound that the graph reads is not on the server. Params: ``file``, ``node``."""

    code = "error.backend.input_file_missing"


class NodeMissingError(GraphRefusedError):
    """The server does not know a node, mostly because an extension is not installed. Params: ``node``."""

    code = "error.backend.node_missing"


class NodeFailedError(BackendError):
    """A node failed while it ran. Params: ``node``, ``kind`` (the server's error type); its words are the detail."""

    code = "error.backend.node_failed"


class OutOfMemoryError(NodeFailedError):
    """The memory of the graphics card (or the machine) was too small.

    Params: ``node``, ``kind``; where they are known ``needed_gb`` and ``free_gb``, and ``why``: the text with them.
    """

    code = "error.backend.out_of_memory"

    def add_figures(self, *, needed_gb: str, free_gb: str) -> None:
        """Say what was needed and what was free, in GB of 2^30 bytes; "" = unknown, and nothing is said of it."""
        known = {name: text for name, text in (("needed_gb", needed_gb), ("free_gb", free_gb)) if text}
        if known:
            parts = "_".join(name.removesuffix("_gb") for name in known)
            self.params |= {**known, "why": f"{self.code}.why_{parts}"}


class BackendStoppedError(BackendUnavailableError):
    """The server ended while it worked for us; a job that ran is gone."""

    code = "error.backend.stopped"


class JobLostError(BackendError):
    """The server answers but knows nothing of our job: it was restarted, or someone deleted the job."""

    code = "error.backend.job_lost"


class JobInterruptedError(BackendError):
    """Somebody else interrupted our job."""

    code = "error.backend.interrupted"


class JobStuckError(BackendError):
    """Nothing has moved for a long time. Params: ``minutes``."""

    code = "error.backend.stuck"


class NoMediumError(BackendError):
    """The job ended well, but what it should have made is not there. Params: ``node`` ("–" = any)."""

    code = "error.backend.no_medium"


class MediumGoneError(BackendError):
    """The server says it made a file, but the file is not there any more. Params: ``file``."""

    code = "error.backend.medium_gone"


class MediumDamagedError(BackendError):
    """A file came incomplete, several times. Params: ``file``."""

    code = "error.backend.medium_damaged"


class MediumTooLargeError(BackendError):
    """A file is larger than what is taken or sent. Params: ``file``, ``limit_mb``."""

    code = "error.backend.medium_too_large"


class NoWorkerError(BackendUnavailableError):
    """SwarmUI answers, but no ComfyUI behind it works. Params: ``state``, as SwarmUI calls it."""

    code = "error.backend.no_worker"


class AllBusyError(BackendError):
    """SwarmUI gave up waiting for one of its servers to be free."""

    code = "error.backend.all_busy"


class NotAllowedError(BackendError):
    """The server lets this user not do that. What it says is the detail."""

    code = "error.backend.not_allowed"


class SessionLostError(BackendError):
    """SwarmUI does not know its own session any more, not even a new one."""

    code = "error.backend.session_lost"


class GenerationRefusedError(BackendError):
    """SwarmUI made no picture. Params: ``words``: what it says, in its own language."""

    code = "error.backend.generation_refused"
