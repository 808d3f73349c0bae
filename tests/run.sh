#!/usr/bin/env bash
# All tests, in two halves side by side: those that are mostly work, and those that mostly wait for what they have started
# and ended. The last line is pytest's own of the second half, with the first half's before it.
cd "$(dirname "$0")/.." || exit 1
mkdir -p var
py=.venv/bin/python
work=(tests/calc tests/oracles tests/docs tests/pipeline tests/gateway)

nice -n 5 $py -m pytest -q "${work[@]}" >var/test-work.log 2>&1 &
half=$!
$py -m pytest "${work[@]/#/--ignore=}" 2>&1 | tee var/test-rest.log
rest=${PIPESTATUS[0]}
wait $half
worked=$?
printf '\n%s:\n' "${work[*]}"
cat var/test-work.log
printf '\nThe rest:\n'
tail -1 var/test-rest.log
exit $((rest ? rest : worked))
