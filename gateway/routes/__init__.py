"""The routes: one file a resource, in the order of the story. Each function is one endpoint."""
