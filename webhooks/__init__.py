"""Who is told that it has ended, and have they heard?

A role of its own: what a receiver does, or does not, holds up nobody who submits or computes. It knows HTTP and names
on the network; it knows nothing of kinds, jobs or key names.
"""
