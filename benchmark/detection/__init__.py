"""Faster R-CNN on a net of the builder: images to boxes, classes and scores (appendix A).

Boxes are float32 (x1, y1, x2, y2) in pixels, continuous: a whole image of width w has x1 = 0 and
x2 = w. Labels count the classes from 0; where the background is included, it is 0 and they count
from 1, which is stated. Every shape is fixed: missing items are padding, with a mask.
"""
