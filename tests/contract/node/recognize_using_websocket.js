'use strict';
const fs = require('fs');
const { run } = require('./scenario');

run((client, { file, params }) => new Promise((resolve) => {
  const outcome = { events: [] };
  const note = (...event) => outcome.events.push(event);
  const stream = client.recognizeUsingWebSocket(params);
  stream.on('open', () => stream.getTransactionId().then((id) => { outcome.transactionId = id; }));
  stream.on('data', (data) => note('data', Buffer.isBuffer(data) ? data.toString() : data));
  stream.on('listening', () => note('listening'));
  stream.on('error', (error) => note('error', error.message));
  stream.on('end', () => note('end'));
  stream.on('close', (code, reason) => {
    if (code === undefined) {
      return; // Node's own event, without a code: the stream is done, the socket is not yet
    }
    note('close', code, reason);
    resolve(outcome);
  });
  fs.createReadStream(file).pipe(stream);
}));
