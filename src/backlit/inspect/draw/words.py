"""What stands in pictures of graphs and networks, in each language."""

from __future__ import annotations

from collections.abc import Sequence

from backlit.inspect.draw.scene import spoken
from backlit.languages import NAMES, Said, Template

_COUNTS = {
    "value": (Template("{n} value", "값 {n}개"), Template("{n} values", "값 {n}개")),
    "unit": (Template("{n} unit", "유닛 {n}개"), Template("{n} units", "유닛 {n}개")),
    "layer": (Template("{n} layer", "층 {n}개"), Template("{n} layers", "층 {n}개")),
    "operation": (Template("{n} operation", "연산 {n}개"), Template("{n:,} operations", "연산 {n:,}개")),
}
INPUT = Template("input", "입력").say()
PARAMETERS = Template("{n:,} parameters", "매개변수 {n:,}개")
AT_EACH_STEP = Template("{n} values at each of {steps} steps", "단계 {steps}개에 각각 값 {n}개")
SHARED = Template("; the steps of a recurrent layer share theirs", "(순환층의 단계는 매개변수를 함께 씁니다)").say()
MORE = Template("… {n} more", "… {n}개 더")
LOOP = Template("loop: its own state of the step before", "고리: 한 단계 전의 자기 상태").say()
WEIGHTS = Template(
    "line width: size of the weight, solid if positive, dashed if negative",
    "선의 굵기: 가중치의 크기, 실선은 양수, 점선은 음수",
).say()
BIASES = Template("the short line into a unit: its bias", "유닛에 들어가는 짧은 선: 편향").say()
COUNTED = Template("units are counted through the network", "유닛 번호는 신경망 전체에 차례로 매김").say()
SAME_WEIGHTS = Template("the same weights at every step", "모든 단계에서 같은 가중치").say()
RANDOM_INPUT = Template(
    "input: one example of random numbers; give your own as x=…", "입력: 무작위 숫자 한 행. x=…로 직접 줄 수 있습니다"
).say()
VALUES = Template(
    "above each line: its value · below, in italics: ∂{name}/∂(this value)",
    "선 위: 값 · 선 아래, 기울임: ∂{name}/∂(이 값)",
)
UPSTREAM_OF = Template("({name} · upstream)", "({name} · 상류)")
SUM_OF = Template("(Σ {name})", "(Σ {name})")
SLOPES = Template("at the beginning of a line: its local slope", "선이 시작하는 곳: 국소 미분값").say()
GOES_ON = Template(
    "where a line ends in a name, it goes on at that name", "이름에서 끊긴 선은 같은 이름에서 이어집니다"
).say()
NETWORK = Template("Network {counts}", "신경망 {counts}")
GRAPH = Template("Graph of {name}: {n} nodes", "{name}의 그래프: 노드 {n}개")
UNROLLED = Template("Network unrolled over {n} steps", "단계 {n}개로 펼친 신경망")
UNROLLED_SAYS = Template(
    "{layers}: each state comes from the input below it and the state before it; {same}.",
    "{layers}: 상태는 모두 아래의 입력과 바로 앞의 상태에서 나옵니다. {same}.",
)
WEIGHT = Template("weight from unit {start} to unit {end}: {value}", "유닛 {start} → 유닛 {end}의 가중치: {value}")
UNIT = Template("unit {n}", "유닛 {n}")
UNIT_WITH_BIAS = Template("unit {n}, bias {value}", "유닛 {n}, 편향 {value}")
MORE_UNITS = Template("{n} more units", "유닛 {n}개 더")
TARGET = Template("target", "목푯값").say()
MEAN = Template("mean {value}", "평균 {value}")
NUMBERS = Template("{n} numbers", "숫자 {n}개")
NOT_FINITE = Template(", {n} NaN or infinite", ", NaN이나 무한대 {n}개")
EMPTY = Template(", empty", ", 비어 있음").say()
CONSTANT = Template("constant", "상수").say()
PLACES = Template("{n} places", "{n}곳")
MORE_STEPS = Template("… {n} more steps", "… 단계 {n}개 더")
CONTAINER = Template("{kind} of {n}", "{kind}({n}개)")
PART = Template("part {n}", "부분 {n}")
SUMMARISED = Template(
    "{n:,} nodes in {boxes} boxes; each shows what its last operation gives",
    "노드 {n:,}개를 상자 {boxes}개로 묶음. 상자마다 마지막 연산의 결과를 보여 줌",
)

# What is heard alone: the titles of single shapes, and the picture in words.
LAYER_AT = Template("{layer} at {path}", "{path}의 {layer}")
OUTPUT = Template("output {shape}", "출력 {shape}")
SOURCES = Template("{what}, from {names}.", "{what}. {names}에서 받음.")
INPUT_NODE = Template("input {name}: value {value}, gradient {gradient}", "입력 {name}: 값 {value}, 기울기 {gradient}")
NODE = Template(
    "{name} = {formula}: value {value}, gradient {gradient}", "{name} = {formula}: 값 {value}, 기울기 {gradient}"
)
COMES_BACK = Template("gradient that comes back to {name} from {use}", "{use}에서 {name}{으로/로} 돌아오는 기울기")
CONSTANT_OF = Template("constant input of {name}", "{name}의 상수 입력")
AND_MORE = Template("And {n} more.", "그 밖에 {n}개.")
GROUP = Template(
    "{name}: {count} ({kinds}), {size:,} numbers of input and parameters",
    "{name}: {count}({kinds}), 입력과 매개변수의 숫자 {size:,}개",
)
GROUP_VALUE = Template("{title}; value {value}", "{title}, 값 {value}")
SUMMARY = Template("Graph of {name}: {n:,} nodes, summarised", "{name}의 그래프: 노드 {n:,}개를 묶은 그림")
FIRST_STATE = Template("the first state", "첫 상태").say()
AT_STEP = Template("{letter} at step {n}", "단계 {n}의 {letter}")
CELL = Template("{kind} cell", "{kind} 셀")
CELL_AT = Template("{kind} cell at step {n}, of {units} units", "단계 {n}에서의 {kind} 셀, 유닛 {units}개")
MERGES = {
    "sum": "+",
    "concatenate": Template("concatenate", "이어 붙이기").say(),
    "mean": Template("mean", "평균").say(),
    "stack": Template("stack", "쌓기").say(),
}
SIGNS = {"×": Template("times", "곱하기").say(), "+": Template("plus", "더하기").say()}
STATES = {
    "hidden": Template("hidden", "은닉 상태").say(),
    "cell": Template("cell", "셀 상태").say(),
    "candidate": Template("candidate", "후보").say(),
    "forget_gate": Template("forget gate", "삭제 게이트").say(),
    "input_gate": Template("input gate", "입력 게이트").say(),
    "output_gate": Template("output gate", "출력 게이트").say(),
    "reset_gate": Template("reset gate", "리셋 게이트").say(),
    "update_gate": Template("update gate", "업데이트 게이트").say(),
}
_AND, _BY = {"en": " and ", "ko": ", "}, {"en": " by ", "ko": "×"}


def listed(names: Sequence[str]) -> Said:
    """Names one after another: "x and y"."""
    return Said({lang: _AND[lang].join(spoken(name, lang) for name in names) for lang in NAMES})


def sized(shape: Sequence[int]) -> Said:
    """A shape as it is read aloud: "3 by 4"."""
    return Said({lang: _BY[lang].join(map(str, shape)) or "1" for lang in NAMES})


def counted(n: int, what: str) -> Said:
    """How many there are: "1 unit", "3 units"."""
    one, several = _COUNTS[what]
    return (one if n == 1 else several).say(n=n)
