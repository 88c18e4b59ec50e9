"""Looking inside: explanations of graphs, and pictures."""
