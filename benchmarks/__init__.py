"""Speed and memory of Backlit beside its peers, in one run."""
