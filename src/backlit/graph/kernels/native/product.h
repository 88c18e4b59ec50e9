// Matrix products in registers, and how work is cut up.
#pragma once
#include "kernels.h"
#include "vector.h"

namespace {

// f(first, last, part) for equal parts of items 0 ... items - 1.
template <class F>
void in_parts(const Parallel& parallel, int64_t items, int64_t parts, const F& f) {
  if (parts <= 1) return f(0, items, 0);
  struct Work {
    const F& f;
    int64_t items, parts;
  } work{f, items, parts};
  const auto part = [](const void* data, int64_t i) {
    const Work& w = *(const Work*)data;
    w.f(w.items * i / w.parts, w.items * (i + 1) / w.parts, i);
  };
  parallel.run(parallel.pool, parts, part, &work);
}

// How many rows of V vectors fit into the registers, with those vectors' factors and one number of each row.
constexpr int height(int V) {
  return REGISTERS == 32 ? (V == 1 ? 12 : V == 2 ? 14 : V == 3 ? 8 : 6) : (V == 1 ? 12 : V == 2 ? 6 : V == 3 ? 4 : 3);
}
constexpr int WIDE = REGISTERS == 32 ? 4 : 2;  // vectors of a block of columns

// Calls f.operator()<R>(first row) for blocks of rows that are as equal as can be, at most High.
template <int R, class F>
INLINE void with_rows(int64_t rows, int64_t first, const F& f) {
  if constexpr (R > 1) {
    if (rows < R) return with_rows<R - 1>(rows, first, f);
  }
  f.template operator()<R>(first);
}
template <int High, class F>
INLINE void by_rows(int64_t begin, int64_t end, const F& f) {
  const int64_t n = end - begin, count = blocks(n, High);
  for (int64_t i = 0; i < count; i++) {
    const int64_t from = begin + n * i / count, to = begin + n * (i + 1) / count;
    with_rows<High>(to - from, from, f);
  }
}

// R rows and V vectors of columns of a product A B, in registers. Rows of A are `lda` apart; of B, `ldb`.
template <int R, int V>
struct Tile {
  vec sum[R][V];

  INLINE void zero() {
    for (int r = 0; r < R; r++)
      for (int v = 0; v < V; v++) sum[r][v] = vec{};
  }
  INLINE void read(const float* c, int64_t ldc, int64_t columns) {
    for (int r = 0; r < R; r++)
      for (int v = 0; v < V; v++)
        sum[r][v] = columns > v * L ? load(c + r * ldc + v * L, room(columns - v * L)) : vec{};
  }
  INLINE void write(float* c, int64_t ldc, int64_t columns) const {
    for (int r = 0; r < R; r++)
      for (int v = 0; v < V; v++)
        if (columns > v * L) store(c + r * ldc + v * L, sum[r][v], room(columns - v * L));
  }
  INLINE void multiply(const float* a, int64_t lda, const float* b, int64_t depth) {
    // The processor can't address more than a few rows from one pointer: one for each eight.
    const float* a8 = R > 8 ? a + 8 * lda : a;
    for (int64_t k = 0; k < depth; k++, b += V * L) {
      vec w[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; v++) w[v] = load(b + v * L);
#pragma GCC unroll 32
      for (int r = 0; r < R; r++) {
        const float* from = r < 8 ? a : a8;  // apart from its use: GCC 12's UBSan mistakes the other for `a`
        const vec x = splat(from[r % 8 * lda + k]);
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) sum[r][v] = fma(x, w[v], sum[r][v]);
      }
    }
  }
  // The same for Aᵀ: its rows' numbers lie side by side, and those of depth `lda` apart.
  INLINE void multiply_transposed(const float* a, int64_t lda, const float* b, int64_t ldb, int64_t depth, int64_t columns) {
    for (int64_t k = 0; k < depth; k++) {
      vec w[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; v++)
        w[v] = columns >= (v + 1) * L ? load(b + k * ldb + v * L) : columns > v * L ? load(b + k * ldb + v * L, room(columns - v * L)) : vec{};
#pragma GCC unroll 32
      for (int r = 0; r < R; r++) {
        const vec x = splat(a[k * lda + r]);
#pragma GCC unroll 8
        for (int v = 0; v < V; v++) sum[r][v] = fma(x, w[v], sum[r][v]);
      }
    }
  }
};

