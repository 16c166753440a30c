"""Node portal: health, sources, runs, accesses."""
