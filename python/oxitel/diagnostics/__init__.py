"""What is said when something goes wrong, and how often: by the native worker, on the export path,
and by whatever the program has handled with `GlobalErrorHandler`."""
