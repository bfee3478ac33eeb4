"""Child processes: spawning, draining, ending whole trees, the watchdog and the pid ledger."""
