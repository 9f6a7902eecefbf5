/** One recognition over WebSocket: audio goes in, words come as they are heard. */

import { bearer } from "./session.js";
import { address, ask } from "./service.js";

const MOST_BUFFERED_BYTES = 256 * 1024;
const PIECE_BYTES = 32 * 1024;
const PAUSE_MS = 40;

/**
 * Open a recognition; `query` names the model, `contentType` the audio (empty: the service finds out).
 *
 * `told({finals, interim, error, over})` is called with all that is known whenever something is new; a final is
 * `{text, confidence}`. Returns `{send, stop, close}`; `send` resolves when there is room for more.
 */
export async function recognition(query, contentType, told) {
  const url = address("recognize", { ...query, access_token: await bearer() });
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url);
  const state = { finals: [], interim: "", error: "", over: false };
  const say = (news) => told(Object.assign(state, news));
  socket.binaryType = "arraybuffer";
  const opened = new Promise((done, failed) => {
    socket.onopen = done;
    socket.onerror = failed;
  });
  let begun = false;
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.error) say({ error: message.error });
    if (message.state === "listening") {
      if (begun) finish();
      begun = true;
    }
    for (const result of message.results ?? []) {
      const { transcript, confidence } = result.alternatives[0];
      if (result.final) {
        state.finals = [...state.finals, { text: transcript.trim(), confidence }];
        say({ interim: "" });
      } else say({ interim: transcript.trim() });
    }
  };
  const finish = () => {
    if (!state.over) say({ over: true, interim: "" });
    socket.close(1000);
  };
  socket.onclose = () => {
    if (!state.over) say({ over: true, error: state.error || "The service ended the connection. Try again in a moment." });
  };
  try {
    await opened;
  } catch {
    socket.onclose = null;
    throw new Error(await whyRefused(query));
  }
  socket.send(
    JSON.stringify({
      action: "start",
      interim_results: true,
      word_confidence: false,
      inactivity_timeout: -1,
      ...(contentType ? { "content-type": contentType } : {}),
    }),
  );
  const roomy = async () => {
    while (socket.bufferedAmount > MOST_BUFFERED_BYTES && socket.readyState === WebSocket.OPEN) {
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  };
  const send = async (bytes) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(bytes);
    await roomy();
  };
  return {
    send,
    stop: () => socket.readyState === WebSocket.OPEN && socket.send('{"action": "stop"}'),
    close: () => finish(),
    get open() {
      return socket.readyState === WebSocket.OPEN && !state.over;
    },
  };
}

/** Send a file in pieces to several recognitions at once, each as fast as it takes them. */
export async function sendFile(file, recognitions) {
  await Promise.all(
    recognitions.map(async (one) => {
      for (let at = 0; at < file.size && one.open; at += PIECE_BYTES) {
        await one.send(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
      }
      one.stop();
    }),
  );
}

/** A browser does not tell why a WebSocket was refused; the same request without audio does. */
async function whyRefused(query) {
  try {
    await ask("POST", "recognize", { query, body: new Uint8Array(0), type: "audio/wav" });
  } catch (error) {
    if (error.status !== 400 || !/bytes|audio/i.test(error.message)) return error.message;
  }
  return "The service did not open a connection: it may be busy, or something between refuses WebSockets.";
}
