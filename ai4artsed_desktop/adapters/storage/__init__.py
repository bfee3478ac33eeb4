"""Run folders (the truth), the SQLite index over them, and the settings file."""
