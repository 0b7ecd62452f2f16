"""The parts of ``benchmarks.study``: real trainings to be tuned, the peers that tune them, and what is counted."""
