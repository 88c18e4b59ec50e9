"""Modules as people write them, for the tests of taking them over."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - as everybody writes it

Sizes = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Case:
    """A module, the shape of its input without the batch, and how axes move into Backlit's order and out of it."""

    name: str
    make: Callable[[], nn.Module]
    shape: Sizes
    into: Sizes = ()
    out: Sizes = ()
    words: int = 0  # above 0: inputs are whole numbers below it
    batch: int = 0
    reads: str = ""

    def __post_init__(self) -> None:
        if not self.into:
            object.__setattr__(self, "into", tuple(range(len(self.shape) + 1)))

    def example(self, rows: int = 3) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        shape = (*self.shape[: self.batch], rows, *self.shape[self.batch :])
        if self.words:
            return torch.randint(0, self.words, shape, generator=generator)
        return torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1


class Calls(nn.Module):
    """A module whose forward is a function of its parts."""

    def __init__(self, forward: Callable[[Any, Any], Any], **parts: nn.Module) -> None:
        super().__init__()
        self.call = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Any) -> Any:
        return self.call(self, x)


class Output(nn.Module):
    """The output of a recurrent module, as people write it in a Sequential."""

    def forward(self, x: Any) -> Any:
        return x[0]


class Branching(nn.Module):
    def forward(self, x: Any) -> Any:
        if x.sum() > 0:
            return x
        return -x


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x: Any) -> Any:
        return self.fc(x) * float(torch.rand(()) + 1)


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(5, 3))
        self.b = nn.Parameter(torch.randn(5))

    def forward(self, x: Any) -> Any:
        return F.linear(x, self.w, self.b)


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 5, padding=2)
        self.conv2 = nn.Conv2d(4, 6, 3)
        self.fc1 = nn.Linear(6 * 3 * 1, 12)
        self.fc2 = nn.Linear(12, 10)

    def forward(self, x: Any) -> Any:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), (1, 2))
        x = x.view(-1, self.fc1.in_features)
        x = F.dropout(F.relu(self.fc1(x)), 0.5, self.training)
        return self.fc2(x)


