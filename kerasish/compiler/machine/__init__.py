"""Running what was compiled to machine code: nothing here knows how that is done, and a kept program needs no more."""
