"""Inference over rasters: windows, blending, writing, and one function per task."""
