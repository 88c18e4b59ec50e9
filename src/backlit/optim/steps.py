"""The steps optimizers are made of, each a formula in its paper's symbols: gradient g, parameters θ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from backlit.graph import tree
from backlit.graph.op import namespace
from backlit.optim.steered import steered_of
from backlit.optim.transform import State, Transform, Tree
from backlit.settings import RATE, fraction, nonnegative, option


def cast(value: Any, like: Any) -> Any:
    """A scalar in the type of the array it will be combined with; Python numbers adapt by themselves."""
    return value if type(value) in (float, int) else value.astype(like.dtype)


def zeros(params: Tree) -> Tree:
    """Zeros of the parameters' shapes and types."""
    return tree.map(lambda p: namespace(p).zeros(p.shape, dtype=p.dtype), params)


def power(base: float, exponent: Any) -> Any:
    """``base ** exponent`` for a Python number, NumPy scalar or traced integer, in floating point."""
    return base ** (exponent * 1.0)


def factor_of(learning_rate: Any, params: Tree) -> State:
    """The state of a step with this rate: a factor of 1 if it is a `Steered` one."""
    leaves = tree.leaves(params)
    if steered_of(learning_rate) is None or not leaves:
        return {}
    return {"factor": namespace(leaves[0]).ones((), dtype=leaves[0].dtype)}


def eta_at(learning_rate: Any, state: State, step: Any) -> Any:
    """The learning rate of an update: a number, or a schedule's, times the factor of a `Steered` rate."""
    eta = learning_rate(step) if callable(learning_rate) else learning_rate
    return eta * state["factor"] if "factor" in state else eta


@dataclass(frozen=True, repr=False)
class Negate(Transform):
    """``g ← −g``: turns descent into ascent when it comes first.

    Examples
    --------
    >>> import numpy as np
    >>> Negate().update({"w": np.array([2.0])}, {}, None, 0)[0]["w"].tolist()
    [-2.0]
    """

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        return tree.map(lambda g: -g, gradients), state


@dataclass(frozen=True, repr=False)
class AddDecayedWeights(Transform):
    """``g ← g + λ θ``: before the other steps the gradient of ½ λ ‖θ‖², after them decoupled weight decay.

    References
    ----------
    I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> step, params = AddDecayedWeights(0.5), {"w": np.array([4.0])}
    >>> step.update({"w": np.array([1.0])}, {}, params, 0)[0]["w"].tolist()
    [3.0]
    """

    numbers: ClassVar[tuple[str, ...]] = ("weight_decay",)

    weight_decay: float = nonnegative()

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        return tree.map(lambda g, p: g + cast(self.weight_decay, p) * p, gradients, params), state


@dataclass(frozen=True, repr=False)
class AddMomentum(Transform):
    """``v ← μ v + (1 − τ) g``, ``g ← v``; with Nesterov's look-ahead ``g ← g + μ v``.

    The first velocity is the first gradient itself, without the dampening τ.

    References
    ----------
    B. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> step, gradient = AddMomentum(0.5), {"w": np.array([1.0])}
    >>> state = step.init(gradient)
    >>> for t in range(3):
    ...     updates, state = step.update(gradient, state, None, t)
    >>> updates["w"].tolist()
    [1.75]
    """

    numbers: ClassVar[tuple[str, ...]] = ("momentum",)

    momentum: float = fraction()
    nesterov: bool = False
    dampening: float = option(0.0, high=1.0)

    def init(self, params: Tree) -> State:
        return {"velocity": zeros(params)}

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        added = gradients
        if self.dampening:
            share = 1.0 - self.dampening * (step > 0)
            added = tree.map(lambda g: cast(share, g) * g, gradients)
        velocity = tree.map(lambda v, g: cast(self.momentum, v) * v + g, state["velocity"], added)
        if self.nesterov:
            return tree.map(lambda g, v: g + cast(self.momentum, v) * v, gradients, velocity), {"velocity": velocity}
        return velocity, {"velocity": velocity}


@dataclass(frozen=True, repr=False)
class ScaleByAdaGrad(Transform):
    """``G ← G + g²``, ``g ← g / (√G + ε)``: each weight has a rate of its own, that only falls.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive Subgradient Methods", JMLR 12, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> step, gradient = ScaleByAdaGrad(), {"w": np.array([3.0])}
    >>> state = step.init(gradient)
    >>> for t in range(4):
    ...     updates, state = step.update(gradient, state, None, t)
    >>> updates["w"].round(6).tolist()  # 3 / √(4 · 3²)
    [0.5]
    """

    epsilon: float = nonnegative(1e-10)
    initial_accumulator: float = nonnegative(0.0)

    def init(self, params: Tree) -> State:
        return {"sum": tree.map(lambda z: z + self.initial_accumulator, zeros(params))}

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        total = tree.map(lambda s, g: s + g * g, state["sum"], gradients)
        scaled = tree.map(lambda g, s: g / (namespace(s).sqrt(s) + self.epsilon), gradients, total)
        return scaled, {"sum": total}


