'use strict';
const { run } = require('./scenario');

run(async (client, { id }) => (await client.checkJob({ id })).result);
