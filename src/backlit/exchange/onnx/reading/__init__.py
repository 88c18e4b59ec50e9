"""ONNX files as networks and runs.

`files.py` reads a file, whatever it holds, into a `Model` (`model.py`), plain nodes and arrays; `tracing.py` follows
sizes through it; `lowering.py` makes layers of its nodes, kind by kind by the rules of `rules/`, and nodes of what is
left; `network.py` has `from_onnx`, `runs.py` what stands before and behind a network of scikit-learn's.
"""
