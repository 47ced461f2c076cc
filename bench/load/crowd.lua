-- A crowd: every request is of another person, with a token that was not seen before.
-- wrk -t1 ... -s crowd.lua URL -- TOKENS SKIP COUNT REQUEST MODE
-- TOKENS: a file with a token a line, of which SKIP are left out and COUNT may be used; then there are no more, and the run is
-- void. REQUEST: POST and the path, for instance. MODE: storm or votes, for as long as wrk is told; or rush, until each of COUNT
-- has an answer: RUSH says how it went, and wrk ends.

local FILLER = "GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"  -- of who waits for the last answers in a rush

function init(args)
  tokens = assert(io.open(args[1]))
  for _ = 1, tonumber(args[2]) do assert(tokens:read("*l"), "fewer tokens than are to be left out") end
  total = tonumber(args[3])
  head = args[4] .. " HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\nAuthorization: Bearer "
  is_rush = args[5] == "rush"
  if is_rush then response = count end
  asked, answered, seats, line, refused = 0, 0, 0, 0, 0
end

function request()
  if not is_tried then  -- wrk makes one to look at, and does not send it
    is_tried = true
    return FILLER
  end
  local token = asked < total and tokens:read("*l")
  if token then
    asked = asked + 1
    return head .. token .. "\r\n\r\n"
  end
  if is_rush then return FILLER end
  io.stderr:write("the tokens ran out\n")
  os.exit(1)
end

function count(status, headers, body)
  if status == 200 then return end
  answered = answered + 1
  if status ~= 201 then
    refused = refused + 1
  elseif body:find('"status":"registered"', 1, true) then
    seats = seats + 1
  elseif body:find('"status":"waitlist"', 1, true) then
    line = line + 1
  end
  if answered == total then
    io.write(string.format('RUSH {"answered":%d,"seats":%d,"line":%d,"refused":%d}\n', answered, seats, line, refused))
    io.flush()
    os.exit(0)
  end
end

function done(summary, latency)
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
