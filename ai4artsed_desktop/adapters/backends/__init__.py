"""One file per media backend."""
