'use strict';
// OpenAI's client for Node, with nothing changed but the URL: what a file becomes in every format, and what is refused.

const fs = require('fs');
const OpenAI = require('openai');

const client = new OpenAI({
  apiKey: process.env.ATTUNE_KEY,
  baseURL: `${process.env.ATTUNE_URL}/v1`,
  maxRetries: 0,
});

const run = async ({ file, model }) => {
  const transcribe = (more) =>
    client.audio.transcriptions.create({ file: fs.createReadStream(file), model, ...more });
  const events = [];
  for await (const event of await transcribe({ stream: true })) events.push(event);
  const models = [];
  for await (const listed of client.models.list()) models.push(listed.id);
  const refused = await transcribe({ model: 'nothing' }).catch((error) => error);
  const stranger = await client
    .withOptions({ apiKey: 'wrong' })
    .models.list()
    .catch((error) => error);
  return {
    models,
    events,
    json: await transcribe({}),
    text: await transcribe({ response_format: 'text' }),
    srt: await transcribe({ response_format: 'srt' }),
    vtt: await transcribe({ response_format: 'vtt' }),
    verbose: await transcribe({
      response_format: 'verbose_json',
      timestamp_granularities: ['word', 'segment'],
    }),
    refused: { name: refused.constructor.name, status: refused.status, code: refused.code, param: refused.param },
    stranger: { name: stranger.constructor.name, status: stranger.status },
  };
};

run(JSON.parse(fs.readFileSync(0, 'utf8'))).then((value) => process.stdout.write(JSON.stringify({ value })));
