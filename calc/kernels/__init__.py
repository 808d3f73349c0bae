"""Compiled loops: functions of numbers and arrays that numba makes machine code of. They know no Struct and no kind."""
