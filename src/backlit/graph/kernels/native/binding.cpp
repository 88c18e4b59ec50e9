// XLA's foreign function interface: checks shapes, decodes arguments, and hands parts of the work to XLA's own threads.
// Beside it a plain C interface for loading: which instruction sets there are, which to use, how much scratch is needed.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include "kernels.h"
#include "xla/ffi/api/ffi.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace ffi = xla::ffi;
extern const Kernels kernels_base;
#if defined(__x86_64__)
extern const Kernels kernels_avx2, kernels_avx512;
#endif

namespace {

const Kernels* active = &kernels_base;

// ---------------------------------------------------------------------------------------------------- threads

// Numbers too small to be normal count as zero, on each thread alike, as in the rest of XLA's programs.
struct Flushed {
#if defined(__x86_64__)
  const unsigned before = _mm_getcsr();
  Flushed() { _mm_setcsr(before | _MM_FLUSH_ZERO_ON | _MM_DENORMALS_ZERO_ON); }
  ~Flushed() { _mm_setcsr(before); }
#endif
};

struct Work {
  std::atomic<int64_t> next{0}, done{0};
  int64_t count;
  void (*part)(const void*, int64_t);
  const void* data;

  void take() {
    const Flushed flushed;
    for (int64_t i; (i = next.fetch_add(1)) < count;) {
      part(data, i);
      if (done.fetch_add(1, std::memory_order_acq_rel) + 1 == count) done.notify_all();
    }
  }
};

// The calling thread works too, and in the end waits only for parts that others have begun: so it can't be that all wait,
// however busy the pool is. A thread of the pool that comes too late finds nothing to do; hence the shared pointer.
void run(void* pool, int64_t count, void (*part)(const void*, int64_t), const void* data) {
  auto& threads = *static_cast<ffi::ThreadPool*>(pool);
  auto work = std::make_shared<Work>();
  work->count = count, work->part = part, work->data = data;
  const int64_t helpers = std::min(count, threads.num_threads()) - 1;
  for (int64_t i = 0; i < helpers; i++) threads.Schedule([work] { work->take(); });
  work->take();
  for (int64_t seen; (seen = work->done.load(std::memory_order_acquire)) < count;) work->done.wait(seen);
}

Parallel parallel_on(ffi::ThreadPool& pool) { return {std::max<int64_t>(1, pool.num_threads()), &pool, run}; }

template <class F>
ffi::Error guarded(const F& f) {
  try {
    const Flushed flushed;
    f();
    return ffi::Error::Success();
  } catch (const std::bad_alloc&) {
    return ffi::Error(ffi::ErrorCode::kResourceExhausted, "Backlit's kernels: no memory for the threads' work");
  }
}

// -------------------------------------------------------------------------------------------------- arguments

using Floats = ffi::Buffer<ffi::F32>;
using Flags = ffi::Buffer<ffi::PRED>;
using Result = ffi::Result<Floats>;
using Span = ffi::Span<const int64_t>;

// What may be left out comes as an empty array.
const float* maybe(const Floats& b) { return b.element_count() ? b.typed_data() : nullptr; }
float* maybe(Result& b) { return b->element_count() ? b->typed_data() : nullptr; }
bool fits(const Floats& b, int64_t n) { return (int64_t)b.element_count() == n; }
bool fits(Result& b, int64_t n) { return (int64_t)b->element_count() == n; }
bool fits_or_empty(int64_t count, int64_t n) { return count == 0 || count == n; }
ffi::Error misfit(const char* what) { return ffi::Error(ffi::ErrorCode::kInvalidArgument, std::string("Backlit's kernels: shapes don't fit: ") + what); }

Recurrence recurrence_of(Span d, int64_t reverse, int64_t relu) {  // d: kind, time, rows, units, slots
  Recurrence p{};
  p.kind = d[0], p.time = d[1], p.rows = d[2], p.units = d[3], p.slots = d[4], p.reverse = reverse, p.relu = relu;
  return p;
}

ffi::Error forward(ffi::ThreadPool pool, Floats a, Floats weight, Floats h0, Floats c0, Floats bias, Floats added, Floats keep, Flags mask,
                   Result h, Result c, Result gates, Result scratch, Span sizes, int64_t reverse, int64_t relu) {
  if (sizes.size() != 5) return misfit("sizes");
  Recurrence p = recurrence_of(sizes, reverse, relu);
  const int64_t states = p.time * p.rows * p.units;
  if (p.kind != RNN && p.kind != GRU && p.kind != LSTM) return misfit("kind");
  if (!fits(a, p.kind * states) || !fits(weight, p.kind * p.units * p.units) || !fits(h0, p.rows * p.units) || !fits(h, states) ||
      !fits(c0, p.kind == LSTM ? p.rows * p.units : 0) || !fits(bias, p.kind == GRU ? p.units : 0) ||
      !fits(c, p.kind == RNN ? 0 : states) || !fits(gates, p.kind == RNN ? 0 : p.kind * states) ||
      !fits_or_empty(added.element_count(), states) || !fits_or_empty(keep.element_count(), p.rows * p.units) ||
      !fits_or_empty(mask.element_count(), p.time * p.rows) || (int64_t)scratch->element_count() < active->recurrence_scratch(p))
    return misfit("recurrence");
  p.a = a.typed_data(), p.weight = weight.typed_data(), p.h0 = h0.typed_data(), p.c0 = maybe(c0), p.bias = maybe(bias);
  p.added = maybe(added), p.keep = maybe(keep), p.mask = mask.element_count() ? mask.typed_data() : nullptr;
  p.h = h->typed_data(), p.c = maybe(c), p.gates = maybe(gates), p.scratch = scratch->typed_data();
  return guarded([&] { active->forward(p, parallel_on(pool)); });
}

ffi::Error backward(ffi::ThreadPool pool, Floats gates, Floats h, Floats c, Floats weight, Floats h0, Floats c0, Floats dh, Floats dc, Floats added,
                    Floats keep, Flags mask, Result da, Result dproduct, Result dweight, Result dh0, Result dc0, Result dadded, Result scratch,
                    Span sizes, int64_t reverse, int64_t relu) {
  if (sizes.size() != 5) return misfit("sizes");
  Recurrence p = recurrence_of(sizes, reverse, relu);
  const int64_t states = p.time * p.rows * p.units;
  if (p.kind != RNN && p.kind != GRU && p.kind != LSTM) return misfit("kind");
  if (!fits(da, p.kind * states) || !fits(weight, p.kind * p.units * p.units) || !fits(dweight, p.kind * p.units * p.units) ||
      !fits(h0, p.rows * p.units) || !fits(dh0, p.rows * p.units) || !fits(h, states) || !fits(c0, p.kind == LSTM ? p.rows * p.units : 0) ||
      !fits(dc0, p.kind == LSTM ? p.rows * p.units : 0) || !fits(c, p.kind == RNN ? 0 : states) || !fits(gates, p.kind == RNN ? 0 : p.kind * states) ||
      !fits(dproduct, p.kind == GRU ? p.kind * states : 0) || !fits_or_empty(dh.element_count(), states) ||
      !fits_or_empty(dc.element_count(), p.kind == LSTM ? states : 0) || !fits_or_empty(added.element_count(), states) ||
      !fits_or_empty(dadded->element_count(), states) || !fits_or_empty(keep.element_count(), p.rows * p.units) ||
      !fits_or_empty(mask.element_count(), p.time * p.rows) || (int64_t)scratch->element_count() < active->recurrence_scratch(p))
    return misfit("recurrence's gradient");
  // read only, but the struct serves both ways
  p.gates = const_cast<float*>(maybe(gates)), p.h = const_cast<float*>(h.typed_data()), p.c = const_cast<float*>(maybe(c));
  p.weight = weight.typed_data(), p.h0 = h0.typed_data(), p.c0 = maybe(c0), p.dh = maybe(dh), p.dc = maybe(dc);
  p.added = maybe(added), p.keep = maybe(keep), p.mask = mask.element_count() ? mask.typed_data() : nullptr;
  p.da = da->typed_data(), p.dproduct = p.kind == GRU ? dproduct->typed_data() : p.da, p.dweight = dweight->typed_data();
  p.dh0 = dh0->typed_data(), p.dc0 = maybe(dc0), p.dadded = maybe(dadded), p.scratch = scratch->typed_data();
  return guarded([&] { active->backward(p, parallel_on(pool)); });
}

Convolution convolution_of(const int64_t* d) {
  Convolution p{};
  int64_t* to[] = {&p.batch, &p.height, &p.width, &p.channels, &p.rows, &p.columns, &p.outputs, &p.taps_y, &p.taps_x, &p.stride_y,
                   &p.stride_x, &p.top, &p.left, &p.spread_y, &p.spread_x, &p.groups, &p.slots};
  for (int64_t* field : to) *field = *d++;
  return p;
}

// `which`: 0 from x and weight to y, 1 from g and weight to dx, 2 from x and g to dweight
ffi::Error convolution(ffi::ThreadPool pool, Floats one, Floats two, Result result, Result scratch, Span sizes, int64_t which) {
  if (sizes.size() != 17 || which < 0 || which > 2) return misfit("sizes");
  Convolution p = convolution_of(sizes.begin());
  const int64_t x = p.batch * p.height * p.width * p.channels, y = p.batch * p.rows * p.columns * p.outputs;
  const int64_t weight = p.groups ? p.outputs * p.taps_y * p.taps_x * (p.channels / p.groups) : -1;
  if (!fits(one, which == 1 ? y : x) || !fits(two, which == 2 ? y : weight) || !fits(result, which == 0 ? y : which == 1 ? x : weight) ||
      p.taps_y * p.taps_x > MOST_TAPS || (int64_t)scratch->element_count() < active->convolution_scratch(p, (int)which))
    return misfit("convolution");
  p.x = which == 1 ? nullptr : one.typed_data(), p.g = which == 0 ? nullptr : which == 1 ? one.typed_data() : two.typed_data();
  p.weight = which == 2 ? nullptr : two.typed_data(), p.scratch = scratch->typed_data();
  (which == 0 ? p.y : which == 1 ? p.dx : p.dweight) = result->typed_data();
  return guarded([&] { active->convolution[which](p, parallel_on(pool)); });
}

Dense dense_of(Span d) {  // rows, inputs, units, slots
  Dense p{};
  p.rows = d[0], p.inputs = d[1], p.units = d[2], p.slots = d[3];
  return p;
}

ffi::Error dense(ffi::ThreadPool pool, Floats x, Floats weight, Result y, Span sizes) {
  if (sizes.size() != 4) return misfit("sizes");
  Dense p = dense_of(sizes);
  if (p.units < 4 || !fits(x, p.rows * p.inputs) || !fits(weight, p.units * p.inputs) || !fits(y, p.rows * p.units)) return misfit("dense");
  p.x = x.typed_data(), p.weight = weight.typed_data(), p.y = y->typed_data();
  return guarded([&] { active->dense(p, parallel_on(pool)); });
}

ffi::Error dense_weight(ffi::ThreadPool pool, Floats x, Floats g, Result dweight, Result scratch, Span sizes) {
  if (sizes.size() != 4) return misfit("sizes");
  Dense p = dense_of(sizes);
  if (!fits(x, p.rows * p.inputs) || !fits(g, p.rows * p.units) || !fits(dweight, p.units * p.inputs) ||
      (int64_t)scratch->element_count() < active->dense_scratch(p))
    return misfit("dense's gradient");
  p.x = x.typed_data(), p.g = g.typed_data(), p.dweight = dweight->typed_data(), p.scratch = scratch->typed_data();
  return guarded([&] { active->dense_weight(p, parallel_on(pool)); });
}

}  // namespace

