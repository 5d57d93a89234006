"""The delivery contract under kills, faults, full disks, locks and races.

Each module holds one promise: what is done to us, as functions that take a size and a seed, and end with `tests.invariants.check`.
The tests beside them call these small; `make chaos` calls them in full and prints one table.
"""
