"""The commands behind ``lamina``, one a file; each has ``add(commands)``, which cli.py calls."""
