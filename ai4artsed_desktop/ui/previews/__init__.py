"""One file per media type: how a result is shown."""
