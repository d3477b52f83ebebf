// Asks the gateway and says precisely what came of it. No retries, no caching, no tokens, no texts for people.

const DEADLINE_MS = 10000;
/** Pictures go out over slow phones. */
const UPLOAD_DEADLINE_MS = 120000;

const blank = () => ({ ok: false, kind: 'offline', status: 0, body: null, requestId: null, retryAfter: null });

/**
 * Always resolves: `{ ok, kind, status, body, requestId, retryAfter, ms }`. `kind` is `ok`, `http` (an error answer
 * of the gateway), `shape` (not the gateway's JSON: something stands between), `offline` or `timeout`.
 */
export async function send(method, path, { headers, body, credentials } = {}) {
  const started = performance.now();
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), DEADLINE_MS);
  const outcome = blank();
  try {
    const given = { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...headers };
    const response = await fetch(path, {
      method, headers: given, body: body && JSON.stringify(body), cache: 'no-store', credentials, signal: stop.signal,
    });
    settle(outcome, response.status, (name) => response.headers.get(name), await response.text());
  } catch (failure) {
    if (stop.signal.aborted) outcome.kind = 'timeout';
  }
  clearTimeout(timer);
  outcome.ms = Math.round(performance.now() - started);
  return outcome;
}

export const get = (path) => send('GET', path);

/** Sends a form and tells `progress` how much of it has gone, from 0 to 1; only XMLHttpRequest knows. */
export function upload(path, form, { headers, progress }) {
  const started = performance.now();
  return new Promise((resolve) => {
    const outcome = blank();
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.timeout = UPLOAD_DEADLINE_MS;
    Object.keys(headers).forEach((name) => request.setRequestHeader(name, headers[name]));
    request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
    request.onload = () => settle(outcome, request.status, (name) => request.getResponseHeader(name), request.responseText);
    request.ontimeout = () => { outcome.kind = 'timeout'; };
    request.onloadend = () => resolve({ ...outcome, ms: Math.round(performance.now() - started) });
    request.send(form);
  });
}

function settle(outcome, status, header, text) {
  const empty = status === 204;
  outcome.status = status;
  outcome.requestId = header('x-request-id');
  outcome.retryAfter = header('retry-after');
  outcome.body = empty ? null : parse(text);
  outcome.ok = status >= 200 && status < 300 && (empty || outcome.body !== null);
  outcome.kind = outcome.ok ? 'ok' : outcome.body === null ? 'shape' : 'http';
}

function parse(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : null;
  } catch (broken) {
    return null;
  }
}
