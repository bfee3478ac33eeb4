"""What goes wrong with a cloud service's medium beyond what every provider error says (domain/errors.py)."""

from __future__ import annotations

from ai4artsed_desktop.domain.errors import ProviderError


class NoMediumInAnswerError(ProviderError):
    """The service answered with words instead of a medium. Params: ``provider``, ``words``."""

    code = "error.provider.no_medium"


class MediumLinkError(ProviderError):
    """The medium cannot be fetched from where the service says it lies. Params: ``provider``, ``host``, ``reason``."""

    code = "error.provider.medium_link"


class JobFailedError(ProviderError):
    """The service took the job, but did not finish it. Params: ``provider``, ``words``."""

    code = "error.provider.job_failed"


class JobTimeoutError(ProviderError):
    """The service has not finished the job in time; it may still cost. Params: ``provider``, ``minutes``."""

    code = "error.provider.job_timeout"
