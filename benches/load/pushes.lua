-- Each request is a push of its own, from the file that PUSHES names: query and body with a tab in between.
local pushes = io.lines(os.getenv("PUSHES"))
local path = os.getenv("TARGET")
empty, odd = 0, 0

function request()
  local line = pushes()
  if not line then
    empty = empty + 1
    return wrk.format("GET", "/healthz")
  end
  local query, body = line:match("^([^\t]*)\t(.*)$")
  return wrk.format("POST", path .. "?" .. query, { ["Content-Type"] = "text/xml" }, body)
end

function response(status, headers, body)
  -- An encrypted reply, and nothing else, is what a user hears.
  if not body:find("<Encrypt>", 1, true) then odd = odd + 1 end
end

function setup(thread)
  threads = threads or {}
  table.insert(threads, thread)
end

function done()
  for _, thread in ipairs(threads) do
    print("own empty " .. thread:get("empty"))
    print("own odd " .. thread:get("odd"))
  end
end
