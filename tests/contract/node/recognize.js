'use strict';
const fs = require('fs');
const { run } = require('./scenario');

run(async (client, { file, params }) => {
  const answer = await client.recognize({ audio: fs.createReadStream(file), ...params });
  return { status: answer.status, result: answer.result };
});
