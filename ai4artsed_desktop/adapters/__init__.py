"""Network, disk, GPU and child processes: the only place for them. Fits the engine's ports."""
