"""Trains, exports and evaluates Pinhole's default model, `leaf-disease`."""
