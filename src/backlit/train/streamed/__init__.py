"""Training on streams: data that is read block by block, again in each epoch, and never held whole.

A block of rows is the program's data, and batches are row numbers in it, as of arrays in memory (`blocks`); all blocks
have one shape, so one program is compiled. While the device computes, a thread reads, prepares and moves the next
(`ahead`). Losses and metrics are sums over blocks (`tallies`).
"""
