"""A real session, played: real browser, windows and X events. Its drivers serve the end-to-end tests."""
