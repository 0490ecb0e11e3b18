"""Raw arrays only: the kernel table, the devices that it serves, and the kernels themselves."""
