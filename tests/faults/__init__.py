"""The cases B01–B90 (faults that people met in systems like ours) that have no better home, and the count of all."""
