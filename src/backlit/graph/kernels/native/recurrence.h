// RNN, GRU and LSTM: all time steps of a layer in one call, forward and back.
//
// Rows are shared out among threads, so that no thread waits for another between two steps. A step of a thread's rows is
// a product with the packed weight, a block of units at a time, whose sums then go through the gates while they are near.
#pragma once
#include "product.h"

namespace {

// A time step: which one it is in the arrays, and the states before it, (rows, units).
struct Step {
  int64_t t;
  const float *h, *c;
};

INLINE Step step_at(const Recurrence& p, int64_t number) {  // in the order in which states follow each other
  const int64_t t = p.reverse ? p.time - 1 - number : number, before = (p.reverse ? t + 1 : t - 1) * p.rows * p.units;
  return {t, number ? p.h + before : p.h0, number ? p.c + before : p.c0};
}

INLINE bool stands(const Recurrence& p, const Step& step, int64_t row) { return p.mask && !p.mask[step.t * p.rows + row]; }

// The kinds. Each has for a vector of `n` units, from number u on, of a row
//   forward   from the sums of products `sum[g * blocks]` to the state (which a masked step leaves as it was)
//   backward  from dh, the gradient of the new state, to those of a, of the products, and, but for the products, of the
//             state before, which is left in p.dh0 (the running gradient on the way back)
struct Place {
  int64_t one, all;  // where this row's units begin in (rows, units), and in (time, rows, units)
  int64_t gates;     // and its gates in (time, rows, gates units)
};
INLINE Place place_of(const Recurrence& p, const Step& step, int64_t row, int64_t u) {
  const int64_t at = step.t * p.rows + row;
  return {row * p.units + u, at * p.units + u, at * p.kind * p.units + u};
}
INLINE vec with_added(const Recurrence& p, vec h, int64_t at, int n) { return p.added ? h + load(p.added + at, n) : h; }

struct RnnCell {
  static constexpr int gates = 1, blocks = WIDE, panel = WIDE;  // one gate alone would leave registers unused

  static INLINE void forward(const Recurrence& p, const Step& step, int64_t row, int64_t u, int n, const vec* sum) {
    const Place at = place_of(p, step, row, u);
    const vec total = sum[0] + load(p.a + at.all, n);
    vec h = p.relu ? (total < vec{} ? vec{} : total) : tanh(total);  // a NaN stays one
    h = with_added(p, h, at.all, n);
    store(p.h + at.all, stands(p, step, row) ? load(step.h + at.one, n) : h, n);
  }
  static INLINE void backward(const Recurrence& p, const Step& step, int64_t row, int64_t u, int n, vec dh) {
    const Place at = place_of(p, step, row, u);
    vec y = load(p.h + at.all, n);
    if (p.added) y -= load(p.added + at.all, n);
    store(p.da + at.all, p.relu ? (y > vec{} ? dh : vec{}) : dh * (1.0f - y * y), n);
    store(p.dh0 + at.one, vec{}, n);
  }
};

struct GruCell {  // with the reset gate after the product: r, z, n
  static constexpr int gates = 3, blocks = 1, panel = 3;

