"""Peers: one a file, each one function from the tables to groups of accounts with scores."""
