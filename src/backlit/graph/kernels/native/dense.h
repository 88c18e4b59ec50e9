// A dense layer: y = x Wᵀ for few rows, whose packing would cost more than they do, and the weight's gradient Gᵀ x.
#pragma once
#include "product.h"

namespace {

// Four vectors' sums over their lanes.
INLINE void add_lanes(const vec* v, float* to) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  const __m256 one = _mm256_hadd_ps((__m256)v[0], (__m256)v[1]), two = _mm256_hadd_ps((__m256)v[2], (__m256)v[3]);
  const __m256 both = _mm256_hadd_ps(one, two);
  _mm_storeu_ps(to, _mm_add_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1)));
#else
  for (int i = 0; i < 4; i++) {
    float sum[L];
    std::memcpy(sum, &v[i], sizeof sum);
    for (int width = L / 2; width; width /= 2)
      for (int l = 0; l < width; l++) sum[l] += sum[l + width];
    to[i] = sum[0];
  }
#endif
}

// Sums of R rows of x times four of the weight, along the inputs: both lie as they are read, so nothing is packed.
constexpr int ACROSS = 4, DOWN = REGISTERS == 32 ? 6 : 3;

template <int R>
struct Dots {
  vec sum[R][ACROSS] = {};

  INLINE void add(const float* x, const float* weight, int64_t inputs, int n) {
    vec a[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) a[r] = load(x + r * inputs, n);
#pragma GCC unroll 8
    for (int c = 0; c < ACROSS; c++) {
      const vec b = load(weight + c * inputs, n);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) sum[r][c] = fma(a[r], b, sum[r][c]);
    }
  }
};

template <int R>
INLINE void dots(const float* x, const float* weight, int64_t inputs, float* y, int64_t units) {
  Dots<R> dots;
  int64_t k = 0;
  for (; k + L <= inputs; k += L) dots.add(x + k, weight + k, inputs, L);
  if (k < inputs) dots.add(x + k, weight + k, inputs, room(inputs - k));
#pragma GCC unroll 8
  for (int r = 0; r < R; r++) add_lanes(dots.sum[r], y + r * units);
}

// So many rows of x stay in the second cache while the weight goes past them, four of its rows at a time.
constexpr int64_t HALF_SECOND = 65536;

void dense(const Dense& p, const Parallel& parallel) {
  const int64_t near = most(DOWN, HALF_SECOND / p.inputs);
  in_parts(parallel, p.rows, least(parallel.threads, p.rows), [&](int64_t begin, int64_t end, int64_t) {
    for (int64_t first = begin; first < end; first += near)
      for (int64_t i = 0; i < p.units; i += ACROSS) {
        const int64_t unit = least(i, p.units - ACROSS);  // the last four may be partly those before
        by_rows<DOWN>(first, least(end, first + near), [&]<int R>(int64_t row) __attribute__((always_inline)) {
          dots<R>(p.x + row * p.inputs, p.weight + unit * p.inputs, p.inputs, p.y + row * p.units + unit, p.units);
        });
      }
  });
}

void dense_weight(const Dense& p, const Parallel& parallel) {
  const auto row_of = [&](int64_t row, int64_t column, int64_t columns, float* to, int V) {
    const float* from = p.x + row * p.inputs + column;
    for (int v = 0; v < V; v++) store(to + v * L, columns > v * L ? load(from + v * L, room(columns - v * L)) : vec{});
  };
  transposed_product(p.units, p.rows, p.inputs, p.g, row_of, p.dweight, p.scratch, p.slots, parallel);
}

int64_t dense_scratch(const Dense& p) { return transposed_scratch(p.units, p.slots); }  // of the gradient

}  // namespace
