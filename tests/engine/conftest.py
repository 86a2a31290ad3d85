"""Reports are in English here, whoever runs the tests, unless a test asks for another language."""

import os

os.environ["LANGUAGE"] = "en"
