"""One page on the whole paper: each claim, its measurements, its verdict; from records only."""
