-- Tries wrong passwords of many accounts; after each answer a client waits PAUSE milliseconds.
local threads = {}
local pause = tonumber(os.getenv("PAUSE"))
wrk.method = "POST"
wrk.path = "/v1/token"
wrk.headers["Content-Type"] = "application/json"

function setup(thread)
  threads[#threads + 1] = thread
end

function init()
  wrong, busy, other, tried = 0, 0, 0, 0
end

function delay()
  return pause
end

function request()
  tried = tried + 1
  return wrk.format(nil, nil, nil, '{"type":101,"account":"user' .. tried % 20000 .. '","secret":"not the one"}')
end

function response(status)
  if status == 401 then wrong = wrong + 1
  elseif status == 503 then busy = busy + 1
  else other = other + 1 end
end

function done()
  for _, thread in ipairs(threads) do
    for _, name in ipairs({ "wrong", "busy", "other" }) do
      print("own " .. name .. " " .. math.floor(thread:get(name)))
    end
  end
end
