"""What counts as late: the package that 06_cluster.ipynb ships with spark-submit."""
