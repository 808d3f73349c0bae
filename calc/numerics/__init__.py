"""Numbers and arrays in, numbers and arrays out: nothing here knows a Struct, a kind or a task."""
