-- Load for wrk: posts the bodies of a file, one a line, in turn. LOAD_BODIES names the file, LOAD_PATH and LOAD_TYPE
-- the path and content type. Prints one line of JSON at the end.
local requests = {}
local turn = 0

function init()
  local headers = { ["Content-Type"] = os.getenv("LOAD_TYPE") }
  for body in io.lines(os.getenv("LOAD_BODIES")) do
    -- A body of several lines is written with a tab for each line feed.
    requests[#requests + 1] = wrk.format("POST", os.getenv("LOAD_PATH"), headers, (body:gsub("\t", "\n")))
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"seconds":%.6f,"failed":%d,"p50Ms":%.3f,"p99Ms":%.3f}\n',
    summary.requests, summary.duration / 1e6,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
