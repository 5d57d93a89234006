"""Measurements, apart from the tests: each is a limit that must hold, the median of several runs. `make bench` prints them."""
