"""From the CSV files of real runs to tables and figures. Nothing here imports torch."""
