'use strict';
// Watson's documented session with a client that knows nothing of Watson; the second request has no `start`.
const fs = require('fs');
const WebSocket = require('ws');
const { run } = require('./scenario');

run((client, { file }) => new Promise((resolve, reject) => {
  const audio = fs.readFileSync(file);
  const start = { action: 'start', 'content-type': 'audio/l16;rate=22050' };
  const stop = { action: 'stop' };
  const messages = [];
  const key = Buffer.from(`apikey:${process.env.ATTUNE_KEY}`).toString('base64');
  const url = `${process.env.ATTUNE_URL.replace(/^http/, 'ws')}/v1/recognize`;
  const socket = new WebSocket(url, { headers: { Authorization: `Basic ${key}` } });
  socket.onopen = () => {
    for (const message of [start, audio, stop, audio, stop, { ...start, interim_results: true }, audio, stop]) {
      socket.send(message === audio ? audio : JSON.stringify(message));
    }
  };
  socket.onmessage = ({ data }) => {
    messages.push(JSON.parse(data));
    if (messages.filter(({ state }) => state === 'listening').length === 5) {
      socket.close();
    }
  };
  socket.onerror = reject;
  socket.onclose = ({ code }) => resolve({ messages, code });
}));