// sums[row] = Σ over the depth of x[row][k] · packed[k], V vectors each, for rows begin ... end - 1, whose sums lie `lds`
// apart. A piece of the packed factor stays in half of the first cache while all rows go past it.
constexpr int64_t NEAR = 6144;

template <int V>
void product_rows(const float* x, int64_t ldx, const float* packed, int64_t depth, float* sums, int64_t lds, int64_t begin, int64_t end) {
  constexpr int64_t most_depth = NEAR / (V * L);
  for (int64_t k = 0; k < depth; k += most_depth)
    by_rows<height(V)>(begin, end, [&]<int R>(int64_t row) __attribute__((always_inline)) {
      Tile<R, V> tile;
      if (k) tile.read(sums + row * lds, lds, V * L);
      else tile.zero();
      tile.multiply(x + row * ldx + k, ldx, packed + k * V * L, least(most_depth, depth - k));
      tile.write(sums + row * lds, lds, V * L);
    });
}

// ------------------------------------------------------------------------- C = Aᵀ B, A (depth, m), B (depth, n)
// For long sums: the gradient of a weight, over all time steps and rows. A and B are packed in pieces of `PIECE` of the
// depth that stay in the cache. Each number of C is added up in one order, whichever thread does it.

constexpr int64_t PIECE = 256;

int64_t transposed_scratch(int64_t m, int64_t slots) {
  return PIECE * (m + slots * WIDE * L);
}

// A panel of V vectors of columns: packs B's part, and goes down the rows of C that this thread has.
template <int V, class Rows>
void transposed_panel(const float* packed, float* panel, const Rows& row_of, int64_t k0, int64_t depth, int64_t column,
                      int64_t n, float* c, int64_t from, int64_t to) {
  const int64_t columns = least(V * L, n - column);
  for (int64_t k = 0; k < depth; k++) row_of(k0 + k, column, columns, panel + k * V * L, V);
  by_rows<height(WIDE)>(from, to, [&]<int R>(int64_t row) __attribute__((always_inline)) {
    Tile<R, V> tile;
    if (k0) tile.read(c + row * n + column, n, columns);
    else tile.zero();
    tile.multiply_transposed(packed, R, panel, V * L, depth, V * L);
    tile.write(c + row * n + column, n, columns);
    packed += R * PIECE;
  });
}

// row_of(k, column, columns, to, V) copies a piece of B's row k, and fills up to V vectors with zeros.
template <class Rows>
void transposed_product(int64_t m, int64_t depth, int64_t n, const float* a, const Rows& row_of, float* c, float* scratch,
                        int64_t slots, const Parallel& parallel) {
  constexpr int High = height(WIDE);
  const int64_t parts = m * n * depth < 200000 ? 1 : least(least(slots, parallel.threads), blocks(m, High));
  in_parts(parallel, m, parts, [&](int64_t from, int64_t to, int64_t part) {
    float* packed = scratch + PIECE * (from + part * WIDE * L);
    float* panel = packed + PIECE * (to - from);
    for (int64_t k0 = 0; k0 < depth; k0 += PIECE) {
      const int64_t some = least(PIECE, depth - k0);
      for (int64_t k1 = 0; k1 < some; k1 += 8) {  // few of A's rows at a time: few pages at once
        float* block = packed;
        by_rows<High>(from, to, [&]<int R>(int64_t first) __attribute__((always_inline)) {
          for (int64_t k = k1; k < least(k1 + 8, some); k++)
            std::memcpy(block + k * R, a + (k0 + k) * m + first, R * sizeof(float));
          block += R * PIECE;
        });
      }
      for (int64_t column = 0; column < n;) {
        const int64_t left = n - column;
        if (left > 2 * L && WIDE > 2) transposed_panel<WIDE>(packed, panel, row_of, k0, some, column, n, c, from, to), column += WIDE * L;
        else if (left > L) transposed_panel<2>(packed, panel, row_of, k0, some, column, n, c, from, to), column += 2 * L;
        else transposed_panel<1>(packed, panel, row_of, k0, some, column, n, c, from, to), column += L;
      }
    }
  });
}

}  // namespace