  static INLINE void forward(const Recurrence& p, const Step& step, int64_t row, int64_t u, int n, const vec* sum) {
    const Place at = place_of(p, step, row, u);
    const int64_t w = p.units;
    const float* a = p.a + at.gates;
    const vec r = sigmoid(sum[0] + load(a, n)), z = sigmoid(sum[1] + load(a + w, n)), inner = sum[2] + load(p.bias + u, n);
    const vec candidate = tanh(fma(r, inner, load(a + 2 * w, n))), old = load(step.h + at.one, n);
    float* kept = p.gates + at.gates;
    store(kept, r, n), store(kept + w, z, n), store(kept + 2 * w, candidate, n), store(p.c + at.all, inner, n);
    const vec h = with_added(p, fma(z, old - candidate, candidate), at.all, n);
    store(p.h + at.all, stands(p, step, row) ? old : h, n);
  }
  static INLINE void backward(const Recurrence& p, const Step& step, int64_t row, int64_t u, int n, vec dh) {
    const Place at = place_of(p, step, row, u);
    const int64_t w = p.units;
    const float* kept = p.gates + at.gates;
    const vec r = load(kept, n), z = load(kept + w, n), candidate = load(kept + 2 * w, n);
    const vec dz = dh * (load(step.h + at.one, n) - candidate) * (z * (1.0f - z));
    const vec dn = dh * (1.0f - z) * (1.0f - candidate * candidate);
    const vec dr = dn * load(p.c + at.all, n) * (r * (1.0f - r));
    float *da = p.da + at.gates, *dproduct = p.dproduct + at.gates;
    store(da, dr, n), store(da + w, dz, n), store(da + 2 * w, dn, n);
    store(dproduct, dr, n), store(dproduct + w, dz, n), store(dproduct + 2 * w, dn * r, n);
    store(p.dh0 + at.one, dh * z, n);
  }
};

struct LstmCell {  // i, f, g, o
  static constexpr int gates = 4, blocks = 1, panel = WIDE;  // all four at once need more than sixteen registers

