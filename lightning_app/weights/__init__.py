"""``dfc weights``: look into a network's weights, convert them, and export them as ONNX.

files (read either kind, write whole or not at all) ► inspect | convert | onnx; command parses the command line.
"""
