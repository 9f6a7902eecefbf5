'use strict';
// A client that is told of its job at a URL of its own.
const fs = require('fs');
const http = require('http');
const { run } = require('./scenario');

function listen(told) {
  const server = http.createServer(async (request, response) => {
    const challenge = new URL(request.url, 'http://localhost').searchParams.get('challenge_string');
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }
    if (request.method === 'POST') {
      told.push({ body, signature: request.headers['x-callback-signature'] });
    }
    response.setHeader('Content-Type', 'text/plain');
    response.end(challenge || '');
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}

run(async (client, { file, params, userSecret }) => {
  const told = [];
  const callbackUrl = `http://127.0.0.1:${await listen(told)}/results`;
  const { status: registered, result: registration } = await client.registerCallback({ callbackUrl, userSecret });
  const { status: again } = await client.registerCallback({ callbackUrl });
  const { status: created, result: made } = await client.createJob({
    audio: fs.createReadStream(file),
    callbackUrl,
    events: 'recognitions.started,recognitions.completed_with_results',
    userToken: 'job 25',
    ...params,
  });
  while (told.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { result: job } = await client.checkJob({ id: made.id });
  const { result: { recognitions } } = await client.checkJobs();
  const { status: deleted } = await client.deleteJob({ id: made.id });
  const { status: unregistered } = await client.unregisterCallback({ callbackUrl });
  const refused = await client.createJob({ audio: fs.createReadStream(file), callbackUrl, ...params })
    .catch(({ code, message }) => ({ code, message }));
  return {
    callbackUrl, registered, registration, again, created, made, told, job, deleted, unregistered, refused,
    entry: recognitions.find(({ id }) => id === made.id),
  };
});
