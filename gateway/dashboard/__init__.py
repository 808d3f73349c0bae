"""The dashboard's side of a gateway: what is shown live, read once for all tabs, and the figures made from it."""
