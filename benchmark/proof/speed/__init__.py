"""How fast training is, against what a user would choose instead: ``resnet-bench prove speed``.

A case is one net at one precision and thread count. Its contenders do the same work, each in its
own process; they start from the same weights, and take turns on the same machine.
"""
