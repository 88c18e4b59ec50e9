"""Native kernels for recurrences and convolutions on processors: C++ behind XLA's foreign function interface.

`library` finds and loads them, `recurrence` and `convolution` say for what they are taken and call them from a compiled
program. The sources lie beside; `build.py` makes one shared library of them, for all instruction sets.

============================  ==========================================================================================
``BACKLIT_KERNELS``           which kernels are taken
============================  ==========================================================================================
not set                       the best that the processor has of avx512 and avx2; on others the plain path
avx512, avx2, base            these; base are for any processor, and slower than the plain path on most
0 or off                      none: the plain path, in XLA's own operations
============================  ==========================================================================================
"""
