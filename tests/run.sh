#!/usr/bin/env bash
# All tests, in two halves side by side: the calculations, which are all work, and the rest, which mostly waits for what
# it has started. The last line is pytest's own of the rest, with the calculations' before it.
cd "$(dirname "$0")/.." || exit 1
mkdir -p var
py=.venv/bin/python
sums=(tests/calc tests/oracles tests/docs)

nice -n 10 $py -m pytest -q "${sums[@]}" >var/test-sums.log 2>&1 &
half=$!
$py -m pytest "${sums[@]/#/--ignore=}" 2>&1 | tee var/test-rest.log
rest=${PIPESTATUS[0]}
wait $half
sums=$?
printf '\nThe calculations (tests/calc, tests/oracles, tests/docs):\n'
cat var/test-sums.log
printf '\nThe rest:\n'
tail -1 var/test-rest.log
exit $((rest ? rest : sums))
