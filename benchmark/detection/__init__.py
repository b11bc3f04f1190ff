"""Faster R-CNN on this project's nets: images to boxes, classes and scores (appendix A).

Boxes are float32 (x1, y1, x2, y2) in pixels, continuous: a whole image of width w has x1 = 0 and
x2 = w. Labels number the classes from 0; where stated, the background is included as 0 and classes
start at 1. Every shape is fixed: missing entries are padding, with a mask.
"""
