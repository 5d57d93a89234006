"""The tests mirror pipeline/. `fakes.py` holds the outside world, `data/` real bytes, `benchmarks/` is apart from the tests."""
