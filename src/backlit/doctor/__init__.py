"""The doctor: findings, each with a cause, from what was measured before, while and after a network was trained."""
