"""Jobs and sweeps: what runs, what it leaves behind, and how finished jobs become one table."""
