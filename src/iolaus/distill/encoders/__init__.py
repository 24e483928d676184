"""Students of sentence encoders: static ones, a vector a word piece, and ones with fewer layers."""
