"""What changes are called, in each language: one place for all remedies."""

from backlit.languages import Template

RATE = Template("learning rate {old:g} → {new:g}", "학습률 {old:g} → {new:g}")
RATE_THROUGHOUT = Template(
    "learning rate {rate:g} throughout, without a schedule", "학습률을 스케줄 없이 줄곧 {rate:g}{으로/로}"
)
RATE_FALLING = Template(
    "learning rate from {rate:g} down to 0 over all {epochs} epochs (cosine)",
    "학습률을 {rate:g}에서 시작해 에포크 {epochs}번에 걸쳐 0까지 낮춤(cosine)",
)
EPOCHS_STOPPED = Template(
    "epochs {old} → {new}, stopped after {patience} without improvement",
    "에포크 {old} → {new}, {patience}번 동안 나아지지 않으면 멈춤",
)
EPOCHS_BEST = Template("epochs {old} → {new}, the best of them kept", "에포크 {old} → {new}, 그중 가장 나은 것을 남김")
BEST = Template("the best of {epochs} epochs kept", "에포크 {epochs}번 가운데 가장 나은 것을 남김")
STOPPED = Template(
    "stopped after {patience} epochs without improvement", "에포크 {patience}번 동안 나아지지 않으면 멈춤"
)
BATCHES = Template("batches of {old} → {new}", "배치 크기 {old} → {new}")
LAYER_NORM = Template("layer norm in place of batch norm", "배치 정규화 대신 층 정규화")
LESS_DECAY = Template("a hundredth of the weight decay", "가중치 감쇠를 100분의 1로")
NO_DECAY = Template("no weight decay", "가중치 감쇠 없음")
BALANCED = Template("classes weighed equally", "클래스마다 같은 가중치")
BALANCED_LONGER = Template(
    "classes weighed equally, epochs {old} → {new}", "클래스마다 같은 가중치, 에포크 {old} → {new}"
)
NO_CLASS_WEIGHTS = Template("no weights of classes", "클래스 가중치 없음")
ROWS_ALIKE = Template("rows weighed alike", "데이터마다 같은 가중치")
ALL_ALIKE = Template("rows and classes weighed alike", "데이터와 클래스마다 같은 가중치")
STOPPED_L2 = Template("early stopping and L2({strength:g})", "조기 종료와 L2({strength:g})")
STOPPED_DROPOUT = Template("early stopping and dropout before the last layer", "조기 종료와 마지막 층 앞의 드롭아웃")
TARGETS_SCALED = Template("targets standardised for training", "학습할 때 목푯값을 표준화")
AS_CLASSES = Template(
    "{count} classes, an output each, with cross entropy", "클래스 {count}개에 출력을 하나씩, 손실은 교차 엔트로피"
)
ON_SCORES = Template("cross entropy, which takes scores", "점수를 받는 교차 엔트로피")
START = Template(
    "weights start by kaiming (before ReLU) and xavier, biases at zero",
    "가중치는 kaiming(ReLU 앞)과 xavier로, 편향은 0으로 시작",
)
WITHOUT_LAST = Template("without the last {kind}", "마지막 {kind} 없이")
ACTIVATION = Template("{activation} after layer {where}", "{where}번 층 뒤에 {activation}")
RELU = Template("ReLU in place of hidden sigmoids and tanhs", "은닉층의 시그모이드와 tanh 대신 ReLU")
NORMED = Template("a layer norm before hidden activations", "은닉층 활성 함수 앞에 층 정규화")
RELU_NORMED = Template(
    "ReLU in place of hidden sigmoids and tanhs, behind layer norms",
    "은닉층의 시그모이드와 tanh 대신 층 정규화를 거친 ReLU",
)
GATED = Template("{kind} in place of RNN", "RNN 대신 {kind}")
ORTHOGONAL = Template(
    "recurrent weights start orthogonal, gradients clipped to norm 1",
    "순환 가중치는 직교 행렬로 시작하고, 기울기는 크기 1로 자름",
)
NO_DROPPED_ANSWERS = Template("no dropout behind the last weights", "마지막 가중치 뒤의 드롭아웃 없애기")
DROPOUT = Template("dropout {rate:g}", "드롭아웃 {rate:g}")
FIRST_HIDDEN = Template("a hidden layer of 64 ReLU units", "ReLU 유닛 64개인 은닉층 추가")
WIDER = Template("hidden layers four times as wide", "은닉층의 너비를 네 배로")
SLOPED = Template("Tanh in place of Step", "Step 대신 Tanh")
WITHOUT_LAYER = Template("without layer {place} ({kind})", "{place}번 층({kind}) 없이")
CLIPPED = Template("gradients clipped at {old:g} → {new:g}", "기울기를 자르는 크기 {old:g} → {new:g}")
NOT_CLIPPED = Template("gradients not clipped", "기울기를 자르지 않음")
MOMENTUM = Template("{name} {old:g} → {new:g}", "{name} {old:g} → {new:g}")
DELTA = Template("Huber's delta {old:g} → {new:g}", "Huber의 delta {old:g} → {new:g}")
SHUFFLED = Template("rows shuffled in each epoch", "에포크마다 데이터를 섞음")
STANDARDISED = Template("a first layer that standardises inputs (Rescale)", "입력을 표준화하는 첫 층(Rescale)")
INPUTS_SCALED = Template("inputs standardised: {names}", "입력 표준화: {names}")
CONSTANTS = Template("columns that never change set to zero (Rescale)", "변하지 않는 열을 0으로(Rescale)")
FILLED = Template(
    "{codes} taken for missing, and filled by each column's median (FillGaps)",
    "{codes}{을/를} 결측값으로 보고 열마다 중앙값으로 채움(FillGaps)",
)
LEFT_OUT = Template("{rows} outlying rows left out of training", "멀리 떨어진 데이터 {rows}개를 학습에서 뺌")
SCALED_BY_OTHERS = Template(
    "a first layer that standardises by the others (Rescale)", "나머지로 표준화하는 첫 층(Rescale)"
)
STANDING_STILL = Template("recurrent layers stand still at padding", "순환층이 패딩에서는 멈춰 있음")
OTHER_MASK = Template(
    "the mask's value was {old:g}; fill up with {new:g}, too",
    "마스크 값은 {old:g}였음. 패딩도 {new:g}{으로/로} 채울 것",
)
