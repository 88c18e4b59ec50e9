"""The native kernels of each instruction set in turn, those that this processor can run."""

from collections.abc import Iterator

import pytest

from backlit.graph.kernels.native.library import INSTRUCTION_SETS, native


@pytest.fixture(params=INSTRUCTION_SETS)
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    found = native()
    if found.handle is None:
        pytest.skip(str(found))
    if not found.handle.backlit_use(request.param.encode()):
        pytest.skip(f"this processor has no {request.param}")
    yield request.param
    found.handle.backlit_use(found.instruction_set.encode())
