-- What wrk sends and what it says at the end: one line of JSON, read by measure.py.
-- A body (BENCH_BODY names its file) makes it a POST of JSON. A token (BENCH_TOKEN) makes it one who
-- reads the log: lists, filters, text and counts in turn.

local questions = {
  "?limit=50",
  "?limit=50&action=user.create",
  "?limit=50&outcome=success&actor=bench",
  "?limit=50&q=example",
  "/facets?since=24h",
  "/stats?since=24h",
}

function init()
  local path = os.getenv("BENCH_BODY")
  if path then
    local file = assert(io.open(path, "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer bench-5f2d81c09a7e4b36"
  end
  local token = os.getenv("BENCH_TOKEN")
  if token then
    wrk.headers["Authorization"] = "Bearer " .. token
    local turn = 0
    request = function()
      turn = turn % #questions + 1
      return wrk.format(nil, "/v1/admin/audit" .. questions[turn])
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"p50_us":%.1f,"p99_us":%.1f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
