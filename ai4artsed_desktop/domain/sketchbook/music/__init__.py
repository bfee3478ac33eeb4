"""Musical forms: ONE FILE PER FORM, found by discovery, each with one ``FORM``."""
