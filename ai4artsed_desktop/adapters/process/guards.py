"""What watches over our children, handed to whoever starts them."""

from __future__ import annotations

from dataclasses import dataclass

from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class Guards:
    """What watches over children; each may be missing in tests and small tools."""

    watchdog: Watchdog | None = None
    ledger: Ledger | None = None
