"""Measurements to run by hand, on an idle machine; not part of any test."""
