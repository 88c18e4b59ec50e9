// Runs the kernels of one instruction set over odd sizes and holds them against sums written out, on one part at a time and
// on many threads, which must give the same bits. Built with sanitizers by test_sanitizers.py; ends with 0 if all is right.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <vector>
#include "kernels.h"

extern const Kernels VARIANT;

namespace {

// Just as large as it says, so that a step beyond is one out of bounds; NaN where nothing was written.
struct Array {
  std::unique_ptr<float[]> data;
  int64_t size;
  explicit Array(int64_t n) : data(new float[n]), size(n) { std::fill(data.get(), data.get() + n, NAN); }
  operator float*() const { return data.get(); }
};

std::mt19937 generator(7);
Array drawn(int64_t n, float scale = 1.0f) {
  Array a(n);
  std::normal_distribution<float> normal(0.0f, scale);
  for (int64_t i = 0; i < n; i++) a[i] = normal(generator);
  return a;
}

void one_by_one(void*, int64_t count, void (*part)(const void*, int64_t), const void* work) {
  for (int64_t i = count - 1; i >= 0; i--) part(work, i);  // in another order than the obvious one
}
void at_once(void*, int64_t count, void (*part)(const void*, int64_t), const void* work) {
  std::vector<std::thread> threads;
  for (int64_t i = 0; i < count; i++) threads.emplace_back(part, work, i);
  for (auto& thread : threads) thread.join();
}
const Parallel ALONE{1, nullptr, one_by_one}, THREE{3, nullptr, one_by_one}, MANY{7, nullptr, at_once};
constexpr int64_t SLOTS = 8;

int wrong = 0;
void expect(bool right, const char* what, const char* where) {
  if (right) return;
  wrong++;
  std::printf("wrong: %s of %s\n", what, where);
}
bool close(const Array& a, const std::vector<double>& b) {
  double most = 1e-3, off = 0;
  for (double x : b) most = std::max(most, std::abs(x));
  for (int64_t i = 0; i < a.size; i++) off = std::isnan(a[i]) ? INFINITY : std::max(off, std::abs(a[i] - b[i]));
  return off <= 1e-5 * most;
}
bool same(const Array& a, const Array& b) { return !std::memcmp(a, b, a.size * sizeof(float)); }

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// ------------------------------------------------------------------------------------------------- recurrences

struct Outcome {
  Array h, c, gates, da, dproduct, dweight, dh0, dc0, dadded;
};

void recurrence(Kind kind, int64_t time, int64_t rows, int64_t units, bool masked, bool dropped, bool reverse, bool added, bool relu) {
  char where[100];
  std::snprintf(where, sizeof where, "%d gates %dx%dx%d mask %d keep %d reverse %d added %d relu %d", kind, (int)time, (int)rows, (int)units, masked, dropped, reverse, added, relu);
  const int64_t states = time * rows * units, wide = kind * states;
  const bool lstm = kind == LSTM, rnn = kind == RNN;
  const Array a = drawn(wide), weight = drawn(kind * units * units, 1 / std::sqrt((float)units)), h0 = drawn(rows * units), c0 = drawn(rows * units);
  const Array bias = drawn(units), add = drawn(states, 0.1f), keep = drawn(rows * units), dh = drawn(states), dc = drawn(states);
  std::unique_ptr<bool[]> mask(new bool[time * rows]);
  for (int64_t i = 0; i < time * rows; i++) mask[i] = generator() % 4 > 0;

  const auto run = [&](const Parallel& parallel) {
    Outcome out{Array(states), Array(rnn ? 0 : states), Array(rnn ? 0 : wide), Array(wide), Array(kind == GRU ? wide : 0), Array(kind * units * units),
                Array(rows * units), Array(lstm ? rows * units : 0), Array(added ? states : 0)};
    Recurrence p{};
    p.kind = kind, p.time = time, p.rows = rows, p.units = units, p.reverse = reverse, p.relu = relu, p.slots = SLOTS;
    p.a = a, p.weight = weight, p.h0 = h0, p.c0 = lstm ? (float*)c0 : nullptr, p.bias = bias, p.added = added ? (float*)add : nullptr;
    p.keep = dropped ? (float*)keep : nullptr, p.mask = masked ? mask.get() : nullptr, p.h = out.h, p.c = out.c, p.gates = out.gates;
    const Array scratch(VARIANT.recurrence_scratch(p)), scratch_back(VARIANT.recurrence_scratch(p));
    p.scratch = scratch;
    VARIANT.forward(p, parallel);
    p.scratch = scratch_back, p.dh = dh, p.dc = lstm ? (float*)dc : nullptr, p.da = out.da, p.dproduct = kind == GRU ? out.dproduct : out.da;
    p.dweight = out.dweight, p.dh0 = out.dh0, p.dc0 = lstm ? (float*)out.dc0 : nullptr, p.dadded = added ? (float*)out.dadded : nullptr;
    VARIANT.backward(p, parallel);
    return out;
  };
  const Outcome out = run(ALONE);

  // Forward, and the sum of all states (and cells) by their upstreams, in double precision.
  const auto loss = [&](const Array& a, const Array& weight, const Array& h0, std::vector<double>* all) {
    std::vector<double> h(h0.data.get(), h0.data.get() + rows * units), c(c0.data.get(), c0.data.get() + rows * units);
    double total = 0;
    for (int64_t s = 0; s < time; s++) {
      const int64_t t = reverse ? time - 1 - s : s;
      const std::vector<double> before = h;
      for (int64_t row = 0; row < rows; row++)
        for (int64_t u = 0; u < units; u++) {
          double sum[4];
          for (int g = 0; g < kind; g++) {
            sum[g] = 0;
            for (int64_t k = 0; k < units; k++) sum[g] += before[row * units + k] * (dropped ? keep[row * units + k] : 1) * weight[(g * units + u) * units + k];
          }
          const float* in = a + (t * rows + row) * kind * units + u;
          const int64_t at = row * units + u, all_at = t * rows * units + at;
          double new_h, new_c = 0;
          if (lstm) {
            new_c = sigmoid(sum[1] + in[units]) * c[at] + sigmoid(sum[0] + in[0]) * std::tanh(sum[2] + in[2 * units]);
            new_h = sigmoid(sum[3] + in[3 * units]) * std::tanh(new_c);
          } else if (kind == GRU) {
            const double z = sigmoid(sum[1] + in[units]), n = std::tanh(in[2 * units] + sigmoid(sum[0] + in[0]) * (sum[2] + bias[u]));
            new_h = n + z * (before[at] - n);
          } else {
            new_h = relu ? std::max(0.0, sum[0] + in[0]) : std::tanh(sum[0] + in[0]);
          }
          if (added) new_h += add[all_at];
          if (!masked || mask[t * rows + row]) h[at] = new_h, c[at] = new_c;
          total += h[at] * dh[all_at] + (lstm ? c[at] * dc[all_at] : 0);
          if (all) (*all)[all_at] = h[at];
        }
    }
    return total;
  };
  std::vector<double> states_there(states);
  loss(a, weight, h0, &states_there);
  expect(close(out.h, states_there), "states", where);

  // Gradients along a random direction each, against a difference quotient.
  const auto slope = [&](const Array& of, const Array& gradient, const std::function<double(const Array&)>& f, const char* what) {
    const Array direction = drawn(of.size);
    const float step = 1e-2f;
    Array up(of.size), down(of.size);
    double inner = 0, size = 0;
    for (int64_t i = 0; i < of.size; i++) {
      up[i] = of[i] + step * direction[i], down[i] = of[i] - step * direction[i];
      inner += (double)gradient[i] * direction[i], size += std::abs((double)gradient[i] * direction[i]);
    }
    expect(std::abs((f(up) - f(down)) / (2 * step) - inner) <= 2e-2 * size + 1e-3, what, where);
  };
  if (!relu) {  // which has a kink that the quotient steps over
    slope(a, out.da, [&](const Array& x) { return loss(x, weight, h0, nullptr); }, "gradient of a");
    slope(weight, out.dweight, [&](const Array& x) { return loss(a, x, h0, nullptr); }, "gradient of the weight");
    slope(h0, out.dh0, [&](const Array& x) { return loss(a, weight, x, nullptr); }, "gradient of the first state");
  }
  for (const Parallel& parallel : {THREE, MANY}) {
    const Outcome other = run(parallel);
    expect(same(out.h, other.h) && same(out.c, other.c) && same(out.gates, other.gates) && same(out.da, other.da) && same(out.dproduct, other.dproduct) &&
               same(out.dweight, other.dweight) && same(out.dh0, other.dh0) && same(out.dc0, other.dc0) && same(out.dadded, other.dadded),
           "bits on other threads", where);
  }
}

// ------------------------------------------------------------------------------------------------ convolutions

void convolution(Convolution p) {
  char where[160];
  std::snprintf(where, sizeof where, "%dx%dx%dx%d to %d, taps %dx%d, stride %d %d, border %d %d, dilation %d %d, %d groups", (int)p.batch, (int)p.height, (int)p.width,
                (int)p.channels, (int)p.outputs, (int)p.taps_y, (int)p.taps_x, (int)p.stride_y, (int)p.stride_x, (int)p.top, (int)p.left, (int)p.spread_y, (int)p.spread_x, (int)p.groups);
  const int64_t c = p.channels / p.groups, o = p.outputs / p.groups;
  const Array x = drawn(p.batch * p.height * p.width * p.channels), g = drawn(p.batch * p.rows * p.columns * p.outputs), weight = drawn(p.outputs * p.taps_y * p.taps_x * c);
  std::vector<double> y(g.size), dx(x.size), dweight(weight.size);
  for (int64_t i = 0; i < p.batch; i++)
    for (int64_t row = 0; row < p.rows; row++)
      for (int64_t column = 0; column < p.columns; column++)
        for (int64_t out = 0; out < p.outputs; out++)
          for (int64_t ty = 0; ty < p.taps_y; ty++)
            for (int64_t tx = 0; tx < p.taps_x; tx++) {
              const int64_t iy = row * p.stride_y + ty * p.spread_y - p.top, ix = column * p.stride_x + tx * p.spread_x - p.left;
              if (iy < 0 || ix < 0 || iy >= p.height || ix >= p.width) continue;
              for (int64_t k = 0; k < c; k++) {
                const int64_t at_x = ((i * p.height + iy) * p.width + ix) * p.channels + out / o * c + k;
                const int64_t at_y = ((i * p.rows + row) * p.columns + column) * p.outputs + out, at_w = ((out * p.taps_y + ty) * p.taps_x + tx) * c + k;
                y[at_y] += (double)x[at_x] * weight[at_w], dx[at_x] += (double)g[at_y] * weight[at_w], dweight[at_w] += (double)x[at_x] * g[at_y];
              }
            }
  const auto run = [&](int which, const Parallel& parallel) {
    Array result(which == 0 ? g.size : which == 1 ? x.size : weight.size);
    p.x = x, p.g = g, p.weight = weight, p.slots = SLOTS, p.y = p.dx = p.dweight = result;
    const Array scratch(VARIANT.convolution_scratch(p, which));
    p.scratch = scratch;
    VARIANT.convolution[which](p, parallel);
    return result;
  };
  const std::vector<double>* right[] = {&y, &dx, &dweight};
  const char* names[] = {"result", "gradient by x", "gradient by the weight"};
  for (int which = 0; which < 3; which++) {
    const Array result = run(which, ALONE);
    expect(close(result, *right[which]), names[which], where);
    for (const Parallel& parallel : {THREE, MANY}) expect(same(result, run(which, parallel)), "bits on other threads", where);
  }
}

int64_t positions(int64_t size, int64_t before, int64_t after, int64_t taps, int64_t stride, int64_t spread) {
  return (size + before + after - (taps - 1) * spread - 1) / stride + 1;
}
void convolution(int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t outputs, int64_t ty, int64_t tx, int64_t sy = 1, int64_t sx = 1, int64_t py = 0,
                 int64_t px = 0, int64_t dy = 1, int64_t dx = 1, int64_t groups = 1) {
  Convolution p{};
  p.batch = batch, p.height = height, p.width = width, p.channels = channels, p.outputs = outputs, p.taps_y = ty, p.taps_x = tx, p.stride_y = sy, p.stride_x = sx;
  p.top = py, p.left = px, p.spread_y = dy, p.spread_x = dx, p.groups = groups;
  p.rows = positions(height, py, py + py % 2, ty, sy, dy), p.columns = positions(width, px, px, tx, sx, dx);
  convolution(p);
}

// --------------------------------------------------------------------------------------------------- dense layers

void dense(int64_t rows, int64_t inputs, int64_t units) {
  char where[80];
  std::snprintf(where, sizeof where, "dense, %d x %d to %d", (int)rows, (int)inputs, (int)units);
  const Array x = drawn(rows * inputs), g = drawn(rows * units), weight = drawn(units * inputs);
  std::vector<double> y(g.size), dweight(weight.size);
  for (int64_t row = 0; row < rows; row++)
    for (int64_t unit = 0; unit < units; unit++)
      for (int64_t k = 0; k < inputs; k++) {
        y[row * units + unit] += (double)x[row * inputs + k] * weight[unit * inputs + k];
        dweight[unit * inputs + k] += (double)x[row * inputs + k] * g[row * units + unit];
      }
  const auto run = [&](bool back, const Parallel& parallel) {
    Array result(back ? weight.size : g.size);
    Dense p{rows, inputs, units, x, g, weight, result, result, nullptr, SLOTS};
    const Array scratch(VARIANT.dense_scratch(p));
    p.scratch = scratch;
    (back ? VARIANT.dense_weight : VARIANT.dense)(p, parallel);
    return result;
  };
  for (bool back : {false, true}) {
    const Array result = run(back, ALONE);
    expect(close(result, back ? dweight : y), back ? "gradient by the weight" : "result", where);
    for (const Parallel& parallel : {THREE, MANY}) expect(same(result, run(back, parallel)), "bits on other threads", where);
  }
}

}  // namespace

