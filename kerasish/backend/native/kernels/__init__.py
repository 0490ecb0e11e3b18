"""Kernels by hand, each file with the ops that it lowers; importing this enters them all in the table."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
