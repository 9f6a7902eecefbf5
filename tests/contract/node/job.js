'use strict';
const fs = require('fs');
const { run } = require('./scenario');

run(async (client, { file, params }) => {
  const { result: made } = await client.createJob({ audio: fs.createReadStream(file), ...params });
  let job = made;
  while (job.status === 'waiting' || job.status === 'processing') {
    await new Promise((resolve) => setTimeout(resolve, 100));
    job = (await client.checkJob({ id: made.id })).result;
  }
  const { result: all } = await client.checkJobs();
  const { status: deleted } = await client.deleteJob({ id: made.id });
  return { made, job, listed: all.recognitions.map(({ id }) => id), deleted };
});
