"""Findings from layers and a policy. Pure: frames and numbers in, frames out."""
