"""Transformers: time of a step beside PyTorch's, reversal, and bits per character beside an LSTM in the same time."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

import backlit as bl
from benchmarks.characters import sources
from benchmarks.harness import race, serve, table, timed
from benchmarks.reversal import draw

BATCH, TIME, VOCABULARY, UNITS, HEADS, LAYERS, STEPS = 32, 128, 96, 64, 4, 2, 20
LENGTH, ROWS = 20, 20_000


def numbers() -> tuple[np.ndarray, np.ndarray]:
    """Letters, and those that follow: a text in which every letter tells much of the next."""
    rng = np.random.default_rng(0)
    follows = rng.integers(0, VOCABULARY, (VOCABULARY, 3))
    text = np.zeros((BATCH * STEPS, TIME + 1), np.int64)
    text[:, 0] = rng.integers(0, VOCABULARY, BATCH * STEPS)
    for t in range(TIME):
        text[:, t + 1] = follows[text[:, t], rng.integers(0, 3, BATCH * STEPS)]
    return text[:, :-1], text[:, 1:]


def backlit():
    """`bl.fit`."""
    x, y = numbers()
    blocks = [bl.TransformerBlock(UNITS, HEADS, causal=True) for _ in range(LAYERS)]
    layer = bl.Sequential(
        bl.Embedding(VOCABULARY, UNITS, "normal:0.02"), bl.PositionalEncoding(), *blocks, bl.LayerNorm(),
        bl.Linear(VOCABULARY),
    )  # fmt: skip
    network = layer.build((TIME,))
    return timed(
        lambda: bl.fit(
            network, x, y, optimizer=bl.AdamW(1e-3), epochs=1, batch_size=BATCH, metrics=[], shuffle=False, clip=None
        ),
        STEPS,
    )


def torch_eager():
    """The usual loop: nn.TransformerEncoder, whose attention is scaled_dot_product_attention."""
    import torch
    from torch import nn

    x, y = (torch.from_numpy(part) for part in numbers())
    mask = nn.Transformer.generate_square_subsequent_mask(TIME)
    positions = torch.tensor(bl.PositionalEncoding()({}, np.zeros((1, TIME, UNITS), np.float32)))

    def run():
        torch.manual_seed(0)
        embedding, readout = nn.Embedding(VOCABULARY, UNITS), nn.Linear(UNITS, VOCABULARY)
        nn.init.normal_(embedding.weight, std=0.02)
        block = nn.TransformerEncoderLayer(
            UNITS, HEADS, 4 * UNITS, dropout=0.0, activation="gelu", norm_first=True, batch_first=True
        )
        encoder = nn.TransformerEncoder(block, LAYERS, nn.LayerNorm(UNITS), enable_nested_tensor=False)
        optimizer = torch.optim.AdamW(
            [*embedding.parameters(), *encoder.parameters(), *readout.parameters()], lr=1e-3, weight_decay=0.01
        )
        total = 0.0
        begin = time.perf_counter()
        for rows in torch.arange(BATCH * STEPS).split(BATCH):
            optimizer.zero_grad()
            hidden = encoder(embedding(x[rows]) + positions, mask=mask, is_causal=True)
            loss = nn.functional.cross_entropy(readout(hidden).reshape(-1, VOCABULARY), y[rows].reshape(-1))
            loss.backward()
            optimizer.step()
            total += loss.item()
        return {"seconds": (time.perf_counter() - begin) / STEPS, "loss": total / STEPS}

    return run


CONTESTANTS = {"backlit": backlit, "PyTorch": torch_eager}


def counted() -> str:
    """Operations and bytes of a step, by hand."""
    tokens = BATCH * TIME
    dense = 2 * tokens * (LAYERS * 12 * UNITS**2 + UNITS * VOCABULARY)
    attention = LAYERS * 2 * 2 * BATCH * TIME * TIME * UNITS
    seen = (TIME // 64 + 1) / (2 * TIME // 64)  # of the square, by blocks of 64 queries
    arrays = 4 * tokens * (LAYERS * (3 + 1 + 1 + 4 + 4 + 4) * UNITS + 2 * VOCABULARY)
    scores = 4 * LAYERS * BATCH * HEADS * TIME * TIME * seen
    return (
        f"A step has {3 * dense / 1e9:.2f} GFLOP in dense layers and {3.5 * attention * seen / 1e9:.2f} in attention "
        f"(of {3.5 * attention / 1e9:.2f} without the causal blocks); forward, {arrays / 1e6:.0f} MB of layers' "
        f"outputs and {scores / 1e6:.0f} MB of attention weights are written."
    )


def reversal(limit: float) -> list[str]:
    """Tags of each token by the one at the mirrored place; whole texts written from their end."""
    texts, held = draw(ROWS, LENGTH, 0), draw(1000, LENGTH, 1)
    lines = [
        "",
        f"### Reversal of {LENGTH} letters",
        "",
        "| network | to | whole texts right | s |",
        "|---|---|---:|---:|",
    ]
    for network, to in (("transformer:2x64", "tags"), ("bilstm:64", "tags"), ("transformer:1x64", "text")):
        y = [list(text[::-1]) if to == "tags" else text[::-1] for text in texts]
        begin = time.perf_counter()
        run = bl.fit_sequences(
            texts, y, to=to, network=network, attention="dot" if to == "text" else None, epochs=10, patience=0,
            time_limit=limit, batch_size=64, split=(0.98, 0.02), seed=0, progress=False,
        )  # fmt: skip
        seconds = time.perf_counter() - begin
        said = run.predict(held)
        right = float(np.mean([list(one) == list(text[::-1]) for one, text in zip(said, held, strict=True)]))
        lines.append(f"| {network} | {to} | {right:.3f} | {seconds:.0f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def characters(limit: float) -> list[str]:
    """Bits per character of the standard library's sources, in the same seconds of training."""
    text = sources()[:4_000_000]
    lines = [
        "",
        f"### {len(text):,} characters of Python's standard library, 5 % held out, {limit:.0f} s of training each",
        "",
        "| network | parameters | updates | bits per character |",
        "|---|---:|---:|---:|",
    ]
    for network in ("lstm:128", "transformer:2x64", "transformer:2x128"):
        run = bl.fit_text(text, network=network, time_limit=limit, split=(0.93, 0.02, 0.05), progress=False)
        updates = len(run.history) * run.settings["steps_per_epoch"]
        bits = run.judgement["scores"]["bits"]
        lines.append(f"| {network} | {run.network.size:,} | {updates:,} | {bits:.3f} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def main(options: Sequence[str] = ()) -> str:
    """The tables as text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of each training")
    parser.add_argument("--only", choices=("speed", "reversal", "characters"))
    chosen = parser.parse_args(options)
    lines: list[str] = []
    if chosen.only in (None, "speed"):
        lines += [f"### Transformer of {LAYERS} × {UNITS}, {HEADS} heads, causal, batch {BATCH}, T {TIME}, AdamW", ""]
        lines += [table(race("benchmarks.transformer", list(CONTESTANTS)), "backlit", "ms a step", 1e3, "loss"), ""]
        lines += [counted()]
    lines += reversal(chosen.limit) if chosen.only in (None, "reversal") else []
    lines += characters(chosen.limit) if chosen.only in (None, "characters") else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    serve(CONTESTANTS) if "--worker" in sys.argv else print(main(sys.argv[1:]))
