"""Deep feature compression for collaborative object detection.

Importing the package stays light: the codec's worker processes import it.
"""

__version__ = "0.3.0"
