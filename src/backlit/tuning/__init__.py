"""Tuning: settings searched for by successive halving, and the best of them trained."""
