-- What wrk sends: wrk -s bench/load.lua ORIGIN -- PATH BODY EXPECTED FIRST [CODES]
--
-- Each request comes from a client address of its own, the FIRST-th and its successors. BODY is a form; with CODES, a file with
-- a device code per line, each request appends the next of them. An answer without the text EXPECTED counts as wrong.

local path, body, expected, number
local codes = {}
local thread

right, wrong, sample = 0, 0, ''

function setup(started) thread = started end

function init(args)
  path, body, expected, number = args[1], args[2], args[3], tonumber(args[4])
  if args[5] then
    for line in io.lines(args[5]) do codes[#codes + 1] = line end
  end
end

-- A permutation of the addresses of ten /8 networks, so that successors share no network.
local function address(n)
  local mixed = n * 10000019 % 16777216
  return string.format('%d.%d.%d.%d', 20 + n % 10, mixed / 65536, mixed / 256 % 256, mixed % 256)
end

-- Between two requests of a connection, in milliseconds. Without it, wrk must not wait at all.
local pause = tonumber(os.getenv('BENCH_PAUSE') or '')
if pause then
  function delay() return pause end
end

function request()
  number = number + 1
  local headers = { ['content-type'] = 'application/x-www-form-urlencoded', ['cf-connecting-ip'] = address(number) }
  return wrk.format('POST', path, headers, body .. (codes[number % #codes + 1] or ''))
end

function response(status, headers, answer)
  if answer:find(expected, 1, true) then
    right = right + 1
  else
    wrong, sample = wrong + 1, status .. ' ' .. answer:sub(1, 200)
  end
end

function done()
  io.write(string.format('RIGHT %d WRONG %d %s\n', thread:get('right'), thread:get('wrong'), thread:get('sample')))
end
