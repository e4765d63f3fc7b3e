"""The pure contract every process shares: names, messages, records, frames, errors.

Owns no I/O, no clock, no randomness, and imports nothing else of ours.
"""
