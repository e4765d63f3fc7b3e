"""Beistand: remote support in which the customer controls the session, and can prove it."""
