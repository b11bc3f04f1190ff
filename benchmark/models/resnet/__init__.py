"""ResNets and plain nets: what they cost, and how they are built."""
