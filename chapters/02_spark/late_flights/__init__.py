"""What counts as late: the package that 05_cluster.ipynb ships with spark-submit."""
