"""Networks and runs as ONNX files.

`exporting.py` writes files: a network's layers by `layers/`, one mapping a kind of layer, known by `mapping.py`; layers
of the user's own by the operations that they are made of (`own_layers.py`, `operations.py`); of a run also what stands
before the network (`inputs.py`, `columns.py`, `moments.py`, `windows.py`) and behind it (`answers.py`). `graph.py` is
the file while it is being written, `metadata.py` what it says about itself, and `compare.py` tries it.

`reading/` is the other way: a file becomes a network (`reading/network.py`) or a run (`reading/runs.py`).
"""
