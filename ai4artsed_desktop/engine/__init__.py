"""Use cases, ports, event bus and task ownership. Knows no Qt and no I/O library."""
