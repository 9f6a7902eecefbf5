/** The service's API: one call, its answer, and errors whose message is for the user. */

import { ROOT, bearer, revoked } from "./session.js";

/** The service refused a call; `status` is HTTP's. */
export class Refused extends Error {
  constructor(status, message, retryAfter_s = null) {
    super(message);
    this.status = status;
    this.retryAfter_s = retryAfter_s;
  }
}

/** The service could not be reached: it may be back in a moment. */
export class Unreachable extends Error {
  constructor() {
    super("The service does not answer. It may be starting, or the network is down.");
  }
}

/** Return the address of a path below `/v1`, whose parts are encoded already. */
export function address(path, query = {}) {
  const url = new URL(`v1/${path}`, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/** Ask the service; returns the JSON of its answer. */
export async function ask(method, path, { query, json, body, type, signal } = {}) {
  return (await send(method, path, { query, json, body, type, signal })).json();
}

/** Fetch what is no JSON, such as a recording or a picture. */
export async function fetched(path) {
  return (await send("GET", path, {})).blob();
}

async function send(method, path, { query, json, body, type, signal }) {
  const headers = { Authorization: `Bearer ${await bearer()}` };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  else if (type) headers["Content-Type"] = type;
  let answer;
  try {
    answer = await fetch(address(path, query), {
      method,
      headers,
      signal,
      credentials: "omit",
      body: json === undefined ? body : JSON.stringify(json),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable();
  }
  if (answer.ok) return answer;
  throw refusal(answer.status, await answer.text(), answer.headers.get("Retry-After"));
}

/** Return the error that an answer tells of; a key that is not taken any more ends the session. */
export function refusal(status, text, retryAfter = null) {
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // Not the service's own words: something between it and this page.
  }
  // Of the service itself 401 means an unknown model; of the platform, whose shape has a trace, a wrong key.
  if (status === 401 && told.trace) revoked();
  const seconds = Number.parseFloat(retryAfter);
  return new Refused(
    status,
    told.error ?? `The service answered with the error ${status}.`,
    Number.isFinite(seconds) ? seconds : null,
  );
}

export const encoded = encodeURIComponent;
