"""ResNets and plain nets: their cost and construction."""
