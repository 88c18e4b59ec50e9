"""Proof: findings held against short trainings from the run's own start, with one thing changed in each."""
