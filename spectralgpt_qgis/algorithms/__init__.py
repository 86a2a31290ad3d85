"""The Processing algorithms, one a file; `provider.py` lists them."""
