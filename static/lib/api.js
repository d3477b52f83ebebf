// Asks the gateway and says precisely what came of it. No retries, no caching, no texts for people.

const DEADLINE_MS = 10000;

/**
 * Always resolves: `{ ok, kind, status, body, requestId, retryAfter, ms }`. `kind` is `ok`, `http` (an error answer
 * of the gateway), `shape` (not the gateway's JSON: something stands between), `offline` or `timeout`.
 */
export async function get(path) {
  const started = performance.now();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), DEADLINE_MS);
  const outcome = { ok: false, kind: 'offline', status: 0, body: null, requestId: null, retryAfter: null };
  try {
    const response = await fetch(path, { headers: { accept: 'application/json' }, cache: 'no-store', signal: stop.signal });
    outcome.status = response.status;
    outcome.requestId = response.headers.get('x-request-id');
    outcome.retryAfter = response.headers.get('retry-after');
    outcome.body = parse(await response.text());
    outcome.ok = response.ok && outcome.body !== null;
    outcome.kind = outcome.ok ? 'ok' : outcome.body === null ? 'shape' : 'http';
  } catch (failure) {
    if (stop.signal.aborted) outcome.kind = 'timeout';
  }
  clearTimeout(timer);
  outcome.ms = Math.round(performance.now() - started);
  return outcome;
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : null;
  } catch (broken) {
    return null;
  }
}
