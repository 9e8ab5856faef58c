"""What Choi & Bajić printed, to be set beside what was measured here and never among it."""

SOURCE = "Choi & Bajić (ICIP 2018): YOLO9000's VOC detector, trained on 16,551 pictures, tested on 4,952"

TABLE_1 = (("max_11", -6.09, -45.23), ("max_17", -60.30, -70.30))
"""Table 1: split, and BD-KBPI-mAP in percent with the default and with the retrained weights."""

LOSSLESS_MAP = (0.7465, 0.7475)
"""Section 4 on Fig. 4: the lowest and the highest mAP of all splits and depths, fractions."""
