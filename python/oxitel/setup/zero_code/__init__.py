"""What `oxitel run` switches on in every Python process of the program that it starts.

The folder `path` is put on PYTHONPATH; it holds nothing but a `sitecustomize`, by which the
interpreter begins with `start.start()`.
"""
