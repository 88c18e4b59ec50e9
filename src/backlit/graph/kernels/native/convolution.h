// Convolution and its two gradients, without patches in memory.
//
// A window over a padded picture is a matrix product whose left side isn't copied anywhere: the numbers under some taps
// lie side by side (a run), and those of the next position a fixed step further. So a convolution is, run by run, a product
// of rows that overlap with a packed weight; the gradient by x is one more, of the padded gradient; and that by the
// weight a product of the transposed rows with the gradient.
#pragma once
#include "product.h"

namespace {

// Vectors of outputs in a block.
inline int vectors_for(int64_t outputs) { return outputs <= L ? 1 : outputs <= 2 * L || WIDE == 2 ? 2 : WIDE; }

// f.operator()<V>() with V = vectors_for(outputs)
template <class F>
INLINE void with_vectors(int64_t outputs, const F& f) {
  const int v = vectors_for(outputs);
  v == 1 ? f.template operator()<1>() : v == 2 ? f.template operator()<2>() : f.template operator()<WIDE>();
}

struct Run {
  int64_t offset, depth;  // from a position's first number; how many lie side by side
};

// Taps at these offsets, `depth` numbers each, as runs.
inline int merged(const int64_t* offsets, int taps, int64_t depth, Run* runs) {
  int count = 0;
  for (int i = 0; i < taps; i++) {
    if (count && runs[count - 1].offset + runs[count - 1].depth == offsets[i]) runs[count - 1].depth += depth;
    else runs[count++] = {offsets[i], depth};
  }
  return count;
}

// A picture (h, w, c) with `top` lines above it and `left` columns beside it, among zeros; what reaches beyond is cut off.
inline void pad(const float* x, int64_t h, int64_t w, int64_t c, float* to, int64_t top, int64_t left, int64_t height, int64_t width) {
  const int64_t before = least(left, width) * c, inside = most(0, least(w, width - left)) * c, after = width * c - before - inside;
  for (int64_t line = 0; line < height; line++, to += width * c) {
    if (line < top || line >= top + h) {
      std::memset(to, 0, width * c * sizeof(float));
      continue;
    }
    std::memset(to, 0, before * sizeof(float));
    std::memcpy(to + before, x + (line - top) * w * c, inside * sizeof(float));
    std::memset(to + before + inside, 0, after * sizeof(float));
  }
}

// ------------------------------------------------------------------------------------------------ correlation
// to[row, column, o] = Σ over runs and their depth of from[row step_y + column step_x + offset + k] · packed[o's panel][run, k][o]

struct Correlation {
  const float* from;
  int64_t step_y, step_x;
  const Run* runs;
  int count;
  const float* packed;
  int64_t outputs, rows, columns;
  float* to;
  int64_t to_line, to_step;
};

// Blocked so that what is used again stays near: a piece of the weight in half of the first cache, while lines of the
// picture go past it, whose sums wait in the result.
constexpr int64_t POSITIONS = 96;

template <int V>
void correlate(const Correlation& q) {
  constexpr int64_t most_depth = NEAR / (V * L);
  const int64_t lines = most(1, POSITIONS / q.columns);
  int64_t depth = 0;
  for (int i = 0; i < q.count; i++) depth += q.runs[i].depth;
  for (int64_t o = 0; o < q.outputs; o += V * L) {
    const float* panel = q.packed + o * depth;
    for (int64_t first = 0; first < q.rows; first += lines) {
      const float* weight = panel;
      int run = 0;
      int64_t done = 0;  // of the run
      while (run < q.count) {
        // As many runs, or as much of one, as fit.
        const int from = run;
        const int64_t skip = done;
        int64_t left = most_depth;
        while (run < q.count && left > 0) {
          const int64_t some = least(left, q.runs[run].depth - done);
          left -= some, done += some;
          if (done == q.runs[run].depth) run++, done = 0;
        }
        const bool begun = weight != panel;
        for (int64_t row = first; row < least(first + lines, q.rows); row++)
          by_rows<height(V)>(0, q.columns, [&]<int R>(int64_t column) __attribute__((always_inline)) {
            float* to = q.to + row * q.to_line + column * q.to_step + o;
            const float *x = q.from + row * q.step_y + column * q.step_x, *w = weight;
            Tile<R, V> tile;
            if (begun) tile.read(to, q.to_step, q.outputs - o);
            else tile.zero();
            for (int i = from; i < q.count && (i < run || (i == run && done)); i++) {
              const int64_t start = i == from ? skip : 0, end = i == run ? done : q.runs[i].depth;
              tile.multiply(x + q.runs[i].offset + start, q.step_x, w, end - start);
              w += (end - start) * V * L;
            }
            tile.write(to, q.to_step, q.outputs - o);
          });
        weight += (most_depth - left) * V * L;
      }
    }
  }
}

inline int64_t panels_size(int64_t outputs) {  // with the last panel's filling
  const int64_t size = vectors_for(outputs) * L;
  return blocks(outputs, size) * size;
}

// ---------------------------------------------------------------------------------------------------- forward

struct Frame {  // a padded picture
  int64_t height, width;
  bool whole;  // the picture as it is
};
inline Frame frame_of(const Convolution& p) {
  const int64_t height = (p.rows - 1) * p.stride_y + (p.taps_y - 1) * p.spread_y + 1;
  const int64_t width = (p.columns - 1) * p.stride_x + (p.taps_x - 1) * p.spread_x + 1;
  if (!p.top && !p.left && height <= p.height && width <= p.width) return {p.height, p.width, true};
  return {most(height, 1), most(width, 1), false};
}

inline int taps_of(const Convolution& p, int64_t line, int64_t step, int64_t* offsets) {
  int count = 0;
  for (int64_t y = 0; y < p.taps_y; y++)
    for (int64_t x = 0; x < p.taps_x; x++) offsets[count++] = y * p.spread_y * line + x * p.spread_x * step;
  return count;
}

int64_t conv_scratch(const Convolution& p) {
  const Frame frame = frame_of(p);
  const int64_t weight = panels_size(p.outputs / p.groups) * p.taps_y * p.taps_x * p.channels;
  return weight + (frame.whole ? 0 : p.slots * frame.height * frame.width * p.channels);
}

void conv(const Convolution& p, const Parallel& parallel) {
  const int64_t c = p.channels / p.groups, outputs = p.outputs / p.groups, depth = p.taps_y * p.taps_x * c;
  const int64_t size = vectors_for(outputs) * L, panels = blocks(outputs, size);
  in_parts(parallel, p.groups * panels, least(parallel.threads, depth * p.outputs < 100000 ? 1 : p.groups * panels), [&](int64_t first, int64_t last, int64_t) {
    for (int64_t i = first; i < last; i++)
      for (int64_t l = 0; l < size; l++) {
        const int64_t o = i % panels * size + l;
        const float* row = p.weight + (i / panels * outputs + o) * depth;
        for (int64_t k = 0; k < depth; k++) p.scratch[(i * depth + k) * size + l] = o < outputs ? row[k] : 0.0f;
      }
  });
  const Frame frame = frame_of(p);
  const int64_t picture = frame.height * frame.width * p.channels, line = frame.width * p.channels;
  int64_t offsets[MOST_TAPS];
  Run runs[MOST_TAPS];
  const int count = merged(offsets, taps_of(p, line, p.channels, offsets), c, runs);
  in_parts(parallel, p.batch, least(least(parallel.threads, p.slots), p.batch), [&](int64_t first, int64_t last, int64_t part) {
    float* padded = p.scratch + p.groups * panels * size * depth + part * picture;
    for (int64_t i = first; i < last; i++) {
      const float* x = p.x + i * p.height * p.width * p.channels;
      if (!frame.whole) pad(x, p.height, p.width, p.channels, padded, p.top, p.left, frame.height, frame.width), x = padded;
      for (int64_t g = 0; g < p.groups; g++)
        with_vectors(outputs, [&]<int V>() {
          correlate<V>({x + g * c, line * p.stride_y, p.channels * p.stride_x, runs, count, p.scratch + g * panels * size * depth, outputs,
                        p.rows, p.columns, p.y + i * p.rows * p.columns * p.outputs + g * outputs, p.columns * p.outputs, p.outputs});
        });
    }
  });
}

// ------------------------------------------------------------------------------------------- gradient by the input
// dx[i] gets g[q] · w[t] where i + top = q stride + t spread. Inputs with the same remainder r of i + top by the stride
// see the same taps: those with t spread = r + j stride, and of these g[q0 - j]. So each remainder is a correlation.

struct Phase {
  int64_t first, count;           // inputs first, first + stride, ...
  int64_t place;                  // of g, at the first of them
  int taps, tap[MOST_TAPS];       // from the last to the first, so that g is read upwards
  int64_t back[MOST_TAPS];        // j
};
inline Phase phase_of(int64_t r, int64_t taps, int64_t stride, int64_t spread, int64_t before, int64_t size) {
  Phase phase;
  phase.first = ((r - before) % stride + stride) % stride;
  phase.count = phase.first < size ? blocks(size - phase.first, stride) : 0;
  phase.place = (phase.first + before - r) / stride;
  phase.taps = 0;
  for (int64_t t = taps - 1; t >= 0; t--)
    if (t * spread % stride == r) phase.back[phase.taps] = (t * spread - r) / stride, phase.tap[phase.taps++] = (int)t;
  return phase;
}

struct Border {  // of g
  int64_t y, x, height, width;
  bool whole;
};
inline Border border_of(const Convolution& p) {
  const int64_t y = (p.taps_y - 1) * p.spread_y / p.stride_y, x = (p.taps_x - 1) * p.spread_x / p.stride_x;
  const int64_t height = most(p.rows, (p.height - 1 + p.top) / p.stride_y + 1) + y;
  const int64_t width = most(p.columns, (p.width - 1 + p.left) / p.stride_x + 1) + x;
  return {y, x, height, width, height == p.rows && width == p.columns};
}

int64_t conv_input_scratch(const Convolution& p) {
  const Border border = border_of(p);
  const int64_t weight = panels_size(p.channels / p.groups) * p.taps_y * p.taps_x * p.outputs;
  return weight + (border.whole ? 0 : p.slots * border.height * border.width * p.outputs);
}

void conv_input(const Convolution& p, const Parallel& parallel) {
  const int64_t c = p.channels / p.groups, outputs = p.outputs / p.groups, taps = p.taps_y * p.taps_x;
  const int64_t size = vectors_for(c) * L, panels = blocks(c, size), of_group = panels * size * taps * outputs;
  const Border border = border_of(p);
  const int64_t line = border.width * p.outputs, picture = border.height * line;

  // f(phase y, phase x, its weight); weights of a group's phases lie one after another
  const auto phases = [&](const auto& f) {
    int64_t before = 0;
    for (int64_t ry = 0; ry < p.stride_y; ry++)
      for (int64_t rx = 0; rx < p.stride_x; rx++) {
        const Phase y = phase_of(ry, p.taps_y, p.stride_y, p.spread_y, p.top, p.height);
        const Phase x = phase_of(rx, p.taps_x, p.stride_x, p.spread_x, p.left, p.width);
        f(y, x, before);
        before += panels * size * y.taps * x.taps * outputs;
      }
  };
  phases([&](const Phase& y, const Phase& x, int64_t before) {
    const int64_t depth = y.taps * x.taps * outputs, items = p.groups * panels;
    in_parts(parallel, items, depth * c < 100000 ? 1 : least(parallel.threads, items), [&](int64_t first, int64_t last, int64_t) {
      for (int64_t i = first; i < last; i++) {
        const int64_t group = i / panels, panel = i % panels, n = least(size, c - panel * size);
        float* to = p.scratch + group * of_group + before + panel * depth * size;
        for (int a = 0; a < y.taps; a++)
          for (int b = 0; b < x.taps; b++)
            for (int64_t o = 0; o < outputs; o++, to += size) {
              const float* from = p.weight + (((group * outputs + o) * p.taps_y + y.tap[a]) * p.taps_x + x.tap[b]) * c + panel * size;
              std::memcpy(to, from, n * sizeof(float));
              std::memset(to + n, 0, (size - n) * sizeof(float));
            }
      }
    });
  });
  in_parts(parallel, p.batch, least(least(parallel.threads, p.slots), p.batch), [&](int64_t first, int64_t last, int64_t part) {
    float* padded = p.scratch + p.groups * of_group + part * picture;
    for (int64_t i = first; i < last; i++) {
      const float* g = p.g + i * p.rows * p.columns * p.outputs;
      if (!border.whole) pad(g, p.rows, p.columns, p.outputs, padded, border.y, border.x, border.height, border.width), g = padded;
      float* dx = p.dx + i * p.height * p.width * p.channels;
      phases([&](const Phase& y, const Phase& x, int64_t before) {
        if (!y.count || !x.count) return;
        int64_t offsets[MOST_TAPS];
        Run runs[MOST_TAPS];
        int count = 0;
        for (int a = 0; a < y.taps; a++)
          for (int b = 0; b < x.taps; b++) offsets[count++] = -y.back[a] * line - x.back[b] * p.outputs;
        count = merged(offsets, count, outputs, runs);
        const float* from = g + (y.place + border.y) * line + (x.place + border.x) * p.outputs;
        float* to = dx + (y.first * p.width + x.first) * p.channels;
        const int64_t to_line = p.stride_y * p.width * p.channels, to_step = p.stride_x * p.channels;
        if (!count) {  // a stride beyond the kernel: inputs that no position sees
          for (int64_t row = 0; row < y.count; row++)
            for (int64_t column = 0; column < x.count; column++) std::memset(to + row * to_line + column * to_step, 0, p.channels * sizeof(float));
          return;
        }
        for (int64_t group = 0; group < p.groups; group++)
          with_vectors(c, [&]<int V>() {
            correlate<V>({from + group * outputs, line, p.outputs, runs, count, p.scratch + group * of_group + before, c, y.count, x.count,
                          to + group * c, to_line, to_step});
          });
      });
    }
  });
}

// ------------------------------------------------------------------------------------------ gradient by the weight
// Pictures are added up in a number of parts that follows from the shapes alone, and the parts in their order: so the sum
// is the same to the bit on any number of threads.

inline int64_t weight_sums(const Convolution& p) {  // floats of a part: (group, taps and channels, outputs)
  return p.taps_y * p.taps_x * p.channels * panels_size(p.outputs / p.groups);
}
inline int64_t weight_parts(const Convolution& p) {
  const Frame frame = frame_of(p);
  const int64_t each = weight_sums(p) + (frame.whole ? 0 : frame.height * frame.width * p.channels);
  return least(p.batch, least(16, most(2, (4 << 20) / each)));
}

int64_t conv_weight_scratch(const Convolution& p) {
  const Frame frame = frame_of(p);
  return weight_parts(p) * (weight_sums(p) + (frame.whole ? 0 : frame.height * frame.width * p.channels));
}

// One picture's share, some lines at a time, whose numbers stay in the cache while all taps pass over them.
template <int V>
void add_weight_sums(const Convolution& p, const float* x, int64_t line, const Run* runs, int count, const float* g, float* sums) {
  const int64_t outputs = p.outputs / p.groups, wide = panels_size(outputs), lines = most(1, POSITIONS / p.columns);
  for (int64_t first = 0; first < p.rows; first += lines)
    for (int64_t o = 0; o < outputs; o += V * L) {
      float* sum = sums + o;
      for (int run = 0; run < count; sum += runs[run++].depth * wide)
        by_rows<height(V)>(0, runs[run].depth, [&]<int R>(int64_t k) __attribute__((always_inline)) {
          Tile<R, V> tile;
          tile.read(sum + k * wide, wide, V * L);
          for (int64_t row = first; row < least(first + lines, p.rows); row++) {
            const float* from = x + row * p.stride_y * line + runs[run].offset + k;
            const float* upstream = g + row * p.columns * p.outputs + o;
            if (outputs - o >= V * L) tile.multiply_transposed(from, p.stride_x * p.channels, upstream, p.outputs, p.columns, V * L);
            else tile.multiply_transposed(from, p.stride_x * p.channels, upstream, p.outputs, p.columns, outputs - o);
          }
          tile.write(sum + k * wide, wide, V * L);
        });
    }
}

void conv_weight(const Convolution& p, const Parallel& parallel) {
  const int64_t c = p.channels / p.groups, outputs = p.outputs / p.groups, depth = p.taps_y * p.taps_x * c;
  const int64_t sums = weight_sums(p), parts = weight_parts(p), wide = panels_size(outputs);
  const Frame frame = frame_of(p);
  const int64_t picture = frame.height * frame.width * p.channels, line = frame.width * p.channels;
  int64_t offsets[MOST_TAPS];
  Run runs[MOST_TAPS];
  const int count = merged(offsets, taps_of(p, line, p.channels, offsets), c, runs);
  in_parts(parallel, p.batch, parts, [&](int64_t first, int64_t last, int64_t part) {
    float *sum = p.scratch + part * sums, *padded = p.scratch + parts * sums + part * picture;
    std::memset(sum, 0, sums * sizeof(float));
    for (int64_t i = first; i < last; i++) {
      const float *x = p.x + i * p.height * p.width * p.channels, *g = p.g + i * p.rows * p.columns * p.outputs;
      if (!frame.whole) pad(x, p.height, p.width, p.channels, padded, p.top, p.left, frame.height, frame.width), x = padded;
      for (int64_t group = 0; group < p.groups; group++)
        with_vectors(outputs, [&]<int V>() {
          add_weight_sums<V>(p, x + group * c, line, runs, count, g + group * outputs, sum + group * depth * wide);
        });
    }
  });
  const int64_t rows = p.groups * depth;
  in_parts(parallel, rows, rows * wide < 50000 ? 1 : least(parallel.threads, rows), [&](int64_t first, int64_t last, int64_t) {
    for (int64_t row = first; row < last; row++) {
      float* total = p.scratch + row * wide;
      for (int64_t part = 1; part < parts; part++)
        for (int64_t o = 0; o < wide; o += L) store(total + o, load(total + o) + load(total + part * sums + o));
      for (int64_t o = 0; o < outputs; o++) p.dweight[(row / depth * outputs + o) * depth + row % depth] = total[o];
    }
  });
}

int64_t convolution_scratch(const Convolution& p, int which) {
  return which == 0 ? conv_scratch(p) : which == 1 ? conv_input_scratch(p) : conv_weight_scratch(p);
}

}  // namespace
