"""Reports are in English here, whoever runs the tests, unless a test asks for another language; nothing is kept."""

import os

from hypothesis import settings

os.environ["LANGUAGE"] = "en"
# What tests compute is not kept for runs of the product, nor the other way round.
os.environ["SPECTRALGPT_CACHE"] = "0"
# A busy machine is no failure.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
