/** Files on their way to the service: some at once, tried again for as long as it does not answer. */

import { bearer } from "./session.js";
import { Unreachable, address, ask, encoded, refusal } from "./service.js";

const AT_ONCE = 3;
/** What is larger does not fit the 6 MB of AWS Lambda, and goes to the store by an upload. */
const MOST_BYTES = 4_000_000;
/** The bytes are there already: an earlier try has arrived, and only its answer was lost. */
const THERE = 412;
const LONGEST_PAUSE_S = 30;

/** States: waiting → sending → sent, or refused; `pausing` while the service does not answer. */
export class Uploads {
  /** `target(entry)` gives path and content type. */
  constructor(target) {
    this.entries = [];
    this._target = target;
    this._changed = () => {};
    this._finished = () => {};
    this._sending = 0;
    this._requests = new Set();
    this._stopped = false;
  }

  /** Call `changed` when anything has moved, and `finished` when nothing is open any more; returns a way to end that. */
  tell(changed, finished) {
    this._changed = changed;
    this._finished = finished;
    return () => this.tell(() => {}, () => {});
  }

  add(entries) {
    for (const { name, file } of entries) {
      this.entries.push({ name, file, state: "waiting", sent: 0, tries: 0, message: "" });
    }
    this._fill();
  }

  /** Try one that was refused once more. */
  again(entry) {
    Object.assign(entry, { state: "waiting", sent: 0, tries: 0, message: "" });
    this._fill();
  }

  /** Give up what is not there yet. */
  stop() {
    this._stopped = true;
    for (const request of this._requests) request.abort();
    this.entries = this.entries.filter((entry) => entry.state === "sent");
    this._changed();
  }

  get open() {
    return this.entries.filter((entry) => !["sent", "refused"].includes(entry.state));
  }

  /** Forget those that have arrived. */
  clear() {
    this.entries = this.entries.filter((entry) => entry.state !== "sent");
    this._changed();
  }

  _fill() {
    this._stopped = false;
    while (this._sending < AT_ONCE) {
      const next = this.entries.find((entry) => entry.state === "waiting");
      if (!next) break;
      this._sending += 1;
      next.state = "sending";
      this._deliver(next).finally(() => {
        this._sending -= 1;
        this._fill();
        if (!this.open.length) this._finished();
      });
    }
    this._changed();
  }

  async _deliver(entry) {
    while (!this._stopped) {
      try {
        entry.tries += 1;
        await this._send(entry);
        Object.assign(entry, { state: "sent", message: "" });
        return;
      } catch (error) {
        if (this._stopped) return;
        if (entry.tries > 1 && wasTaken(error)) {
          Object.assign(entry, { state: "sent", message: "" });
          return;
        }
        if (!passes(error)) {
          Object.assign(entry, { state: "refused", message: error.message });
          return;
        }
        const pause_s = error.retryAfter_s ?? Math.min(LONGEST_PAUSE_S, 2 ** Math.min(entry.tries - 1, 5));
        Object.assign(entry, { state: "pausing", sent: 0, message: `${error.message} It is sent again by itself.` });
        this._changed();
        await pause(pause_s);
        entry.state = "sending";
      } finally {
        this._changed();
      }
    }
  }

  async _send(entry) {
    const { path, type, query } = this._target(entry);
    const token = await bearer().catch(() => {
      throw new Unreachable();
    });
    const headers = { Authorization: `Bearer ${token}` };
    if (type) headers["Content-Type"] = type;
    // A page that did not come by TLS, or from this machine, is not given checksums by its browser.
    if (entry.file.size <= MOST_BYTES || !globalThis.crypto?.subtle) {
      await this._request(entry, "POST", address(path, query), headers, entry.file);
      return;
    }
    const upload = await this._stored(entry, type);
    await this._request(entry, "POST", address(path, { ...query, upload }), headers, null);
    ask("DELETE", `uploads/${encoded(upload)}`).catch(() => {}); // it goes by itself, too
  }

  /** Send a file to the service's store; returns the upload's id. */
  async _stored(entry, type) {
    entry.sha256 ??= hexadecimal(await crypto.subtle.digest("SHA-256", await entry.file.arrayBuffer()));
    const json = { bytes: entry.file.size, sha256: entry.sha256, content_type: type || undefined };
    const { upload_id: upload, method, url, headers } = await ask("POST", "uploads", { json });
    await this._request(entry, method, url, headers, entry.file).catch((error) => {
      if (error.status !== THERE) throw error;
    });
    return upload;
  }

  _request(entry, method, url, headers, body) {
    return new Promise((done, failed) => {
      const request = new XMLHttpRequest();
      this._requests.add(request);
      request.open(method, url);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => {
        entry.sent = event.loaded;
        entry.state = "sending";
        this._changed();
      };
      request.onload = () =>
        request.status < 300
          ? done(request.responseText)
          : failed(refusal(request.status, request.responseText, request.getResponseHeader("Retry-After")));
      request.onerror = () => failed(new Unreachable());
      request.onabort = () => failed(new Unreachable());
      request.onloadend = () => this._requests.delete(request);
      request.send(body);
    });
  }
}

const hexadecimal = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** The service will take it later: it does not answer, or has too much to do. */
const passes = (error) => error instanceof Unreachable || [429, 502, 503, 504].includes(error.status);

/** An earlier try has arrived, and only its answer was lost. */
const wasTaken = (error) =>
  (error.status === 400 && / already exists\. If you want to overwrite/.test(error.message)) ||
  (error.status === 409 && /^Audio '|^Corpus '/i.test(error.message));

/** Wait, but not when the network is back. */
function pause(seconds) {
  return new Promise((done) => {
    const over = () => {
      clearTimeout(timer);
      removeEventListener("online", over);
      done();
    };
    const timer = setTimeout(over, 1000 * seconds);
    addEventListener("online", over);
  });
}
