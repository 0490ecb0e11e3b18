"""Tools that know no tensors: nested structures, names, files, progress, settings."""
