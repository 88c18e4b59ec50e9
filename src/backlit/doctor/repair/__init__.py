"""Mending: a diagnosis' remedies tried, each kept only if held-out rows are predicted better beyond noise."""