@dataclass(frozen=True, repr=False)
class ScaleByRMS(Transform):
    """``v ← ρ v + (1 − ρ) g²``, ``g ← g / (√v + ε)``; centered: ``√(v − ḡ²)`` with ``ḡ ← ρ ḡ + (1 − ρ) g``.

    References
    ----------
    G. Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012.
    A. Graves, "Generating Sequences With Recurrent Neural Networks", arXiv 1308.0850, 2013 (centered).

    Examples
    --------
    >>> import numpy as np
    >>> step, gradient = ScaleByRMS(decay=0.75), {"w": np.array([3.0])}
    >>> step.update(gradient, step.init(gradient), None, 0)[0]["w"].round(6).tolist()  # 3 / √(¼ · 3²)
    [2.0]
    """

    decay: float = fraction(0.99)
    epsilon: float = nonnegative(1e-8)
    centered: bool = False

    def init(self, params: Tree) -> State:
        state = {"square": zeros(params)}
        return state | {"mean": zeros(params)} if self.centered else state

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        rho = self.decay
        square = tree.map(lambda v, g: rho * v + (1 - rho) * (g * g), state["square"], gradients)
        if not self.centered:
            scaled = tree.map(lambda g, v: g / (namespace(v).sqrt(v) + self.epsilon), gradients, square)
            return scaled, {"square": square}
        mean = tree.map(lambda m, g: rho * m + (1 - rho) * g, state["mean"], gradients)

        def scale(g: Any, v: Any, m: Any) -> Any:
            xp = namespace(v)
            variance = xp.maximum(v - m * m, 0.0)  # rounding can take the difference below zero
            return g / (xp.sqrt(variance) + self.epsilon)

        return tree.map(scale, gradients, square, mean), {"square": square, "mean": mean}


@dataclass(frozen=True, repr=False)
class ScaleByAdam(Transform):
    """``m ← β₁ m + (1 − β₁) g``, ``v ← β₂ v + (1 − β₂) g²``, ``g ← m̂ / (√v̂ + ε)``.

    ``m̂ = m / (1 − β₁ᵗ)`` and ``v̂ = v / (1 − β₂ᵗ)``, t counted from 1, undo the bias of the zero start; ε is added after
    the root. AMSGrad takes the largest v so far in v's place; the bias is corrected there, too, as PyTorch does and
    the paper doesn't.

    References
    ----------
    D. Kingma, J. Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    S. Reddi, S. Kale, S. Kumar, "On the Convergence of Adam and Beyond", ICLR 2018 (AMSGrad).

    Examples
    --------
    >>> import numpy as np
    >>> step, gradient = ScaleByAdam(), {"w": np.array([3.0])}
    >>> step.update(gradient, step.init(gradient), None, 0)[0]["w"].round(6).tolist()
    [1.0]
    """

    beta1: float = fraction(0.9)
    beta2: float = fraction(0.999)
    epsilon: float = nonnegative(1e-8)
    amsgrad: bool = False

    def init(self, params: Tree) -> State:
        state = {"mean": zeros(params), "square": zeros(params)}
        return state | {"largest": zeros(params)} if self.amsgrad else state

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        b1, b2 = self.beta1, self.beta2
        first = 1.0 / (1.0 - power(b1, step + 1))
        second = 1.0 / (1.0 - power(b2, step + 1))
        mean = tree.map(lambda m, g: b1 * m + (1 - b1) * g, state["mean"], gradients)
        square = tree.map(lambda v, g: b2 * v + (1 - b2) * (g * g), state["square"], gradients)
        new = {"mean": mean, "square": square}
        if self.amsgrad:
            square = tree.map(lambda a, b: namespace(a).maximum(a, b), state["largest"], square)
            new["largest"] = square

        def scale(m: Any, v: Any) -> Any:
            return m * cast(first, m) / (namespace(v).sqrt(v * cast(second, v)) + self.epsilon)

        return tree.map(scale, mean, square), new


@dataclass(frozen=True, repr=False)
class ScaleByLearningRate(Transform):
    """``g ← −η(t) g``: the last step, which makes an update of a gradient.

    Under a `Steered` rate, such as `ReduceOnPlateau`, the rate is multiplied by a factor in the state, which
    `set_factor` sets from outside.

    Examples
    --------
    >>> import numpy as np
    >>> ScaleByLearningRate(0.5).update({"w": np.array([3.0])}, {}, None, 0)[0]["w"].tolist()
    [-1.5]
    """

    numbers: ClassVar[tuple[str, ...]] = ("learning_rate",)

    learning_rate: float | Callable[[Any], Any] = field(metadata=RATE)

    def init(self, params: Tree) -> State:
        return factor_of(self.learning_rate, params)

    def update(self, gradients: Tree, state: State, params: Tree, step: Any) -> tuple[Tree, State]:
        eta = eta_at(self.learning_rate, state, step)
        return tree.map(lambda g: -cast(eta, g) * g, gradients), state
