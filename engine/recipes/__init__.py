"""How the models that ship are made from the shared collections; see `__main__`."""
