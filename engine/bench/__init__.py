"""Measures Vigil where it is installed: its parts, its full loop beside plain Faust, the lateness."""
