// The kernels of one instruction set: compiled once for each, with its flags and VARIANT.
#include "convolution.h"
#include "dense.h"
#include "recurrence.h"

extern const Kernels VARIANT;
const Kernels VARIANT = {
    recurrence_scratch, recurrence_forward, recurrence_backward, convolution_scratch, {conv, conv_input, conv_weight},
    dense_scratch, dense, dense_weight,
};
