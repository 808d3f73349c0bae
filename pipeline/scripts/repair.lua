-- with: ledger work guard mend
-- What a hand (XDEL, XACK, DEL, HDEL) or a lost failover took from live tasks is put back. ARGV: share, -, then tasks.
-- Answers how many things were wrong. A task without a record goes, with all that names it.
admit()
for i = 3, #ARGV do
  local t = task(ARGV[i])
  if not t then mend_gone(ARGV[i])
  elseif live(t) or t.state == 'scheduled' then mend(t)
  else
    for _, state in ipairs({'scheduled', 'queued', 'running'}) do index(t.id, t.owner, state, nil) end
  end
end
return mended
