"""What an optimizer does with one weight's gradient, step by step, in its own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backlit.graph import tree
from backlit.inspect.textbook.symbols import Math, equation, number, product, symbol, total
from backlit.inspect.textbook.units import Place
from backlit.optim import steps
from backlit.optim.transform import Chain, Optimizer, Transform


@dataclass(frozen=True, eq=False)
class TransformStep:
    """One of the steps that an optimizer is made of: what went in, what came out, and its state before and after."""

    transform: Transform
    inputs: Any
    outputs: Any
    before: Any
    after: Any
    params: Any
    step: int

    def lines(self, place: Place) -> list[Math]:
        """The step in symbols and numbers for one weight."""
        g, out = at(self.inputs, place), at(self.outputs, place)
        kind = self.transform
        if hasattr(kind, "lines"):  # it knows how it is written
            return list(kind.lines(self, place))
        result = symbol("u")
        if isinstance(kind, steps.ScaleByLearningRate):
            eta = self.rate(kind)
            return [equation(result, product([Math("−η", r"-\eta"), symbol("g")]), _numbers(-eta, g), number(out))]
        if isinstance(kind, steps.AddDecayedWeights):
            weight = at(self.params, place)
            formula = Math("g + λ·w", r"g + \lambda \cdot w")
            return [_becomes("g", formula, total([number(g), _numbers(kind.weight_decay, weight)]), out)]
        if isinstance(kind, steps.AddMomentum):
            return self._momentum(kind, place, g, out)
        if isinstance(kind, steps.ScaleByAdam):
            return self._adam(kind, place, g, out)
        if isinstance(kind, steps.ScaleByRMS) and not kind.centered:
            v, new = at(self.before["square"], place), at(self.after["square"], place)
            formula = Math("ρ·v + (1 − ρ)·g²", r"\rho \cdot v + (1 - \rho) \cdot g^2")
            mixed = _mixed(kind.decay, v, g * g)
            return [_becomes("v", formula, mixed, new), _scaled("v", g, new, kind.epsilon, out)]
        if isinstance(kind, steps.ScaleByAdaGrad):
            before, new = at(self.before["sum"], place), at(self.after["sum"], place)
            formula = Math("G + g²", "G + g^2")
            return [
                _becomes("G", formula, total([number(before), number(g * g)]), new),
                _scaled("G", g, new, kind.epsilon, out),
            ]
        label = Math(f"g ← {kind}: ", rf"g \leftarrow \mathrm{{{type(kind).__name__}}}: ")
        return [label + number(g) + Math(" becomes ", r" \to ") + number(out)]

    def rate(self, kind: steps.ScaleByLearningRate) -> float:
        """The learning rate of this update."""
        eta = kind.learning_rate(self.step) if callable(kind.learning_rate) else kind.learning_rate
        return float(eta) * float(self.before.get("factor", 1.0))

    def _momentum(self, kind: steps.AddMomentum, place: Place, g: float, out: float) -> list[Math]:
        v, new = at(self.before["velocity"], place), at(self.after["velocity"], place)
        dampened = kind.dampening and self.step > 0
        share = 1.0 - kind.dampening if dampened else 1.0
        formula = Math("μ·v + (1 − τ)·g", r"\mu \cdot v + (1 - \tau) \cdot g") if dampened else _MOMENTUM
        lines = [_becomes("v", formula, total([_numbers(kind.momentum, v), number(share * g)]), new)]
        if kind.nesterov:
            ahead = total([number(g), _numbers(kind.momentum, new)])
            lines.append(_becomes("g", Math("g + μ·v", r"g + \mu \cdot v"), ahead, out))
        else:
            lines.append(_becomes("g", symbol("v"), number(out), out))
        return lines

    def _adam(self, kind: steps.ScaleByAdam, place: Place, g: float, out: float) -> list[Math]:
        m, v = at(self.before["mean"], place), at(self.before["square"], place)
        new_m, new_v = at(self.after["mean"], place), at(self.after["square"], place)
        t = self.step + 1
        used = at(self.after["largest"], place) if kind.amsgrad else new_v
        m_hat, v_hat = new_m / (1 - kind.beta1**t), used / (1 - kind.beta2**t)
        first = Math("β₁·m + (1 − β₁)·g", r"\beta_1 \cdot m + (1 - \beta_1) \cdot g")
        second = Math("β₂·v + (1 − β₂)·g²", r"\beta_2 \cdot v + (1 - \beta_2) \cdot g^2")
        hats = [
            (Math("m̂", r"\hat{m}"), Math(f"m/(1 − β₁^{t})", rf"m / (1 - \beta_1^{{{t}}})"), m_hat),
            (Math("v̂", r"\hat{v}"), Math(f"v/(1 − β₂^{t})", rf"v / (1 - \beta_2^{{{t}}})"), v_hat),
        ]
        scaled = Math("m̂/(√v̂ + ε)", r"\hat{m} / (\sqrt{\hat{v}} + \epsilon)")
        return [
            _becomes("m", first, _mixed(kind.beta1, m, g), new_m),
            _becomes("v", second, _mixed(kind.beta2, v, g * g), new_v),
            *[equation(name, formula, number(value)) for name, formula, value in hats],
            _becomes("g", scaled, number(out), out),
        ]


_MOMENTUM = Math("μ·v + g", r"\mu \cdot v + g")


def run(optimizer: Any, gradients: Any, state: Any, params: Any, step: int) -> tuple[Any, Any, list[TransformStep]]:
    """Updates and new state, as ``optimizer.update`` gives them, with all steps on the way."""
    stages: list[TransformStep] = []

    def visit(part: Any, inputs: Any, before: Any) -> tuple[Any, Any]:
        if isinstance(part, Optimizer):
            return visit(part.chain, inputs, before)
        if not isinstance(part, Chain):
            with np.errstate(all="ignore"):
                out, after = part.update(inputs, before, params, step)
            stages.append(TransformStep(part, inputs, out, before, after, params, step))
            return out, after
        new = {}
        for name, inner in zip(part.names, part.transforms, strict=True):
            inputs, after = visit(inner, inputs, before.get(name, {}))
            if after:
                new[name] = after
        return inputs, new

    updates, after = visit(optimizer, gradients, state)
    return updates, after, stages


def at(arrays: Any, place: Place) -> float:
    """One element of a tree of arrays."""
    path, index = place
    return float(np.asarray(tree.flatten_dict(arrays)[path])[index])


def _numbers(factor: float, value: float) -> Math:
    return product([number(factor), number(value)])


def _mixed(rate: float, old: float, new: float) -> Math:
    return total([_numbers(rate, old), _numbers(1.0 - rate, new)])


def _becomes(name: str, formula: Math, numbers: Math, value: float) -> Math:
    return symbol(name) + Math(" ← ", r" \leftarrow ") + equation(formula, numbers, number(value))


def _scaled(name: str, g: float, total: float, epsilon: float, out: float) -> Math:
    formula = Math(f"g/(√{name} + ε)", rf"g / (\sqrt{{{name}}} + \epsilon)")
    root = Math(f"/(√{number(total).text} + {epsilon:g})", rf" / (\sqrt{{{number(total).latex}}} + {epsilon:g})")
    return _becomes("g", formula, number(g) + root, out)
