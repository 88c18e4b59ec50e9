"""What lessons say, computed a second time by PyTorch in float64 or by hand, without Backlit."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import Ridge
from sklearn.model_selection import train_test_split

from backlit.lessons import LESSONS
from backlit.lessons.claims import prose

functional = torch.nn.functional


@pytest.fixture(autouse=True)
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


def says(lesson, *words):
    """The lesson has these words in both languages, English first."""
    texts = prose(LESSONS[lesson])
    assert all(word in text for word, text in zip(words, texts.values(), strict=True)), words


def gradients(value, *inputs):
    return [found.numpy() for found in torch.autograd.grad(value, inputs)]


def test_backprop_the_two_gates_and_the_four():
    x, y, z = (torch.tensor(v, requires_grad=True) for v in (-2.0, 5.0, -4.0))
    assert [float(g) for g in gradients((x + y) * z, x, y, z)] == [-4, -4, 3]
    a, b = torch.tensor(3.0, requires_grad=True), torch.tensor(-1.0, requires_grad=True)
    assert [float(g) for g in gradients(2 * (a + b), a, b)] == [2, 2]
    assert [float(g) for g in gradients(2 * (a * b), a, b)] == [-2, 6]
    assert [float(g) for g in gradients(2 * torch.maximum(a, b), a, b)] == [2, 0]
    assert float(gradients(a * a + 5 * a, a)[0]) == 11
    says("backprop", "the larger input gets all, the other nothing", "큰 쪽이 전부 받고 작은 쪽은 하나도 받지 못합니다")


def test_by_hand_eight_weights_and_the_slip():
    w = torch.tensor([0.3, 0.25, 0.4, 0.35, 0.45, 0.4, 0.7, 0.6], requires_grad=True)
    x, target = torch.tensor([0.1, 0.2]), torch.tensor([0.4, 0.6])

    def error(w):
        return 0.5 * ((target - torch.sigmoid(w[4:].reshape(2, 2) @ torch.sigmoid(w[:4].reshape(2, 2) @ x))) ** 2).sum()

    (g,) = gradients(error(w), w)
    after = w.detach().numpy() - 0.5 * g
    assert [f"{v:.8f}" for v in after] == [
        "0.29959556", "0.24919112", "0.39964496", "0.34928991", "0.43703857", "0.38685205", "0.69629578", "0.59624247"
    ]  # fmt: skip
    assert f"{float(error(w.detach())):.8f} {float(error(torch.tensor(after))):.8f}" == "0.02397190 0.02323634"
    w = w.detach()
    o = torch.sigmoid(w[4:].reshape(2, 2) @ torch.sigmoid(w[:4].reshape(2, 2) @ x))
    assert (o > target).all()
    says("by-hand", "Both outputs are too large", "두 출력 모두 정답보다 큽니다")


def test_jacobians_layouts_and_work():
    rows = torch.autograd.functional.jacobian(
        lambda x: torch.stack([x[0] * x[1], x[0] + x[1], x[0] ** 2]), torch.tensor([2.0, 3.0])
    )
    assert rows.tolist() == [[3, 2], [1, 1], [4, 0]]
    n, d, m = 64, 1000, 1000  # products of X W, Xᵀ G and G Wᵀ
    assert (d * n * m + n * m * d) / (n * d * m) == 2
    says("jacobians", "about twice the work of the forward pass", "순전파의 두 배 정도면 됩니다")


def test_losses_and_their_gradients():
    s = torch.tensor([[2.0, 1.0, -1.0]], requires_grad=True)
    (g,) = gradients(functional.cross_entropy(s, torch.tensor([0])), s)
    np.testing.assert_allclose(g, torch.softmax(s, 1).detach().numpy() - [[1, 0, 0]], atol=1e-12)
    p = torch.linspace(0.001, 0.999, 999)
    score = torch.log(p / (1 - p)).requires_grad_()
    (pull,) = gradients(((1 - torch.sigmoid(score)) ** 2).sum(), score)
    assert abs(float(p[np.abs(pull).argmax()]) - 1 / 3) < 0.002
    assert (np.diff(np.abs(pull[:300])) > 0).all()  # below a third: the less likely the truth, the smaller the pull
    says("losses", "it learns *less* the *more* wrong it is", "그보다 *더* 틀릴수록 *덜* 배웁니다")
    floor = functional.cross_entropy(torch.eye(10)[:1], torch.tensor([0]))
    np.testing.assert_allclose(float(floor), math.log(math.e + 9) - 1)
    margin = torch.tensor([[2.0, 1.5, 1.2]], requires_grad=True)
    (g,) = gradients(3 * functional.multi_margin_loss(margin, torch.tensor([0])), margin)
    np.testing.assert_allclose(g, [[-2, 1, 1]])
    errors = torch.tensor([-2.5, -0.5, 0.5, 2.5], requires_grad=True)
    (g,) = gradients(functional.huber_loss(errors, torch.zeros(4), reduction="sum"), errors)
    np.testing.assert_allclose(g, [-1, -0.5, 0.5, 1])
    one, two = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.05, 0.05, 0.9])
    assert abs(float((one * (one / two).log()).sum() - (two * (two / one).log()).sum())) > 0.1


def test_activations_that_are_off():
    def descend(function, z=-6.0):
        z = torch.tensor(z, requires_grad=True)
        for _ in range(1000):
            loss = (function(z) - 1) ** 2
            with torch.no_grad():
                z -= 0.5 * torch.autograd.grad(loss, z)[0]
        z = z.detach()
        return float(z), float((function(z) - 1) ** 2)

    assert descend(torch.relu) == (-6, 1)
    assert descend(lambda z: functional.leaky_relu(z, 0.01))[1] < 1e-6 > descend(functional.elu)[1]
    away, loss = descend(functional.gelu)
    assert away < -6
    assert loss >= 1
    z = torch.linspace(-6, 0, 60_001)
    turn = float(z[functional.gelu(z).argmin()])
    assert abs(turn + 0.7518) < 2e-4
    says("activations", "GELU *falls* as $z$ grows", "GELU는 $z$가 커질수록 *작아집니다*")
    line = torch.linspace(-4, 4, 401, requires_grad=True)
    ten = line
    for _ in range(10):
        ten = torch.sigmoid(ten)
    assert gradients(ten.sum(), line)[0].max() < 0.25**10


@pytest.mark.parametrize(("fitted", "larger_mixes_less"), [(False, True), (True, False)])
def test_activations_signs_in_batches(fitted, larger_mixes_less):
    w = (torch.randn(5, 200) / 5**0.5).requires_grad_()
    out = torch.randn(200, 1) / 200**0.5

    def share(rows, times=40):
        found = []
        for _ in range(times):
            x = torch.sigmoid(torch.randn(rows, 5))
            told = torch.tanh(x @ w) @ out
            (g,) = gradients(((told - torch.randn(rows, 1) - offset) ** 2).sum(), w)
            found.append((np.all(g > 0, axis=0) | np.all(g < 0, axis=0)).mean())
        return np.mean(found)

    offset = float((torch.tanh(torch.sigmoid(torch.randn(50_000, 5)) @ w) @ out).mean().detach()) + (not fitted) * 0.4
    one, some, many = share(1), share(32), share(256)
    assert one == 1
    assert (many > some) == larger_mixes_less
    says("activations", "larger batches mix the signs even less", "배치가 커질수록 오히려 덜 섞입니다")


def test_initialisation_sizes_through_ten_layers():
    def sizes(function, deviation, width=800):
        h, found = torch.randn(32, width), []
        for _ in range(10):
            h = function(h @ (torch.randn(width, width) * deviation))
            found.append(float((h**2).mean() ** 0.5))
        return np.array(found)

    xavier, kaiming, note = (sizes(torch.relu, d) for d in ((1 / 800) ** 0.5, (2 / 800) ** 0.5, 2 / 800**0.5))
    assert abs(xavier[1:] / xavier[:-1] * 2**0.5 - 1).max() < 0.1
    assert abs(note[1:] / note[:-1] / 2**0.5 - 1).max() < 0.1
    assert 0.7 < kaiming[-1] < 1.4
    says("initialisation", r"Xavier's loses a factor of $\sqrt{2}$ in every layer", r"Xavier는 층마다 $\sqrt{2}$배씩")
    tanh = sizes(torch.tanh, (1 / 800) ** 0.5)
    assert (np.diff(tanh) < 0).all()
    x = torch.randn(256, 64)
    first = float((x**2).mean())
    for _ in range(20):
        x = x + torch.relu(x @ torch.randn(64, 64) * (2 / 64) ** 0.5) @ torch.randn(64, 64) * (2 / 64) ** 0.5
    assert 2.4 < (float((x**2).mean()) / first) ** (1 / 20) < 3.6


def test_optimizers_the_limit_on_the_diabetes_data():
    data = load_diabetes()
    rows, _, y, _ = train_test_split(data.data, data.target, test_size=0.3, random_state=0)
    x, y = torch.tensor((rows - rows.mean(0)) / rows.std(0)), torch.tensor((y - y.mean()) / y.std())
    both = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    limit = 2 / float(torch.linalg.eigvalsh(2 * both.T @ both / len(both))[-1])
    assert 0.23 < limit < 0.245

    def losses(rate, steps=200):
        w, found = torch.zeros(11), []
        for _ in range(steps):
            error = both @ w - y
            found.append(float((error**2).mean()))
            w = w - rate * 2 * both.T @ error / len(both)
        return np.array(found)

    above = losses(0.245)
    assert above[1] < above[0]
    assert (np.diff(above[1:]) > 0).all()
    assert (np.diff(losses(0.23)) < 0).all()
    says("optimizers", "From then on every step makes it worse", "하지만 그다음부터는 스텝마다 커집니다")
    gradient = both * (both @ torch.zeros(11) - y)[:, None] * 2
    noise = [
        float((gradient[torch.randint(len(x), (2000, size))].mean(1) - gradient.mean(0)).norm(dim=1).mean())
        for size in (1, 16)
    ]
    assert abs(noise[0] / noise[1] / 4 - 1) < 0.1
    says("optimizers", "Sixteen times more rows, a quarter of the noise", "행이 16배가 되면 잡음은 1/4이 됩니다")


def test_generalisation_penalties_and_dropout():
    random = np.random.default_rng(0)
    missed = {alpha: [] for alpha in (1e-9, 4, 40)}
    for _ in range(200):
        w, x = random.normal(0, 0.5, 10), random.normal(size=(30, 10))
        y = x @ w + random.normal(size=30)
        for alpha, found in missed.items():
            found.append(np.mean((Ridge(alpha=alpha).fit(x, y).coef_ - w) ** 2))
    none, right, strong = (np.mean(found) for found in missed.values())
    assert right < none
    assert right < strong
    survivors = functional.dropout(torch.ones(20_000), 0.2, training=True).unique()
    np.testing.assert_allclose(survivors, [0, 1 / 0.8])
    says("generalisation", "multiplies the survivors by $1 / (1 - p)$", "살아남은 유닛에는 $1 / (1 - p)$를 곱합니다")


def test_sequences_the_way_back_and_the_gates():
    cell = torch.nn.RNNCell(4, 8)
    h, x = torch.randn(8), torch.randn(4)
    jacobian = torch.autograd.functional.jacobian(lambda before: cell(x[None], before[None])[0], h)
    after = cell(x[None], h[None])[0]
    torch.testing.assert_close(jacobian, torch.diag(1 - after**2) @ cell.weight_hh)
    lstm = torch.nn.LSTMCell(4, 8)
    c = torch.randn(8)
    gates = lstm.weight_ih @ x + lstm.bias_ih + lstm.weight_hh @ h + lstm.bias_hh
    i, f, g, _ = gates.reshape(4, 8)
    torch.testing.assert_close(lstm(x[None], (h[None], c[None]))[1][0], f.sigmoid() * c + i.sigmoid() * g.tanh())
    along = torch.autograd.functional.jacobian(lambda c: lstm(x[None], (h[None], c[None]))[1][0], c)
    torch.testing.assert_close(along, torch.diag(f.sigmoid()))
    says("sequences", "by no weight matrix", "가중치 행렬 없이 $f$만 곱해집니다")
    gru = torch.nn.GRUCell(4, 8)
    r, z, n = (gru.weight_ih @ x + gru.bias_ih).reshape(3, 8)
    rh, zh, nh = (gru.weight_hh @ h + gru.bias_hh).reshape(3, 8)
    z, n = (z + zh).sigmoid(), (n + (r + rh).sigmoid() * nh).tanh()
    torch.testing.assert_close(gru(x[None], h[None])[0], (1 - z) * n + z * h)
    says(
        "sequences",
        r"$$h_t = (1 - z_t) \cdot n_t + z_t \cdot h_{t-1}$$",
        r"$$h_t = (1 - z_t) \cdot n_t + z_t \cdot h_{t-1}$$",
    )


def test_images_edges():
    picture = torch.tensor(load_digits().data[0].reshape(8, 8) / 16)
    upright = torch.tensor([[-1.0, 0.0, 1.0]] * 3)
    slid = functional.conv2d(picture[None, None], upright[None, None])[0, 0]
    left = slid[3, :3]
    assert left.max() > 0 > slid[3, 1:].min()  # brighter, then darker
    says("images", "gets brighter (white) and then darker (black)", "밝아졌다가(흰색) 다시 어두워지고(검은색)")


def test_numpy_loop_and_arrays_by_chance():
    z = torch.randn(64, 1000) @ torch.randn(1000, 100)
    assert abs(float(z.std()) - 1000**0.5) < 3
    says(
        "numpy-loop", r"its standard deviation is $\sqrt{1000}$, about 32", r"표준편차가 $\sqrt{1000}$, 곧 32쯤 됩니다"
    )
    within = math.erf(1 / 2**0.5)
    assert abs(within - 2 / 3) < 0.02
    says("arrays", "about two thirds of the numbers between −1 and 1", "약 3분의 2가 −1과 1 사이에 있습니다")


def test_doctor_zeros_don_t_grow_with_depth_dead_units_do():
    x = torch.randn(1000, 61)
    zeros, dead = [], []
    for _ in range(10):
        x = torch.relu(x @ torch.randn(x.shape[1], 32) * (2 / x.shape[1]) ** 0.5)
        zeros.append(float((x == 0).double().mean()))
        dead.append(float((x == 0).all(0).double().mean()))
    assert all(0.3 < share < 0.7 for share in zeros)
    assert np.mean(dead[-3:]) > np.mean(dead[:3])
    says("doctor", "They aren't: about half in every layer", "재 보면 어느 층이든 절반 정도입니다")


def test_neurons_and_linear_what_lines_can_do():
    grid = np.linspace(-3, 3, 25)
    w1, w2, b = np.meshgrid(grid, grid, grid)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    told = np.stack([w1 * x1 + w2 * x2 + b > 0 for x1, x2 in corners])
    assert (told == np.array([0, 1, 1, 0])[:, None, None, None]).sum(axis=0).max() == 3
    says("neurons", "units gets more than", "개만 맞힙니다")
    both = np.column_stack([corners, np.ones(4)])
    np.testing.assert_allclose(np.linalg.lstsq(both, [0, 1, 1, 0], rcond=None)[0], [0, 0, 0.5], atol=1e-12)
    says("linear", "The best linear function ignores both inputs", "가장 좋은 선형 함수가 두 입력을 모두 무시하고")