int main() {
  for (Kind kind : {RNN, GRU, LSTM})
    for (int options = 0; options < 16; options++) {
      const bool masked = options & 1, dropped = options & 2, reverse = options & 4, added = options & 8;
      recurrence(kind, 3, 5, 7, masked, dropped, reverse, added, kind == RNN && options % 3 == 0);
      if (options % 5 == 0) recurrence(kind, 4, 13, 33, masked, dropped, reverse, added, false);
    }
  for (Kind kind : {RNN, GRU, LSTM}) {
    recurrence(kind, 1, 1, 1, false, false, false, false, false);
    recurrence(kind, 9, 1, 17, true, false, true, false, false);
    recurrence(kind, 2, 70, 65, false, true, false, false, false);  // enough for several threads
  }
  convolution(1, 1, 1, 1, 1, 1, 1);
  convolution(3, 9, 8, 2, 5, 3, 3, 1, 1, 1, 1);
  convolution(2, 10, 11, 17, 33, 3, 3, 2, 2, 1, 1);
  convolution(5, 28, 28, 1, 32, 3, 3);
  convolution(2, 8, 8, 64, 70, 3, 3, 1, 1, 1, 1);
  convolution(4, 6, 7, 130, 30, 1, 1, 2, 2);
  convolution(1, 13, 12, 3, 7, 5, 4, 3, 2, 2, 1);
  convolution(2, 9, 10, 4, 6, 3, 3, 2, 2, 2, 2, 3, 3, 2);
  convolution(2, 12, 7, 6, 9, 3, 2, 2, 3, 1, 1, 2, 2, 3);
  convolution(2, 5, 5, 3, 4, 1, 1, 4, 4, 3, 4);
  convolution(3, 1, 40, 9, 20, 1, 7, 1, 1, 0, 3);
  convolution(2, 6, 6, 4, 4, 2, 2, 3, 3);
  convolution(17, 4, 4, 3, 2, 3, 3, 1, 1, 1, 1);
  dense(1, 1, 4);
  dense(3, 5, 6);
  dense(17, 33, 70);
  dense(64, 300, 19);
  dense(300, 70, 37);
  dense(530, 9, 4);
  if (!wrong) std::printf("all right\n");
  return wrong != 0;
}
