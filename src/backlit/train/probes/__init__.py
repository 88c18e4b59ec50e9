"""Probes: what goes on in a network while it trains, in a few numbers a layer."""
