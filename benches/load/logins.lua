-- Logs in with each line of the file CODES once, and stops when they are used up.
local codes, next_code = {}, 0
wrk.method = "POST"
wrk.path = "/v1/token"
wrk.headers["Content-Type"] = "application/json"

function init()
  for code in io.lines(os.getenv("CODES")) do codes[#codes + 1] = code end
end

function request()
  next_code = next_code + 1
  if next_code >= #codes then wrk.thread:stop() end
  return wrk.format(nil, nil, nil, '{"type":100,"account":"' .. (codes[next_code] or "none") .. '"}')
end
