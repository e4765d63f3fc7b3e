"""Modules that are loaded when something of them is first used, and never by most processes."""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class _Late(ModuleType):
    """Stands for a module that is not loaded. (`importlib.util.LazyLoader` would load it at `import`.)"""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def late(name: str) -> None:
    """Have `import name` put off the work until the first attribute is asked for; nothing if there is none.

    For a module that a library imports for a case that may never come; belongs before that import.
    """
    if name in sys.modules or (spec := importlib.util.find_spec(name)) is None:
        return
    module = _Late(name)
    module.__spec__ = spec
    sys.modules[name] = module
