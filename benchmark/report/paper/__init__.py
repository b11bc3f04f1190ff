"""One page on the whole paper: each claim, what was measured, its verdict; from records alone."""
