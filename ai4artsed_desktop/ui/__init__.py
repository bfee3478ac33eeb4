"""The window: Qt Widgets over the engine's events and commands. No network, no disk, no coroutine."""
