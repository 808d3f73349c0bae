#!/usr/bin/env bash
# All tests, in three lanes side by side: what is mostly work, what is asked from outside, and what is started, killed and
# waited for. The last line is pytest's own of the third lane; those of the others stand before it.
cd "$(dirname "$0")/.." || exit 1
mkdir -p var
py=.venv/bin/python
work=(tests/calc tests/oracles tests/docs tests/pipeline tests/bench)
doors=(tests/gateway tests/client tests/deploy tests/demo tests/browser tests/fuzz)

nice -n 7 $py -m pytest -q "${work[@]}" >var/test-work.log 2>&1 &
lane_of_work=$!
$py -m pytest -q "${doors[@]}" >var/test-doors.log 2>&1 &
lane_of_doors=$!
$py -m pytest $(printf -- '--ignore=%s ' "${work[@]}" "${doors[@]}") 2>&1 | tee var/test-rest.log
failed=${PIPESTATUS[0]}
wait $lane_of_work || failed=1
printf '\n%s:\n' "${work[*]}"
cat var/test-work.log
wait $lane_of_doors || failed=1
printf '\n%s:\n' "${doors[*]}"
cat var/test-doors.log
printf '\nThe rest:\n'
tail -1 var/test-rest.log
exit "$failed"
