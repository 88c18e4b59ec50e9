"""The operators of ONNX's other domain (ai.onnx.ml) that stand before networks of scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np

from backlit.nn.operators.table import Call, fixed, operator


@operator("Scaler", "offset", "scale")
def _scaler(call: Call, x: Any) -> Any:
    dtype = str(x.dtype) if x.dtype.kind == "f" else "float32"
    x = x.astype(dtype)
    offset, scale = (np.array(call.numbers(name, (start,))) for name, start in (("offset", 0.0), ("scale", 1.0)))
    return (x - fixed(offset, x)) * fixed(scale, x)
