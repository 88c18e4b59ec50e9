"""Training: from data and an architecture to a run."""
