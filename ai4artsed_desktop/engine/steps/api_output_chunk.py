"""API output chunks: one generic HTTP step. Filling is shared with graphs; the ``api`` backend sends it."""

from __future__ import annotations

from ai4artsed_desktop.engine.steps.output_chunk import BackendStep

STEP = BackendStep("api_output_chunk")
