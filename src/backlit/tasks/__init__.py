"""From a table or data set to a judged run: split, prepare, choose, train, calibrate, judge."""
