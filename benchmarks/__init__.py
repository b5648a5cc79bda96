"""Speed and quality against peers: `make bench`. Nothing here is a test, and no figure is written down by hand."""
