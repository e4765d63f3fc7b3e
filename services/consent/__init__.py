"""The consent service: questions, signed decisions, grants."""
