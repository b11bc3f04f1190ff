"""One page on the whole paper, made only from records: each claim, measurement and verdict."""
