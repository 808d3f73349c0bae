-- For scripts by which a process says that it lives: its start is noted once, so that people see what changed and when.
local function began(service, name, about)
  local process = table.concat({name, about.pid or '', about.started_at or ''}, ' ')
  for _, entry in ipairs(redis.pcall('XREVRANGE', K.starts, '+', '-', 'COUNT', 200)) do
    for i = 1, #entry[2], 2 do
      if entry[2][i] == 'process' and entry[2][i + 1] == process then return end    -- it was silent for a while
    end
  end
  redis.pcall('XADD', K.starts, 'MAXLEN', '~', 1000, '*', 'service', service, 'name', name, 'host', about.host or '',
    'version', about.version or '', 'process', process)   -- pcall: a hand may have made the key another type
end
