// Vectors of floats by the compiler's own extension (GCC, Clang): one source for AVX-512, AVX2, SSE2 and NEON.
//
// Compiled without contraction (-ffp-contract=off), and with `fma` where one is meant: so the same line computes the
// same bits wherever the compiler inlines it, and a row's result doesn't depend on which rows share its block.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace {

#if defined(__AVX512F__)
constexpr int L = 16, REGISTERS = 32;
#elif defined(__AVX2__)
constexpr int L = 8, REGISTERS = 16;
#else
constexpr int L = 4, REGISTERS = 16;
#endif

#define INLINE inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(L * 4), aligned(4), may_alias));
typedef int32_t ints __attribute__((vector_size(L * 4), aligned(4), may_alias));
typedef uint32_t bits __attribute__((vector_size(L * 4), aligned(4), may_alias));

INLINE vec load(const float* p) { return *(const vec*)p; }
INLINE void store(float* p, vec v) { *(vec*)p = v; }
INLINE vec splat(float x) { return x - vec{}; }

INLINE vec fma(vec a, vec b, vec c) {  // a b + c
#if defined(__AVX512F__)
  return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

// The first n numbers, then zeros; and the first n alone written. Masked where the processor can, since small layers
// have no whole vectors; not under AddressSanitizer, which doesn't look into masked accesses.
#if defined(__AVX512F__) && !defined(__SANITIZE_ADDRESS__)
INLINE vec load(const float* p, int n) { return (vec)_mm512_maskz_loadu_ps((__mmask16)(n >= L ? -1 : (1 << n) - 1), p); }
INLINE void store(float* p, vec v, int n) { _mm512_mask_storeu_ps(p, (__mmask16)(n >= L ? -1 : (1 << n) - 1), (__m512)v); }
#elif defined(__AVX2__) && !defined(__SANITIZE_ADDRESS__)
INLINE __m256i first(int n) { return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
INLINE vec load(const float* p, int n) { return n >= L ? load(p) : (vec)_mm256_maskload_ps(p, first(n)); }
INLINE void store(float* p, vec v, int n) { n >= L ? store(p, v) : _mm256_maskstore_ps(p, first(n), (__m256)v); }
#else
INLINE vec load(const float* p, int n) {
  if (n >= L) return load(p);
  vec v = {};
  std::memcpy(&v, p, n * sizeof(float));
  return v;
}
INLINE void store(float* p, vec v, int n) {
  if (n >= L) return store(p, v);
  std::memcpy(p, &v, n * sizeof(float));
}
#endif

// x between two bounds; a NaN stays one, since each comparison with it is false.
INLINE vec within(vec x, float low, float high) {
  x = splat(low) > x ? splat(low) : x;
  return splat(high) < x ? splat(high) : x;
}

// e^x to 2 units in the last place: x = n ln 2 + r with |r| <= ln 2 / 2, and Cephes' polynomial (expf) for e^r.
INLINE vec exp(vec x) {
  x = within(x, -87.0f, 88.0f);
  const vec n = fma(x, splat(1.44269504088896341f), splat(12582912.0f)) - 12582912.0f;  // adding 1.5 * 2^23 rounds
  const vec r = fma(n, splat(2.12194440e-4f), fma(n, splat(-0.693359375f), x));         // ln 2 in two parts
  vec p = fma(r, splat(1.9875691500e-4f), splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r + 1.0f);
  const bits power = ((bits)__builtin_convertvector(n, ints) + 127u) << 23;  // 2^n, put together from its exponent
  return p * (vec)power;
}

INLINE vec inverse(vec x) {
#if defined(__AVX512F__)  // an estimate of 14 bits and one step of Newton's: a quarter of the time of a division
  const vec r = (vec)_mm512_maskz_rcp14_ps(0xffff, (__m512)x);
  return r * fma(-x, r, splat(2.0f));
#else
  return 1.0f / x;
#endif
}

INLINE vec sigmoid(vec x) { return inverse(1.0f + exp(-x)); }

// tanh to 4 units in the last place, by the rational function of degree 13 over 6 that Eigen and XLA have.
INLINE vec tanh(vec x) {
  x = within(x, -7.90531110763549805f, 7.90531110763549805f);
  const vec s = x * x;
  vec p = fma(s, splat(-2.76076847742355e-16f), splat(2.00018790482477e-13f));
  p = fma(p, s, splat(-8.60467152213735e-11f));
  p = fma(p, s, splat(5.12229709037114e-08f));
  p = fma(p, s, splat(1.48572235717979e-05f));
  p = fma(p, s, splat(6.37261928875436e-04f));
  p = fma(p, s, splat(4.89352455891786e-03f));
  vec q = fma(s, splat(1.19825839466702e-06f), splat(1.18534705686654e-04f));
  q = fma(q, s, splat(2.26843463243900e-03f));
  q = fma(q, s, splat(4.89352518554385e-03f));
  return x * p * inverse(q);
}

// Not std's: a template of the standard library that is compiled here for AVX-512 could be the copy that the linker
// keeps for everyone. What stands in an unnamed namespace is this file's alone.
INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
INLINE int64_t blocks(int64_t n, int64_t size) { return (n + size - 1) / size; }
INLINE int room(int64_t left) { return (int)least(L, left); }  // how much of a vector there is left to do

}  // namespace
