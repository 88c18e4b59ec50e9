// What the kernels of one instruction set offer: plain structs, pointers and functions; no XLA, no Python.
#pragma once
#include <cstdint>

// Does parts 0 ... count - 1 of some work, in any order and on any threads, and returns when all are done.
struct Parallel {
  int64_t threads;
  void* pool;
  void (*run)(void* pool, int64_t count, void (*part)(const void* work, int64_t index), const void* work);
};

enum Kind { RNN = 1, GRU = 3, LSTM = 4 };  // by how many gates each has

// A recurrence over (time, rows, units), forward or back; rows don't depend on each other. Memory is the caller's.
struct Recurrence {
  int64_t kind, time, rows, units;
  bool reverse, relu;                // from the last step to the first; of the RNN
  const float *a, *weight, *h0, *c0; // a: what the inputs give to each gate; weight (gates units, units)
  const float *bias;                 // of the GRU's candidate, after the product
  const float *added, *keep;         // to each state (time, rows, units); factors on it before the product; or null
  const bool* mask;                  // (time, rows), or null: where false, the state stays
  float *h, *c, *gates;              // results, which the way back reads; c is the LSTM's cell, or the GRU's Wh + b
  const float *dh, *dc;              // upstreams, or null
  float *da, *dproduct;              // gradients of a, and of the products W h: the same but in the GRU
  float *dweight, *dh0, *dc0, *dadded;
  float* scratch;
  int64_t slots;                     // for how many parts at once there is scratch
};

// A window (taps) moving over pictures, channels last: x (batch, height, width, channels), y (batch, rows, columns,
// outputs), weight (outputs, taps_y, taps_x, channels / groups).
struct Convolution {
  int64_t batch, height, width, channels, rows, columns, outputs, taps_y, taps_x, stride_y, stride_x, top, left,
      spread_y, spread_x, groups;
  const float *x, *g, *weight;
  float *y, *dx, *dweight, *scratch;
  int64_t slots;
};

constexpr int64_t MOST_TAPS = 256;

// A dense layer: x (rows, inputs), y and its gradient g (rows, units), weight (units, inputs), of at least four units.
struct Dense {
  int64_t rows, inputs, units;
  const float *x, *g, *weight;
  float *y, *dweight, *scratch;
  int64_t slots;
};

struct Kernels {
  int64_t (*recurrence_scratch)(const Recurrence&);       // in floats
  void (*forward)(const Recurrence&, const Parallel&);
  void (*backward)(const Recurrence&, const Parallel&);
  int64_t (*convolution_scratch)(const Convolution&, int which);  // 0: conv, 1: its gradient by x, 2: by the weight
  void (*convolution[3])(const Convolution&, const Parallel&);
  int64_t (*dense_scratch)(const Dense&);
  void (*dense)(const Dense&, const Parallel&);
  void (*dense_weight)(const Dense&, const Parallel&);
};
