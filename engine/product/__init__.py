"""Opens satellite products as they are delivered: many files, with scales, offsets and clouds apart from the pixels."""
