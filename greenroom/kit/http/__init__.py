"""HTTP as every operation sees it: bodies, headers, entity tags, limits, and the way around a request."""
