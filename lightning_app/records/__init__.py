"""What the CSV files hold, a dataclass for each file: ``points.csv``, ``classes.csv``, ``bd.csv``, ``comparisons.csv``.

`rows` writes any dataclass as the rows of a CSV file and reads it back. Commands that measure write these records, and
the report and later evaluations read them. Nothing here needs torch.
"""
