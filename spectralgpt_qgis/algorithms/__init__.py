"""The Processing algorithms, one per file; `provider.py` lists them."""
