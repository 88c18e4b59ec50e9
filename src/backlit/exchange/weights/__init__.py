"""Weights in files and in other libraries' names and layouts."""
