-- The load: random sessions of the seeded ones, and the numbers as one line of JSON.
-- wrk -t1 ... -s requests.lua URL -- MODE TOKEN SESSIONS RUN CURSORS
-- MODE: patch, get, list or mixed; RUN: another number each time; CURSORS: by comma, of the server's own, for list

local METHODS = { patch = { "PATCH" }, get = { "GET" }, mixed = { "PATCH", "GET", "POST" }, list = { "LIST" } }
local UPCOMING = "GET /v1/live/sessions?upcoming=true&limit=20"
function init(args)
  methods = METHODS[args[1]]
  head = "Host: bench\r\nAuthorization: Bearer " .. args[2] .. "\r\n"
  sessions = tonumber(args[3])
  counter = tonumber(args[4]) * 1000000  -- no value is sent twice, so that every PATCH changes something
  sent = 0
  pages = {}
  for cursor in (args[5] or ""):gmatch("[^,]+") do
    pages[#pages + 1] = UPCOMING .. "&cursor=" .. cursor .. " HTTP/1.1\r\n" .. head .. "\r\n"
  end
  first_page = UPCOMING .. " HTTP/1.1\r\n" .. head .. "\r\n"
  math.randomseed(counter)
end

local function body(method)
  if method == "POST" then
    return string.format(
      '{"host_id":"host_1","brand_id":"acme","title":"Posted %d","scheduled_at":"2027-03-01T09:00:00Z","max_participants":50}',
      counter)
  end
  local turn = sent % 4
  if turn == 0 then
    return string.format('{"max_participants":%d}', 1 + counter % 2000000000)
  elseif turn == 1 then
    return string.format('{"title":"Office hours, take %d"}', counter)
  elseif turn == 2 then
    -- from 2027 on, another second for every counter
    return string.format(
      '{"scheduled_at":"%04d-%02d-%02dT%02d:%02d:%02d.000Z"}',
      2027 + math.floor(counter / 29030400), 1 + math.floor(counter / 2419200) % 12, 1 + math.floor(counter / 86400) % 28,
      math.floor(counter / 3600) % 24, math.floor(counter / 60) % 60, counter % 60)
  end
  return string.format(
    '{"max_participants":%d,"metadata":{"topic":"intake","take":%d,"tags":["one","two"],"room":{"floor":2,"quiet":true}}}',
    1 + counter % 2000000000, counter)
end

function request()
  local method = methods[1 + sent % #methods]
  counter = counter + 1
  sent = sent + 1
  if method == "LIST" then
    -- the first page as often as one further on
    return sent % 2 == 0 and first_page or pages[math.random(#pages)]
  end
  if method == "POST" then
    local text = body(method)
    return "POST /v1/sessions HTTP/1.1\r\n" .. head .. "Idempotency-Key: bench-" .. counter .. "\r\n"
      .. "Content-Type: application/json\r\nContent-Length: " .. #text .. "\r\n\r\n" .. text
  end
  local line = string.format("%s /v1/sessions/00000000-0000-7000-8000-%012d HTTP/1.1\r\n", method, math.random(sessions))
  if method == "GET" then
    return line .. head .. "\r\n"
  end
  local text = body(method)
  return line .. head .. "Content-Type: application/json\r\nContent-Length: " .. #text .. "\r\n\r\n" .. text
end

function done(summary, latency)
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"refused":%d,"broken":%d,"p50":%d,"p99":%d,"max":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency.max))
end
