"""ResNets and plain nets: their cost and their construction."""
