"""Faults that are planted for others to find: each changes a state in one way that keeps it from learning well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from backlit.languages import Template
from backlit.studio.state import LayerState, State


@dataclass(frozen=True)
class Fault:
    """A fault: what it is called, why it does harm, and the state with it."""

    title: Template
    why: Template
    plant: Callable[[State], State]


def _rate(factor: float) -> Callable[[State], State]:
    def plant(state: State) -> State:
        rate = min(1000.0, state.training.rate * factor)
        return state.replace(training=state.training.replace(rate=rate))

    return plant


def _started(initializer: str) -> Callable[[State], State]:
    def plant(state: State) -> State:
        network = state.network.replace(layers=_hidden(state), word="", architecture=None, of_run=False, weights=None)
        return state.replace(network=network.replace(initializer=initializer))

    return plant


def _layers(**changes: object) -> Callable[[State], State]:
    def plant(state: State) -> State:
        layers = tuple(layer.replace(**changes) for layer in _hidden(state))
        network = state.network.replace(layers=layers, word="", architecture=None, of_run=False, weights=None)
        return state.replace(network=network)

    return plant


def _hidden(state: State) -> tuple[LayerState, ...]:
    return state.network.layers or (LayerState(), LayerState())


def _penalised(state: State) -> State:
    return state.replace(training=state.training.replace(penalty="l2", strength=1.0))


FAULTS: dict[str, Fault] = {
    "rate too high": Fault(
        Template("the learning rate is too high", "학습률이 너무 높다"),
        Template("updates jump over the minimum: the loss goes up and down, or to infinity",
                 "갱신이 최솟점을 뛰어넘어 손실이 오르내리거나 발산합니다."),
        _rate(300.0),
    ),
    "rate too low": Fault(
        Template("the learning rate is too low", "학습률이 너무 낮다"),
        Template("updates are tiny beside the weights: the loss hardly moves",
                 "갱신이 가중치에 비해 너무 작아 손실이 거의 줄지 않습니다."),
        _rate(1 / 3000.0),
    ),
    "weights all zero": Fault(
        Template("all weights start at zero", "모든 가중치가 0에서 시작한다"),
        Template("all units of a layer compute the same and get the same gradient, or none",
                 "한 층의 유닛이 모두 같은 값을 계산하고 같은 기울기를 받거나 아예 받지 못합니다."),
        _started("zeros"),
    ),
    "weights too large": Fault(
        Template("the weights start much too large", "초기 가중치가 너무 크다"),
        Template("units begin saturated, where their slope is nearly zero",
                 "유닛이 처음부터 포화되어 기울기가 거의 0입니다."),
        _started("normal:20"),
    ),
    "no non-linearity": Fault(
        Template("nothing bends: there is no activation between the layers", "층 사이에 활성화 함수가 없다"),
        Template("layers without activation are one linear map, whose boundary is a straight line",
                 "활성화 함수가 없으면 여러 층도 선형 변환 하나와 같아 경계가 직선입니다."),
        _layers(activation="identity"),
    ),
    "penalty too strong": Fault(
        Template("the weight penalty is too strong", "가중치 벌점이 너무 강하다"),
        Template("the penalty pulls all weights to zero, and the network computes next to nothing",
                 "벌점이 가중치를 모두 0으로 끌어당겨 신경망이 거의 아무것도 계산하지 못합니다."),
        _penalised,
    ),
    "too much dropout": Fault(
        Template("nearly all units are dropped in training", "학습할 때 유닛을 거의 모두 꺼 버린다"),
        Template("in each update only a few units are there, so that training sees mostly noise",
                 "갱신마다 몇 개의 유닛만 남아 학습이 거의 잡음입니다."),
        _layers(dropout=0.9),
    ),
    "a step as activation": Fault(
        Template("the activation has no slope", "활성화 함수의 기울기가 없다"),
        Template("a step's derivative is zero: no gradient passes it",
                 "계단 함수의 미분은 0이므로 기울기가 지나가지 못합니다."),
        _layers(activation="step"),
    ),
}  # fmt: skip


OF_ACTIVATIONS = ("no non-linearity", "a step as activation")  # which gated layers don't let one choose


def chosen(seed: int | None, state: State) -> str:
    """A fault by chance, of those that do harm to such a network."""
    gated = any(layer.kind != "linear" for layer in state.network.layers)
    keys = [key for key in FAULTS if not (gated and key in OF_ACTIVATIONS)]
    return str(np.random.default_rng(seed).choice(keys))
