"""W4: 64×1000×100×10, sigmoid, squared error, plain gradient descent: 2,000 steps; time of a step."""

from __future__ import annotations

import sys
import time

import numpy as np

from benchmarks.harness import race, serve, table, timed

N, D, H, K = 64, 1000, 100, 10
STEPS, RATE = 2000, 1e-4


def numbers() -> tuple[np.ndarray, ...]:
    """x, y, w1, w2: random numbers as in the notes; weights small enough that 32-bit runs stay comparable."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((N, D)), rng.standard_normal((N, K))
    w1, w2 = 0.03 * rng.standard_normal((D, H)), 0.1 * rng.standard_normal((H, K))
    return tuple(a.astype(np.float32) for a in (x, y, w1, w2))


def training(probes="standard", steps=STEPS):
    """A function that trains."""
    import backlit as bl

    x, y, w1, w2 = numbers()
    net = bl.Sequential(bl.Linear(H, bias=False), bl.Sigmoid(), bl.Linear(K, bias=False)).build((D,))
    net = net.replace(params={"0": {"weight": w1.T.copy()}, "2": {"weight": w2.T.copy()}})

    def run():
        return bl.fit(
            net, x, y, loss="squared_error", reduction="sum", optimizer=bl.SGD(RATE), epochs=steps, batch_size=None,
            metrics=[], seed=0, probes=probes,
        )  # fmt: skip

    return run


def backlit():
    """`bl.fit` on the full batch."""
    return timed(training(), STEPS)


def jax_by_hand():
    """jax.grad and lax.scan, jitted as a whole."""
    import jax
    import jax.numpy as jnp

    x, y, w1, w2 = map(jnp.asarray, numbers())

    def loss(w, x, y):
        return jnp.sum((jax.nn.sigmoid(x @ w[0]) @ w[1] - y) ** 2)

    @jax.jit
    def train(w, x, y):
        def step(w, _):
            value, gradient = jax.value_and_grad(loss)(w, x, y)
            return [a - RATE * g for a, g in zip(w, gradient, strict=True)], value

        return jax.lax.scan(step, w, None, length=STEPS)

    def run():
        begin = time.perf_counter()
        losses = np.asarray(train([w1, w2], x, y)[1])
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": float(losses[-1])}

    return run


def _torch_run(compiled: bool):
    import torch

    x, y, w1, w2 = (torch.from_numpy(a) for a in numbers())

    def forward(w1, w2):
        return (torch.sigmoid(x @ w1) @ w2 - y).pow(2).sum()

    loss_of = torch.compile(forward) if compiled else forward

    def run():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        begin = time.perf_counter()
        for _ in range(STEPS):
            loss = loss_of(a, b)
            a.grad = b.grad = None
            loss.backward()
            with torch.no_grad():
                a -= RATE * a.grad
                b -= RATE * b.grad
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": loss.item()}

    return run


def torch_eager():
    """The usual loop."""
    return _torch_run(False)


def torch_compile():
    """The same with torch.compile around the loss."""
    return _torch_run(True)


def numpy_by_hand():
    """The loop of the notes: every derivative written out."""
    x, y, w1, w2 = numbers()

    def run():
        a, b = w1.copy(), w2.copy()
        begin = time.perf_counter()
        for _ in range(STEPS):
            h = 1 / (1 + np.exp(-x.dot(a)))
            prediction = h.dot(b)
            loss = np.square(prediction - y).sum()
            grad_prediction = 2.0 * (prediction - y)
            grad_b = h.T.dot(grad_prediction)
            grad_h = grad_prediction.dot(b.T)
            grad_a = x.T.dot(grad_h * h * (1 - h))
            a -= RATE * grad_a
            b -= RATE * grad_b
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": float(loss)}

    return run


def backlit_numpy():
    """The same loop with the derivatives from Backlit's NumPy engine."""
    import backlit as bl

    x, y, w1, w2 = numbers()
    loss_and_gradient = bl.value_and_grad(lambda a, b: bl.ops.square(bl.ops.sigmoid(x @ a) @ b - y).sum(), (0, 1))

    def run():
        a, b = w1.copy(), w2.copy()
        begin = time.perf_counter()
        for _ in range(STEPS):
            loss, (grad_a, grad_b) = loss_and_gradient(a, b)
            a -= RATE * grad_a
            b -= RATE * grad_b
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": float(loss)}

    return run


COMPILED = {
    "backlit": backlit,
    "JAX by hand": jax_by_hand,
    "PyTorch eager": torch_eager,
    "torch.compile": torch_compile,
}
EAGER = {"backlit, NumPy engine": backlit_numpy, "NumPy by hand": numpy_by_hand}


def main() -> str:
    """Both races as text."""
    first = table(race("benchmarks.w4", list(COMPILED)), "backlit", "µs a step", 1e6)
    second = table(race("benchmarks.w4", list(EAGER)), "backlit, NumPy engine", "µs a step", 1e6)
    return f"### W4: 64×1000×100×10, {STEPS} steps\n\n{first}\n\n### W4 in NumPy\n\n{second}\n"


if __name__ == "__main__":
    serve(COMPILED | EAGER) if "--worker" in sys.argv else print(main())
