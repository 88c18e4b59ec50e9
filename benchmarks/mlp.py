"""MLP 784-512-256-10, batch 128, Adam, with accuracy and validation; time of an epoch's step."""

from __future__ import annotations

import itertools
import sys
import time

import numpy as np

from benchmarks.harness import race, serve, table, timed

ROWS, HELD, BATCH, EPOCHS = 12_800, 2_560, 128, 5
SIZES = (784, 512, 256, 10)
STEPS = ROWS // BATCH * EPOCHS


def numbers() -> tuple[np.ndarray, ...]:
    """Rows that a network can learn: ten noisy prototypes; the last `HELD` rows are for validation."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, ROWS + HELD)
    x = rng.standard_normal((10, 784))[y] + 3 * rng.standard_normal((ROWS + HELD, 784))
    return x.astype(np.float32), y.astype(np.int32)


def weights() -> list[np.ndarray]:
    """The same start for all."""
    rng = np.random.default_rng(1)
    return [
        (rng.uniform(-1, 1, (a, b)) * np.sqrt(6 / (a + b))).astype(np.float32) for a, b in itertools.pairwise(SIZES)
    ]


def training(probes="standard", epochs=EPOCHS, **options):
    """A function that trains."""
    import backlit as bl

    x, y = numbers()
    w = weights()
    net = bl.Sequential(bl.Linear(512), bl.ReLU(), bl.Linear(256), bl.ReLU(), bl.Linear(10)).build((784,))
    start = {str(2 * i): {"weight": w[i].T.copy(), "bias": np.zeros(SIZES[i + 1], np.float32)} for i in range(3)}
    net = net.replace(params=start)
    held = (x[ROWS:], y[ROWS:])

    def run():
        return bl.fit(
            net, x[:ROWS], y[:ROWS], loss="cross_entropy", optimizer=bl.Adam(1e-3), epochs=epochs, batch_size=BATCH,
            validation=held, metrics=["accuracy"], seed=0, probes=probes, **options,
        )  # fmt: skip

    return run


def backlit():
    """`bl.fit`."""
    return timed(training(), STEPS, "val_loss")


def jax_by_hand():
    """An epoch as one jitted scan; jax.grad, Adam written out, accuracy and validation in the program."""
    import jax
    import jax.numpy as jnp

    x, y = numbers()
    xd, yd, xv, yv = jnp.asarray(x[:ROWS]), jnp.asarray(y[:ROWS]), jnp.asarray(x[ROWS:]), jnp.asarray(y[ROWS:])
    start = [(jnp.asarray(w), jnp.zeros(w.shape[1], jnp.float32)) for w in weights()]

    def forward(params, x):
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        return x @ params[-1][0] + params[-1][1]

    def loss_of(params, x, y):
        logits = forward(params, x)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), (logits.argmax(1) == y).mean()

    @jax.jit
    def epoch(state, x, y, order, xv, yv):
        def step(state, rows):
            params, m, v, t = state
            (loss, hit), g = jax.value_and_grad(loss_of, has_aux=True)(params, x[rows], y[rows])
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            params = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-8), params, m, v)
            return (params, m, v, t), (loss, hit)

        state, record = jax.lax.scan(step, state, order)
        return state, record, loss_of(state[0], xv, yv)

    def run():
        rng = np.random.default_rng(0)
        zeros = jax.tree.map(jnp.zeros_like, start)
        state = (start, zeros, zeros, jnp.float32(0))
        begin = time.perf_counter()
        for _ in range(EPOCHS):
            state, record, (loss, _) = epoch(state, xd, yd, rng.permutation(ROWS).reshape(-1, BATCH), xv, yv)
            np.asarray(record[0]).mean(), np.asarray(record[1]).mean()
        loss = float(loss)
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": loss}

    return run


def torch_eager():
    """The usual loop: tensors in memory, a shuffled index, Adam, accuracy and validation each epoch."""
    import torch

    x, y = (torch.from_numpy(a) for a in numbers())
    y = y.long()
    criterion = torch.nn.CrossEntropyLoss()

    def run():
        layers = []
        for w in weights():
            layer = torch.nn.Linear(*w.shape)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(w.T))
                layer.bias.zero_()
            layers += [layer, torch.nn.ReLU()]
        net = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        torch.manual_seed(0)
        begin = time.perf_counter()
        for _ in range(EPOCHS):
            order = torch.randperm(ROWS)
            total = hits = 0.0
            for rows in order.split(BATCH):
                optimizer.zero_grad()
                logits = net(x[rows])
                loss = criterion(logits, y[rows])
                loss.backward()
                optimizer.step()
                total += loss.item()
                hits += (logits.argmax(1) == y[rows]).sum().item()
            with torch.no_grad():
                logits = net(x[ROWS:])
                held = criterion(logits, y[ROWS:]).item()
                (logits.argmax(1) == y[ROWS:]).float().mean().item()
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": held}

    return run


CONTESTANTS = {"backlit": backlit, "JAX by hand": jax_by_hand, "PyTorch": torch_eager}


def main() -> str:
    """The race as text."""
    found = table(race("benchmarks.mlp", list(CONTESTANTS)), "backlit", "ms a step", 1e3, "loss")
    return f"### MLP 784-512-256-10, batch {BATCH}, Adam, metrics and validation on\n\n{found}\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main())
