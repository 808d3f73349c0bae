"""How many of what, where, with what limits: starts all of Headrace on one machine and proves that it works.

make up ─▶ python -m deploy up ─▶ checks ─▶ var/*.conf ─▶ supervisord ─┬─▶ store (embedded Valkey)
                                                                      ├─▶ consumers
                                                                      ├─▶ gateways
                                                                      ├─▶ nginx
                                                                      └─▶ watch (starts again what gave up)

Each program starts by way of `tied.py`, so that it stops also when supervisord itself is killed.
"""
