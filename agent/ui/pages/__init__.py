"""The contents of the main window, one page per phase; each draws a `View` and calls `Actions`."""