class Block(nn.Module):
    """A basic block of ResNet."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.down = None
        if stride > 1 or inputs != outputs:
            self.down = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Any) -> Any:
        identity = x if self.down is None else self.down(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1),
        nn.ReLU(),
        Block(4, 4, 1),
        Block(4, 6, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 5),
    )


def unet() -> nn.Module:
    def forward(m: Any, x: Any) -> Any:
        a = F.relu(m.down1(x))
        b = F.relu(m.down2(F.max_pool2d(a, 2)))
        c = F.relu(m.down3(F.max_pool2d(b, 2)))
        b = F.relu(m.up2(torch.cat([m.grow2(c), b], dim=1)))
        return m.up1(torch.cat([m.grow1(b), a], dim=1))

    return Calls(
        forward,
        down1=nn.Conv2d(2, 3, 3, padding=1),
        down2=nn.Conv2d(3, 4, 3, padding=1),
        up1=nn.Conv2d(6, 1, 1),
        down3=nn.Conv2d(4, 5, 3, padding=1),
        up2=nn.Conv2d(8, 3, 3, padding="same"),
        grow2=nn.ConvTranspose2d(5, 4, 2, 2),
        grow1=nn.ConvTranspose2d(3, 3, 2, 2),
    )


def dense_net() -> nn.Module:
    def forward(m: Any, x: Any) -> Any:
        features = [m.start(x)]
        for layer in (m.one, m.two, m.three):
            features.append(F.relu(layer(torch.cat(features, 1))))
        return torch.cat(features, 1).mean(dim=(2, 3))

    return Calls(
        forward, start=nn.Conv2d(2, 2, 1), one=nn.Conv2d(2, 2, 1), two=nn.Conv2d(4, 2, 1), three=nn.Conv2d(6, 2, 1)
    )


def inception() -> nn.Module:
    def forward(m: Any, x: Any) -> Any:
        return torch.cat([m.a(x), m.b2(F.relu(m.b1(x))), F.max_pool2d(x, 3, 1, 1), x], dim=1).flatten(1)

    return Calls(forward, a=nn.Conv2d(2, 3, 1), b1=nn.Conv2d(2, 2, 1), b2=nn.Conv2d(2, 4, 3, padding=1))


def reader(kind: type[nn.Module], take: Callable[[Any, Any], Any], **options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        ways = 2 if options.get("bidirectional") else 1
        size = options.get("proj_size", 4)
        name = kind.__name__.lower()
        parts = {
            "words": nn.Embedding(9, 3),
            name: kind(3, 4, batch_first=True, **options),
            "fc": nn.Linear(size * ways, 2),
        }

        def forward(m: Any, x: Any) -> Any:
            output, states = getattr(m, name)(m.words(x))
            return m.fc(take(output, states))

        return Calls(forward, **parts)

    return make


def last(output: Any, states: Any) -> Any:
    return output[:, -1, :]


def hidden(output: Any, states: Any) -> Any:
    return states[-1]


def hidden_of_lstm(output: Any, states: Any) -> Any:
    h, _ = states
    return h.squeeze(0)


def both(output: Any, states: Any) -> Any:
    return torch.cat((states[-2], states[-1]), dim=1)


def text_cnn() -> nn.Module:
    def forward(m: Any, x: Any) -> Any:
        x = m.words(x).permute(0, 2, 1)
        found = [F.relu(conv(x)) for conv in (m.two, m.three)]
        return m.fc(torch.cat([F.max_pool1d(y, y.shape[2]).squeeze(2) for y in found], 1))

    return Calls(
        forward, words=nn.Embedding(9, 4), two=nn.Conv1d(4, 3, 2), three=nn.Conv1d(4, 3, 3), fc=nn.Linear(6, 2)
    )


class Gpt(nn.Module):
    def __init__(self, causal: bool, learned: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 8)
        self.place = nn.Embedding(12, 8) if learned else None
        if not learned:
            at = torch.arange(12)[:, None] / 10000 ** (2 * torch.arange(4, dtype=torch.float64) / 8)
            self.register_buffer("table", torch.stack([at.sin(), at.cos()], -1).reshape(1, 12, 8))
        layer = nn.TransformerEncoderLayer(8, 2, 16, 0.1, "gelu", batch_first=True, norm_first=causal)
        self.blocks = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=False)
        self.head = nn.Linear(8, 5)
        self.causal = causal

    def forward(self, x: Any) -> Any:
        time = x.size(1)
        y = self.words(x)
        y = y + (self.table[:, :time] if self.place is None else self.place(torch.arange(time)))
        mask = nn.Transformer.generate_square_subsequent_mask(time) if self.causal else None
        return self.head(self.blocks(y, mask=mask)).mean(dim=1)


def web() -> nn.Module:
    def forward(m: Any, x: Any) -> Any:
        a, b = m.a(x), m.b(m.a2(x))
        return m.c(a + b) + m.d(b + x) + a

    return Calls(forward, **{name: nn.Linear(4, 4) for name in ("a", "a2", "b", "c", "d")})


def mixed() -> nn.Module:
    """Sums and concatenations that cross."""

    def forward(m: Any, x: Any) -> Any:
        a, b = m.a(x), m.b(x)
        c = torch.cat([a, b], 1)
        return torch.cat([m.c(c) + b, c], 1)

    return Calls(forward, a=nn.Linear(4, 3), b=nn.Linear(4, 3), c=nn.Linear(6, 3))


def vit() -> nn.Module:
    def forward(m: Any, x: Any) -> Any:
        x = m.patch(x).flatten(2).transpose(1, 2) + m.place
        y = m.norm(x)
        x = x + m.attention(y, y, y, need_weights=False)[0]
        return m.head(x[:, 0])

    module = Calls(
        forward,
        patch=nn.Conv2d(3, 8, 2, 2),
        norm=nn.LayerNorm(8),
        head=nn.Linear(8, 3),
        attention=nn.MultiheadAttention(8, 2, batch_first=True),
    )
    module.register_parameter("place", nn.Parameter(torch.randn(1, 6, 8)))
    return module


def line(*parts: nn.Module) -> Callable[[], nn.Module]:
    return lambda: nn.Sequential(*parts)


FIRST, SECOND = (0, 2, 3, 1), (0, 2, 1)
CASES = [
    Case("linear", line(nn.Linear(4, 3)), (4,), (), (0, 1), reads="Sequential(Linear(3))"),
    Case(
        "activations",
        line(
            nn.Linear(4, 6),
            nn.GELU("tanh"),
            nn.ELU(0.5),
            nn.SELU(),
            nn.SiLU(),
            nn.Softplus(),
            nn.LeakyReLU(0.2),
            nn.PReLU(6),
            nn.Sigmoid(),
            nn.GELU(),
            nn.Tanh(),
            nn.ReLU(),
            nn.Softmax(-1),
        ),
        (4,),
        (),
        (0, 1),
    ),
    Case("norms", line(nn.Linear(4, 6), nn.BatchNorm1d(6, eps=1e-3), nn.LayerNorm(6), nn.RMSNorm(6)), (4,), (), (0, 1)),
    Case("sums and concatenations", mixed, (4,), (), (0, 1)),
    Case("lenet", LeNet, (1, 10, 8), FIRST, (0, 1)),
    Case("resnet", resnet, (3, 6, 8), FIRST, (0, 1)),
    Case("u-net", unet, (2, 8, 4), FIRST, FIRST),
    Case("dense", dense_net, (2, 3, 4), FIRST, (0, 1)),
    Case("inception", inception, (2, 3, 4), FIRST, (0, 1)),
    Case(
        "pictures",
        line(
            nn.Conv2d(4, 6, (3, 2), (1, 2), (1, 0), (1, 2), groups=2),
            nn.PReLU(6),
            nn.LayerNorm([6, 5, 3]),
            nn.Dropout2d(0.2),
            nn.AdaptiveAvgPool2d((2, 3)),
            nn.Softmax(1),
            nn.Flatten(),
            nn.BatchNorm1d(36),
        ),
        (4, 5, 8),
        FIRST,
        (0, 1),
    ),
    Case(
        "growing",
        line(nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2), nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2)),
        (4, 4, 6),
        FIRST,
        FIRST,
    ),
    Case(
        "lines",
        line(
            nn.Conv1d(2, 4, 3),
            nn.BatchNorm1d(4),
            nn.MaxPool1d(2),
            nn.ConvTranspose1d(4, 3, 2, 2),
            nn.AvgPool1d(2),
            nn.AdaptiveMaxPool1d(2),
            nn.Dropout1d(0.1),
        ),
        (2, 10),
        SECOND,
        SECOND,
    ),
    Case(
        "borders",
        lambda: Calls(
            lambda m, x: m.b(F.pad(m.a(x), (0, 1, 2, 0))),
            a=nn.Sequential(nn.ZeroPad2d((1, 0, 0, 1)), nn.Conv2d(2, 3, 2)),
            b=nn.Conv2d(3, 2, 3, 2),
        ),
        (2, 5, 4),
        FIRST,
        FIRST,
    ),
    Case("rows of pictures", line(nn.Flatten(), nn.Linear(12, 3)), (1, 3, 4), (), (0, 1)),
    Case("unflatten", line(nn.Linear(4, 12), nn.Unflatten(1, (3, 2, 2)), nn.Conv2d(3, 2, 2)), (4,), (), FIRST),
    Case(
        "linear on channels last",
        lambda: Calls(lambda m, x: m.b(m.a(x).permute(0, 2, 3, 1)), a=nn.Conv2d(2, 3, 2), b=nn.Linear(3, 4)),
        (2, 3, 4),
        FIRST,
        (0, 1, 2, 3),
    ),
    Case(
        "one axis more",
        lambda: Calls(lambda m, x: m.a(x.unsqueeze(1)).mean(-1), a=nn.Conv1d(1, 3, 2)),
        (6,),
        (),
        (0, 1),
    ),
    Case(
        "arithmetic", lambda: Calls(lambda m, x: (m.a(x / 255 - 0.5) * 2 + 1) + x, a=nn.Linear(4, 4)), (4,), (), (0, 1)
    ),
    Case("twice itself", lambda: Calls(lambda m, x: m.a(x + x), a=nn.Linear(4, 3)), (4,), (), (0, 1)),
    Case(
        "web",
        web,
        (4,),
        (),
        (0, 1),
    ),
    Case(
        "lstm",
        reader(nn.LSTM, last, num_layers=2, dropout=0.1),
        (6,),
        (),
        (0, 1),
        words=9,
        reads="Sequential(Embedding(9, 3), LSTM(4, return_sequences=True, forget_bias=0.0), Dropout(rate=0.1), "
        "LSTM(4, forget_bias=0.0), Linear(2))",
    ),
    Case("lstm states", reader(nn.LSTM, hidden_of_lstm), (6,), (), (0, 1), words=9),
    Case("lstm projected", reader(nn.LSTM, last, proj_size=2), (6,), (), (0, 1), words=9),
    Case("lstm sequences", reader(nn.LSTM, lambda out, states: out), (6,), (), (0, 1, 2), words=9),
    Case(
        "lstm both ways",
        reader(nn.LSTM, lambda out, states: both(out, states[0]), num_layers=2, bidirectional=True),
        (6,),
        (),
        (0, 1),
        words=9,
    ),
    Case("gru both ways", reader(nn.GRU, both, bidirectional=True), (6,), (), (0, 1), words=9),
    Case("gru last step", reader(nn.GRU, last, bidirectional=True), (6,), (), (0, 1), words=9),
    Case("gru", reader(nn.GRU, hidden, num_layers=3), (6,), (), (0, 1), words=9),
    Case("rnn", reader(nn.RNN, last, nonlinearity="relu", bias=False), (6,), (), (0, 1), words=9),
    Case(
        "time first",
        lambda: Calls(lambda m, x: m.fc(m.gru(x)[0][-1]), gru=nn.GRU(3, 4), fc=nn.Linear(4, 2)),
        (6, 3),
        (1, 0, 2),
        (0, 1),
        batch=1,
    ),
    Case(
        "zero start",
        lambda: Calls(
            lambda m, x: m.lstm(x, (*(torch.zeros(1, x.size(0), 4, dtype=x.dtype) for _ in "12"),))[0],
            lstm=nn.LSTM(3, 4, batch_first=True),
        ),
        (5, 3),
        (),
        (0, 1, 2),
    ),
    Case("text", text_cnn, (7,), (), (0, 1), words=9),
    Case("encoder", lambda: Gpt(False, False), (6,), (), (0, 1), words=9),
    Case("decoder", lambda: Gpt(True, True), (6,), (), (0, 1), words=9),
    Case("pictures in patches", vit, (3, 4, 6), FIRST, (0, 1)),
]

X = torch.zeros(2, 4)
PICTURE = torch.zeros(2, 3, 6, 6)
shared = nn.Linear(4, 4)


def tied() -> nn.Module:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    module[2].weight = module[0].weight
    return module


def pruned() -> nn.Module:
    module = nn.Linear(4, 4)
    module.register_forward_hook(lambda m, x, y: 2 * y)
    return module


REFUSED = [
    (
        lambda: nn.Sequential(shared, nn.ReLU(), shared),
        X,
        r"module '0' \(Linear\).*its weight is used a second time|shared with",
    ),
    (tied, X, r"module '2' \(Linear\).*its weight is shared with module '0' \(Linear\).*weights of its own"),
    (
        lambda: Calls(lambda m, x: m.a(x) * m.b(x), a=nn.Linear(4, 4), b=nn.Linear(4, 4)),
        X,
        r"mul \(models.py, line \d+: .*no layer for products",
    ),
    (lambda: Calls(lambda m, x: torch.fft.fft(m.a(x)).abs(), a=nn.Linear(4, 4)), X, "fft.*has no layer for it"),
    (
        lambda: Calls(lambda m, x: m.a(x[: int(x.sum()) + 1]), a=nn.Linear(4, 4)),
        X,
        "can't follow .*forward.*models.py, line",
    ),
    (
        lambda: nn.Sequential(nn.Linear(4, 4), nn.Hardtanh()),
        X,
        r"module '1' \(Hardtanh\): Backlit has no layer for it; it knows",
    ),
    (lambda: nn.GroupNorm(3, 3), PICTURE, r"\(GroupNorm\): Backlit has no layer for it"),
    (
        lambda: nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect"),
        PICTURE,
        "padding_mode='reflect' has no counterpart",
    ),
    (lambda: nn.AvgPool2d(3, padding=1), PICTURE, "count_include_pad"),
    (lambda: nn.MaxPool2d(4, ceil_mode=True), PICTURE, "ceil_mode=True gives a window that hangs over"),
    (lambda: nn.LogSoftmax(1), X, "leave it out: Backlit's loss 'cross_entropy' takes the scores"),
    (
        lambda: nn.LSTM(4, 3),
        torch.zeros(5, 2, 4),
        "or a tuple or dict of tensors; LSTM gives tuple of Tensor, tuple of Tensor, Tensor",
    ),
    (lambda: nn.Linear(5, 4), X, r"can't take the example of shape \(2, 4\)"),
    (lambda: Calls(lambda m, x: x.view(2, 4)), X, "not for a batch of 2"),
    (lambda: Calls(lambda m, x: x.reshape(-1)), X, "mixes the batch with another axis"),
    (lambda: nn.Embedding(9, 3, padding_idx=0), torch.zeros(2, 5, dtype=torch.long), "padding_idx would learn here"),
    (pruned, X, "it has hooks, which change what it does"),
    (lambda: "net", X, "takes a torch.nn.Module, got str"),
    (lambda: nn.Linear(4, 4), (X, X), "forward takes input; the example has 2 parts"),
    (lambda: nn.Linear(4, 4), X[:0], "must be a batch of at least one row"),
    (lambda: nn.BatchNorm1d(4, track_running_stats=False), X, "without running statistics"),
    (lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), X, "ParametrizedLinear.*no layer for it"),
    (
        reader(nn.LSTM, lambda out, states: states[1][-1]),
        torch.zeros(2, 5, dtype=torch.long),
        "memory cell's last state has no counterpart",
    ),
    (
        reader(nn.GRU, lambda out, h: h[0], num_layers=2),
        torch.zeros(2, 5, dtype=torch.long),
        "only the last of the stacked layers",
    ),
]
