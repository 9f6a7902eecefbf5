'use strict';
const { run } = require('./scenario');

run(async (client) => (await client.listModels()).result.models.map((model) => model.name));
