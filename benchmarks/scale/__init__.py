"""How the work grows: simulation and detection of 1, 4 and 16 million exchanges, and peers on single stages."""
