"""What deciding costs a gateway."""
