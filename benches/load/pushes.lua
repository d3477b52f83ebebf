-- Each request is a push of its own, from the file PUSHES: query and body with a tab in between. With DELAY, so many
-- milliseconds pass between an answer and the connection's next push.
local pushes = io.lines(os.getenv("PUSHES"))
local pause = tonumber(os.getenv("DELAY"))
local headers = { ["Content-Type"] = "text/xml" }
empty, odd = 0, 0

function request()
  local line = pushes and pushes()
  if not line then
    pushes = nil
    empty = empty + 1
    return wrk.format("GET", "/healthz")
  end
  local tab = line:find("\t", 1, true)
  return wrk.format("POST", "/auth?" .. line:sub(1, tab - 1), headers, line:sub(tab + 1))
end

if pause then
  function delay() return pause end
end

function response(_, _, body)
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
