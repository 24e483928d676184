"""Whose address a request came from, when it went through proxies."""

__all__ = ["client_address"]


def client_address(forwarded: str, peer: str | None, trusted_hops: int) -> str | None:
    """The address that the outermost trusted proxy saw.

    Every proxy appends the address it was called from, so only the last ``trusted_hops`` entries of the chain are
    the work of one's own proxies; whatever stands before them the client may have written itself.

    Args:
        forwarded: the X-Forwarded-For header as it was received, several headers joined with commas; may be empty.
        peer: address of the connection itself; None where the log does not have it, and then ``forwarded`` is taken
            as the header that the innermost proxy received, itself counted among the hops.
        trusted_hops: proxies of one's own between the client and this server; with 0 the header is not believed.

    Returns:
        The address, None where none can be trusted.
    """
    if trusted_hops <= 0:
        return peer
    chain = [part.strip() for part in forwarded.split(",") if part.strip()]
    if len(chain) >= trusted_hops:
        return chain[-trusted_hops] or None
    # Fewer entries than proxies: the request did not come the whole way, so the header is not theirs.
    return peer
