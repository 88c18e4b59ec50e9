"""The doctor in training loops of other libraries: the same evidence, taken by their hooks."""