  static INLINE void forward(const Recurrence& p, const Step& step, int64_t row, int64_t u, int n, const vec* sum) {
    const Place at = place_of(p, step, row, u);
    const int64_t w = p.units;
    const float* a = p.a + at.gates;
    const vec i = sigmoid(sum[0] + load(a, n)), f = sigmoid(sum[1] + load(a + w, n));
    const vec g = tanh(sum[2] + load(a + 2 * w, n)), o = sigmoid(sum[3] + load(a + 3 * w, n));
    float* kept = p.gates + at.gates;
    store(kept, i, n), store(kept + w, f, n), store(kept + 2 * w, g, n), store(kept + 3 * w, o, n);
    vec old = load(step.c + at.one, n), c = fma(f, old, i * g), h = with_added(p, o * tanh(c), at.all, n);
    if (stands(p, step, row)) c = old, h = load(step.h + at.one, n);
    store(p.c + at.all, c, n), store(p.h + at.all, h, n);
  }
  static INLINE void backward(const Recurrence& p, const Step& step, int64_t row, int64_t u, int n, vec dh) {
    const Place at = place_of(p, step, row, u);
    const int64_t w = p.units;
    const float* kept = p.gates + at.gates;
    const vec i = load(kept, n), f = load(kept + w, n), g = load(kept + 2 * w, n), o = load(kept + 3 * w, n);
    const vec y = tanh(load(p.c + at.all, n));
    vec dc = load(p.dc0 + at.one, n);
    if (p.dc) dc += load(p.dc + at.all, n);
    dc = fma(dh, o * (1.0f - y * y), dc);
    float* da = p.da + at.gates;
    store(da, dc * g * (i * (1.0f - i)), n), store(da + w, dc * load(step.c + at.one, n) * (f * (1.0f - f)), n);
    store(da + 2 * w, dc * i * (1.0f - g * g), n), store(da + 3 * w, dh * y * (o * (1.0f - o)), n);
    store(p.dc0 + at.one, dc * f, n), store(p.dh0 + at.one, vec{}, n);
  }
};

INLINE int64_t parts_of(const Recurrence& p, int64_t items, const Parallel& parallel) {
  const bool small = p.time * p.rows * p.units * p.units * p.kind < 1000000;  // a few tens of µs: not worth another thread
  return small ? 1 : least(parallel.threads, items);
}

// ------------------------------------------------------------------------------------------------------ forward

// weight (gates units, units) -> [block of units][panel][k][vectors of the panel], zeros where the last block reaches over
// the end; a block's vectors are those of its first gate, then those of the next
template <class Cell>
void pack_weight(const Recurrence& p, float* packed, int64_t first, int64_t last) {
  constexpr int64_t V = Cell::gates * Cell::blocks, wide = Cell::panel * L;
  for (int64_t block = first; block < last; block++)
    for (int64_t v = 0; v < V; v++)
      for (int64_t k0 = 0; k0 < p.units; k0 += 16)  // a cache line of each row at a time
        for (int64_t l = 0; l < L; l++) {
          const int64_t unit = (block * Cell::blocks + v % Cell::blocks) * L + l;
          const float* row = p.weight + (v / Cell::blocks * p.units + unit) * p.units;
          float* to = packed + (block * V * L + v / Cell::panel * wide) * p.units + v % Cell::panel * L + l;
          for (int64_t k = k0; k < least(k0 + 16, p.units); k++) to[k * wide] = unit < p.units ? row[k] : 0.0f;
        }
}

template <class Cell>
void forward_rows(const Recurrence& p, const float* packed, float* dropped, float* sums, int64_t begin, int64_t end) {
  constexpr int G = Cell::gates, U = Cell::blocks, V = G * U, P = Cell::panel;
  const int64_t n = p.units;
  for (int64_t number = 0; number < p.time; number++) {
    const Step step = step_at(p, number);
    const float* h = step.h;
    if (p.keep) {
      for (int64_t i = begin * n; i < end * n; i++) dropped[i] = h[i] * p.keep[i];
      h = dropped;
    }
    for (int64_t u = 0; u < n; u += U * L) {
      for (int64_t row = begin; row < end; row++)  // comes from main memory while the product is computed
        for (int g = 0; g < G; g++) __builtin_prefetch(p.a + ((step.t * p.rows + row) * G + g) * n + u);
      for (int v = 0; v < V; v += P) product_rows<P>(h, n, packed + (u * G + v * L) * n, n, sums + v * L, V * L, begin, end);
      for (int64_t row = begin; row < end; row++)
        for (int64_t unit = u; unit < least(n, u + U * L); unit += L)
          Cell::forward(p, step, row, unit, room(n - unit), (const vec*)(sums + row * V * L + unit - u));
    }
  }
}

template <class Cell>
void forward_of(const Recurrence& p, const Parallel& parallel) {
  const int64_t count = blocks(p.units, Cell::blocks * L);
  float* sums = p.scratch + count * Cell::blocks * L * Cell::gates * p.units;
  float* dropped = sums + p.rows * Cell::gates * Cell::blocks * L;
  in_parts(parallel, count, parts_of(p, count, parallel), [&](int64_t from, int64_t to, int64_t) { pack_weight<Cell>(p, p.scratch, from, to); });
  in_parts(parallel, p.rows, parts_of(p, p.rows, parallel), [&](int64_t from, int64_t to, int64_t) { forward_rows<Cell>(p, p.scratch, dropped, sums, from, to); });
}

// --------------------------------------------------------------------------------------------------------- back

// weight (depth, units) -> [block of columns][k][block]
void pack_columns(const float* weight, int64_t depth, int64_t units, float* packed, int64_t first, int64_t last) {
  constexpr int64_t size = WIDE * L;
  for (int64_t block = first; block < last; block++) {
    const int64_t n = least(size, units - block * size);
    float* to = packed + block * depth * size;
    for (int64_t k = 0; k < depth; k++, to += size) {
      std::memcpy(to, weight + k * units + block * size, n * sizeof(float));
      std::memset(to + n, 0, (size - n) * sizeof(float));
    }
  }
}

// One row's gates, by vectors of units; at a masked step the gradients of the states go on as they are.
template <class Cell>
void gates_back(const Recurrence& p, const Step& step, int64_t row) {
  for (int64_t u = 0; u < p.units; u += L) {
    const int n = room(p.units - u);
    const Place at = place_of(p, step, row, u);
    vec dh = load(p.dh0 + at.one, n);
    if (p.dh) dh += load(p.dh + at.all, n);
    const bool masked = stands(p, step, row);
    if (p.dadded) store(p.dadded + at.all, masked ? vec{} : dh, n);
    if (!masked) {
      Cell::backward(p, step, row, u, n, dh);
      continue;
    }
    for (int g = 0; g < Cell::gates; g++) {
      store(p.da + at.gates + g * p.units, vec{}, n);
      if (p.dproduct != p.da) store(p.dproduct + at.gates + g * p.units, vec{}, n);
    }
    store(p.dh0 + at.one, dh, n);
    if (p.dc) store(p.dc0 + at.one, load(p.dc0 + at.one, n) + load(p.dc + at.all, n), n);
  }
}

template <class Cell>
void backward_rows(const Recurrence& p, const float* packed, float* sums, int64_t begin, int64_t end) {
  const int64_t n = p.units, depth = Cell::gates * n;
  std::memset(p.dh0 + begin * n, 0, (end - begin) * n * sizeof(float));
  if (p.dc0) std::memset(p.dc0 + begin * n, 0, (end - begin) * n * sizeof(float));
  for (int64_t number = p.time - 1; number >= 0; number--) {
    const Step step = step_at(p, number);
    for (int64_t row = begin; row < end; row++) gates_back<Cell>(p, step, row);
    for (int64_t u = 0; u < n; u += WIDE * L) {
      product_rows<WIDE>(p.dproduct + step.t * p.rows * depth, depth, packed + u * depth, depth, sums, WIDE * L, begin, end);
      for (int64_t row = begin; row < end; row++) {
        if (stands(p, step, row)) continue;
        for (int64_t unit = u; unit < least(n, u + WIDE * L); unit += L) {
          const int64_t at = row * n + unit;
          const int width = room(n - unit);
          vec dh = load(sums + row * WIDE * L + unit - u);
          if (p.keep) dh *= load(p.keep + at, width);
          store(p.dh0 + at, load(p.dh0 + at, width) + dh, width);
        }
      }
    }
  }
}

template <class Cell>
void backward_of(const Recurrence& p, const Parallel& parallel) {
  const int64_t n = p.units, depth = Cell::gates * n, count = blocks(n, WIDE * L);
  float *sums = p.scratch + count * WIDE * L * depth, *rest = sums + p.rows * WIDE * L;
  in_parts(parallel, count, parts_of(p, count, parallel), [&](int64_t from, int64_t to, int64_t) { pack_columns(p.weight, depth, n, p.scratch, from, to); });
  in_parts(parallel, p.rows, parts_of(p, p.rows, parallel), [&](int64_t from, int64_t to, int64_t) { backward_rows<Cell>(p, p.scratch, sums, from, to); });
  // dW = Σ dproductᵀ h over all steps and rows, h being the state before each step, as the product saw it
  const auto state = [&](int64_t k, int64_t column, int64_t columns, float* to, int V) {
    const int64_t t = k / p.rows, row = k % p.rows;
    const Step step = step_at(p, p.reverse ? p.time - 1 - t : t);
    const float *h = step.h + row * n + column, *keep = p.keep ? p.keep + row * n + column : nullptr;
    for (int v = 0; v < V; v++) {
      const int width = columns > v * L ? room(columns - v * L) : 0;
      const vec part = width ? load(h + v * L, width) : vec{};
      store(to + v * L, keep && width ? part * load(keep + v * L, width) : part);
    }
  };
  transposed_product(depth, p.time * p.rows, n, p.dproduct, state, p.dweight, rest, p.slots, parallel);
}

// ------------------------------------------------------------------------------------------------ by the kind

int64_t recurrence_scratch(const Recurrence& p) {
  const int64_t packed = blocks(p.units, WIDE * L) * WIDE * L * p.kind * p.units;
  return packed + p.rows * 4 * L + most(p.rows * p.units, transposed_scratch(p.kind * p.units, p.slots));
}
void recurrence_forward(const Recurrence& p, const Parallel& parallel) {
  p.kind == RNN ? forward_of<RnnCell>(p, parallel) : p.kind == GRU ? forward_of<GruCell>(p, parallel) : forward_of<LstmCell>(p, parallel);
}
void recurrence_backward(const Recurrence& p, const Parallel& parallel) {
  p.kind == RNN ? backward_of<RnnCell>(p, parallel) : p.kind == GRU ? backward_of<GruCell>(p, parallel) : backward_of<LstmCell>(p, parallel);
}

}  // namespace
