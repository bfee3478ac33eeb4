"""The motif library: what the drawings can depict. Each file has ``MOTIFS``; files are found by discovery."""
