"""The chaos test: a real stack under mixed load while a seeded monkey breaks it, then the proof that nothing is lost.

clients ──▶ nginx ──▶ 3 gateways ──┐
   │ notes        ▲                ├──▶ proxy ──▶ store        the monkey kills, stops and cuts all of these
   │              │  3 consumers ──┤
   │              │  1 more, hours off (libfaketime)
   └──▶ proof ◀── watch ◀── events and spans, straight from the store

make chaos MINUTES=2 SEED=7          python -m tests.chaos --minutes 2 --seed 7
"""
