"""What ``start.py`` and ``test.py`` share. Standard library only: nothing is installed when this runs."""
