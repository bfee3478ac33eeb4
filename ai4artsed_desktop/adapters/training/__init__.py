"""LoRA training on this machine: pictures, projects, the trainer's program, its process and what it writes."""
