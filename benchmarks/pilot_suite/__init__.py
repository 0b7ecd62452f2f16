"""Held-out trainings on real data: what a Pilot is judged by. Nothing here may be used to train a policy."""
