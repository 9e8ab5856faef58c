"""Which published ``.cfg`` files are built, and whether they give what OpenCV's importer of Darknet's files gives."""
