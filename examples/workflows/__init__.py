"""Three programs as users write them, with the client of client/: a nightly run, a pricing page, a what-if grid."""