#pragma GCC visibility push(default)

XLA_FFI_DEFINE_HANDLER_SYMBOL(backlit_forward, forward,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>()
        .Arg<Flags>().Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Floats>().Attr<Span>("sizes").Attr<int64_t>("reverse").Attr<int64_t>("relu"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(backlit_backward, backward,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Floats>()
        .Arg<Floats>().Arg<Floats>().Arg<Floats>().Arg<Flags>().Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Floats>().Ret<Floats>()
        .Ret<Floats>().Attr<Span>("sizes").Attr<int64_t>("reverse").Attr<int64_t>("relu"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(backlit_convolution, convolution,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Floats>().Arg<Floats>().Ret<Floats>().Ret<Floats>().Attr<Span>("sizes").Attr<int64_t>("which"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(backlit_dense, dense,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Floats>().Arg<Floats>().Ret<Floats>().Attr<Span>("sizes"));
XLA_FFI_DEFINE_HANDLER_SYMBOL(backlit_dense_weight, dense_weight,
    ffi::Ffi::Bind().Ctx<ffi::ThreadPool>().Arg<Floats>().Arg<Floats>().Ret<Floats>().Ret<Floats>().Attr<Span>("sizes"));

extern "C" {

// Whether this library has the kernels of an instruction set, and the processor can run them.
bool backlit_runs(const char* name) {
  if (!std::strcmp(name, "base")) return true;
#if defined(__x86_64__)
  __builtin_cpu_init();  // asks the system as well, which must save the registers
  if (!std::strcmp(name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!std::strcmp(name, "avx512"))
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return false;
}

bool backlit_use(const char* name) {
  if (!backlit_runs(name)) return false;
  active = &kernels_base;
#if defined(__x86_64__)
  if (!std::strcmp(name, "avx2")) active = &kernels_avx2;
  if (!std::strcmp(name, "avx512")) active = &kernels_avx512;
#endif
  return true;
}

int64_t backlit_recurrence_scratch(const int64_t* sizes) {
  return active->recurrence_scratch(recurrence_of(Span(sizes, 5), 0, 0));
}
int64_t backlit_convolution_scratch(const int64_t* sizes, int which) { return active->convolution_scratch(convolution_of(sizes), which); }
int64_t backlit_dense_scratch(const int64_t* sizes) { return active->dense_scratch(dense_of(Span(sizes, 4))); }

const char* backlit_sources() { return SOURCES; }  // the hash of what this was built from

}  // extern "C"
